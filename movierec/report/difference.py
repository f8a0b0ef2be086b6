"""Whether two configurations differ by more than their seeds do."""

import math
from dataclasses import dataclass
from statistics import fmean, stdev

from movierec.report.results import Measured

CLEAR = 2.0  # standard errors that a difference must reach before it is called one
METRIC = "rmse_stars"


@dataclass(frozen=True)
class Comparison:
    """The difference of an error, of one configuration against another.

    Attributes:
        name: The one.
        against: The other.
        difference: Mean of the one less that of the other, in stars: below zero, the one is better.
        error: Standard error of the difference over seeds; None without two seeds of each.
    """

    name: str
    against: str
    difference: float
    error: float | None

    @property
    def verdict(self) -> str:
        """Say what the difference shows: `better`, `worse`, `no clear difference`, or `one seed`."""
        if self.error is None:
            return "one seed"
        if abs(self.difference) <= CLEAR * self.error:
            return "no clear difference"
        return "better" if self.difference < 0 else "worse"


def compare(one: Measured, other: Measured, metric: str = METRIC) -> Comparison:
    """Compare an error on test rows: d = mean(one) - mean(other), with error sqrt(s1^2/n1 + s2^2/n2)."""
    values, others = one.values("test", metric), other.values("test", metric)
    error = None
    if min(len(values), len(others)) > 1:
        error = math.sqrt(stdev(values) ** 2 / len(values) + stdev(others) ** 2 / len(others))
    return Comparison(one.name, other.name, fmean(values) - fmean(others), error)
