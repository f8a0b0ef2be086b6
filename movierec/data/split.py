"""Which ratings train the network, which choose the best epoch, and which measure it."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from movierec.errors import ConfigError

LARGEST_SEED = 2**32 - 1  # that NumPy takes
Way = Literal["random", "time", "u1", "u2", "u3", "u4", "u5", "ua", "ub"]  # to split; those of ml-100k are published


class Split(NamedTuple):
    """Positions of the ratings of each part, int64; together they hold each rating once."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


def random_split(num_ratings: int, fractions: Sequence[float], seed: int) -> Split:
    """Shuffle the ratings, then cut.

    The shuffle is pandas' `sample(frac=1, random_state=seed)`, which the published notebook used.

    Args:
        num_ratings: How many ratings there are.
        fractions: Share of the training, validation and test ratings; they add up to 1.
        seed: Decides the order; the same seed gives the same parts.

    Raises:
        ConfigError: The fractions do not add up to 1, or a part would be empty.
    """
    order = pd.Series(np.arange(num_ratings)).sample(frac=1, random_state=seed).to_numpy()
    return cut(order, fractions)


def time_split(timestamps: np.ndarray, fractions: Sequence[float]) -> Split:
    """Sort the ratings by time, then cut: the oldest train, the newest test.

    Args:
        timestamps: When each rating was given, [num_ratings] int64, seconds since 1970, UTC.
        fractions: Share of the training, validation and test ratings; they add up to 1.

    Raises:
        ConfigError: All times are equal, the fractions do not add up to 1, or a part would be empty.
    """
    if timestamps.min() == timestamps.max():
        raise ConfigError(
            "Expected ratings of different times for `split: time`; all have the same one. Use `split: random`."
        )
    return cut(np.argsort(timestamps, kind="stable"), fractions)


def published_split(is_test: np.ndarray, fractions: Sequence[float], seed: int) -> Split:
    """Test on the ratings that the release's publisher chose, and shuffle and cut the others.

    Args:
        is_test: Whether each rating is a test rating, [num_ratings].
        fractions: Share of the training, validation and test ratings; that of the validation ratings among the first
            two counts.
        seed: Decides which ratings validate.

    Raises:
        ConfigError: The fractions do not add up to 1, or a part would be empty.
    """
    check_fractions(fractions)
    first, second, _ = fractions
    order = np.random.default_rng(seed).permutation(np.flatnonzero(~is_test))
    end = boundary(len(order), first / (first + second)) if first else 0
    return check_parts(Split(order[:end], order[end:], np.flatnonzero(is_test)), fractions)


def cut(order: np.ndarray, fractions: Sequence[float]) -> Split:
    """Cut an order of the ratings into consecutive parts.

    Raises:
        ConfigError: The fractions do not add up to 1, or a part would be empty.
    """
    check_fractions(fractions)
    first, second, _ = fractions
    ends = [boundary(len(order), share) for share in (first, first + second)]
    return check_parts(Split(*np.split(order, ends)), fractions)


def boundary(num_ratings: int, share: float) -> int:
    """Find where a share of the ratings ends: at the whole number below."""
    # .7 + .2 is .8999999999999999: of 1,000 ratings it means 900.
    return math.floor(round(num_ratings * share, 6))


def check_fractions(fractions: Sequence[float]) -> None:
    """Refuse fractions that do not add up to 1."""
    if min(fractions) < 0 or not math.isclose(sum(fractions), 1):
        raise ConfigError(f"Expected fractions that add up to 1, got {', '.join(map(str, fractions))}.")


def check_parts(split: Split, fractions: Sequence[float]) -> Split:
    """Refuse a split that has an empty part."""
    for name, part in split._asdict().items():
        if not len(part):
            raise ConfigError(
                f"Expected ratings in each part; the {name} part of {sum(map(len, split))} ratings is empty with "
                f"fractions {', '.join(map(str, fractions))}. Enlarge its fraction, or train on more ratings."
            )
    return split


def folds(num_rows: int, num_folds: int, seed: int) -> np.ndarray:
    """Deal the training rows into folds of equal size (give or take one) at random.

    Returns:
        The fold of each row, [num_rows] int64.
    """
    return np.random.default_rng(seed).permutation(np.arange(num_rows) % num_folds)
