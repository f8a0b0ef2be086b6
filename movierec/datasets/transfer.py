"""Download a file over HTTP, with retries that resume where the connection broke."""

from pathlib import Path
from typing import Any

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
        pause = f", and asks for a pause of {wait / 60:,.0f} minutes" if wait > LONGEST_WAIT else ""
        super().__init__(reason + pause)
        self.wait = wait


def get_file(url: str, target: Path, meter: Meter) -> None:
    """Download a file to a path where none is; a partial download stays there on an error."""

    def announce(state: RetryCallState) -> None:
        meter.say(f"{reason_of(error_of(state))}; again in {state.upcoming_sleep:.3g} s")

    try:
        with httpx.Client(timeout=TIMEOUT, headers=HEADERS, follow_redirects=True) as client:
            Retrying(**retry_options(), before_sleep=announce)(get_rest, client, url, target, meter)
    except (httpx.HTTPError, httpx.InvalidURL, AttemptError) as error:
        times = f" in {ATTEMPTS} attempts" if may_pass(error) else ""
        raise DownloadError(f"{url} could not be downloaded{times}: {reason_of(error)}. {OTHER_WAYS}") from error
    except (ImportError, ValueError) as error:  # httpx's, of a proxy of a kind that it does not know
        raise DownloadError(f"{url} could not be downloaded: {error}. Change the variables of the proxy.") from error


def get_rest(client: httpx.Client, url: str, target: Path, meter: Meter) -> None:
    """Download what an earlier attempt has not; the whole file if the server cannot resume."""
    done = target.stat().st_size if target.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with client.stream("GET", url, headers=headers) as response:
        check_status(response)
        done = done if response.status_code == httpx.codes.PARTIAL_CONTENT else 0
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else None
        with target.open("ab" if done else "wb") as file:
            for chunk in response.iter_raw():  # a chunk size would hold bytes back, and lose them
                file.write(chunk)
                done += len(chunk)
                meter.show(done, total)


def check_status(response: httpx.Response) -> None:
    """Refuse an answer that is not the file."""
    status = f"{response.url} answered {response.status_code} {response.reason_phrase}".rstrip()
    if response.status_code in BUSY or response.is_server_error:
        raise AttemptError(status, retry_after(response))
    if not response.is_success:
        raise DownloadError(f"{status}. Check the address. {OTHER_WAYS}")


def retry_options() -> dict[str, Any]:
    """Options of tenacity: a few attempts, after pauses that grow, or as long as the server asks for."""
    backoff = wait_exponential(multiplier=BACKOFF, max=60)
    return {
        "retry": retry_if_exception(may_pass),
        "stop": stop_after_attempt(ATTEMPTS),
        "wait": lambda state: max(backoff(state), getattr(error_of(state), "wait", 0.0)),
        "reraise": True,
    }


def error_of(state: RetryCallState) -> BaseException | None:
    """Return the error of the last attempt."""
    return state.outcome.exception() if state.outcome else None


def retry_after(response: httpx.Response) -> float:
    """Read the seconds to wait from the Retry-After header; 0 if there is none."""
    header = response.headers.get("Retry-After", "")
    return float(header) if header.isdecimal() else 0.0


def may_pass(error: BaseException) -> bool:
    """Tell whether another attempt may succeed."""
    if isinstance(error, AttemptError):
        return error.wait <= LONGEST_WAIT
    is_final = isinstance(error, httpx.UnsupportedProtocol) or "CERTIFICATE_VERIFY_FAILED" in str(error)
    return isinstance(error, httpx.RequestError) and not is_final


def reason_of(error: BaseException | None) -> str:
    """Describe the reason of a failure."""
    return str(error) or type(error).__name__
