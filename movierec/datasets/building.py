"""Build files in a temporary folder beside their place, so that a failure leaves nothing incomplete."""

import errno
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from movierec.errors import MovierecError, WriteError

MB = 1_000_000
FULL = {errno.ENOSPC, errno.EDQUOT}
OLD = 24 * 60 * 60  # seconds after which what a killed process left is nobody's


@contextmanager
def building(name: str, parent: Path, *, megabytes: float = 0.0) -> Iterator[Path]:
    """Create a temporary folder for unfinished files, and remove it at the end.

    Args:
        name: Name of what is built, for messages.
        parent: The folder to create it in, created if needed.
        megabytes: Disk space it may need; 0 if unknown.

    Raises:
        WriteError: It cannot be written, for instance because the disk is full or the folder belongs to another user.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        remove_old(name, parent)
        require_room(name, parent, megabytes)
        with tempfile.TemporaryDirectory(prefix=prefix(name), dir=parent) as folder:
            yield Path(folder)
    except MovierecError:
        raise
    except OSError as error:
        what = "a file is in the way" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
        where = error.filename or parent
        way = make_room(megabytes) if error.errno in FULL else "Choose another --root."
        raise WriteError(
            f"{name} could not be written: {where}: {what or error}. Nothing incomplete is left. {way}"
        ) from error


def prefix(name: str) -> str:
    """Return the prefix of the names of unfinished folders."""
    return f"{name}.movierec-"


def remove_old(name: str, parent: Path) -> None:
    """Remove folders left by killed processes more than a day ago."""
    for folder in parent.glob(f"{prefix(name)}????????"):
        if folder.is_dir() and time.time() - folder.stat().st_mtime > OLD:
            shutil.rmtree(folder, ignore_errors=True)


def require_room(name: str, parent: Path, megabytes: float) -> None:
    """Refuse to start if the disk could fill up.

    Raises:
        WriteError: There is less disk space than may be needed.
    """
    free = shutil.disk_usage(parent).free
    if free < megabytes * MB:
        raise WriteError(f"{parent}: expected room for {name}, found {free / MB:,.0f} MB. {make_room(megabytes)}")


def make_room(megabytes: float) -> str:
    """Say what to do if there is no room."""
    need = f" (it needs up to {megabytes:,.0f} MB for a while)" if megabytes else ""
    return f"Make room{need}, or choose another --root."
