"""Answer the questions of the API with a recommender."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from movierec.datasets.exports import read_export
from movierec.datasets.titles import year_of
from movierec.recommend.films import count_films
from movierec.recommend.matching import FilmIds, match
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
        ids: Ids of the films at IMDb and TMDb.
    """

    def __init__(self, recommender: Recommender, ids: FilmIds) -> None:
        self.recommender, self.films, self.ids = recommender, recommender.films, ids
        self.questions = self.describe(choose_questions(recommender))

    def recommend(self, request: RecommendRequest) -> ScoredFilms:
        """List the films that somebody will like most; without ratings, those that most people like."""
        ratings, notes = self.known(request.ratings)
        frame = self.recommender.recommend(
            ratings=ratings or None,
            top=request.top,
            novelty=request.novelty,
            explain=bool(ratings),
            genres=request.genres,
            years=request.years,
            exclude=[one for one in request.exclude if self.films.find_id(one) is not None],
        )
        return ScoredFilms(films=self.scored(frame), notes=[*notes, *frame.attrs["notes"]])

    def predict(self, request: PredictRequest) -> ScoredFilms:
        """Predict the stars that somebody will give films."""
        ratings, notes = self.known(request.ratings)
        history, _ = new_user(self.films, ratings)
        rows = np.array([self.films.row(movie_id) for movie_id in request.movie_ids])
        frame = self.films.describe(rows, **self.recommender.stars(history, rows))
        return ScoredFilms(films=self.scored(frame), notes=notes)

    def similar(self, movie_id: int, top: int) -> list[Film]:
        """List films like one."""
        ids = self.recommender.similar(movie_id, top=top)["movie_id"]
        return self.describe(self.films.row(one) for one in ids.tolist())

    def search(self, text: str, top: int) -> list[Film]:
        """List films by words of their titles."""
        return self.describe(self.films.index.search(text, top))

    def read(self, content: bytes) -> Imported:
        """Read a file of ratings."""
        tables = self.recommender.tables
        found = match(read_export(content), self.films, self.ids, (tables.min_stars, tables.max_stars))
        ratings = [RatedFilm(**self.film(self.films.row(one)), stars=stars) for one, stars in found.ratings.items()]
        seen = self.describe(self.films.row(one) for one in found.seen)
        return Imported(ratings=ratings, seen=seen, unmatched=found.unmatched, notes=found.notes)

    def known(self, ratings: Iterable[Rating]) -> tuple[dict[int, float], list[str]]:
        """Keep the ratings of known films, on the model's scale; of two of one film, the last."""
        tables = self.recommender.tables
        stars = {one.movie_id: min(max(one.stars, tables.min_stars), tables.max_stars) for one in ratings}
        known = {one: value for one, value in stars.items() if self.films.find_id(one) is not None}
        unknown = len(stars) - len(known)
        return known, [f"Left out: {count_films(unknown)} that you rated, and the model does not know."] * (unknown > 0)

    def describe(self, rows: Iterable[int]) -> list[Film]:
        """Describe films."""
        return [Film(**self.film(row)) for row in rows]

    def scored(self, frame: pd.DataFrame) -> list[ScoredFilm]:
        """Describe films of a list, with their stars and reasons."""
        films = []
        for line in frame.replace({np.nan: None}).to_dict("records"):
            low, high = line.get("low"), line.get("high")
            because = line.get("because") or None
            span = None if low is None or high is None else (low, high)
            film = self.film(self.films.row(line["movie_id"]))
            films.append(ScoredFilm(**film, stars=line.get("stars"), range=span, because=because))
        return films

    def film(self, row: int) -> dict[str, Any]:
        """Describe a film."""
        movie_id, title = int(self.films.ids[row]), self.films.titles[row]
        imdb, tmdb = self.ids.imdb.get(movie_id), self.ids.tmdb.get(movie_id)
        year = year_of(title)
        return {
            "movie_id": movie_id,
            "title": title.rpartition(" (")[0] if year else title,
            "year": year,
            "genres": self.films.genres[row].split("|"),
            "num_ratings": int(self.films.num_ratings[row]),
            "imdb_url": imdb and f"https://www.imdb.com/title/tt{imdb:07}/",
            "tmdb_url": tmdb and f"https://www.themoviedb.org/movie/{tmdb}",
        }


def choose_questions(recommender: Recommender) -> list[int]:
    """Choose films to ask a new person about: known to many, dividing them, and unlike each other.

    Films are ordered by the deviation of their training ratings times the root of their number, which is how far
    apart people are in all. One that is among the nearest of a film before it is left out.
    """
    tables, films = recommender.tables, recommender.films
    movies, stars = tables.history_movies.numpy(), tables.history_stars.double().numpy()
    number = np.maximum(np.bincount(movies, minlength=len(films)), 1)
    mean = np.bincount(movies, stars, len(films)) / number
    squares = np.bincount(movies, stars**2, len(films)) / number - mean**2
    apart = np.sqrt(squares.clip(min=0) * number)
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
