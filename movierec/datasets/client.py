"""Request films from a film service, with a rate limit, retries and several keys."""

import logging
import sys
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

import httpx
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying

from movierec.console import printable
from movierec.datasets.field import load_object
from movierec.datasets.service import Service, Verdict
from movierec.datasets.transfer import HEADERS, TIMEOUT, AttemptError, may_pass, reason_of, retry_after, retry_options
from movierec.errors import FetchError

CONNECTIONS = 20
BURST = 0.1  # seconds' worth of requests that may follow at once after a delay, so that delays do not add up
LONGEST_REASON = 200  # characters of an error message


class Answer(NamedTuple):
    """An answer of a service: whether it is a film, the HTTP status and the raw body."""

    verdict: Verdict
    status: int
    body: bytes


class Client:
    """A connection to a film service, used by many tasks at once.

    Args:
        service: The film service.
        keys: The keys by name; the next one is used when the daily quota of one is used up.
        rate: Maximum requests a second.
        base_url: Address of the service or a mirror, which receives the keys.
    """

    def __init__(self, service: Service, keys: Mapping[str, str], *, rate: float, base_url: str) -> None:
        for name in ("httpx", "httpcore"):  # log addresses, which hold keys
            logging.getLogger(name).setLevel(logging.WARNING)
        self.service, self.keys, self.url = service, list(keys.items()), base_url.rstrip("/")
        self.current = 0
        self.any_used_up = False
        burst = max(1.0, rate * BURST)
        self.limiter = AsyncLimiter(burst, burst / rate)
        self.http = httpx.AsyncClient(
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=CONNECTIONS),
            headers=HEADERS | {"Accept": "application/json"},
        )

    async def ask(self, film_id: int) -> Answer:
        """Request a film until there is an answer."""
        return await AsyncRetrying(**retry_options())(self.attempt, film_id)

    async def attempt(self, film_id: int) -> Answer:
        """Request a film once, or again with the next key if one is used up."""
        while True:
            await self.limiter.acquire()
            current = self.current
            response = await self.request(film_id, self.keys[current][1])
            status, body = response.status_code, response.content
            verdict, reason = self.service.judge(film_id, status, load_object(body))
            if verdict in {Verdict.FILM, Verdict.MISSING}:
                return Answer(verdict, status, body)
            if verdict is Verdict.FAILED:
                raise AttemptError(self.redact(reason), retry_after(response))
            if current == self.current:  # else another task has switched to the next key
                self.use_next_key(verdict, self.redact(reason))

    def use_next_key(self, verdict: Verdict, reason: str) -> None:
        """Switch to the next key; it is an error if that was the last one."""
        name, _ = self.keys[self.current]
        self.any_used_up |= verdict is Verdict.USED_UP
        is_last = self.current + 1 == len(self.keys)
        if is_last and self.any_used_up:
            variables = " and ".join(self.service.variables)
            raise FetchError(
                f"The daily quota of all keys in {variables} is used up. Go on tomorrow, or add keys (with commas)."
            )
        refusal = f'{self.service.title} does not accept {name} ("{reason}"). Copy it from {self.service.key_page}.'
        if is_last:
            raise FetchError(refusal)
        if verdict is Verdict.REFUSED:
            print(f"movierec: warning: {refusal} Going on with the next key.", file=sys.stderr)
        self.current += 1

    async def request(self, film_id: int, key: str) -> httpx.Response:
        """Send a request and read the whole answer. Redirects are not followed, because they would pass on the key."""
        question = self.service.question(film_id, key)
        try:
            return await self.http.get(self.url + question.path, params=question.params, headers=question.headers)
        except (httpx.RequestError, httpx.InvalidURL) as error:  # its request holds the key
            reason = self.redact(reason_of(error))
            if may_pass(error):
                raise AttemptError(reason) from None
            raise FetchError(f"{self.url} could not be asked: {reason}.") from None

    def redact(self, reason: str) -> str:
        """Remove the keys and control characters from the text of an answer."""
        for name, key in self.keys:
            for spelling in (key, quote(key, safe="")):
                reason = reason.replace(spelling, f"[{name}]")
        return printable(reason)[:LONGEST_REASON]
