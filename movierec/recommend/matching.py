"""Find the films of somebody's export among those of a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from movierec.datasets.catalog import RELEASES
from movierec.datasets.exports import Export, RatedFilm
from movierec.datasets.movielens import NO_ID, read_links
from movierec.models.model import Model
from movierec.recommend.films import Films, count_films


class FilmIds(NamedTuple):
    """Ids of films at IMDb and TMDb, by the id at MovieLens."""

    imdb: Mapping[int, int]
    tmdb: Mapping[int, int]


class Matched(NamedTuple):
    """Ratings that a recommender can read.

    Attributes:
        ratings: Stars by film id.
        seen: Ids of films that were seen and not rated.
        unmatched: The films that were not found, with their years.
        notes: What was left out.
    """

    ratings: dict[int, float]
    seen: list[int]
    unmatched: list[str]
    notes: list[str]


def read_film_ids(root: Path, model: Model) -> FilmIds:
    """Read the ids of a model's films from the release's links; none if they are not there, or invented."""
    record = model.tables.record
    release = RELEASES.get(record["options"]["release"])
    if record["sample"] or release is None or release.links is None or not (root / release.links).is_file():
        return FilmIds({}, {})
    links = read_links(root, release)
    imdb, tmdb = (links[links[name] != NO_ID] for name in ("imdb_id", "tmdb_id"))
    return FilmIds(
        dict(zip(imdb["movie_id"].tolist(), imdb["imdb_id"].tolist(), strict=True)),
        dict(zip(tmdb["movie_id"].tolist(), tmdb["tmdb_id"].tolist(), strict=True)),
    )


def match(export: Export, films: Films, ids: FilmIds, scale: tuple[float, float]) -> Matched:
    """Find films by id, or else by title and year; of two ratings of a film, the newer one counts.

    Stars outside the scale, the least and the most that the model knows, are moved there.
    """
    by_imdb = {imdb_id: movie_id for movie_id, imdb_id in ids.imdb.items()}
    ratings: dict[int, float] = {}
    seen: dict[int, None] = {}
    unmatched: dict[str, None] = {}
    again = 0
    for film in export.films:
        row = find(film, films, by_imdb)
        if row is None:
            unmatched[str(film)] = None
            continue
        movie_id = int(films.ids[row])
        if film.stars is None:
            seen[movie_id] = None
        else:
            again += movie_id in ratings
            ratings[movie_id] = min(max(film.stars, scale[0]), scale[1])
    notes = [f"Of {count_films(again)} rated again, the newest rating counts."] if again else []
    return Matched(ratings, [one for one in seen if one not in ratings], list(unmatched), [*export.notes, *notes])


def find(film: RatedFilm, films: Films, by_imdb: Mapping[int, int]) -> int | None:
    """Find the row of a film; None if it is unknown, or its title is that of several."""
    movie_id = film.movie_id if film.imdb_id is None else by_imdb.get(film.imdb_id)
    if movie_id is not None:
        return films.find_id(movie_id)
    years = (None,) if film.year is None else (film.year, film.year - 1, film.year + 1)  # databases differ by one
    for year in years:
        for title in film.titles:
            row = films.index.choose(films.index.find(title, year))
            if row is not None:
                return row
    return None
