"""Look up and filter the films of a data set."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from movierec.datasets.titles import TitleIndex, natural, year_of
from movierec.errors import ConfigError, UnknownIdError
from movierec.models.model import Model


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Filters of the films to recommend.

    Attributes:
        genres: Films of at least one of these genres, ignoring case; empty for all.
        years: The first and the last year.
        min_ratings: Number of ratings that a film needs; None for what the model asks for.
        exclude: Ids of films to leave out.
        among: Which films may be listed, [num_movies] bool; None for all.
        include_seen: Whether to include films that the user has rated.
    """

    genres: Collection[str] = ()
    years: tuple[int, int] | None = None
    min_ratings: int | None = None
    exclude: Collection[int] = ()
    among: np.ndarray | None = None
    include_seen: bool = False


class Films:
    """The films of a data set, of which a model can list some.

    Args:
        model: The model.
    """

    def __init__(self, model: Model) -> None:
        self.tables = tables = model.tables
        self.titles, self.genres = [natural(title) for title in tables.titles], tables.genres
        self.ids, self.listed, self.num_ratings = tables.movie_ids.numpy(), model.listed.numpy(), tables.num_ratings
        self.min_ratings = model.list_min_ratings
        self.shown_ids = np.array(tables.movie_names, dtype=object) if tables.movie_names else self.ids

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, movie_id: int | str) -> int:
        """Return the row of a film that must be there."""
        row = self.find_id(movie_id)
        if row is None:
            raise UnknownIdError(f"Film {movie_id} is not among the {len(self.ids):,} that the model knows.")
        return row

    def find_id(self, movie_id: int | str) -> int | None:
        """Return the row of a film, by its number or the text of its id; None if there is no such film."""
        if isinstance(movie_id, str) and self.shown_ids.dtype == object:
            return self.row_of_name.get(movie_id)
        if not str(movie_id).isdecimal():
            return None
        row = int(np.searchsorted(self.ids, int(movie_id)))
        return row if row < len(self.ids) and self.ids[row] == int(movie_id) else None

    @cached_property
    def row_of_name(self) -> dict[str, int]:
        """The row of each film by the text of its id."""
        return {name: row for row, name in enumerate(self.shown_ids)}

    def allowed(self, filters: Filters) -> np.ndarray:
        """Return which films the filters let through, listed by the model or not: [num_movies] bool."""
        fewest = self.min_ratings if filters.min_ratings is None else filters.min_ratings
        allowed = self.num_ratings >= fewest
        if filters.genres:
            wanted = {genre.casefold() for genre in filters.genres}
            if unknown := wanted - {genre.casefold() for genre in self.all_genres}:
                raise ConfigError(
                    f"Expected genres among {', '.join(self.all_genres)}; got {', '.join(sorted(unknown))}."
                )
            allowed &= [bool(wanted & set(genres.casefold().split("|"))) for genres in self.genres]
        if filters.years:
            first, last = filters.years
            allowed &= (first <= self.years) & (self.years <= last)
        if filters.among is not None:
            allowed &= filters.among
        allowed[[self.row(movie_id) for movie_id in filters.exclude]] = False
        return allowed

    def describe(self, rows: np.ndarray, **columns: np.ndarray) -> pd.DataFrame:
        """Make a frame of films with further columns, such as their predicted stars."""
        titles = [self.titles[row] for row in rows]
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(rows) + 1),
                "movie_id": self.shown_ids[rows],
                "title": titles,
                "year": pd.array([year_of(title) for title in titles], dtype="Int64"),
                "genres": [self.genres[row] for row in rows],
                **columns,
                "num_ratings": self.num_ratings[rows],
            }
        )

    def alike(self, row: int) -> np.ndarray:
        """Score how alike films are to one by their genres and years, [num_movies]: at most 1."""
        own, year = set(self.genres[row].split("|")), year_of(self.titles[row])
        scores = np.empty(len(self))
        for other, (title, genres) in enumerate(zip(self.titles, self.genres, strict=True)):
            its, its_year = set(genres.split("|")), year_of(title)
            apart = abs(its_year - year) if its_year and year else 20
            scores[other] = len(own & its) / len(own | its) - apart / 100
        return scores

    @cached_property
    def years(self) -> np.ndarray:
        """The year of each film, -1 if unknown: [num_movies] int64."""
        return np.array([year_of(title) or -1 for title in self.titles])

    @cached_property
    def index(self) -> TitleIndex:
        """The index that finds films by title."""
        return TitleIndex(self.titles, self.num_ratings.tolist())

    def name(self, row: int) -> str:
        """Write a film's title and id."""
        return f"{self.titles[row]} (id {self.shown_ids[row]})"

    def find(self, title: str, year: int | None = None) -> tuple[int | None, str]:
        """Find a film by its title, as people write it, and by its year, if that is known.

        Returns:
            Its row, None if the title fits none or several; and a note, which may be empty.
        """
        rows = self.index.find(title, year)
        row, asked = self.index.choose(rows), repr(title) + (f" ({year})" if year else "")
        listed = ", ".join(self.name(other) for other in rows if other != row)
        if row is not None:
            return row, f"Took {self.name(row)} for {asked}: it has far more ratings than {listed}." if listed else ""
        if rows:
            return None, f"{asked}: it may be any of {listed}."
        near = " or ".join(self.name(other) for other in self.index.suggest(title))
        return None, f"{asked}: no such film.{f' Did you mean {near}?' if near else ''}"

    @cached_property
    def all_genres(self) -> list[str]:
        """All genres, sorted."""
        return sorted({genre for genres in self.genres for genre in genres.split("|")})


def count_films(number: int) -> str:
    """Write a number of films."""
    return f"{number:,} film{'' if number == 1 else 's'}"
