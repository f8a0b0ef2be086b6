"""Find the films of somebody's export among those of a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from movierec.datasets.catalog import Release
from movierec.datasets.exports import Export, RatedFilm
from movierec.datasets.metadata import TMDB_FILE, read_tmdb
from movierec.datasets.movielens import NO_ID, read_links
from movierec.datasets.own_ratings import find_release
from movierec.errors import MissingDataError
from movierec.models.model import Model
from movierec.recommend.films import Films, count_films


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


def read_film_facts(root: Path, model: Model) -> pd.DataFrame:
    """Read ids, languages and lengths of a model's films from the release's links and TMDb's file, if they are there.

    Returns:
        Indexed by film id, in the model's order: imdb_id and tmdb_id (int64, -1 if unknown), language (two letters,
        None if unknown) and minutes (float64, NaN if unknown). Of invented films, nothing is known.
    """
    tables, tmdb = model.tables, pd.DataFrame(columns=["tmdb_original_language", "tmdb_runtime"])
    ids = tables.movie_ids.numpy()
    facts = pd.DataFrame({"imdb_id": NO_ID, "tmdb_id": NO_ID}, index=ids)
    release = None if tables.record["sample"] else known_release(root, tables.record["options"]["release"])
    if release and release.links and (root / release.links).is_file():
        links = read_links(root, release)
        links = links.set_index(links.pop("movie_id").astype(str))  # a user's own ids may be texts
        names = [str(one) for one in tables.movie_names or ids]
        facts = links.reindex(names, fill_value=NO_ID).set_axis(ids)
        if (root / TMDB_FILE).is_file():
            tmdb = read_tmdb(root)
    known = tmdb.reindex(facts["tmdb_id"])
    facts["language"] = known["tmdb_original_language"].replace({np.nan: None}).to_numpy(object)
    facts["minutes"] = known["tmdb_runtime"].replace(0, np.nan).to_numpy(np.float64)
    return facts


def known_release(root: Path, name: str) -> Release | None:
    """Find the release that a model was trained on; None if it is not below the data root any more."""
    try:
        return find_release(root, name)
    except MissingDataError:
        return None


def match(export: Export, films: Films, facts: pd.DataFrame) -> Matched:
    """Find films by id, or else by title and year; of two ratings of a film, the newer one counts.

    Args:
        export: What somebody has rated, on the model's scale.
        films: The films of a model.
        facts: Their ids elsewhere, as `read_film_facts` reads them.
    """
    row_of_imdb = {imdb_id: row for row, imdb_id in enumerate(facts["imdb_id"].tolist()) if imdb_id != NO_ID}
    ratings: dict[int, float] = {}
    seen: dict[int, None] = {}
    unmatched: dict[str, None] = {}
    again = 0
    for film in export.films:
        row = find(film, films, row_of_imdb)
        if row is None:
            unmatched[str(film)] = None
            continue
        movie_id = int(films.ids[row])
        if film.stars is None:
            seen[movie_id] = None
        else:
            again += movie_id in ratings
            ratings[movie_id] = film.stars
    notes = [f"Of {count_films(again)} rated again, the newest rating counts."] if again else []
    return Matched(ratings, [one for one in seen if one not in ratings], list(unmatched), [*export.notes, *notes])


def find(film: RatedFilm, films: Films, row_of_imdb: Mapping[int, int]) -> int | None:
    """Find the row of a film; None if it is unknown, or its title is that of several."""
    by_id = films.find_id(film.movie_id or "") if film.imdb_id is None else row_of_imdb.get(film.imdb_id)
    if by_id is not None or film.movie_id is not None:
        return by_id
    years = (None,) if film.year is None else (film.year, film.year - 1, film.year + 1)  # databases differ by one
    for year in years:
        for title in film.titles:
            row = films.index.choose(films.index.find(title, year))
            if row is not None:
                return row
    return None
