"""What the factor model reads of a data set: the training ratings, and groups of features of users and films."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from movierec.data.histories import training_days, training_ratings
from movierec.data.side_information import SideInformation
from movierec.data.tables import Tables
from movierec.models.factor_times import Times
from movierec.models.side_information import Matrix, fit_features, fit_implicit
from movierec.models.training_ratings import TrainingRatings


class Features(NamedTuple):
    """What describes users and films beside the ratings; of no column where nothing does.

    Attributes:
        users: [num_users, d].
        films: [num_movies, d].
    """

    users: Tensor
    films: Tensor


def make_features(tables: Tables, side: SideInformation | None) -> Features:
    """Make features of the side information of a data module; without it, of the genres among the tables' inputs."""
    if side is None:
        names = tables.feature_names[: tables.movie_features.shape[1]]
        genres = [column for column, name in enumerate(names) if name.startswith("genres=")]
        side = SideInformation({}, {"genres": tables.movie_features[:, genres].double().numpy()} if genres else {})
    return Features(join(side.users, len(tables.user_ids)), join(side.films, len(tables.movie_ids)))


def join(blocks: Mapping[str, Matrix], count: int) -> Tensor:
    """Make one group of features of all blocks of columns, [count, d]."""
    return fit_features(list(blocks.values()))[1] if blocks else torch.zeros(count, 0)


class Inputs(NamedTuple):
    """What a chain is conditioned on, and what else it takes to predict.

    Attributes:
        ratings: The training ratings, with the features of their users and films.
        implicit: Weights by which the films that a person rated project to the users' implicit features,
            [num_movies, d].
        times: The effects of time; None without any.
    """

    ratings: TrainingRatings
    implicit: Tensor
    times: Times | None


def build_inputs(
    tables: Tables, features: Features, *, implicit_rank: int, time_periods: int, device: torch.device
) -> Inputs:
    """Sort the training ratings for the sampler, make the features of their users and films, and find their times.

    Held-out users keep their rows, without a rating.

    Args:
        tables: The tables of a data set.
        features: Of users and films, from `make_features`.
        implicit_rank: How many directions of who has rated what are features of each side; 0: none.
        time_periods: How many periods have effects on films, beside those of days on users; 0: no effects of time. If
            the days of the ratings are not known, there are none either.
        device: Where the sampler computes.
    """
    rated = training_ratings(tables)
    num_users, num_films = rated.shape
    users = torch.from_numpy(np.repeat(np.arange(num_users), np.diff(rated.indptr))).to(device)
    films, days = torch.from_numpy(rated.indices).long().to(device), training_days(tables).to(device)
    has_times = time_periods > 0 and not (days < 0).any()
    times = Times.of(users, days, num_periods=time_periods, num_films=num_films) if has_times else None
    user_features, film_features = ([group] if group.shape[1] else [] for group in features)
    weights = torch.zeros(num_films, 0)
    if implicit_rank:
        counts = csr_array((np.ones_like(rated.data), rated.indices, rated.indptr), shape=rated.shape)
        weights, of_users = fit_implicit(counts, implicit_rank)
        user_features = [of_users, *user_features]
        film_features = [fit_implicit(csr_array(counts.T), implicit_rank)[1], *film_features]
    ratings = TrainingRatings.build(
        users,
        films,
        torch.from_numpy(rated.data).float().to(device),
        num_users=num_users,
        num_films=num_films,
        slots=times.slots(users, films, days) if times else None,
        num_slots=times.num_slots if times else None,
        user_features=[group.to(device) for group in user_features],
        film_features=[group.to(device) for group in film_features],
    )
    return Inputs(ratings, weights, times)
