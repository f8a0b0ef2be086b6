"""Answer the questions of the API with a recommender."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from fastapi.exceptions import RequestValidationError

from movierec.data.statistics import sums
from movierec.datasets.exports import read_export
from movierec.datasets.movielens import NO_ID
from movierec.recommend.films import Filters, count_films
from movierec.recommend.matching import match
from movierec.recommend.people import new_user
from movierec.recommend.recommender import Recommender
from movierec.serve.schemas import (
    Film,
    Imported,
    PredictRequest,
    RatedFilm,
    Rating,
    RecommendRequest,
    ScoredFilm,
    ScoredFilms,
)

KNOWN, ALIKE, QUESTIONS = 400, 10, 40  # films rated most, if they are not over a quarter; films like one; to ask about


class FilmService:
    """Recommend, predict, search and import; threads may share it.

    Args:
        recommender: The models.
        facts: What else is known of the films, as `read_film_facts` reads it.
    """

    def __init__(self, recommender: Recommender, facts: pd.DataFrame) -> None:
        self.recommender, self.films, self.facts = recommender, recommender.films, facts
        self.scale = recommender.tables.min_stars, recommender.tables.max_stars
        self.details = [self.film(row, *known) for row, known in enumerate(facts.itertuples(index=False, name=None))]
        self.questions = self.describe(choose_questions(recommender))

    def recommend(self, request: RecommendRequest) -> ScoredFilms:
        """List the films that somebody will like most; without ratings, those that most people like."""
        recommender = self.recommender
        ratings, notes = self.known(request.ratings)
        filters = Filters(
            genres=request.genres,
            years=request.years,
            exclude=[one for one in request.exclude if self.films.find_id(one) is not None],
            among=self.among(request),
        )
        if not ratings:
            frame = recommender.popular(request.top, filters)
            films = self.scored([self.films.row(one) for one in frame["movie_id"]], {"stars": frame["stars"]})
            return ScoredFilms(films=films, notes=[*notes, *frame.attrs["notes"]])
        history, seen = new_user(self.films, ratings)
        best = recommender.best_for(history, seen, request.top, filters, request.novelty)
        because = recommender.because(history, best)
        notes += recommender.notes(seen, filters, wanted=request.top, found=len(best), explained=because is not None)
        return ScoredFilms(films=self.scored(best.tolist(), recommender.stars(history, best), because), notes=notes)

    def among(self, request: RecommendRequest) -> np.ndarray:
        """Tell which films have the wanted language and length, [num_films] bool."""
        among = np.ones(len(self.films), dtype=bool)
        if request.languages:
            among &= self.facts["language"].isin(request.languages).to_numpy()
        if request.minutes:
            among &= self.facts["minutes"].between(*request.minutes).to_numpy()
        return among

    def predict(self, request: PredictRequest) -> ScoredFilms:
        """Predict the stars that somebody will give films."""
        ratings, notes = self.known(request.ratings)
        history, _ = new_user(self.films, ratings)
        rows = np.array([self.films.row(movie_id) for movie_id in request.movie_ids])
        return ScoredFilms(films=self.scored(rows.tolist(), self.recommender.stars(history, rows)), notes=notes)

    def similar(self, movie_id: int, top: int) -> list[Film]:
        """List films like one."""
        ids = self.recommender.similar(movie_id, top=top)["movie_id"]
        return self.describe(self.films.row(one) for one in ids.tolist())

    def search(self, text: str, top: int) -> list[Film]:
        """List films by words of their titles."""
        return self.describe(self.films.index.search(text, top))

    def read(self, content: bytes) -> Imported:
        """Read a file of ratings."""
        found = match(read_export(content, self.scale), self.films, self.facts)
        ratings = [RatedFilm(**self.details[self.films.row(one)], stars=stars) for one, stars in found.ratings.items()]
        seen = self.describe(self.films.row(one) for one in found.seen)
        return Imported(ratings=ratings, seen=seen, unmatched=found.unmatched, notes=found.notes)

    def known(self, ratings: Iterable[Rating]) -> tuple[dict[int, float], list[str]]:
        """Keep the ratings of known films, none below the model's scale; of two of one film, the last.

        Raises:
            RequestValidationError: A rating is above the scale.
        """
        least, most = self.scale
        stars = {}
        for place, one in enumerate(ratings):
            if one.stars > most:
                wrong = {"loc": ("body", "ratings", place, "stars"), "msg": f"Expected at most {most:g} stars."}
                raise RequestValidationError([wrong])
            stars[one.movie_id] = max(one.stars, least)
        known = {one: value for one, value in stars.items() if self.films.find_id(one) is not None}
        unknown = len(stars) - len(known)
        return known, [f"Left out: {count_films(unknown)} that you rated, and the model does not know."] * (unknown > 0)

    def describe(self, rows: Iterable[int]) -> list[Film]:
        """Describe films."""
        return [Film(**self.details[row]) for row in rows]

    def scored(
        self, rows: Sequence[int], predicted: Mapping[str, Any], because: Sequence[str] | None = None
    ) -> list[ScoredFilm]:
        """Describe films, with what is predicted of each; a number that is not known is NaN."""
        known = {name: [None if np.isnan(one) else float(one) for one in values] for name, values in predicted.items()}
        nothing: list[Any] = [None] * len(rows)
        stars, lows, highs = (known.get(name, nothing) for name in ("stars", "low", "high"))
        columns = zip(rows, stars, lows, highs, because or nothing, strict=True)
        return [
            ScoredFilm(
                **self.details[row],
                stars=value,
                range=None if low is None or high is None else (low, high),
                because=reason or None,
            )
            for row, value, low, high, reason in columns
        ]

    def film(self, row: int, imdb_id: int, tmdb_id: int, language: str | None, minutes: float) -> dict[str, Any]:
        """Describe a film."""
        title, year = self.films.titles[row], int(self.films.years[row])
        return {
            "movie_id": int(self.films.ids[row]),
            "title": title if year < 0 else title.rpartition(" (")[0],
            "year": None if year < 0 else year,
            "genres": self.films.genres[row].split("|"),
            "language": language,
            "minutes": None if np.isnan(minutes) else round(minutes),
            "num_ratings": int(self.films.num_ratings[row]),
            "imdb_url": None if imdb_id == NO_ID else f"https://www.imdb.com/title/tt{imdb_id:07}/",
            "tmdb_url": None if tmdb_id == NO_ID else f"https://www.themoviedb.org/movie/{tmdb_id}",
        }


def choose_questions(recommender: Recommender) -> list[int]:
    """Choose films to ask a new person about: known to many, dividing them, and unlike each other.

    Films are ordered by the deviation of their training ratings times the root of their number, which is how far
    apart people are in all. One that is among the nearest of a film before it is left out.
    """
    tables, films = recommender.tables, recommender.films
    number, total, squares = sums(tables.history_movies.numpy(), tables.history_stars.double().numpy(), len(films))
    apart = squares - total**2 / np.maximum(number, 1)  # the square of it
    apart[~films.listed] = 0
    apart[np.argsort(-number, kind="stable")[min(KNOWN, len(films) // 4) :]] = 0
    chosen: list[int] = []
    near: set[int] = set()
    for row in np.argsort(-apart, kind="stable").tolist():
        if row not in near and apart[row] > 0 and len(chosen) < QUESTIONS:
            chosen.append(row)
            alike = recommender.similar(int(films.ids[row]), top=ALIKE)["movie_id"]
            near.update(films.row(one) for one in alike.tolist())
    return chosen
