"""Which ratings train the network, which choose the best epoch, and which measure it."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from movierec.errors import ConfigError

LARGEST_SEED = 2**32 - 1  # that NumPy takes
Refit = Literal["train_val", "all"]
REFIT = {"train_val": "training and validation rows", "all": "all rows"}  # what it trains on
Way = Literal["random", "time", "users", "file", "u1", "u2", "u3", "u4", "u5", "ua", "ub"]  # u1 to ub are published


class Split(NamedTuple):
    """Positions of the ratings of each part, int64; no rating is in two, except that a refit trains on more parts.

    A rating that is in none belongs to the history of a held-out user: a model may read it when it predicts that user's
    ratings, and not when it is trained.
    """

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray

    def readable(self, num_ratings: int) -> np.ndarray:
        """Find the ratings that a model may read when it predicts: those of the training part, and of none; int64."""
        is_readable = np.ones(num_ratings, dtype=bool)
        is_readable[self.val] = is_readable[self.test] = False
        is_readable[self.train] = True
        return np.flatnonzero(is_readable)


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
        fractions: Share of the training, validation and test ratings; of the ratings that are not
            tested, second / (first + second) validate.
        seed: Decides which ratings validate.

    Raises:
        ConfigError: The fractions do not add up to 1, or a part would be empty.
    """
    check_fractions(fractions)
    first, second, _ = fractions
    order = np.random.default_rng(seed).permutation(np.flatnonzero(~is_test))
    end = boundary(len(order), first / (first + second)) if first else 0
    return check_parts(Split(order[:end], order[end:], np.flatnonzero(is_test)), fractions)


def file_split(is_test: np.ndarray, is_val: np.ndarray | None, fractions: Sequence[float], seed: int) -> Split:
    """Test on given ratings, and validate on given ones or on a share of the others.

    Args:
        is_test: Whether each rating is a test rating, [num_ratings].
        is_val: Whether each is a validation rating, [num_ratings]; if None, see `published_split`.
        fractions: As in `published_split`.
        seed: As in `published_split`.

    Raises:
        ConfigError: The fractions do not add up to 1, or a part would be empty.
    """
    if is_val is None:
        return published_split(is_test, fractions, seed)
    return check_parts(Split(*map(np.flatnonzero, (~(is_val | is_test), is_val, is_test))), fractions)


def user_split(
    user: np.ndarray, fractions: Sequence[float], history_share: float, seed: int, user_offset: int = 0
) -> Split:
    """Train on some users, and validate and test on others, of whom a share of the ratings is known.

    Which of a held-out user's ratings are the history is drawn at random; they are in no part.

    Args:
        user: User of each rating, [num_ratings] int64, numbered from 0.
        fractions: Share of the training, validation and test users; they add up to 1.
        history_share: Share of a held-out user's ratings that is their history, cut at the whole number below; at
            least one rating.
        seed: Decides which users are held out, and which of their ratings are tested.
        user_offset: How many users of the drawn order come to its front, from its end, before it is cut.

    Raises:
        ConfigError: The fractions do not add up to 1, or a part would be empty.
    """
    rng = np.random.default_rng(seed)
    number = np.bincount(user)
    part = np.empty(len(number), dtype=np.int64)  # of each user
    for place, users in enumerate(divide(np.roll(rng.permutation(len(number)), user_offset), fractions)):
        part[users] = place
    order = rng.permutation(len(user))
    rank = np.empty_like(order)  # of each rating among those of its user, in an order of chance
    rank[order] = pd.Series(order).groupby(user[order]).cumcount()
    is_known = rank < np.maximum(np.floor(np.round(number * history_share, 6)), 1)[user]
    train, *held_out = (part[user] == place for place in range(3))
    return check_parts(Split(*map(np.flatnonzero, (train, *(rows & ~is_known for rows in held_out)))), fractions)


def extend(split: Split, refit: Refit, user: np.ndarray) -> Split:
    """Add to the training ratings those that a refit trains on; validation and test stay as they are.

    Args:
        split: The parts of the ratings.
        refit: `train_val`: all but the test ratings, and the histories of held-out users who are tested. `all`: all.
        user: User of each rating, [num_ratings] int64.
    """
    is_trained = np.ones(len(user), dtype=bool)
    if refit == "train_val":
        histories = np.setdiff1d(split.readable(len(user)), split.train)
        is_trained[histories] = ~np.isin(user[histories], user[split.test])
        is_trained[split.test] = False
    return split._replace(train=np.flatnonzero(is_trained))


def thin(split: Split, share: float, seed: int, num_ratings: int) -> tuple[Split, np.ndarray]:
    """Leave training ratings out at random, so that those of a smaller share are among those of a larger one.

    Returns:
        The split of the ratings that are left, and the positions of these among all, ascending int64.

    Raises:
        ConfigError: No training rating is left.
    """
    order = np.random.default_rng(seed).permutation(split.train)
    is_kept = np.ones(num_ratings, dtype=bool)
    is_kept[order[boundary(len(order), share) :]] = False
    if not is_kept[split.train].any():
        raise ConfigError(f"Expected a share of {len(order):,} training ratings that leaves one, got {share}.")
    place = np.cumsum(is_kept) - 1
    return Split(*(place[part[is_kept[part]]] for part in split)), np.flatnonzero(is_kept)


def cut(order: np.ndarray, fractions: Sequence[float]) -> Split:
    """Cut an order of the ratings into consecutive parts.

    Raises:
        ConfigError: The fractions do not add up to 1, or a part would be empty.
    """
    return check_parts(Split(*divide(order, fractions)), fractions)


def divide(order: np.ndarray, fractions: Sequence[float]) -> list[np.ndarray]:
    """Divide an order into consecutive parts, which may be empty."""
    check_fractions(fractions)
    first, second, _ = fractions
    return np.split(order, [boundary(len(order), share) for share in (first, first + second)])


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
