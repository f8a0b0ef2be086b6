"""Ids that are texts: tables number them from 1, in alphabetical order, and keep the texts beside."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd


class IdNames(NamedTuple):
    """The texts of users' and films' ids, in the order of their numbers; empty where ids are numbers."""

    users: Sequence[str] = ()
    movies: Sequence[str] = ()


def number_users(ratings: pd.DataFrame) -> list[str]:
    """Number the users of ratings in place, if their ids are texts, and list these."""
    if ratings["user_id"].dtype == np.int64:
        return []
    names, row = np.unique(ratings["user_id"].astype(object), return_inverse=True)
    ratings["user_id"] = row.astype(np.int64) + 1
    return list(names)


def number_films(ratings: pd.DataFrame, movies: pd.DataFrame) -> list[str]:
    """Number sorted films, and those of ratings, in place, if their ids are texts, and list these."""
    if movies["movie_id"].dtype == np.int64:
        return []
    names = movies["movie_id"].tolist()
    ratings["movie_id"] = pd.Index(names).get_indexer(pd.Index(ratings["movie_id"])) + 1
    movies["movie_id"] = np.arange(1, len(movies) + 1)
    return names


def same_type(movie_ids: pd.Series, movies: pd.DataFrame) -> pd.Series:
    """Make ids of films texts where those of the listed films are."""
    return movie_ids if movies["movie_id"].dtype == np.int64 else movie_ids.astype("str")
