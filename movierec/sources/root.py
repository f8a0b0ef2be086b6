"""The data root: where it is, and whether a file is there and which."""

import hashlib
import os
from pathlib import Path


def default_root() -> Path:
    """Return the data root that the environment variable MOVIEREC_DATA names, else `data`."""
    return Path(os.environ.get("MOVIEREC_DATA") or "data")


def sha256(path: Path) -> str:
    """Hash a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_absent(path: Path) -> bool:
    """Say whether nothing is there; what may not be looked at counts as there, and its reader says why it cannot."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
