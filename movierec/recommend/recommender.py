"""Recommend films to anybody, from checkpoints alone."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch

from movierec.data.histories import History
from movierec.data.statistics import sums
from movierec.errors import CheckpointError, ConfigError, UnknownIdError
from movierec.models.checkpoint import read_model
from movierec.models.model import Model, RatingModel
from movierec.models.rating_levels import Outlook
from movierec.models.scoring import top_positions
from movierec.recommend.films import Films, Filters, count_films
from movierec.recommend.people import known_user, new_user, rows_of, translate

DAMPING = 25  # ratings of the mean film that are added to each film's own, for a user of whom nothing is known
USERS_AT_ONCE = 128
REASONS = 2  # rated films that an explanation names


class Recommender:
    """Recommend films: one model orders them, and one that predicts ratings says how many stars to expect.

    Threads may share one recommender; values that are computed at first use may then be computed twice.

    Args:
        model: A trained model, on the CPU, which orders the films.
        stars_from: A model that predicts the stars. Default: the first one, if it does.
    """

    def __init__(self, model: Model, *, stars_from: RatingModel | None = None) -> None:
        self.model, self.tables = model, model.tables
        self.films, self.user_ids = Films(model), model.tables.user_ids.numpy()
        self.stars_from = stars_from or (model if isinstance(model, RatingModel) else None)

    @classmethod
    def from_checkpoint(cls, path: str | Path, *, stars_from: str | Path | None = None) -> Self:
        """Read checkpoints of `fit`. No data are needed.

        Args:
            path: Of the model that orders films.
            stars_from: Of the model that predicts stars.

        Raises:
            CheckpointError: A file is damaged, of another program or version, or holds weights that are not finite; or
                the second model predicts no stars.
        """
        rater = None if stars_from is None else read_rating_model(Path(stars_from))
        return cls(read_model(Path(path)), stars_from=rater)

    def recommend(
        self,
        user_id: int | str | None = None,
        *,
        ratings: Mapping[int, float] | None = None,
        days: Mapping[int, int] | None = None,
        top: int = 10,
        novelty: float = 0.0,
        explain: bool = False,
        **filters: Any,
    ) -> pd.DataFrame:
        """List the films that a user will like most; without a user, those that most people like.

        Args:
            user_id: A user of the training ratings.
            ratings: Stars by film id, of a new user.
            days: Days since 1970, UTC, of these ratings, by film id; used only if every rating has one.
            top: Number of films to list.
            novelty: From 0 to 1, how much rarely rated films are preferred: what is subtracted from the standardised
                score for each standard deviation of a film's log number of ratings.
            explain: Whether to add the explanation of each score: `because` names the rated films that added most to
                it; `average`, the score of an average user and film, and the shares `from_...` of each group of inputs
                add up to `prediction`.
            filters: See `Filters`.

        Returns:
            rank, movie_id, title, year, genres, stars (predicted, on the rating scale; left out without a model that
            predicts them), num_ratings (of the film, in any part of the data) and, with `include_seen`, own_stars.
            `attrs["notes"]` says what was left out. If the model knows how likely each level of stars is, `low` and
            `high` of the 80 % range and `p_liked`, the probability of 4 stars or more, stand after stars.

        Raises:
            UnknownIdError: The user or a film is not in the ratings.
            ConfigError: Arguments contradict each other, or stars are outside the scale.
        """
        check_numbers(top, novelty)
        chosen = Filters(**filters)
        if user_id is not None and ratings is not None:
            raise ConfigError("Expected a user_id or ratings, got both. Leave one out.")
        if user_id is None and ratings is None:
            if explain:
                raise ConfigError("Expected a user_id or ratings with explain; without them, nothing is predicted.")
            return self.popular(top, chosen)
        if user_id is not None:
            history, seen = known_user(self.tables, user_id)
        else:
            history, seen = new_user(self.films, ratings or {}, days)
        rows = self.best_for(history, seen, top, chosen, novelty)
        frame = self.films.describe(rows, **self.stars(history, rows))
        if chosen.include_seen:
            own = dict(zip(history.movies.tolist(), history.stars.tolist(), strict=True))
            frame["own_stars"] = [own.get(row, np.nan) for row in rows.tolist()]
        if explain:
            frame = frame.join(self.explain(history, rows))
        frame.attrs["notes"] = self.notes(seen, chosen, wanted=top, found=len(rows), explained=explain)
        return frame

    def recommend_all(self, *, top: int = 10, novelty: float = 0.0, **filters: Any) -> Iterator[pd.DataFrame]:
        """List the films that each user will like most, user by user, in bounded memory.

        Yields:
            user_id, rank, movie_id, title, and stars and what follows them in `recommend` (if predicted), for one user;
            no rows if no film is left.

        Raises:
            ConfigError: As in `recommend`.
            UnknownIdError: A film to exclude is not in the ratings.
        """
        check_numbers(top, novelty)
        chosen = Filters(**filters)
        allowed = self.films.allowed(chosen)
        for start in range(0, len(self.user_ids), USERS_AT_ONCE):
            block = self.user_ids[start : start + USERS_AT_ONCE].tolist()
            people = [known_user(self.tables, user_id) for user_id in block]
            ranked = self.model.rank_all([history for history, _ in people]).numpy()
            for (history, seen), scores in zip(people, ranked, strict=True):
                rows = self.best(scores, allowed, [] if chosen.include_seen else seen, top, novelty)
                frame = self.films.describe(rows, **self.stars(history, rows))
                frame = frame.drop(columns=["year", "genres", "num_ratings"])
                frame.insert(0, "user_id", self.tables.user_name(history.user_id))
                yield frame

    def predict(self, user_id: int | str, movie_ids: Collection[int | str]) -> np.ndarray:
        """Predict the stars that a user gives films, as `predict --data.pairs` on the command line does.

        Returns:
            [len(movie_ids)] float32, on the rating scale.

        Raises:
            UnknownIdError: The user or a film is not in the ratings, or a film lacks what the network reads.
            ConfigError: No model predicts stars.
        """
        if self.stars_from is None:
            raise ConfigError(f"Expected a model that predicts stars, got {type(self.model).__name__}.")
        rows = np.array([self.films.row(movie_id) for movie_id in movie_ids], dtype=np.int64)
        history, _ = known_user(self.tables, user_id)
        stars = self.stars(history, rows)["stars"]
        if len(bad := np.flatnonzero(np.isnan(stars))):
            raise UnknownIdError(f"Film {self.films.ids[rows[bad[0]]]} lacks metadata that the network reads.")
        return stars

    def similar(self, movie_id: int, *, top: int = 10, **filters: Any) -> pd.DataFrame:
        """List the films most similar to one, according to the model that orders films.

        Of a film of too few ratings for a list model, they are those of the same genres and about the same year.

        Returns:
            rank, movie_id, title, year, genres, similarity and num_ratings.

        Raises:
            ConfigError: As in `recommend`.
            UnknownIdError: The film is not in the ratings, or lacks what the network reads.
        """
        check_numbers(top)
        row = self.films.row(movie_id)
        is_listed = self.films.listed[row]
        if not is_listed and isinstance(self.model, RatingModel):
            raise UnknownIdError(f"Film {movie_id} lacks metadata that the network reads.")
        scores = self.model.similar(row).detach().numpy() if is_listed else self.films.alike(row)
        rows = self.best(scores, self.films.allowed(Filters(**filters)), [row], top)
        return self.films.describe(rows, similarity=scores[rows])

    def best_for(self, history: History, seen: np.ndarray, top: int, filters: Filters, novelty: float) -> np.ndarray:
        """Find the rows of the films to list for a person; see `best`."""
        scores = self.model.rank_all([history])[0].numpy()
        return self.best(scores, self.films.allowed(filters), [] if filters.include_seen else seen, top, novelty)

    def best(
        self,
        scores: np.ndarray,
        allowed: np.ndarray,
        left_out: Sequence[int] | np.ndarray,
        top: int,
        novelty: float = 0.0,
    ) -> np.ndarray:
        """Find the rows of the films of the highest scores; of equal ones, the lower id comes first.

        Args:
            scores: Of all films, [num_movies].
            allowed: Which films may be listed, [num_movies] bool.
            left_out: Rows of films to leave out.
            top: Number of films to find.
            novelty: See `recommend`.
        """
        is_left = allowed & self.films.listed
        is_left[left_out] = False
        rows = np.flatnonzero(is_left)
        ranked = scores[rows]
        if novelty and len(rows):
            ranked = standardise(ranked) - novelty * standardise(np.log1p(self.films.num_ratings[rows]))
        best: np.ndarray = rows[top_positions(ranked, top)]
        return best

    def stars(self, history: History, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Predict stars, and their range if it is known, by name for `Films.describe`; NaN where the model cannot.

        Returns:
            `stars`, and perhaps what `Outlook` has, [size] float32 each.
        """
        rater = self.stars_from
        if rater is None:
            return {}
        if rater is self.model:
            its_rows = rows
        else:
            history, its_rows = translate(history, self.films, rater), rows_of(self.films.ids[rows], rater)
        is_known = (its_rows >= 0) & rater.listed.numpy()[its_rows]
        films = torch.from_numpy(its_rows[is_known])
        predicted = {"stars": rater.predict(history, films)}
        levels = rater.level_probabilities(history, films)
        if levels is not None:
            predicted |= Outlook.of(levels, rater.tables.levels, rater.tables.liked_stars)._asdict()
        columns = {name: np.full(len(rows), np.nan, dtype=np.float32) for name in predicted}
        for name, values in predicted.items():
            columns[name][is_known] = values.numpy()
        return columns

    def explain(self, history: History, rows: np.ndarray) -> pd.DataFrame:
        """Divide the scores of films into shares, and name the rated films that added most to each."""
        frame = self.model.explain(history, torch.from_numpy(rows))
        because = self.because(history, rows)
        return frame if because is None else frame.assign(because=because)

    def because(self, history: History, rows: np.ndarray) -> list[str] | None:
        """Name the rated films that added most to the score of each film; None if the model does not know."""
        reasons = self.model.reasons(history, torch.from_numpy(rows))
        if reasons is None:
            return None
        names = [
            f"{self.films.titles[row].partition(' (')[0]} ({stars:g})"
            for row, stars in zip(history.movies.tolist(), history.stars.tolist(), strict=True)
        ]
        strongest = reasons.topk(min(REASONS, len(names)), dim=1)
        return [
            ", ".join(names[place] for place, share in zip(places, shares, strict=True) if share > 0)
            for places, shares in zip(strongest[1].tolist(), strongest[0].tolist(), strict=True)
        ]

    def popular(self, top: int, filters: Filters) -> pd.DataFrame:
        """List the films with the highest mean rating, damped by 25 ratings at the mean of all."""
        movies, stars = self.tables.history_movies.numpy(), self.tables.history_stars.numpy().astype(np.float64)
        number, total, _ = sums(movies, stars, len(self.films))
        mean = (total + DAMPING * stars.mean()) / (number + DAMPING)
        rows = np.flatnonzero(self.films.allowed(filters))
        best = rows[top_positions(mean[rows], top)]
        frame = self.films.describe(best, stars=mean[best])
        note = (
            "Without ratings, these are the films that most people like: stars are their mean rating, "
            f"damped by {DAMPING} ratings at the mean of all films."
        )
        frame.attrs["notes"] = [note]
        return frame

    def notes(self, seen: np.ndarray, filters: Filters, *, wanted: int, found: int, explained: bool) -> list[str]:
        """Say what was left out, and why the list is short if it is."""
        notes = []
        if not filters.include_seen:
            notes.append(f"Left out: the {count_films(len(seen))} rated before.")
        if left_out := int((~self.films.listed).sum()):
            notes.append(f"Left out: {count_films(left_out)} {self.model.unlisted}.")
        if found < wanted:
            notes.append(f"Only {count_films(found)} of {wanted:,} could be listed: the filters leave no more.")
        if explained and self.model.explained_by:
            notes.append(self.model.explained_by)
        return notes


def read_rating_model(path: Path) -> RatingModel:
    """Read the model of a checkpoint, which must be one that predicts stars."""
    model = read_model(path)
    if not isinstance(model, RatingModel):
        raise CheckpointError(f"Expected a model that predicts stars in {path}, got {type(model).__name__}.")
    return model


def standardise(values: np.ndarray) -> np.ndarray:
    """Subtract the mean, and divide by the standard deviation."""
    scaled: np.ndarray = (values - values.mean()) / max(values.std(), 1e-9)
    return scaled


def check_numbers(top: int, novelty: float = 0.0) -> None:
    """Refuse a number of films below 1, and novelty outside 0 to 1."""
    if top < 1:
        raise ConfigError(f"Expected at least 1 film to list, got {top}.")
    if not 0 <= novelty <= 1:
        raise ConfigError(f"Expected novelty from 0 to 1, got {novelty}.")
