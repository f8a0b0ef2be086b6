"""Read a new user's ratings from a csv file."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from movierec.datasets.csv_file import csv_line, pick_column, read_csv, refuse_rows
from movierec.errors import DataFormatError, UnknownIdError
from movierec.recommend.titles import TitleIndex

if TYPE_CHECKING:
    from movierec.recommend.recommender import Recommender


def read_ratings_file(path: Path, recommender: "Recommender") -> tuple[dict[int, float], list[str]]:
    """Read a csv file with the columns movieId (or movie_id) or title, and rating (or stars).

    Titles need not be written as MovieLens does; a film that is unknown, ambiguous or without a rating is left
    out, and a note says so.

    Returns:
        Stars by film id, and the notes.

    Raises:
        MissingDataError: There is no such file.
        DataFormatError: A column is missing, a rating is no number or outside the scale, or a film is rated twice;
            the message names the line.
        UnknownIdError: None of the films is known.
    """
    key, stars = pick_column(path, "movieId", "movie_id", "title"), pick_column(path, "rating", "stars")
    frame = read_csv(path, columns={key: "str" if key == "title" else "int64", stars: "float64"})
    low, high = recommender.tables.min_stars, recommender.tables.max_stars
    is_outside = (frame[stars] < low) | (frame[stars] > high)  # a film without a rating is not
    refuse_rows(path, is_outside, frame[stars], f"a rating from {low:g} to {high:g} stars")
    found: dict[int, float] = {}
    notes = []
    index = TitleIndex(recommender.films.titles) if key == "title" else None
    known = set(recommender.films.ids.tolist())
    names = frame[key].fillna("") if index else frame[key]
    for row, (name, value) in enumerate(zip(names, frame[stars], strict=True)):
        ids = recommender.films.ids[index.find(str(name))].tolist() if index else [name] if name in known else []
        if math.isnan(value):
            notes.append(f"Left out {str(name)!r}: no rating.")
        elif len(ids) != 1:
            notes.append(explain(str(name), ids, index, recommender))
        elif ids[0] in found:
            line = csv_line(path, row)
            raise DataFormatError(f"{path}, line {line}: film {str(name)!r} is rated twice. Remove one of the lines.")
        else:
            found[int(ids[0])] = float(value)
    if not found:
        raise UnknownIdError(" ".join([f"{path}: none of its films is known.", *notes]))
    return found, notes


def explain(name: str, ids: list[int], index: TitleIndex | None, recommender: "Recommender") -> str:
    """Say why a film could not be used."""
    titles = recommender.films.titles
    if ids:
        listed = ", ".join(f"{titles[recommender.films.row(movie_id)]} (id {movie_id})" for movie_id in ids)
        return f"Left out {name!r}, which may be any of {listed}."
    near = " or ".join(titles[row] for row in index.suggest(name)) if index else ""
    return f"Left out {name!r}: no such film.{f' Did you mean {near}?' if near else ''}"
