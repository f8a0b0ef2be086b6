"""Check that a file exists, and hash it."""

import hashlib
from pathlib import Path

from movierec.errors import MissingDataError


def require_file(path: Path, hint: str = "Check the path.") -> Path:
    """Return the path of a data file that must exist; the hint says what to do if it does not."""
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise MissingDataError(f"Expected the data file {path}, found {what}. {hint}")
    return path


def sha256(path: Path) -> str:
    """Hash a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
