"""Read a new user's ratings from a csv file."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from movierec.data.tables import SECONDS_A_DAY
from movierec.datasets.csv_file import LARGEST, csv_line, pick_column, read_csv, read_header, refuse_rows
from movierec.errors import DataFormatError, UnknownIdError

if TYPE_CHECKING:
    from movierec.recommend.films import Films
    from movierec.recommend.recommender import Recommender

COLUMNS = {  # what they are called in files, and what they hold
    "movie_id": (("movieId", "movie_id"), "int64"),
    "title": (("title",), "str"),
    "year": (("year", "Year"), "float64"),
    "user": (("userId", "user_id"), "str"),
    "stars": (("rating", "stars"), "float64"),
    "timestamp": (("timestamp",), "str"),
}


def read_ratings_file(path: Path, recommender: "Recommender") -> tuple[dict[int, float], list[str], dict[int, int]]:
    """Read a csv file with the columns movieId (or movie_id) or title, and rating (or stars).

    The columns year and timestamp (seconds since 1970, UTC) are optional.

    Titles need not be written as MovieLens does. A film is left out, with a note, if it is unknown, ambiguous or
    without a rating, or if its id belongs to another title or year.

    Returns:
        Stars by film id, the notes, and by film id the days since 1970, UTC, of the ratings that have a timestamp.

    Raises:
        MissingDataError: There is no such file.
        DataFormatError: A column is missing, a rating is not a number or outside the scale, a film is rated twice, or
            the ratings are those of several users; the message names the line.
        UnknownIdError: None of the films is known.
    """
    films, tables = recommender.films, recommender.tables
    frame = read_columns(path, has_names=bool(tables.movie_names))
    stars = frame["stars"]
    is_outside = (stars < tables.min_stars) | (stars > tables.max_stars)  # a film without a rating is not
    refuse_rows(path, is_outside, stars, f"a rating from {tables.min_stars:g} to {tables.max_stars:g} stars")
    found: dict[int, float] = {}
    days: dict[int, int] = {}
    notes = []
    for place, rated in enumerate(frame.to_dict("records")):
        title, year = rated.get("title", ""), rated.get("year", math.nan)
        named = title if "movie_id" not in rated else str(rated["movie_id"])
        row, note = find_film(films, rated.get("movie_id"), title, None if math.isnan(year) else int(year))
        if math.isnan(rated["stars"]):
            notes.append(f"Left out {named!r}: no rating.")
        elif row is None:
            notes.append(f"Left out {note}")
        elif (movie_id := int(films.ids[row])) in found:
            line = csv_line(path, place)
            raise DataFormatError(f"{path}, line {line}: film {named!r} is rated twice. Remove one of the lines.")
        else:
            found[movie_id] = rated["stars"]
            if 0 <= (seconds := rated.get("timestamp", math.nan)) <= LARGEST:  # NaN is not
                days[movie_id] = int(seconds // SECONDS_A_DAY)
            notes += [note] if note else []
    if not found:
        raise UnknownIdError(" ".join([f"{path}: none of its films is known.", *notes]))
    return found, notes, days


def read_columns(path: Path, *, has_names: bool) -> pd.DataFrame:
    """Read the columns movie_id, title, year and timestamp, if present, and stars."""
    pick_column(path, *COLUMNS["movie_id"][0], "title")
    pick_column(path, *COLUMNS["stars"][0])
    _, header = read_header(path)
    found = {ours: [name for name in names if name in header][:1] for ours, (names, _) in COLUMNS.items()}
    types = {name: COLUMNS[ours][1] for ours, names in found.items() for name in names}
    if has_names:
        types |= dict.fromkeys(found["movie_id"], "str")
    frame = read_csv(path, columns=types)
    frame.columns = pd.Index([ours for ours, names in found.items() if names])
    if "user" in frame and (number := frame["user"].nunique()) > 1:
        raise DataFormatError(
            f"{path}: expected the ratings of one user, found those of {number:,}. Keep the lines of one of them. For "
            "a user of the training data, use --user_id."
        )
    if "timestamp" in frame:
        frame["timestamp"] = pd.to_numeric(frame["timestamp"], errors="coerce").astype("float64")  # not dates
    return frame.fillna({"title": ""}) if "title" in frame else frame


def find_film(films: "Films", movie_id: int | str | None, title: str, year: int | None) -> tuple[int | None, str]:
    """Find the row of a film by its id, or by its title and year; None with the reason if not found."""
    if movie_id is None:
        return films.find(title, year)
    row = films.find_id(movie_id)
    if row is None:
        return None, f"'{movie_id}': no such film."
    if (title or year) and not films.index.is_title_of(row, title or films.titles[row], year):
        called = " ".join([*([repr(title)] if title else []), *([f"({year})"] if year else [])])
        return None, f"'{movie_id}': the film of that id is {films.titles[row]}, and not {called}."
    return row, ""
