"""Compute where a model errs, from its predictions of a part of the ratings.

error = prediction - rating, in stars;   bias = mean(error);   rmse = sqrt(mean(error^2))
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from movierec.runs import finite

CALIBRATION_WIDTH = 0.25  # stars


class Rated(NamedTuple):
    """Ratings and their predictions.

    Attributes:
        user: Rows of the users, [size] int.
        movie: Rows of the films, [size] int.
        prediction: In stars, clipped to the scale, [size].
        rating: In stars, [size].
    """

    user: np.ndarray
    movie: np.ndarray
    prediction: np.ndarray
    rating: np.ndarray


class Background(NamedTuple):
    """Facts about the data set that the diagnostics need.

    Attributes:
        low: The lowest stars of the scale.
        high: The highest.
        user_ratings: How many training ratings each user has given, [num_users] int.
        movie_ratings: How many training ratings each film has got, [num_movies] int.
        genres: Genres of each film, separated by "|".
    """

    low: float
    high: float
    user_ratings: np.ndarray
    movie_ratings: np.ndarray
    genres: Sequence[str]


def diagnose(rated: Rated, background: Background) -> dict[str, Any]:
    """Compute all diagnostics of a part of the ratings, as plain types; see the functions of this module.

    `not_finite` counts the predictions left out because they are not finite.
    """
    is_finite = np.isfinite(rated.prediction)
    known = Rated(*(column[is_finite] for column in rated))
    error = known.prediction.astype(np.float64) - known.rating
    by_movie, by_user = sum_up(error, known.movie), sum_up(error, known.user)
    return {
        "unit": "stars",
        "rows": len(rated.rating),
        "not_finite": int((~is_finite).sum()),
        "calibration": calibration(known, background),
        "by_movie_ratings": by_activity(by_movie, background.movie_ratings),
        "by_user_ratings": by_activity(by_user, background.user_ratings),
        "by_genre": by_genre(by_movie, background.genres),
    }


def sum_up(error: np.ndarray, index: np.ndarray) -> pd.DataFrame:
    """Sum up errors by film or user: `count`, `total` and `square`, indexed by its row."""
    return pd.DataFrame({"count": 1, "total": error, "square": error**2}).groupby(index).sum()


def describe(sums: pd.DataFrame) -> dict[str, list[Any]]:
    """Return count, RMSE and bias of groups; None without errors."""
    number = sums["count"]
    rmse, bias = np.sqrt(sums["square"] / number), sums["total"] / number
    return {"count": number.tolist(), "rmse": finite(rmse.tolist()), "bias": finite(bias.tolist())}


def calibration(rated: Rated, background: Background) -> dict[str, list[Any]]:
    """Compare predictions with their ratings, in bins of a quarter of a star of the prediction.

    Returns:
        Of each bin: `lower` and `upper` bound, `count`, mean `prediction` and mean `rating`.
    """
    size = max(1, round((background.high - background.low) / CALIBRATION_WIDTH))
    edges = np.linspace(background.low, background.high, size + 1)
    bin_ = np.clip(np.searchsorted(edges, rated.prediction, side="right") - 1, 0, size - 1)
    count, prediction, rating = (
        pd.Series(np.bincount(bin_, weight, size)) for weight in (None, rated.prediction, rated.rating)
    )
    return {
        "lower": edges[:-1].tolist(),
        "upper": edges[1:].tolist(),
        "count": count.tolist(),
        "prediction": finite((prediction / count).tolist()),
        "rating": finite((rating / count).tolist()),
    }


def by_activity(sums: pd.DataFrame, ratings: np.ndarray) -> dict[str, list[Any]]:
    """Group errors of films or users by how many training ratings they have: 0, 1, 2 to 3, 4 to 7, and so on.

    Returns:
        The `lower` bound of each group with its `count`, `rmse` and `bias`, up to the last group that has errors.
    """
    group = np.frexp(ratings[sums.index].astype(np.float64))[1]  # 0 has the exponent 0, 2^(n - 1) to 2^n - 1 have n
    grouped = sums.groupby(group).sum()
    grouped = grouped.reindex(range(grouped.index.max() + 1), fill_value=0) if len(grouped) else grouped
    return {"lower": [0, *(2**n for n in range(len(grouped) - 1))][: len(grouped)], **describe(grouped)}


def by_genre(sums: pd.DataFrame, genres: Sequence[str]) -> dict[str, list[Any]]:
    """Group errors of films by genre; an error counts in each genre of its film.

    Returns:
        Each `genre` that has errors with its `count`, `rmse` and `bias`, the most frequent first.
    """
    names = pd.Series(
        [(genres[film] or "(none)").split("|") for film in sums.index], sums.index, dtype=object
    ).explode()
    grouped = sums.loc[names.index].groupby(names.to_numpy()).sum()
    grouped = grouped.sort_values("count", ascending=False, kind="stable")
    return {"genre": grouped.index.tolist(), **describe(grouped)}
