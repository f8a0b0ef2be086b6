"""Decide which of several models is better. `compare`, `crossval` and the report use this one criterion.

A difference is shown if its 95 % bootstrap interval leaves out 0, and if a permutation test by user agrees after Holm's
correction for the number of comparisons.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from movierec.metrics.bootstrap import DRAWS, LEVEL, Interval, compare_errors, compare_scores, squares_by_user
from movierec.metrics.registry import LIST_METRICS, METRICS, Metric
from movierec.metrics.test_rows import PredictedRows

ERROR, FOUND = METRICS["rmse_stars"], LIST_METRICS["ndcg@10"]


class Comparison(NamedTuple):
    """The difference of two models on the same test ratings.

    Attributes:
        one: Name of the first model.
        other: Name of the second model.
        metric: What is compared.
        difference: Of the first less the second.
        p: How often a permutation test finds so large a difference between models that are alike.
    """

    one: str
    other: str
    metric: Metric
    difference: Interval
    p: float

    @property
    def is_clear(self) -> bool:
        """Whether a difference is shown."""
        return self.difference.is_clear and self.p < 1 - LEVEL

    def __str__(self) -> str:
        """Say which one is better and by how much, or that no difference is shown."""
        found, unit = self.difference, "stars" if self.metric.scale == "stars" else self.metric.label
        if not self.is_clear:
            span = f"({found.low:+.3f} to {found.high:+.3f} {unit})"
            return f"{self.one} and {self.other}: no difference shown {span}"
        first_is_better = (found.value < 0) == (self.metric.direction == "min")
        better, worse = (self.one, self.other) if first_is_better else (self.other, self.one)
        least, most = sorted((abs(found.low), abs(found.high)))
        return f"{better} is better than {worse} by {abs(found.value):.3f} {unit} ({least:.3f} to {most:.3f})"


def compare_ratings(pairs: Iterable[tuple[str, str]], rows: Mapping[str, Sequence[PredictedRows]]) -> list[Comparison]:
    """Compare the RMSE of pairs of models in stars, on the same test rows; the runs of each differ in their seed."""
    found = []
    for one, other in pairs:
        sums = squares_by_user([*rows[one], *rows[other]])[:, 1:]
        size = len(rows[one])
        differences = sums[:, :size].mean(axis=1) - sums[:, size:].mean(axis=1)
        interval = compare_errors(rows[one], rows[other])
        found.append(Comparison(one, other, ERROR, interval, permutation_p(differences)))
    return correct(found)


def compare_lists(pairs: Iterable[tuple[str, str]], scores: Mapping[str, np.ndarray]) -> list[Comparison]:
    """Compare the NDCG@10 of the lists of pairs of models, by the score of each user, the same users in all."""
    return correct(
        Comparison(
            one,
            other,
            FOUND,
            compare_scores(scores[one], scores[other]),
            permutation_p(scores[one] - scores[other]),
        )
        for one, other in pairs
    )


def permutation_p(differences: np.ndarray) -> float:
    """Test whether two models are alike, by exchanging their names for users at random.

    As the sum of both models' squared errors stays the same, the test of the difference of these sums is that of the
    difference of RMSE. Source: R. A. Fisher, "The Design of Experiments", 1935.
    """
    rng, size = np.random.default_rng(0), len(differences)
    observed = abs(differences.sum()) * (1 - 1e-12)  # rounding must not break ties
    drawn = (abs((rng.integers(0, 2, size) * 2 - 1) @ differences) for _ in range(DRAWS))
    return (1 + sum(bool(value >= observed) for value in drawn)) / (1 + DRAWS)


def correct(found: Iterable[Comparison]) -> list[Comparison]:
    """Correct the p-values of several comparisons by Holm's method."""
    comparisons = list(found)
    adjusted = holm([one.p for one in comparisons])
    return [one._replace(p=p) for one, p in zip(comparisons, adjusted, strict=True)]


def holm(p: Sequence[float]) -> list[float]:
    """Adjust p-values so that a false one among all of them is as rare as among one.

    Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979.
    """
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(np.sort(p) * (len(p) - np.arange(len(p))))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(raised, 1)
    return [float(value) for value in adjusted]


@cache
def read_rows(runs: tuple[Path, ...]) -> list[PredictedRows] | None:
    """Read the test rows of runs; None if they differ or one run has none."""
    rows = [PredictedRows.read(run) for run in runs]
    known = [run for run in rows if run is not None]
    return known if len(known) == len(rows) and all(run.same_rows(known[0]) for run in known) else None


def test_set_of(data: Mapping[str, Any]) -> str | None:
    """Identify the test ratings by what metrics.json says of the data; None if it is not recorded."""
    hashed = data.get("row_sets", {}).get("test")
    cut = data.get("options", {}).get("whole_stars")
    return f"{hashed}, half stars cut off" if hashed and cut else hashed  # the hash is of users and films
