"""The seconds that a server asks to wait."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movierec.datasets.retry import retry_after

deterministic = settings(derandomize=True, deadline=None, max_examples=200, database=None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("0", 0), ("12", 12), (" 12 ", 12), ("", 0), ("soon", 0), ("-5", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_retry_after_holds_seconds_or_a_date(header: str, seconds: float) -> None:
    assert retry_after(header) == seconds


@deterministic
@given(
    st.text()
    | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} (Oct|Feb) [0-9]{1,6} [0-9]{2}:[0-9]{2}:[0-9]{2} [-+A-Z0-9]{3,5}")
)
def test_any_retry_after_is_a_number_of_seconds(header: str) -> None:
    assert retry_after(header) >= 0


def test_a_date_to_come_is_the_seconds_until_then() -> None:
    until = datetime.now(UTC) + timedelta(hours=2)
    assert 7000 < retry_after(format_datetime(until, usegmt=True)) <= 7200
