"""Download a file over HTTP, with retries that resume where the connection broke."""

import re
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.request import getproxies_environment

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from movierec import __version__
from movierec.datasets.meter import Meter
from movierec.errors import DownloadError

ATTEMPTS = 6
TIMEOUT = 30.0  # seconds without a byte after which a connection counts as broken
BACKOFF = 1.0  # seconds before the second attempt, doubled before each further one
LONGEST_WAIT = 600.0  # seconds; a server that asks for more is left alone until the next run
HEADERS = {"User-Agent": f"movierec/{__version__}"}
BUSY = {httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS}
OTHER_WAYS = (
    "Try later, or get it from elsewhere: `data download` takes --mirror URL, and --from-zip FILE for an archive that "
    "is here already."
)


class AttemptError(Exception):
    """A failure that may pass on another attempt: the reason, and the seconds that the server asks to wait."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


def get_file(url: str, target: Path, meter: Meter) -> None:
    """Download a file.

    Args:
        url: Its address.
        target: Path to write to; a partial download stays there on an error.
        meter: Shows the progress.

    Raises:
        DownloadError: The server refuses, or cannot be reached in several attempts.
        OSError: The file cannot be written.
    """
    backoff = wait_exponential(multiplier=BACKOFF, max=10)
    attempts = Retrying(
        retry=retry_if_exception(may_pass),
        stop=stop_after_attempt(ATTEMPTS),
        wait=lambda state: max(backoff(state), asked_wait(state)),
        before_sleep=lambda state: meter.say(f"{failure(state)}; again in {state.upcoming_sleep:.3g} s"),
        reraise=True,
    )
    headers = HEADERS | {"Accept-Encoding": "identity"}
    try:
        with httpx.Client(timeout=TIMEOUT, headers=headers, follow_redirects=True) as client:
            attempts(Transfer(client, url, target, meter).attempt)
    except (httpx.HTTPError, httpx.InvalidURL, AttemptError) as error:
        times = f" in {ATTEMPTS} attempts" if may_pass(error) else ""
        raise DownloadError(f"{url} could not be downloaded{times}: {reason_of(error)}. {OTHER_WAYS}") from error
    except (ImportError, ValueError) as error:  # httpx's, of a proxy of a kind that it does not know
        raise DownloadError(f"{url} could not be downloaded{name_proxies()}: {error}. Change the variable.") from error


class Transfer:
    """Attempts to download one file, each resuming the last one if the server supports it."""

    def __init__(self, client: httpx.Client, url: str, target: Path, meter: Meter) -> None:
        self.client, self.url, self.target, self.meter = client, url, target, meter
        self.validator: str | None = None  # names the version of the file that a part of has come

    def attempt(self) -> None:
        """Get the rest of the file."""
        done = self.target.stat().st_size if self.target.exists() else 0
        headers = {"Range": f"bytes={done}-", "If-Range": self.validator} if done and self.validator else {}
        with self.client.stream("GET", self.url, headers=headers) as response:
            self.check_status(response, done)
            done = done if response.status_code == httpx.codes.PARTIAL_CONTENT else 0
            length = response.headers.get("Content-Length", "")
            total = done + int(length) if length.isdecimal() else None
            self.validator = validator_of(response)
            with self.target.open("ab" if done else "wb") as file:
                for chunk in response.iter_raw():  # a chunk size would hold bytes back, and lose them
                    file.write(chunk)
                    done += len(chunk)
                    self.meter.show(done, total)

    def check_status(self, response: httpx.Response, done: int) -> None:
        """Refuse an answer that is not the file or the requested part of it."""
        status = f"{response.url} answered {response.status_code} {response.reason_phrase}".rstrip()
        if response.status_code in BUSY or response.is_server_error:
            if (wait := retry_after(response)) > LONGEST_WAIT:
                raise DownloadError(f"{status}, and asks for a pause of {wait / 60:,.0f} minutes. {OTHER_WAYS}")
            raise AttemptError(status, wait)
        is_part = response.headers.get("Content-Range", "").startswith(f"bytes {done}-")
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE or (
            response.status_code == httpx.codes.PARTIAL_CONTENT and not is_part
        ):
            self.target.unlink(missing_ok=True)
            raise AttemptError(f"{status}, with another part than requested")
        if not response.is_success:
            raise DownloadError(f"{status}. Check the address. {OTHER_WAYS}")


def validator_of(response: httpx.Response) -> str | None:
    """Return a strong identifier of a file's version: equal identifiers mean equal bytes."""
    tag = str(response.headers.get("ETag", ""))
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")


def retry_after(response: httpx.Response) -> float:
    """Read the seconds to wait from the Retry-After header, which holds seconds or a date; 0 if it holds neither."""
    header = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", header):
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def failure(state: RetryCallState) -> str:
    """Say why an attempt failed."""
    return reason_of(state.outcome.exception() if state.outcome else None)


def asked_wait(state: RetryCallState) -> float:
    """Return the seconds that the server asks to wait after an attempt."""
    error = state.outcome.exception() if state.outcome else None
    return error.wait if isinstance(error, AttemptError) else 0.0


def may_pass(error: BaseException) -> bool:
    """Tell whether another attempt may succeed."""
    transport = isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)
    return isinstance(error, AttemptError) or (transport and not is_certificate(error))


def is_certificate(error: BaseException | None) -> bool:
    """Tell whether an error, or one of its causes, is about the server's certificate."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def reason_of(error: BaseException | None) -> str:
    """Describe the reason of a failure in a few words."""
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if is_certificate(error):
        reason = re.sub(r"^.*verify failed: | \(_ssl.*$", "", str(error))
        return f"the server's certificate is not valid ({reason}): anyone may answer"
    text = re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__
    return text + (name_proxies() if isinstance(error, httpx.ConnectError | httpx.ProxyError) else "")


def name_proxies() -> str:
    """Name the proxies set by the environment, one of which may not answer."""
    names = [f"{kind}_PROXY".upper() for kind in getproxies_environment() if kind != "no"]
    return f" ({', '.join(names)} is set)" if names else ""
