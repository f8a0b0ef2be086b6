"""The films that a user will rate highest, from a checkpoint alone."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from movierec.data.statistics import describe, sums
from movierec.data.tables import Tables
from movierec.errors import ConfigError, UnknownIdError
from movierec.models.checkpoint import read_network
from movierec.models.explanation import Explainer
from movierec.models.mlp import RatingNetwork
from movierec.models.scoring import Scorer, top_positions
from movierec.recommend.films import Films, Filters, count_films

DAMPING = 25  # ratings of the mean film that are added to each film's own, for a user of whom nothing is known


@dataclass(frozen=True)
class Person:
    """A user as the network sees one.

    Attributes:
        statistics: Scaled as in the tables, [d_user_statistics].
        movies: Rows of the films that the user has rated, [num_rated] int64.
        stars: What the user gave them, [num_rated].
    """

    statistics: Tensor
    movies: np.ndarray
    stars: np.ndarray


class Recommender:
    """List the films that a user will rate highest.

    It holds no state that changes, so that threads may share one; what is computed at its first use may then be
    computed twice, to the same end.

    Args:
        tables: The tables that the network was trained with.
        network: The network, in evaluation mode.
    """

    def __init__(self, tables: Tables, network: RatingNetwork) -> None:
        self.tables, self.network = tables, network
        self.scorer = Scorer(tables, network)
        self.films, self.user_ids = Films(tables), tables.user_ids.numpy()

    @classmethod
    def from_checkpoint(cls, path: str | Path) -> Self:
        """Read a checkpoint that `fit` has written; nothing else is needed, and nothing is fitted again.

        Raises:
            CheckpointError: The file is damaged, of another program or version, or holds weights that are not finite.
        """
        return cls(*read_network(Path(path)))

    def recommend(
        self,
        user_id: int | None = None,
        *,
        ratings: Mapping[int, float] | None = None,
        top: int = 10,
        explain: bool = False,
        **filters: Any,
    ) -> pd.DataFrame:
        """List the films that a user will rate highest; without a user, those that most people like.

        Args:
            user_id: A user of the ratings that the network was trained with.
            ratings: Stars of films by id, of a user who is not among those.
            top: How many films to list.
            explain: Whether to add what moved each prediction: `average`, the prediction for an average user and
                film, and `from_user` and so on for each group of inputs; they add up to `prediction`.
            filters: See `Filters`.

        Returns:
            rank, movie_id, title, year, genres, stars (predicted, on the rating scale), num_ratings (of the film, in
            any part of the data) and, with `include_seen`, own_stars. `attrs["notes"]` says what was left out.

        Raises:
            UnknownIdError: The user or a film is not in the ratings.
            ConfigError: Contradicting arguments, or stars outside the scale.
        """
        check_top(top)
        chosen = Filters(**filters)
        if user_id is not None and ratings is not None:
            raise ConfigError("Expected a user_id or ratings, got both. Leave one out.")
        if user_id is None and ratings is None:
            if explain:
                raise ConfigError("Expected a user_id or ratings with explain: without, nothing is predicted.")
            return self.popular(top, chosen)
        person = self.user(user_id) if user_id is not None else self.newcomer(ratings or {})
        rows, scores = self.rank(person, top, chosen)
        stars = self.tables.to_stars(torch.from_numpy(scores)).numpy()
        frame = self.films.describe(rows, stars)
        if chosen.include_seen:
            own = dict(zip(person.movies.tolist(), person.stars.tolist(), strict=True))
            frame["own_stars"] = [own.get(row, np.nan) for row in rows.tolist()]
        if explain:
            frame = frame.join(self.explainer.explain(person.statistics, rows))
        frame.attrs["notes"] = self.notes(person, chosen, wanted=top, found=len(rows))
        return frame

    def recommend_all(self, *, top: int = 10, **filters: Any) -> Iterator[pd.DataFrame]:
        """List the films that each user will rate highest, user by user, in bounded memory.

        Yields:
            user_id, rank, movie_id, title and stars, for one user; no row where no film is left.

        Raises:
            ConfigError: As in `recommend`.
            UnknownIdError: A film to exclude is not in the ratings.
        """
        check_top(top)
        chosen = Filters(**filters)
        allowed = np.flatnonzero(self.films.allowed(chosen))
        for user_id in self.user_ids.tolist():
            rows, scores = self.rank(self.user(user_id), top, chosen, allowed=allowed)
            stars = self.tables.to_stars(torch.from_numpy(scores)).numpy()
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
        unit = self.scorer.score(self.user(user_id).statistics, torch.from_numpy(rows))
        return self.tables.to_stars(unit).numpy()

    def similar(self, movie_id: int, *, top: int = 10, **filters: Any) -> pd.DataFrame:
        """List the films that are nearest to one in what the network makes of films for an average user.

        Nearness is the cosine of the angle between the first hidden layer's outputs, from their mean over all films.

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

    def user(self, user_id: int) -> Person:
        """Look a user of the ratings up.

        Raises:
            UnknownIdError: There is no such user.
        """
        row = int(np.searchsorted(self.user_ids, user_id))
        if row == len(self.user_ids) or self.user_ids[row] != user_id:
            raise UnknownIdError(
                f"User {user_id} is not in the ratings (ids from {self.user_ids[0]} to {self.user_ids[-1]}). "
                "Give their ratings in a file, --ratings FILE, or --user_id new."
            )
        first, last = self.tables.rated_offsets[row : row + 2].tolist()
        return Person(
            self.tables.user_statistics[self.tables.scoring_bank, row],
            self.tables.rated_movies[first:last].numpy().astype(np.int64),
            self.tables.rated_stars[first:last].numpy().astype(np.float64),
        )

    def newcomer(self, ratings: Mapping[int, float]) -> Person:
        """Describe a user who is not in the ratings, by the statistics of their own; ids are scaled as in training.

        A network that reads user ids gets the one in the middle.

        Args:
            ratings: Stars of films by id.

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
        values = describe(sums(np.zeros(len(stars), dtype=np.int64), stars, 1))[0]
        if len(values) < tables.user_statistics.shape[-1]:  # the id comes first
            values = np.insert(values, 0, np.median(self.user_ids))
        low, high = tables.statistics_range[1][tables.scoring_bank].numpy()
        width = np.where(high > low, high - low, 1.0)
        return Person(torch.tensor((values - low) / width, dtype=torch.float32), rows, stars)

    def rank(
        self, person: Person, top: int, filters: Filters, *, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the films that a user will rate highest; of equal ones, the lower id comes first.

        Args:
            person: The user.
            top: How many.
            filters: Which films may be listed.
            allowed: Their rows, if they have been looked up before.

        Returns:
            Their rows, [found] int64, and ratings on the unit scale, not clipped, [found].
        """
        rows = np.flatnonzero(self.films.allowed(filters)) if allowed is None else allowed
        if not filters.include_seen:
            rows = np.setdiff1d(rows, person.movies, assume_unique=True)
        scores = self.scorer.score(person.statistics, torch.from_numpy(rows)).numpy()
        best = top_positions(scores, top)
        return rows[best], scores[best]

    def popular(self, top: int, filters: Filters) -> pd.DataFrame:
        """List the films of the highest mean rating, damped towards the mean of all by 25 ratings of it."""
        stars = self.tables.rated_stars.numpy().astype(np.float64)
        total = np.bincount(self.tables.rated_movies.numpy(), weights=stars, minlength=len(self.films.ids))
        mean = (total + DAMPING * stars.mean()) / (self.films.num_ratings + DAMPING)
        rows = np.flatnonzero(self.films.allowed(filters, complete=False))
        best = rows[top_positions(mean[rows], top)]
        frame = self.films.describe(best, mean[best])
        note = (
            "Nothing is known of this user. These are the films that most people like: stars are their mean rating, "
            f"drawn towards that of all films by {DAMPING} ratings of it."
        )
        frame.attrs["notes"] = [note]
        return frame

    def notes(self, person: Person, filters: Filters, *, wanted: int, found: int) -> list[str]:
        """Say what was left out, and why the list is short if it is."""
        notes = []
        if not filters.include_seen:
            notes.append(f"Left out: the {count_films(len(person.movies))} that the user has rated.")
        if incomplete := int((~self.films.complete).sum()):
            notes.append(f"Left out: {count_films(incomplete)} without the metadata that the network reads.")
        if found < wanted:
            notes.append(f"Only {count_films(found)} of {wanted:,} could be listed: the filters leave no more.")
        return notes

    @cached_property
    def explainer(self) -> Explainer:
        """What tells the inputs' shares in a prediction."""
        return Explainer(self.tables, self.network)

    @cached_property
    def directions(self) -> Tensor:
        """What the first hidden layer makes of each film for an average user, from the mean, of length 1."""
        tables, first = self.tables, self.network.first
        mean = tables.user_statistics[tables.scoring_bank].mean(dim=0)
        with torch.inference_mode():
            of_movie = first.of_movies(torch.arange(len(tables.movie_ids)), tables.scoring_bank)
            hidden = of_movie + first.of_user(mean)
            for layer in takewhile(lambda layer: not isinstance(layer, nn.Linear), self.network.rest):
                hidden = layer(hidden)
            return nn.functional.normalize(hidden - hidden[tables.complete].mean(dim=0), dim=1)


def check_top(top: int) -> None:
    """Refuse to list nothing.

    Raises:
        ConfigError: The number is below 1.
    """
    if top < 1:
        raise ConfigError(f"Expected at least 1 film to list, got {top}.")
