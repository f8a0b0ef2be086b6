"""The errors a user can mend; the command line prints their message and no traceback."""

import os


class MovierecError(Exception):
    """Any error that movierec raises on purpose: expected, got, what to do."""


def place_of(error: OSError) -> str:
    """Name the file that an error of the system is about, which some callers name in bytes; empty if none is named."""
    return os.fsdecode(error.filename) if isinstance(error.filename, str | bytes | os.PathLike) else ""


class MissingDataError(MovierecError, FileNotFoundError):
    """A data file or folder is not there."""


class DataFormatError(MovierecError, ValueError):
    """A data file does not hold what its format promises."""


class DownloadError(MovierecError, OSError):
    """A file that could not be downloaded."""


class WriteError(MovierecError, OSError):
    """Data that could not be written to their place."""


class ChecksumError(MovierecError, OSError):
    """An archive whose bytes are not those that were published."""


class ConfigError(MovierecError, ValueError):
    """Options that contradict each other, the data or the checkpoint."""


class CheckpointError(MovierecError, RuntimeError):
    """A checkpoint that is missing, damaged, foreign, or could not be written."""


class DivergenceError(MovierecError, ArithmeticError):
    """A fit whose loss or weights are no finite numbers any more."""


class UnknownIdError(MovierecError, LookupError):
    """A user or film id that the ratings do not hold, or that cannot be scored."""


class FetchError(MovierecError, ConnectionError):
    """A service that does not answer, refuses, or has answered as often as it does in a day."""


class StoreError(MovierecError, OSError):
    """A store of answers that cannot be read or written."""


class BusyError(MovierecError, RuntimeError):
    """Another process is at work on the same files."""


class WorkerError(MovierecError, RuntimeError):
    """Processes that cut batches and send none."""


class LeakageError(MovierecError, ValueError):
    """Ratings that are to be predicted and are known to what predicts them."""
