"""Compare two models with a paired bootstrap by user over the same test rows.

Users are drawn with replacement, each with all test rows, and both models are measured on the same draw. The training
data and the seeds stay fixed. Source: B. Efron and R. Tibshirani, "An Introduction to
the Bootstrap", 1993.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from movierec.metrics.test_rows import PredictedRows

DRAWS = 2_000
LEVEL = 0.95
Statistic = Callable[[np.ndarray], np.ndarray]  # sums over users, [..., columns], to one number each, [...]


class Interval(NamedTuple):
    """A number and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether 0 lies outside the interval, so a difference is significant."""
        return self.low > 0 or self.high < 0


def rmse_interval(runs: Sequence[PredictedRows]) -> Interval:
    """Compute the RMSE in stars, a mean over runs that differ in their seed, on the same test rows."""
    return bootstrap(squares_by_user(runs), lambda sums: np.asarray(rmse_of_runs(sums).mean(axis=-1)))


def compare_errors(one: Sequence[PredictedRows], other: Sequence[PredictedRows]) -> Interval:
    """Compute the difference of two models' RMSE, in stars, on the same test rows; below 0, the first is better."""
    size = len(one)

    def difference(sums: np.ndarray) -> np.ndarray:
        rmse = rmse_of_runs(sums)
        return np.asarray(rmse[..., :size].mean(axis=-1) - rmse[..., size:].mean(axis=-1))

    return bootstrap(squares_by_user([*one, *other]), difference)


def compare_scores(one: np.ndarray, other: np.ndarray) -> Interval:
    """Compute the mean difference of a score per user, [num_users] each; above 0, the first is better."""
    return mean_interval(np.subtract(one, other, dtype=np.float64))


def mean_interval(scores: np.ndarray) -> Interval:
    """Compute the mean of a score per user, [num_users]."""
    sums = np.stack([np.ones(len(scores)), scores], axis=-1)
    return bootstrap(sums, lambda sums: np.asarray(sums[..., 1] / sums[..., 0]))


def squares_by_user(runs: Sequence[PredictedRows]) -> np.ndarray:
    """Sum up by user: the number of rows, then each run's squared errors, [num_users, 1 + runs]."""
    _, user = np.unique(runs[0].user_id, return_inverse=True)
    squares = [np.square(np.subtract(run.prediction, run.rating, dtype=np.float64)) for run in runs]
    return np.stack([np.bincount(user), *(np.bincount(user, weights=one) for one in squares)], axis=-1)


def rmse_of_runs(sums: np.ndarray) -> np.ndarray:
    """Compute each run's RMSE from the sums of `squares_by_user`, [..., runs]."""
    return np.asarray(np.sqrt(sums[..., 1:] / sums[..., :1]))


def bootstrap(by_user: np.ndarray, statistic: Statistic) -> Interval:
    """Compute a statistic of sums over users, [num_users, columns], and its 95 % interval over draws of the users."""
    rng, size = np.random.default_rng(0), len(by_user)
    weights = (np.bincount(rng.integers(size, size=size), minlength=size) for _ in range(DRAWS))
    drawn = statistic(np.stack([weight @ by_user for weight in weights]))  # a draw at a time, as users may be many
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(statistic(by_user.sum(axis=0))), float(low), float(high))
