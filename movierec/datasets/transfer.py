"""Getting a file over http: retries that go on where the connection broke, and a bar or plain lines meanwhile."""

import os
import re
import ssl
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import httpx
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from movierec import __version__
from movierec.console import Console
from movierec.datasets.retry import LONGEST_WAIT, retry_after
from movierec.errors import DownloadError

ATTEMPTS = 6
BUSY = {httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS}
OTHER_WAYS = (
    "Try later, or get it from elsewhere: `data download` takes --mirror URL, and --from-zip FILE for an archive that "
    "is here already."
)


class PassingError(DownloadError):
    """A failure that another attempt may not meet: why, and the seconds that the server asks to wait."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class Meter:
    """Shows how much has come: a bar with rate and time left on a terminal, a line at each quarter elsewhere.

    Args:
        what: What is coming.
        console: Where to show it.
    """

    def __init__(self, what: str, console: Console) -> None:
        self.what, self.console = what, console
        self.done, self.quarters = 0, 0
        self.total: int | None = None
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal or console.is_dumb_terminal,
        )
        self.task = self.bar.add_task(what, total=None, visible=False)  # until the server answers

    def __enter__(self) -> Self:
        if not self.bar.disable:
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self.bar.disable:  # until rich 15, its end is an empty line even so
            self.bar.stop()

    def start(self, done: int, total: int | None) -> None:
        """Begin at a number of bytes, of a number that may be unknown."""
        self.done, self.total = done, total
        self.bar.update(self.task, completed=done, total=total, visible=True)

    def advance(self, count: int) -> None:
        """Count bytes that came."""
        self.done += count
        self.bar.update(self.task, completed=self.done)
        if self.bar.disable and self.total and 4 * self.done // self.total > self.quarters:
            self.quarters = 4 * self.done // self.total
            self.say(f"{self.what}: {decimal(self.done)} of {decimal(self.total)}")

    def say(self, text: str) -> None:
        """Print a line, above the bar if there is one."""
        self.console.print(text, soft_wrap=True)

    def say_again(self, state: RetryCallState) -> None:
        """Say that an attempt failed and when the next one begins."""
        assert state.outcome is not None
        seconds = state.upcoming_sleep
        self.say(f"{self.what}: {reason_of(state.outcome.exception())}; again in {seconds:.3g} s")


class Transfer:
    """Attempts to get one file, each from where the last one ended, where the server can do that.

    Args:
        client: What makes the requests.
        url: Where the file is.
        target: Where it goes.
        max_bytes: How large it may be.
        meter: Shows how much has come.
    """

    def __init__(self, client: httpx.Client, url: str, target: Path, max_bytes: float, meter: Meter) -> None:
        self.client, self.url, self.target, self.max_bytes, self.meter = client, url, target, max_bytes, meter
        self.validator: str | None = None  # names the version of the file that a part of has come

    def attempt(self) -> None:
        """Get the rest of the file."""
        done = self.target.stat().st_size if self.target.exists() else 0
        goes_on = bool(done and self.validator)
        headers = {"Range": f"bytes={done}-", "If-Range": self.validator or ""} if goes_on else {}
        with self.client.stream("GET", self.url, headers=headers) as response:
            self.check_status(response, done)
            start = done if response.status_code == httpx.codes.PARTIAL_CONTENT else 0
            length = response.headers.get("Content-Length", "")
            total = start + int(length) if length.isdecimal() else None
            self.check_size(total or 0)
            self.validator = validator_of(response)
            self.meter.start(start, total)
            with self.target.open("ab" if start else "wb") as file:
                for chunk in response.iter_raw():  # a chunk size would hold bytes back, and lose them
                    self.check_size(self.meter.done + len(chunk))
                    file.write(chunk)
                    self.meter.advance(len(chunk))

    def check_status(self, response: httpx.Response, done: int) -> None:
        """Refuse an answer that is not the file, or the part of it that was asked for."""
        status = f"{response.url} answered {response.status_code} {response.reason_phrase}".rstrip()
        if response.status_code in BUSY or response.is_server_error:
            if (wait := retry_after(response.headers.get("Retry-After", ""))) > LONGEST_WAIT:
                raise DownloadError(f"{status}, and asks to be left alone for {wait / 60:,.0f} minutes. {OTHER_WAYS}")
            raise PassingError(status, wait)
        is_part = response.headers.get("Content-Range", "").startswith(f"bytes {done}-")
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE or (
            response.status_code == httpx.codes.PARTIAL_CONTENT and not is_part
        ):
            self.target.unlink(missing_ok=True)
            raise PassingError(f"{status}, with another part than was asked for")
        if response.status_code not in {httpx.codes.OK, httpx.codes.PARTIAL_CONTENT}:
            raise DownloadError(f"{status}. Check the address. {OTHER_WAYS}")
        if "text/html" in response.headers.get("Content-Type", ""):
            start = next(response.iter_bytes(1 << 12), b"")
            raise DownloadError(f"{response.url}: expected a file, got {describe_content(start)}. {OTHER_WAYS}")

    def check_size(self, size: int) -> None:
        """Refuse a file that grows beyond all that can be meant."""
        if size > self.max_bytes:
            raise DownloadError(
                f"{self.url}: expected at most {decimal(int(self.max_bytes))}, got {decimal(size)} or more. "
                "It is not the file that was meant; check the address."
            )


def get_file(
    url: str, target: Path, *, max_bytes: float, meter: Meter, timeout: float = 30.0, pause: float = 1.0
) -> None:
    """Download a file.

    Args:
        url: Where it is.
        target: Where it goes; what came stays there when an error is raised.
        max_bytes: How large it may be.
        meter: Shows how much has come.
        timeout: After how many seconds without a byte the connection counts as broken.
        pause: Seconds before the second attempt; twice as many before each further one, and more where the server
            asks for more.

    Raises:
        DownloadError: The server refuses, sends a web page, or cannot be reached in several attempts.
        OSError: The file cannot be written.
    """
    backoff = wait_exponential(multiplier=pause, max=10)
    attempts = Retrying(
        retry=retry_if_exception(may_pass),
        stop=stop_after_attempt(ATTEMPTS),
        wait=lambda state: max(backoff(state), asked_wait(state)),
        before_sleep=meter.say_again,
        reraise=True,
    )
    try:
        with open_client(url, timeout) as client:
            attempts(Transfer(client, url, target, max_bytes, meter).attempt)
    except (httpx.HTTPError, httpx.InvalidURL, PassingError) as error:
        raise DownloadError(explain(url, error)) from error


def open_client(url: str, timeout: float) -> httpx.Client:
    """Make what makes the requests.

    Raises:
        DownloadError: The proxy that the environment names is of a kind that cannot be used.
    """
    headers = {"User-Agent": f"movierec/{__version__}", "Accept-Encoding": "identity"}
    try:
        return httpx.Client(timeout=timeout, headers=headers, follow_redirects=True)
    except (ImportError, ValueError) as error:
        raise DownloadError(
            f"{url}: expected a proxy of http, or none, got the one that {proxy_variable(url)} names: {error}. "
            "Change the variable, or add the host to NO_PROXY."
        ) from error


def asked_wait(state: RetryCallState) -> float:
    """Return the seconds that the server asks to wait."""
    error = state.outcome.exception() if state.outcome else None
    return error.wait if isinstance(error, PassingError) else 0.0


def may_pass(error: BaseException) -> bool:
    """Say whether another attempt may succeed."""
    transport = isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)
    return isinstance(error, PassingError) or (transport and not is_certificate(error))


def is_certificate(error: BaseException | None) -> bool:
    """Say whether an error is about the server's certificate, at any depth."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def explain(url: str, error: Exception) -> str:
    """Say why there is no file."""
    if is_certificate(error):
        return f"{url}: the server's certificate is not valid ({reason_of(error)}): anyone may answer. {OTHER_WAYS}"
    times = f" in {ATTEMPTS} attempts" if may_pass(error) else ""
    through = f" through the proxy of {variable}" if (variable := proxy_variable(url)) else ""
    return f"{url} could not be downloaded{times}{through}: {reason_of(error)}. {OTHER_WAYS}"


def proxy_variable(url: str) -> str:
    """Name the environment variable of the proxy that leads to an address; nothing if none does."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return ""
    names = [name for kind in (parts.scheme, "all") for name in (f"{kind}_proxy", f"{kind}_proxy".upper())]
    return next((name for name in names if os.environ.get(name)), "")


def reason_of(error: BaseException | None) -> str:
    """Put the reason of a failure in a few words."""
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if is_certificate(error):
        return re.sub(r"^.*verify failed: | \(_ssl.*$", "", str(error))
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__


def validator_of(response: httpx.Response) -> str | None:
    """Return what names the version of a file, such that two with the same name are the same bytes."""
    tag = str(response.headers.get("ETag", ""))
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")


def describe_content(start: bytes) -> str:
    """Say what a file is that should be something else, from its first bytes."""
    if re.match(rb"\s*(<!doctype html|<html|<head|<\?xml|<!--)", start, flags=re.IGNORECASE):
        title = re.search(rb"<title[^>]*>\s*([^<]{1,80})", start, flags=re.IGNORECASE)
        return f"a web page, {title[1].decode(errors='replace').strip()!r}" if title else "a web page"
    return f"what begins with {start[:20]!r}" if start else "an empty file"
