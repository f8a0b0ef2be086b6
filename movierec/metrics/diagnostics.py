"""Compute where a model errs, from its predictions of a part of the ratings.

error = prediction - rating, in stars;   bias = mean(error);   rmse = sqrt(mean(error^2))
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

CALIBRATION_WIDTH = 0.25  # stars
BINS_A_STEP = 5  # of the distributions, in a step of the rating scale


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

    def finite(self) -> Self:
        """Leave out predictions that are not finite."""
        known = np.isfinite(self.prediction)
        return self if known.all() else type(self)(*(column[known] for column in self))


class Background(NamedTuple):
    """Facts about the data set that the diagnostics need.

    Attributes:
        low: The lowest stars of the scale.
        high: The highest.
        step: From one level of the scale to the next, in stars.
        user_ratings: How many training ratings each user has given, [num_users] int.
        movie_ratings: How many training ratings each film has got, [num_movies] int.
        genres: Genres of each film, separated by "|".
    """

    low: float
    high: float
    step: float
    user_ratings: np.ndarray
    movie_ratings: np.ndarray
    genres: Sequence[str]


class Errors(NamedTuple):
    """Number, sum and sum of squares of errors by user, film or group."""

    number: np.ndarray
    total: np.ndarray
    square: np.ndarray

    @classmethod
    def of(cls, error: np.ndarray, index: np.ndarray, size: int) -> Self:
        """Sum up errors by an index below size."""
        return cls(*(np.bincount(index, weights=weight, minlength=size) for weight in (None, error, error**2)))

    def grouped(self, member: np.ndarray, group: np.ndarray, size: int) -> "Errors":
        """Sum up members by group; a member may be in several."""
        return Errors(*(np.bincount(group, weights=column[member], minlength=size) for column in self))

    def describe(self) -> dict[str, list[Any]]:
        """Return count, RMSE and bias of each; None without errors."""
        mean, square = divided(self.total, self.number), divided(self.square, self.number)
        return {"count": self.number.astype(int).tolist(), "rmse": listed(np.sqrt(square)), "bias": listed(mean)}


def divided(total: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Divide sums by numbers; NaN where the number is 0."""
    return np.asarray(np.divide(total, number, out=np.full(len(total), np.nan), where=number > 0))


def listed(values: np.ndarray) -> list[float | None]:
    """Return plain numbers, and None for NaN."""
    return [float(value) if np.isfinite(value) else None for value in values]


def diagnose(rated: Rated, background: Background) -> dict[str, Any]:
    """Compute all diagnostics of a part of the ratings, as plain types.

    Args:
        rated: The ratings of the part.
        background: What is known beside them.

    Returns:
        See the functions of this module. `not_finite` counts the predictions left out because they are not finite.
    """
    known = rated.finite()
    error = known.prediction.astype(np.float64) - known.rating
    by_movie = Errors.of(error, known.movie, len(background.movie_ratings))
    by_user = Errors.of(error, known.user, len(background.user_ratings))
    return {
        "unit": "stars",
        "rows": len(rated.rating),
        "not_finite": len(rated.rating) - len(known.rating),
        "calibration": calibration(known, background),
        "distribution": distribution(known, background),
        "by_movie_ratings": by_activity(by_movie, background.movie_ratings),
        "by_user_ratings": by_activity(by_user, background.user_ratings),
        "by_genre": by_genre(by_movie, background.genres),
    }


def calibration(rated: Rated, background: Background) -> dict[str, list[Any]]:
    """Compare predictions with their ratings, in bins of a quarter of a star of the prediction.

    Returns:
        Of each bin: `lower` and `upper` bound, `count`, mean `prediction` and mean `rating`.
    """
    size = max(1, round((background.high - background.low) / CALIBRATION_WIDTH))
    edges = np.linspace(background.low, background.high, size + 1)
    bin_ = np.clip(np.searchsorted(edges, rated.prediction, side="right") - 1, 0, size - 1)
    count, prediction, rating = (
        np.bincount(bin_, weights=weight, minlength=size) for weight in (None, rated.prediction, rated.rating)
    )
    return {
        "lower": edges[:-1].tolist(),
        "upper": edges[1:].tolist(),
        "count": count.tolist(),
        "prediction": listed(divided(prediction, count)),
        "rating": listed(divided(rating, count)),
    }


def distribution(rated: Rated, background: Background) -> dict[str, list[Any]]:
    """Count predictions and ratings in narrow bins, with each rating level in the middle of a bin.

    Returns:
        The `edges` of the bins, and how many `predictions` and `ratings` lie in each.
    """
    width = background.step / BINS_A_STEP
    size = round((background.high - background.low) / width) + 1

    def counted(stars: np.ndarray) -> Any:
        return np.bincount(level(stars, background.low, width, size), minlength=size).tolist()

    edges = background.low + width * (np.arange(size + 1) - 0.5)
    return {"edges": edges.tolist(), "predictions": counted(rated.prediction), "ratings": counted(rated.rating)}


def level(stars: np.ndarray, low: float, step: float, size: int) -> np.ndarray:
    """Return the nearest step of the scale, from 0 to size - 1; halves round up."""
    # float32 stars miss their level by a millionth
    steps = np.floor((stars.astype(np.float64) - low) / step + 0.5 + 1e-5)
    return np.clip(steps, 0, size - 1).astype(np.int64)


def by_activity(errors: Errors, ratings: np.ndarray) -> dict[str, list[Any]]:
    """Group errors of films or users by how many training ratings they have: 0, 1, 2 to 3, 4 to 7, and so on.

    Args:
        errors: Of each film or user.
        ratings: Training ratings of each.

    Returns:
        The `lower` bound of each group with its `count`, `rmse` and `bias`, up to the last group that has errors.
    """
    group = np.frexp(ratings.astype(np.float64))[1]  # 0 has the exponent 0, 2^(n - 1) to 2^n - 1 have n
    member = np.flatnonzero(errors.number)
    grouped = errors.grouped(member, group[member], 0)
    lower = [0, *(2**n for n in range(len(grouped.number) - 1))][: len(grouped.number)]
    return {"lower": lower, **grouped.describe()}


def by_genre(errors: Errors, genres: Sequence[str]) -> dict[str, list[Any]]:
    """Group errors of films by genre; an error counts in each genre of its film.

    Args:
        errors: Of each film.
        genres: Of each film, separated by "|"; "" is a film without any.

    Returns:
        Each `genre` that has errors with its `count`, `rmse` and `bias`, the most frequent first.
    """
    member = np.flatnonzero(errors.number)
    pairs = [(film, name or "(none)") for film in member.tolist() for name in set(genres[film].split("|"))]
    if not pairs:
        return {"genre": [], "count": [], "rmse": [], "bias": []}
    films, names = zip(*pairs, strict=True)
    known, group = np.unique(names, return_inverse=True)
    grouped = errors.grouped(np.array(films), group, len(known))
    order = np.argsort(-grouped.number, kind="stable")
    return {"genre": known[order].tolist(), **Errors(*(column[order] for column in grouped)).describe()}
