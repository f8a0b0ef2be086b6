"""The data root: where it is."""

import os
from pathlib import Path


def default_root() -> Path:
    """Return the data root that the environment variable MOVIEREC_DATA names, else `data`."""
    return Path(os.environ.get("MOVIEREC_DATA") or "data")
