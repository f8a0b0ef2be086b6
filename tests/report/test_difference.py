"""Whether two configurations differ by more than their seeds do."""

import pytest

from movierec.report.difference import compare
from movierec.report.results import Measured


def measured(*errors: float) -> Measured:
    contents = tuple({"test": {"rmse_stars": error}} for error in errors)
    return Measured("any", "any", "other", sample=False, runs=(), contents=contents)


def test_the_error_of_a_difference_is_that_of_both_means() -> None:
    # Means 0.9 and 0.8; variances 0.01 and 0.04; 2 runs each: sqrt(0.005 + 0.02).
    one, other = measured(0.9 - 0.1 / 2**0.5, 0.9 + 0.1 / 2**0.5), measured(0.8 - 0.2 / 2**0.5, 0.8 + 0.2 / 2**0.5)
    found = compare(one, other)
    assert found.difference == pytest.approx(0.1)
    assert found.error == pytest.approx(0.025**0.5)
    assert found.verdict == "no clear difference"


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ((0.80, 0.81), (0.90, 0.91), "better"),
        ((0.90, 0.91), (0.80, 0.81), "worse"),
        ((0.80, 0.90), (0.81, 0.91), "no clear difference"),
        ((0.80,), (0.90, 0.91), "one seed"),
        ((0.80, 0.81), (0.90,), "one seed"),
    ],
)
def test_a_lower_error_is_better_when_it_is_beyond_two_standard_errors(
    one: tuple[float, ...], other: tuple[float, ...], verdict: str
) -> None:
    assert compare(measured(*one), measured(*other)).verdict == verdict
