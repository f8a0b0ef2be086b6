"""Read untrusted JSON answers: any bytes become an object or None, any value becomes text for a csv file."""

import json
import math
from typing import Any

SEPARATOR = "|"  # between names, which may hold commas


def load_object(body: bytes) -> dict[str, Any] | None:
    """Read a JSON object; None if the bytes are something else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, numbers of thousands of digits; lists in lists in lists
        return None
    return value if isinstance(value, dict) else None


def get(value: Any, name: str) -> Any:
    """Return a field of an object; None if the field or the object is missing."""
    return value.get(name) if isinstance(value, dict) else None


def items(value: Any) -> list[Any]:
    """Return the items of a list; empty if the value is not a list."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """Return a text as one line of valid UTF-8; empty if the value is not a text."""
    if not isinstance(value, str):
        return ""
    valid = value.encode("utf-8", "replace").decode("utf-8")  # JSON can hold halves of surrogate pairs
    return " ".join(valid.replace("\0", " ").split())


def number(value: Any) -> str:
    """Write a number; empty if the value is not a number."""
    try:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return ""
    return str(value) if is_number else ""


def names(value: Any, limit: int | None = None) -> str:
    """Join the names of a list of objects, in their order."""
    found = (text(get(item, "name")).replace(SEPARATOR, "/") for item in items(value))
    return SEPARATOR.join([name for name in found if name][:limit])
