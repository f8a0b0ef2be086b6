"""All that a trained network reads beside its weights: a rating row is three integers, the rest are tables.

    x = concat(movie_features[movie], movie_statistics[bank, movie], user_statistics[bank, user])

The tables travel inside the checkpoint, so that a checkpoint alone can score any pair of user and film.
"""

import json
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from movierec.errors import CheckpointError

SCHEMA = 6  # raised when a stored field changes its meaning
SECONDS_A_DAY = 86_400
MOST_STEPS = 20  # of a scale that has neither whole nor half steps
FINEST = 100  # of whole or half steps: a probability is computed for each
TEXTS = ("titles", "genres", "user_names", "movie_names")  # lists of texts


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The tables of one prepared data set; `user` and `movie` are rows, `user_id` and `movie_id` ids in the files.

    Attributes:
        movie_features: Encoded columns of each film, [num_movies, d_movie].
        movie_statistics: Scaled statistics of each film, [num_banks, num_movies, d_movie_statistics].
        user_statistics: Scaled statistics of each user, [num_banks, num_users, d_user_statistics].
        statistics_range: Least and greatest value before scaling, per bank and column, of the films' and then the
            users' statistics: [num_banks, 2, d] float64 each.
        film_scalers: Least and greatest value (and imputed median) of each scaled number of the films.
        feature_names: What each of the network's inputs holds, in order.
        scoring_bank: The bank of all training ratings, for pairs that are in no part of the ratings.
        user_ids: [num_users] int64, ascending.
        movie_ids: [num_movies] int64, ascending.
        user_names: Id of each user in the files, in the order of the numbers from 1, if ids are texts; else empty.
        movie_names: The same of films.
        titles: Title of each film.
        genres: Genres of each film, separated by "|".
        complete: Whether each film has all that the network reads, [num_movies] bool.
        held_out: Whether each user's history is of ratings that trained no model, [num_users] bool; see `Split`.
        history_offsets: Where each user's history starts in `history_movies`, [num_users + 1] int64.
        history_movies: The films of the histories, by user, [num_known] int32: of the training ratings, and of the
            ratings by which held-out users are known.
        history_stars: Their stars, [num_known] float16, or float32 if it does not hold them exactly.
        history_days: When they were given, in days since 1970, UTC, [num_known] int32; -1 where unknown.
        seen_offsets: Where each user's films start in `seen_movies`, [num_users + 1] int64.
        seen_movies: The films that each user has rated in any part, which lists leave out, [num_ratings] int32. No
            model may read them: they tell of test ratings.
        min_stars: The stars that are 0 on the unit scale: the lowest training rating.
        max_stars: The stars that are 1 on the unit scale: the highest training rating.
        threshold: Median of the training ratings on the unit scale; a rating above it is positive.
        record: What the data are: release, files, options, counts, fingerprints, what was fitted on what, leaks.
    """

    movie_features: Tensor
    movie_statistics: Tensor
    user_statistics: Tensor
    statistics_range: tuple[Tensor, Tensor]
    film_scalers: dict[str, dict[str, float]]
    feature_names: list[str]
    scoring_bank: int
    user_ids: Tensor
    movie_ids: Tensor
    user_names: list[str] = field(default_factory=list)
    movie_names: list[str] = field(default_factory=list)
    titles: list[str]
    genres: list[str]
    complete: Tensor
    held_out: Tensor
    history_offsets: Tensor
    history_movies: Tensor
    history_stars: Tensor
    history_days: Tensor
    seen_offsets: Tensor
    seen_movies: Tensor
    min_stars: float
    max_stars: float
    threshold: float
    record: dict[str, Any]

    @property
    def width(self) -> int:
        """Number of inputs of the network."""
        return len(self.feature_names)

    @property
    def num_ratings(self) -> np.ndarray:
        """How many ratings each film has got in any part, [num_movies] int64."""
        return np.bincount(self.seen_movies.numpy(), minlength=len(self.movie_ids))

    @cached_property
    def levels(self) -> Tensor:
        """The stars that people can give, ascending, [num_levels]: whole or half steps, up to 100, else 20."""
        span = self.max_stars - self.min_stars
        above = self.history_stars - self.min_stars
        steps = (step for step in (1.0, 0.5) if span / step <= FINEST and (above % step == 0).all())
        step = next(steps, span / MOST_STEPS)
        return torch.arange(self.min_stars, self.max_stars + step / 2, step)

    @property
    def liked_stars(self) -> float:
        """The lowest stars of a film that somebody likes; by default the first level in the upper quarter."""
        if (chosen := self.record["options"]["liked"]) is not None:
            return float(chosen)
        levels = self.levels
        return float(levels[levels >= self.max_stars - (self.max_stars - self.min_stars) / 4][0])

    def user_name(self, number: int | None) -> int | str | None:
        """Name a user as the files do: the id, or the text that it stands for."""
        return self.user_names[number - 1] if self.user_names and number is not None else number

    def user_number(self, user_id: int | str) -> int:
        """Find the number of a user, given by it or by the text of the id in the files; -1 if there is none."""
        if isinstance(user_id, str) and self.user_names:
            return self.user_names.index(user_id) + 1 if user_id in self.user_names else -1
        return int(user_id) if str(user_id).removeprefix("-").isdecimal() else -1

    def seen(self, user: int) -> np.ndarray:
        """List the films that a user, given by row, has rated in any part: [num_seen] int64, ascending."""
        first, last = self.seen_offsets[user : user + 2].tolist()
        return self.seen_movies[first:last].numpy().astype(np.int64)

    def to_stars(self, unit: Tensor) -> Tensor:
        """Scale from the unit scale back to stars, clipped to the rating scale."""
        return self.min_stars + unit.clamp(0, 1) * (self.max_stars - self.min_stars)

    def to_unit(self, stars: Tensor) -> Tensor:
        """Scale stars to the unit scale."""
        return (stars - self.min_stars) / (self.max_stars - self.min_stars)

    def state(self) -> dict[str, Any]:
        """Return plain types only, for a checkpoint; texts are one string, which is written many times faster."""
        stored = {each.name: getattr(self, each.name) for each in fields(self)}
        return {"schema": SCHEMA} | stored | {name: json.dumps(stored[name]) for name in TEXTS}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore what `state` returned.

        Raises:
            CheckpointError: The state was written by a version with another schema, or is not what `state` returns.
        """
        schema = state.get("schema")
        if not isinstance(schema, int) or schema != SCHEMA:
            raise CheckpointError(
                f"Expected a checkpoint of schema {SCHEMA}, found {schema}. Train again, or use the version it is of."
            )
        try:
            stored = {each.name: state[each.name] for each in fields(cls)}
            tables = cls(**stored | {name: json.loads(stored[name]) for name in TEXTS})
            tables.check()
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise CheckpointError(f"Expected tables as movierec writes them: {error!r}. Train again.") from error
        return tables

    def check(self) -> None:
        """Refuse numbers that are not finite, which a model would read.

        Raises:
            ValueError: There are some.
        """
        numbers = (self.movie_features[self.complete], self.movie_statistics, self.user_statistics, self.history_stars)
        if not all(table.isfinite().all() for table in numbers):
            raise ValueError("numbers that are NaN or infinite")


def group_by_user(user: np.ndarray, movie: np.ndarray, num_users: int) -> tuple[np.ndarray, Tensor]:
    """Sort ratings by user and film, as in a compressed sparse row matrix.

    Returns:
        The order of the ratings, [num_ratings] int64, and where each user starts in it, [num_users + 1] int64.
    """
    offsets = np.concatenate([[0], np.cumsum(np.bincount(user, minlength=num_users))])
    return np.lexsort((movie, user)), torch.tensor(offsets, dtype=torch.int64)
