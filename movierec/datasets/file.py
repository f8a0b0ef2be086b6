"""A file: whether it is there, and the hash of its bytes."""

import hashlib
from pathlib import Path


def is_absent(path: Path) -> bool:
    """Say whether nothing is there; what may not be looked at counts as there, and its reader says why it cannot."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def sha256(path: Path) -> str:
    """Hash a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
