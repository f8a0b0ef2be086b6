"""Recommend the films that a user will rate highest, from a checkpoint alone."""

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from movierec.data.histories import History, history_of
from movierec.data.statistics import sums
from movierec.errors import ConfigError, UnknownIdError
from movierec.models.checkpoint import read_model
from movierec.models.model import RatingModel
from movierec.models.scoring import top_positions
from movierec.recommend.films import Films, Filters, count_films

DAMPING = 25  # ratings of the mean film that are added to each film's own, for a user of whom nothing is known


class Recommender:
    """Recommend the films that a user will rate highest.

    Threads may share one recommender; values that are computed at first use may then be computed twice.

    Args:
        model: A trained model, on the CPU.
    """

    def __init__(self, model: RatingModel) -> None:
        self.model, self.tables = model, model.tables
        self.films, self.user_ids = Films(model.tables), model.tables.user_ids.numpy()

    @classmethod
    def from_checkpoint(cls, path: str | Path) -> Self:
        """Read a checkpoint of `fit`. No data are needed.

        Raises:
            CheckpointError: The file is damaged, of another program or version, or holds weights that are not finite.
        """
        return cls(cast("RatingModel", read_model(Path(path))))

    def recommend(
        self,
        user_id: int | None = None,
        *,
        ratings: Mapping[int, float] | None = None,
        days: Mapping[int, int] | None = None,
        top: int = 10,
        explain: bool = False,
        **filters: Any,
    ) -> pd.DataFrame:
        """List the films that a user will rate highest; without a user, those that most people like.

        Args:
            user_id: A user of the training ratings.
            ratings: Stars by film id, of a new user.
            days: Days since 1970, UTC, of these ratings, by film id; used only if every rating has one.
            top: Number of films to list.
            explain: Whether to add the explanation of each prediction: `average`, the prediction for an average user
                and film, and the share of each group of inputs, such as `from_user`. They add up to `prediction`.
            filters: See `Filters`.

        Returns:
            rank, movie_id, title, year, genres, stars (predicted, on the rating scale), num_ratings (of the film, in
            any part of the data) and, with `include_seen`, own_stars. `attrs["notes"]` says what was left out.

        Raises:
            UnknownIdError: The user or a film is not in the ratings.
            ConfigError: Arguments contradict each other, or stars are outside the scale.
        """
        check_top(top)
        chosen = Filters(**filters)
        if user_id is not None and ratings is not None:
            raise ConfigError("Expected a user_id or ratings, got both. Leave one out.")
        if user_id is None and ratings is None:
            if explain:
                raise ConfigError("Expected a user_id or ratings with explain; without them, nothing is predicted.")
            return self.popular(top, chosen)
        history, seen = self.user(user_id) if user_id is not None else self.new_user(ratings or {}, days)
        rows, stars = self.rank(history, seen, top, chosen)
        frame = self.films.describe(rows, stars)
        if chosen.include_seen:
            own = dict(zip(history.movies.tolist(), history.stars.tolist(), strict=True))
            frame["own_stars"] = [own.get(row, np.nan) for row in rows.tolist()]
        if explain:
            frame = frame.join(self.model.explain(history, torch.from_numpy(rows)))
        frame.attrs["notes"] = self.notes(seen, chosen, wanted=top, found=len(rows))
        return frame

    def recommend_all(self, *, top: int = 10, **filters: Any) -> Iterator[pd.DataFrame]:
        """List the films that each user will rate highest, user by user, in bounded memory.

        Yields:
            user_id, rank, movie_id, title and stars, for one user; no rows if no film is left.

        Raises:
            ConfigError: As in `recommend`.
            UnknownIdError: A film to exclude is not in the ratings.
        """
        check_top(top)
        chosen = Filters(**filters)
        allowed = np.flatnonzero(self.films.allowed(chosen))
        for user_id in self.user_ids.tolist():
            rows, stars = self.rank(*self.user(user_id), top, chosen, allowed=allowed)
            frame = self.films.describe(rows, stars)[["rank", "movie_id", "title", "stars"]]
            frame.insert(0, "user_id", user_id)
            yield frame

    def predict(self, user_id: int, movie_ids: Collection[int]) -> np.ndarray:
        """Predict the stars that a user gives films, as `predict` on the command line does.

        Returns:
            [len(movie_ids)] float32, on the rating scale.

        Raises:
            UnknownIdError: The user or a film is not in the ratings, or a film lacks what the network reads.
        """
        rows = np.array([self.films.row(movie_id) for movie_id in movie_ids], dtype=np.int64)
        if len(bad := np.flatnonzero(~self.films.complete[rows])):
            raise UnknownIdError(f"Film {self.films.ids[rows[bad[0]]]} lacks metadata that the network reads.")
        history, _ = self.user(user_id)
        return self.model.predict(history, torch.from_numpy(rows)).numpy()

    def similar(self, movie_id: int, *, top: int = 10, **filters: Any) -> pd.DataFrame:
        """List the films most similar to one, by the cosine of the model's film vectors.

        Returns:
            rank, movie_id, title, year, genres, similarity (-1 to 1) and num_ratings.

        Raises:
            ConfigError: As in `recommend`.
            UnknownIdError: The film is not in the ratings, or lacks what the network reads.
        """
        check_top(top)
        row = self.films.row(movie_id)
        if not self.films.complete[row]:
            raise UnknownIdError(f"Film {movie_id} lacks metadata that the network reads.")
        cosine = (self.directions @ self.directions[row]).numpy()
        allowed = self.films.allowed(Filters(**filters))
        allowed[row] = False
        rows = np.flatnonzero(allowed)
        best = rows[top_positions(cosine[rows], top)]
        return self.films.describe(best, cosine[best]).rename(columns={"stars": "similarity"})

    def user(self, user_id: int) -> tuple[History, np.ndarray]:
        """Look up a user of the ratings.

        Returns:
            The training ratings, and the rows of all rated films, which lists leave out.

        Raises:
            UnknownIdError: There is no such user.
        """
        row = int(np.searchsorted(self.user_ids, user_id))
        if row == len(self.user_ids) or self.user_ids[row] != user_id:
            raise UnknownIdError(
                f"User {user_id} is not in the ratings (ids from {self.user_ids[0]} to {self.user_ids[-1]}). "
                "Give their ratings in a file, --ratings FILE, or --user_id new."
            )
        return history_of(self.tables, row), self.tables.seen(row)

    def new_user(
        self, ratings: Mapping[int, float], days: Mapping[int, int] | None = None
    ) -> tuple[History, np.ndarray]:
        """Make the history of a user who is not in the training data.

        Args:
            ratings: Stars of films by id.
            days: As in `recommend`.

        Returns:
            As `user`.

        Raises:
            UnknownIdError: A film is not in the ratings.
            ConfigError: There is no rating, or one outside the scale.
        """
        tables = self.tables
        stars = np.array(list(ratings.values()), dtype=np.float64)
        outside = stars[~((stars >= tables.min_stars) & (stars <= tables.max_stars))]
        if len(outside) or not len(stars):
            raise ConfigError(
                f"Expected ratings from {tables.min_stars:g} to {tables.max_stars:g} stars, got "
                f"{', '.join(f'{value:g}' for value in outside) or 'none'}."
            )
        rows = np.array([self.films.row(movie_id) for movie_id in ratings], dtype=np.int64)
        is_dated = days is not None and days.keys() >= ratings.keys()
        given = np.array([days[movie_id] for movie_id in ratings], dtype=np.int64) if days and is_dated else None
        return History(rows, stars, days=given), rows

    def rank(
        self, history: History, seen: np.ndarray, top: int, filters: Filters, *, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the films that a user will rate highest; of equal ones, the lower id comes first.

        Args:
            history: The user's ratings.
            seen: Rows of the films to leave out, unless the filters include them.
            top: Number of films to find.
            filters: Which films may be listed.
            allowed: Rows of these films, if already known.

        Returns:
            Rows of the films, [found] int64, and their predicted stars, [found].
        """
        rows = np.flatnonzero(self.films.allowed(filters)) if allowed is None else allowed
        if not filters.include_seen:
            rows = np.setdiff1d(rows, seen, assume_unique=True)
        best = rows[top_positions(self.model.rank(history, torch.from_numpy(rows)).numpy(), top)]
        return best, self.model.predict(history, torch.from_numpy(best)).numpy()

    def popular(self, top: int, filters: Filters) -> pd.DataFrame:
        """List the films with the highest mean rating, damped by 25 ratings at the mean of all."""
        movies, stars = self.tables.history_movies.numpy(), self.tables.history_stars.numpy().astype(np.float64)
        number, total, _ = sums(movies, stars, len(self.films))
        mean = (total + DAMPING * stars.mean()) / (number + DAMPING)
        rows = np.flatnonzero(self.films.allowed(filters, complete=False))
        best = rows[top_positions(mean[rows], top)]
        frame = self.films.describe(best, mean[best])
        note = (
            "Nothing is known of this user. These are the films that most people like: stars are their mean rating, "
            f"damped by {DAMPING} ratings at the mean of all films."
        )
        frame.attrs["notes"] = [note]
        return frame

    def notes(self, seen: np.ndarray, filters: Filters, *, wanted: int, found: int) -> list[str]:
        """Say what was left out, and why the list is short if it is."""
        notes = []
        if not filters.include_seen:
            notes.append(f"Left out: the {count_films(len(seen))} that the user has rated.")
        if incomplete := int((~self.films.complete).sum()):
            notes.append(f"Left out: {count_films(incomplete)} without the metadata that the model reads.")
        if found < wanted:
            notes.append(f"Only {count_films(found)} of {wanted:,} could be listed: the filters leave no more.")
        return notes

    @cached_property
    def directions(self) -> Tensor:
        """The model's film vectors, normalised to length 1: [num_movies, d]."""
        return nn.functional.normalize(self.model.film_vectors(), dim=1)


def check_top(top: int) -> None:
    """Refuse a number of films below 1.

    Raises:
        ConfigError: The number is below 1.
    """
    if top < 1:
        raise ConfigError(f"Expected at least 1 film to list, got {top}.")
