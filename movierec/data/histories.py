"""What a model knows of a person: the films they have rated, and the stars they gave."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from movierec.data.statistics import average_of_others, describe, sums
from movierec.data.tables import Tables


@dataclass(frozen=True)
class History:
    """The ratings of one person that a model may read.

    Of a known user, they are the training ratings; of a held-out one, a share of the ratings; of a new one, all.

    Attributes:
        movies: Rows of the films, [num_rated] int64.
        stars: [num_rated] float64.
        user_id: Id of a known user, for networks that read ids.
        days: When they were given, in days since 1970, UTC, [num_rated] int64; None if unknown.
    """

    movies: np.ndarray
    stars: np.ndarray
    user_id: int | None = None
    days: np.ndarray | None = None


def history_of(tables: Tables, user: int) -> History:
    """Look up the ratings of a user that a model may read.

    Args:
        tables: The tables of a data set.
        user: Row of the user.
    """
    own = slice(*tables.history_offsets[user : user + 2].tolist())
    days = tables.history_days[own].numpy().astype(np.int64)
    return History(
        tables.history_movies[own].numpy().astype(np.int64),
        tables.history_stars[own].numpy().astype(np.float64),
        int(tables.user_ids[user]),
        None if (days < 0).any() else days,
    )


def known_ratings(tables: Tables) -> csr_array:
    """Return the stars of all histories, [num_users, num_movies] float64; a rating of 0 stars is stored too."""
    data, films = tables.history_stars.double().numpy(), tables.history_movies.numpy()
    shape = (len(tables.user_ids), len(tables.movie_ids))
    return csr_array((data, films, tables.history_offsets.numpy()), shape=shape)


def training_ratings(tables: Tables) -> csr_array:
    """Return the stars of the training ratings: `known_ratings` without the rows of held-out users."""
    known, held_out = known_ratings(tables), tables.held_out.numpy()
    if not held_out.any():
        return known
    number = np.diff(known.indptr)
    is_kept = np.repeat(~held_out, number)
    offsets = np.concatenate([[0], np.cumsum(number * ~held_out)])
    return csr_array((known.data[is_kept], known.indices[is_kept], offsets), shape=known.shape)


def training_days(tables: Tables) -> Tensor:
    """Return the days of `training_ratings`, row by row: [num_training] int64; -1 where unknown."""
    is_kept = ~tables.held_out.repeat_interleave(tables.history_offsets.diff())
    return tables.history_days[is_kept].long()


def user_statistics(tables: Tables, history: History) -> Tensor:
    """Compute what a network reads of a user, scaled as in training.

    Of a user of the ratings, that is the line of `tables.user_statistics` that validation and test rows read; without
    ratings, it is the average of all users who have some. A network that reads ids gets the median id of a new user,
    and one that reads gender, age or occupation the mean of all users.

    Returns:
        [d_user_statistics].
    """
    values = describe(sums(np.zeros(len(history.stars), dtype=np.int64), history.stars, 1))[0]
    if not len(history.stars) and tables.record["options"]["unrated"] == "average":
        values = average_user(tables)
    if "userId" in tables.feature_names:  # the id comes first
        user_id = np.median(tables.user_ids.numpy()) if history.user_id is None else history.user_id
        values = np.insert(values, 0, user_id)
    low, high = tables.statistics_range[1][tables.scoring_bank, :, : len(values)].numpy()
    scale = 1 / np.where(high > low, high - low, 1.0)  # step by step as scikit-learn's MinMaxScaler, to the last bit
    scaled = torch.tensor(values * scale + (0 - low * scale), dtype=torch.float32)
    return torch.cat([scaled, demographics(tables, history.user_id)[len(values) :]])


def demographics(tables: Tables, user_id: int | None) -> Tensor:
    """Look up the line of a user of the ratings, or the mean of all users' lines: [d_user_statistics]."""
    lines = tables.user_statistics[tables.scoring_bank]
    if user_id is None:
        return lines.mean(dim=0)
    return lines[torch.searchsorted(tables.user_ids, user_id)]


def average_user(tables: Tables) -> np.ndarray:
    """Average the statistics of the users who have training ratings: [3] float64, not scaled."""
    number = np.diff(tables.history_offsets.numpy())
    user, stars = np.repeat(np.arange(len(number)), number), tables.history_stars.numpy().astype(np.float64)
    values = describe(sums(user, stars, len(number) + 1))  # of one more, who has none
    average: np.ndarray = average_of_others(values)[-1]
    return average
