"""Asking a film service for films over HTTP: not too fast, again after a failure, with one key after the other."""

import asyncio
import logging
import sys
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx
from aiolimiter import AsyncLimiter
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from movierec import __version__
from movierec.datasets.retry import LONGEST_WAIT, retry_after
from movierec.datasets.service import Judgement, Key, Service, Verdict
from movierec.datasets.transfer import is_certificate, reason_of
from movierec.errors import ConfigError, FetchError

CONNECTIONS = 20
SHORTEST_KEY = 8  # letters, of OMDb's; what is shorter is no key, and may well be a word of an answer
BURST = 0.1  # seconds' worth of requests that may follow at once after a delay, so that delays do not add up


@dataclass(frozen=True)
class Answer:
    """A film as the service tells it, or that it has none or another: HTTP status, and the body as it came."""

    verdict: Verdict
    status: int
    body: bytes


class AttemptError(Exception):
    """A request without a usable answer: why, the seconds that the service asks to wait, and another film's answer."""

    def __init__(self, reason: str, wait: float = 0.0, other: Answer | None = None) -> None:
        super().__init__(reason)
        self.wait, self.other = wait, other


class QuotaError(FetchError):
    """All keys have had their requests of the day."""


class Client:
    """A connection to a film service, used by many tasks at once.

    Args:
        service: Whom to ask.
        keys: The keys, used in turn as their requests of the day are used up.
        rate: Requests a second, at most.
        base_url: The service's address, or that of a mirror; the keys are sent there.
        attempts: Requests for a film before it is left.
        backoff: Seconds before the second attempt, and as many by chance; doubled for each further one.
        timeout: Seconds that a whole answer may take.

    Raises:
        ConfigError: The address is none.
    """

    def __init__(
        self,
        service: Service,
        keys: list[Key],
        *,
        rate: float,
        base_url: str,
        attempts: int = 5,
        backoff: float = 1.0,
        timeout: float = 30.0,
    ) -> None:
        for name in ("httpx", "httpcore"):  # log addresses, which hold keys
            logging.getLogger(name).setLevel(logging.WARNING)
        self.service = service
        self.keys = keys
        self.current = 0
        self.quota: QuotaError | None = None  # of a key that is used up for today
        self.timeout = timeout
        self.url = check_url(base_url)
        burst = max(1.0, rate * BURST)
        self.limiter = AsyncLimiter(burst, burst / rate)
        self.pause_until = 0.0
        self.backoff = wait_exponential(backoff, max=60.0) + wait_random(0.0, backoff)
        self.retrying = AsyncRetrying(
            stop=stop_after_attempt(attempts),
            wait=self.wait_time,
            retry=retry_if_exception_type(AttemptError),
            reraise=True,
        )
        self.http = httpx.AsyncClient(
            timeout=timeout,
            limits=httpx.Limits(max_connections=CONNECTIONS),
            headers={"Accept": "application/json", "User-Agent": f"movierec/{__version__}"},
        )

    async def __aenter__(self) -> Self:
        """Use the client for a while."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def ask(self, film_id: int) -> Answer:
        """Ask for a film until there is an answer; that every attempt brings another film is one too.

        Raises:
            AttemptError: There was none in all attempts; of the last one.
            QuotaError: All keys are used up.
            FetchError: No key is valid, or the service asks to be left alone for long.
        """
        others: list[Answer | None] = []

        async def attempt() -> Answer:
            try:
                return await self.attempt(film_id)
            except AttemptError as error:
                others.append(error.other)
                raise

        try:
            return await self.retrying.copy()(attempt)  # a copy, since it holds the state of one call
        except AttemptError:
            if (other := others[-1]) is None or None in others:
                raise
            return other

    async def attempt(self, film_id: int) -> Answer:
        """Ask for a film once; again at once if the key turns out to be used up and there is another."""
        while True:
            await self.take_turn()
            key = self.keys[self.current]
            response = await self.request(film_id, key)
            judgement = self.service.judge(film_id, response.status_code, response.content)
            if judgement.verdict in (Verdict.FILM, Verdict.MISSING):
                return Answer(judgement.verdict, response.status_code, self.without_keys(response.content))
            self.give_way(judgement, key, response)

    def give_way(self, judgement: Judgement, key: Key, response: httpx.Response) -> None:
        """Move on to the next key if this one is used up; fail on all else that is no answer."""
        reason = self.redact(judgement.reason)
        if judgement.verdict is Verdict.USED_UP:
            self.retire(key, QuotaError("all keys are used up"))
        elif judgement.verdict is Verdict.REFUSED:
            refusal = f'{self.service.title} does not accept {key} ("{reason}").'
            self.retire(key, FetchError(f"{refusal} Copy it again from {self.service.key_page}."))
        else:
            wait = retry_after(response.headers.get("Retry-After", ""))
            if wait > LONGEST_WAIT:
                raise FetchError(
                    f"{self.service.title} asks to be left alone for {wait / 60:,.0f} minutes: {reason}. "
                    "Run the same command again after that, perhaps with a lower --rate."
                )
            if judgement.verdict is Verdict.BUSY:  # meant for all tasks
                self.pause_until = max(self.pause_until, asyncio.get_running_loop().time() + wait)
            is_other = judgement.verdict is Verdict.OTHER
            body = self.without_keys(response.content)
            other = Answer(Verdict.OTHER, response.status_code, body) if is_other else None
            raise AttemptError(reason, wait, other)

    def retire(self, key: Key, reason: FetchError) -> None:
        """Leave a key for the next one; other tasks may have done so before.

        Raises:
            QuotaError: It was the last one, and one of them is good again tomorrow.
            FetchError: It was the last one, and none is good; the reason of the last one.
        """
        if key is not self.keys[self.current]:
            return
        if isinstance(reason, QuotaError):
            self.quota = reason
        if self.current + 1 == len(self.keys):
            raise self.quota or reason
        if reason is not self.quota:
            print(f"movierec: warning: {reason} Going on with the next key.", file=sys.stderr)
        self.current += 1

    async def take_turn(self) -> None:
        """Wait until the rate allows a request, and the service has not asked for a pause."""
        await self.limiter.acquire()
        while (pause := self.pause_until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(pause)
            await self.limiter.acquire()

    async def request(self, film_id: int, key: Key) -> httpx.Response:
        """Send a request, and read the whole answer; redirects are not followed, which would take the key along.

        Raises:
            AttemptError: There was no whole answer.
            FetchError: The server cannot show that it is the service, so that it may not have the key.
        """
        question = self.service.question(film_id, key)
        try:
            async with asyncio.timeout(self.timeout):  # httpx has a limit for each read only
                return await self.http.get(self.url + question.path, params=question.params, headers=question.headers)
        except (TimeoutError, httpx.TimeoutException):
            raise AttemptError(f"no whole answer within {self.timeout:g} s") from None
        except httpx.RequestError as error:  # its request holds the key
            reason = self.redact(reason_of(error))
            if is_certificate(error):
                raise FetchError(
                    f"{self.url}: the server's certificate is not valid ({reason}): anyone may answer. See that this "
                    "machine's clock is right, and that no proxy on the way puts its own certificate in place."
                ) from None
            raise AttemptError(reason) from None

    def without_keys(self, body: bytes) -> bytes:
        """Take the keys out of an answer that repeats them, because answers are kept."""
        for key in self.keys:
            if len(key.value) >= SHORTEST_KEY:
                for spelling in spellings(key):
                    body = body.replace(spelling.encode(), str(key).encode())
        return body

    def redact(self, reason: str) -> str:
        """Take the keys, and what a terminal would obey, out of what others have written."""
        for key in self.keys:
            for spelling in spellings(key):
                reason = reason.replace(spelling, f"[{key}]")
        return "".join(letter if letter.isprintable() else " " for letter in reason)[:200]

    def wait_time(self, state: RetryCallState) -> float:
        """Return the seconds to wait before the next attempt."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait if isinstance(error, AttemptError) else 0.0
        return max(asked, self.backoff(state))


def spellings(key: Key) -> set[str]:
    """Spell a key as it is, and as it is in an address."""
    return {key.value, quote(key.value, safe="")}


def check_url(url: str) -> str:
    """Return an address without a slash at its end.

    Raises:
        ConfigError: It is no address of the web.
    """
    try:
        parsed = httpx.URL(url)
        is_good = parsed.scheme in ("http", "https") and bool(parsed.host)
    except httpx.InvalidURL:
        is_good = False
    if not is_good:
        raise ConfigError(f"Expected an address such as https://example.org as --base_url, got {url!r}.")
    return url.rstrip("/")
