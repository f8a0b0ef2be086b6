"""Rating statistics of users and films, in banks, so that no row need see its own rating.

A bank is a set of ratings that statistics were computed from. A row reads the statistics of one bank:

| kind           | a training row reads                            | validation, test and recommendation read |
| -------------- | ----------------------------------------------- | ---------------------------------------- |
| cross_fit      | all training ratings but those of its own fold  | all training ratings                     |
| leave_one_out  | all training ratings but its own                | all training ratings                     |
| self_inclusive | all training ratings, its own among them        | all training ratings                     |
| per_split      | all training ratings, its own among them        | validation: the validation ratings       |
|                |                                                 | themselves; test: all training ratings   |

`cross_fit` and `leave_one_out` hide a row's own rating from it. Leave-one-out has a flaw: the mean without a rating y,
(sum - y) / (n - 1), falls as y rises, so a network that can tell films apart reads y off it. `self_inclusive` leaks
outright, and `per_split` leaks in validation too: it is what the published notebook did.

Whoever has no ratings in a bank is the average user or film of it: each of the three statistics is the mean of those of
all users (or films) that have ratings there, whether they have many or few. With `leave_one_out`, that is all others
that have training ratings. `unrated: zero` leaves 0, as the published notebook did.
"""

from typing import Literal, NamedTuple

import numpy as np

from movierec.data.split import Split, folds

Kind = Literal["cross_fit", "leave_one_out", "self_inclusive", "per_split"]
Unrated = Literal["average", "zero"]
STATISTICS = ("mean", "count", "std")


def is_statistic(name: str) -> bool:
    """Say whether a column is a statistic of the ratings, such as `movie_rating_mean`."""
    return name.endswith(tuple(f"_rating_{each}" for each in STATISTICS))


class Banks(NamedTuple):
    """Statistics of all banks, and the bank that each rating reads.

    Attributes:
        user: Mean, count and standard deviation of each user's stars, [num_banks, num_users, 3] float64.
        movie: The same of each film, [num_banks, num_movies, 3] float64.
        row: The bank that each rating reads, [num_ratings] int64.
        scoring: The bank for pairs that are in no part: all training ratings, and the histories of held-out users.
    """

    user: np.ndarray
    movie: np.ndarray
    row: np.ndarray
    scoring: int


def sums(index: np.ndarray, stars: np.ndarray, size: int) -> np.ndarray:
    """Sum up stars by user or film.

    Args:
        index: User or film of each rating, [num_ratings] int64.
        stars: [num_ratings] float64.
        size: Number of users or films.

    Returns:
        Number, sum and sum of squares of the stars, [3, size] float64; additive, so banks are sums and differences.
    """
    weights = stars**0, stars, stars**2
    return np.array([np.bincount(index, weight, size) for weight in weights], dtype=np.float64)


def describe(these: np.ndarray) -> np.ndarray:
    """Compute mean, count and sample standard deviation (with n - 1) from sums.

    Args:
        these: What `sums` returns, [3, size].

    Returns:
        [size, 3] float64; the mean of no rating and the deviation of fewer than two are 0.
    """
    count, total, square = these
    mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    spread = np.maximum(square - count * mean**2, 0.0)
    variance = np.divide(spread, count - 1, out=np.zeros_like(total), where=count > 1)
    return np.stack([mean, np.maximum(count, 0.0), np.sqrt(variance)], axis=-1)


def average_of_others(values: np.ndarray) -> np.ndarray:
    """Average the statistics of all other users (or films) that have ratings.

    Args:
        values: What `describe` returns, [size, 3].

    Returns:
        [size, 3] float64; 0 where no other has ratings.
    """
    rated = values[:, 1:2] > 0
    average: np.ndarray = (values.sum(axis=0) - values) / np.maximum(rated.sum() - rated, 1)
    return average


def build_banks(
    *,
    kind: Kind,
    unrated: Unrated,
    user: np.ndarray,
    movie: np.ndarray,
    stars: np.ndarray,
    split: Split,
    num_users: int,
    num_movies: int,
    num_folds: int,
    seed: int,
) -> Banks:
    """Compute the statistics that training, validation and test rows may read.

    Args:
        kind: Which ratings a row's statistics come from; see the table of this module.
        unrated: What those have who have no ratings in a bank.
        user: User of each rating, [num_ratings] int64, below num_users.
        movie: Film of each rating, [num_ratings] int64, below num_movies.
        stars: [num_ratings] float64.
        split: The parts of the ratings.
        num_users: Number of users, rated or not.
        num_movies: Number of films, rated or not.
        num_folds: Number of folds of `cross_fit`.
        seed: Decides the folds.
    """
    train = split.train

    def of(rows: np.ndarray) -> np.ndarray:  # users, then films: [3, num_users + num_movies]
        return np.hstack([sums(user[rows], stars[rows], num_users), sums(movie[rows], stars[rows], num_movies)])

    whole = of(train)
    known = split.readable(len(stars))
    # Of users, all that is known when they are scored: held-out users have no training ratings, and a history.
    scoring = np.hstack([sums(user[known], stars[known], num_users), whole[:, num_users:]])
    row = np.zeros(len(stars), dtype=np.int64)
    if kind == "cross_fit":
        fold = folds(len(train), num_folds, seed)
        banks = [whole - of(train[fold == k]) for k in range(num_folds)] + [scoring]
        row[:] = num_folds
        row[train] = fold
    elif kind == "leave_one_out":
        # A user's statistics without a rating depend on that rating's stars alone: a bank for each number of stars.
        values, value = np.unique(stars[train], return_inverse=True)
        banks = [whole - [[1], [v], [v**2]] for v in values] + [scoring]
        row[:] = len(values)
        row[train] = value
    elif kind == "self_inclusive":
        banks = [scoring]
    else:
        banks = [scoring, of(split.val), scoring]
        row[split.val], row[split.test], row[train] = 1, 2, 0

    def table(part: slice) -> np.ndarray:
        values = [describe(bank[:, part]) for bank in banks]
        if unrated == "zero":
            return np.stack(values)
        # A bank of leave_one_out belongs to one number of stars: an average over it would tell them.
        among = [describe(whole[:, part])] * len(values) if kind == "leave_one_out" else values
        average = np.stack([average_of_others(each) for each in among])
        return np.where(np.stack(values)[..., 1:2] > 0, values, average)

    return Banks(
        user=table(slice(num_users)),
        movie=table(slice(num_users, None)),
        row=row,
        scoring=len(banks) - 1,
    )
