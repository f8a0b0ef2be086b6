"""Request films from a film service, with a rate limit, retries and several keys."""

import asyncio
import logging
import sys
from typing import NamedTuple
from urllib.parse import quote

import httpx
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

from movierec.datasets.service import Judgement, Key, Service, Verdict
from movierec.datasets.transfer import (
    HEADERS,
    LONGEST_WAIT,
    AttemptError,
    asked_wait,
    is_certificate,
    reason_of,
    retry_after,
)
from movierec.errors import FetchError

CONNECTIONS = 20
ATTEMPTS = 5  # requests for a film before it is left
BACKOFF = 1.0  # seconds before the second attempt, doubled for each further one
TIMEOUT = 30.0  # seconds that a whole answer may take
BURST = 0.1  # seconds' worth of requests that may follow at once after a delay, so that delays do not add up


class Answer(NamedTuple):
    """An answer of a service: a film, no film or another film, with HTTP status and raw body."""

    verdict: Verdict
    status: int
    body: bytes


class QuotaError(FetchError):
    """The daily quota of all keys is used up."""


class Client:
    """A connection to a film service, used by many tasks at once.

    Args:
        service: The film service.
        keys: The keys; the next one is used when the daily quota of one is used up.
        rate: Maximum requests a second.
        base_url: Address of the service or a mirror, which receives the keys.
    """

    def __init__(self, service: Service, keys: list[Key], *, rate: float, base_url: str) -> None:
        for name in ("httpx", "httpcore"):  # log addresses, which hold keys
            logging.getLogger(name).setLevel(logging.WARNING)
        self.service, self.keys, self.url = service, keys, base_url.rstrip("/")
        self.current = 0
        self.quota: QuotaError | None = None  # of a key that is used up for today
        burst = max(1.0, rate * BURST)
        self.limiter = AsyncLimiter(burst, burst / rate)
        self.pause_until = 0.0
        backoff = wait_exponential(BACKOFF, max=60.0) + wait_random(0.0, BACKOFF)
        self.retrying = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=lambda state: max(backoff(state), asked_wait(state)),
            retry=retry_if_exception_type(AttemptError),
            reraise=True,
        )
        self.http = httpx.AsyncClient(
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=CONNECTIONS),
            headers=HEADERS | {"Accept": "application/json"},
        )

    async def ask(self, film_id: int) -> Answer:
        """Request a film until there is an answer.

        Raises:
            AttemptError: All attempts failed; the error of the last one.
            QuotaError: All keys are used up.
            FetchError: No key is valid, or the service asks for a long pause.
        """
        return await self.retrying.copy()(self.attempt, film_id)  # a copy, since it holds the state of one call

    async def attempt(self, film_id: int) -> Answer:
        """Request a film once, or again with the next key if one is used up."""
        while True:
            await self.take_turn()
            key = self.keys[self.current]
            response = await self.request(film_id, key)
            judgement = self.service.judge(film_id, response.status_code, response.content)
            if judgement.verdict in (Verdict.FILM, Verdict.MISSING, Verdict.OTHER):
                return Answer(judgement.verdict, response.status_code, response.content)
            self.give_way(judgement, key, response)

    def give_way(self, judgement: Judgement, key: Key, response: httpx.Response) -> None:
        """Switch to the next key if this one is used up; raise on any other failure."""
        reason = self.redact(judgement.reason)
        if judgement.verdict is Verdict.USED_UP:
            self.quota = QuotaError("all keys are used up")
            self.retire(key, self.quota)
        elif judgement.verdict is Verdict.REFUSED:
            refusal = f'{self.service.title} does not accept {key} ("{reason}").'
            self.retire(key, FetchError(f"{refusal} Copy it again from {self.service.key_page}."))
        else:
            wait = retry_after(response)
            if wait > LONGEST_WAIT:
                raise FetchError(
                    f"{self.service.title} asks for a pause of {wait / 60:,.0f} minutes: {reason}. "
                    "Run the same command again after that, perhaps with a lower --rate."
                )
            self.pause_until = max(self.pause_until, asyncio.get_running_loop().time() + wait)  # for all tasks
            raise AttemptError(reason, wait)

    def retire(self, key: Key, reason: FetchError) -> None:
        """Switch to the next key, unless another task has already done so.

        Raises:
            QuotaError: It was the last one, and one of the keys works again tomorrow.
            FetchError: It was the last one, and none is valid.
        """
        if key is not self.keys[self.current]:
            return
        if self.current + 1 == len(self.keys):
            raise self.quota or reason
        if reason is not self.quota:
            print(f"movierec: warning: {reason} Going on with the next key.", file=sys.stderr)
        self.current += 1

    async def take_turn(self) -> None:
        """Wait until the rate limit, and any pause that the service asked for, allow a request."""
        await self.limiter.acquire()
        while (pause := self.pause_until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(pause)
            await self.limiter.acquire()

    async def request(self, film_id: int, key: Key) -> httpx.Response:
        """Send a request and read the whole answer. Redirects are not followed, because they would pass on the key.

        Raises:
            AttemptError: The answer is incomplete or missing.
            FetchError: The address is invalid, or the server's certificate is.
        """
        question = self.service.question(film_id, key)
        try:
            async with asyncio.timeout(TIMEOUT):  # httpx has a limit for each read only
                return await self.http.get(self.url + question.path, params=question.params, headers=question.headers)
        except (TimeoutError, httpx.TimeoutException):
            raise AttemptError(f"no whole answer within {TIMEOUT:g} s") from None
        except (httpx.RequestError, httpx.InvalidURL) as error:  # its request holds the key
            reason = self.redact(reason_of(error))
            if is_certificate(error) or isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
                raise FetchError(f"{self.url} could not be asked: {reason}.") from None
            raise AttemptError(reason) from None

    def redact(self, reason: str) -> str:
        """Remove the keys and control characters from the text of an answer."""
        for key in self.keys:
            for spelling in (key.value, quote(key.value, safe="")):
                reason = reason.replace(spelling, f"[{key}]")
        return "".join(letter if letter.isprintable() else " " for letter in reason)[:200]
