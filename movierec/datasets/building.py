"""A folder for what is not whole yet, beside its place: what goes wrong or is stopped leaves nothing half-way."""

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
    """Make a folder of its own for what is not whole yet, and remove it in the end.

    Args:
        name: What is built.
        parent: The folder to make it in; made itself if it is not there.
        megabytes: How much room it may need; 0 if that is not known.

    Raises:
        WriteError: It cannot be written: the disk is full, for instance, or the folder is of another user.
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
            f"{name} could not be written: {where}: {what or error}. Nothing half-way is left. {way}"
        ) from error


def prefix(name: str) -> str:
    """Begin the names of folders that hold something half-way."""
    return f"{name}.movierec-"


def remove_old(name: str, parent: Path) -> None:
    """Remove what processes that were killed left, a day later."""
    for folder in parent.glob(f"{prefix(name)}????????"):
        if folder.is_dir() and time.time() - folder.stat().st_mtime > OLD:
            shutil.rmtree(folder, ignore_errors=True)


def require_room(name: str, parent: Path, megabytes: float) -> None:
    """Refuse to begin what would fill the disk.

    Raises:
        WriteError: There is less room than may be needed.
    """
    free = shutil.disk_usage(parent).free
    if free < megabytes * MB:
        raise WriteError(f"{parent}: expected room for {name}, found {free / MB:,.0f} MB. {make_room(megabytes)}")


def make_room(megabytes: float) -> str:
    """Say what to do where there is no room."""
    need = f" (it needs up to {megabytes:,.0f} MB for a while)" if megabytes else ""
    return f"Make room{need}, or choose another --root."
