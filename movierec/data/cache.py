"""Prepared tables, kept in a file beside the data, so that the next run need not prepare them again.

A file is named by the options and by all that its content follows from: the options, the data files, the code that
prepares and the libraries it uses. Its tensors are mapped into memory rather than read: the processes of a machine
share one copy. Its checksums are compared first, at gigabytes a second, which is less than the hash of the data files
takes that the name holds.
"""

import hashlib
import json
import logging
import uuid
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from movierec.data.batches import Batch
from movierec.data.tables import Tables
from movierec.data.tensors import UNREADABLE, read_tensors
from movierec.errors import CheckpointError

log = logging.getLogger(__name__)

FOLDER = "prepared"
PACKAGES = ("numpy", "pandas", "scikit-learn", "torch")
PREPARING = ("data", "datasets")  # the subpackages whose code decides what is in the tables

Prepared = tuple[Tables, dict[str, Batch]]


def cache_path(root: Path, described: dict[str, Any]) -> Path:
    """Name the file that holds tables.

    Args:
        root: The data root.
        described: What the tables are prepared from: `options`, and all else that decides their content.
    """
    content = [described, code_digest(), {name: version(name) for name in PACKAGES}]
    return root / FOLDER / f"{digest(described['options'])}-{digest(content)}.pt"


def digest(content: Any) -> str:
    """Hash plain data to 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def code_digest() -> str:
    """Hash the source code that prepares tables."""
    package = Path(__file__).parents[1]
    sources = sorted(path for name in PREPARING for path in (package / name).glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def load(path: Path) -> Prepared | None:
    """Map prepared tables into memory; None if there are none, or the file does not hold what `store` writes."""
    try:
        content = read_tensors(path, mmap=True)
        rows = {part: Batch(*columns) for part, columns in content["rows"].items()}
        return Tables.from_state(content["tables"]), rows
    except FileNotFoundError:
        return None
    except (*UNREADABLE, CheckpointError) as error:
        log.info("%s cannot be used and is made anew: %s", path, error)
        return None


def store(path: Path, prepared: Prepared) -> None:
    """Keep prepared tables, in place of those of the same options that other data or code had made.

    The file is written under a name of its own and then renamed, so that it is whole whenever it is there, and two
    runs that start at once do not meet. Where the folder cannot be written to, nothing is kept.
    """
    tables, rows = prepared
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    try:
        path.parent.mkdir(exist_ok=True)
        with partial.open("wb") as file:
            torch.save({"tables": tables.state(), "rows": {part: tuple(batch) for part, batch in rows.items()}}, file)
        partial.replace(path)
        for outdated in path.parent.glob(f"{path.name.split('-')[0]}-*.pt"):
            if outdated != path:
                outdated.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:  # torch reports a failed write as a RuntimeError
        log.info("Prepared tables are not kept: %s", error)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
