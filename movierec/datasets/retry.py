"""How long a server asks to be left alone before the next request."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 600.0  # seconds; a server that asks for more is left alone until the next run


def retry_after(header: str) -> float:
    """Read the seconds to wait from a Retry-After header, which holds seconds or a date; 0 if it holds neither."""
    if re.fullmatch(r"[0-9]{1,9}", header.strip()):
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
