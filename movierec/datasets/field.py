"""Turn the values of a JSON answer into texts for a csv file; a value of another type becomes an empty text."""

import json
from typing import Any

SEPARATOR = "|"  # between names, which may hold commas


def load_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object; empty if the bytes are something else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):  # not JSON, or not UTF-8
        return {}
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str:
    """Return a text as one line of valid UTF-8."""
    if not isinstance(value, str):
        return ""
    return " ".join(value.encode("utf-8", "replace").decode().split())  # JSON can hold halves of surrogate pairs


def number(value: Any) -> str:
    """Write a number."""
    return str(value) if type(value) in {int, float} else ""


def names(found: Any, limit: int | None = None) -> str:
    """Join the names of a list of objects, in their order."""
    listed = [text(item.get("name")).replace(SEPARATOR, "/") for item in found or ()]
    return SEPARATOR.join([name for name in listed if name][:limit])
