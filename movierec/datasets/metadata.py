"""Read film metadata of TMDb and OMDb from csv files in the services' own formats."""

import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from movierec.datasets.csv_file import LARGEST, csv_line, read_csv, read_header, refuse_rows
from movierec.datasets.movielens import NO_ID, find, parse_ids
from movierec.datasets.titles import TitleIndex, natural

log = logging.getLogger(__name__)

TMDB_FILE = "metadata/tmdb.csv"
OMDB_FILE = "metadata/omdb.csv"
Source = Literal["tmdb", "omdb"]
FILES: dict[Source, str] = {"tmdb": TMDB_FILE, "omdb": OMDB_FILE}
TMDB_NUMBERS = {"vote_average": 10, "vote_count": LARGEST, "budget": LARGEST, "revenue": LARGEST, "runtime": LARGEST}
TMDB_TEXTS = ["release_date", "original_language", "origin_country"]
OMDB_NUMBERS = {"BoxOffice": LARGEST, "Metascore": 100, "imdbRating": 10, "imdbVotes": LARGEST}
OMDB_TEXTS = ["imdbID", "Released", "Runtime", "Language", "Country"]
OMDB_PEOPLE = {"Director": "imdb_directors", "Actors": "imdb_actors"}  # of which a file may lack the columns,
TMDB_STORY = {"overview": "tmdb_overview", "keywords": "tmdb_keywords"}  # and of these
OMDB_STORY = {"Plot": "imdb_plot"}
PARTED = r"[0-9][, ]+[0-9]"  # a number that is written in parts: it has to be a whole one, such as 1,112,586
THOUSANDS = r"[^0-9]*[0-9]{1,3}(?:[, ][0-9]{3})+(?:\.[0-9]+)?[^0-9]*"


def read_tmdb(root: Path) -> pd.DataFrame:
    """Read TMDb's fields of each film; budgets and revenues of 0 are left as they are.

    Returns:
        Indexed by tmdb_id (int64): tmdb_vote_average (0 to 10), tmdb_vote_count, tmdb_budget and tmdb_revenue (US
        dollars), tmdb_runtime (minutes) and tmdb_release_year as float64, NaN where unknown;
        tmdb_original_language, tmdb_overview and tmdb_keywords (str or None), tmdb_origin_countries (list of str or
        None); tmdb_title, if there is such a column.

    Raises:
        MissingDataError: The file is not there.
        DataFormatError: A column is missing, a value is not a number that can be, or a text is a list in brackets.
    """
    path = find(root, TMDB_FILE)
    texts = [*TMDB_TEXTS, *optional_columns(path, "title", *TMDB_STORY)]
    types = {"tmdbId": "int64"} | dict.fromkeys(TMDB_NUMBERS, "float64") | dict.fromkeys(texts, "str")
    raw = read_csv(path, columns=types)
    for name, largest in TMDB_NUMBERS.items():
        refuse_numbers(path, raw[name], raw[name], largest)
    refuse_brackets(path, raw[["original_language", "origin_country"]])
    raw = drop_duplicates(raw, "tmdbId", path)
    frame = raw[list(TMDB_NUMBERS)].add_prefix("tmdb_")
    frame["tmdb_release_year"] = year(raw["release_date"])
    frame["tmdb_original_language"] = text_or_none(raw["original_language"])
    frame["tmdb_origin_countries"] = split_list(raw["origin_country"])
    for name, ours in TMDB_STORY.items():
        frame[ours] = text_or_none(raw[name]) if name in raw else None
    if "title" in raw:
        frame["tmdb_title"] = text_or_none(raw["title"])
    return frame.set_axis(pd.Index(raw["tmdbId"], name="tmdb_id"))


def read_omdb(root: Path) -> pd.DataFrame:
    """Read OMDb's fields of each film; "N/A" is unknown.

    Returns:
        Indexed by imdb_id (int64): imdb_box_office (US dollars), imdb_metascore (0 to 100), imdb_release_year,
        imdb_runtime (minutes), imdb_rating (0 to 10) and imdb_votes as float64, NaN where unknown; imdb_country (str,
        the whole list, or None), imdb_countries, imdb_languages, imdb_directors and imdb_actors (list of str or None);
        imdb_plot (str or None); imdb_title, if there is such a column.

    Raises:
        MissingDataError: The file is not there.
        DataFormatError: A column is missing, an imdbID is not `tt` and digits, a number is one that cannot be or has a
            comma that is not before three digits, or a text is a list in brackets.
    """
    path = find(root, OMDB_FILE)
    texts = [*OMDB_TEXTS, *OMDB_NUMBERS, *optional_columns(path, "Title", *OMDB_PEOPLE, *OMDB_STORY)]
    raw = read_csv(path, columns=dict.fromkeys(texts, "str"), nulls=("N/A", ""))
    ids = parse_ids(raw["imdbID"])
    refuse_rows(path, ids == NO_ID, raw["imdbID"], "imdbID as `tt` and digits")
    for name in [*OMDB_NUMBERS, "Runtime"]:
        is_parted = raw[name].str.contains(PARTED, na=False) & ~raw[name].str.fullmatch(THOUSANDS, na=False)
        refuse_rows(path, is_parted, raw[name], f"commas before three digits only in {name}, such as 1,112,586")
    numbers = pd.DataFrame({name: number(raw[name]) for name in OMDB_NUMBERS})
    for name, largest in OMDB_NUMBERS.items():
        refuse_numbers(path, numbers[name], raw[name], largest)
    refuse_brackets(path, raw[["Language", "Country", *(name for name in OMDB_PEOPLE if name in raw)]])
    raw = drop_duplicates(raw.assign(imdbID=ids, **numbers), "imdbID", path)
    frame = pd.DataFrame(
        {
            "imdb_box_office": raw["BoxOffice"],
            "imdb_metascore": raw["Metascore"],
            "imdb_release_year": year(raw["Released"]),
            "imdb_runtime": raw["Runtime"].map(minutes, na_action="ignore").astype("float64"),
            "imdb_rating": raw["imdbRating"],
            "imdb_votes": raw["imdbVotes"],
            "imdb_country": text_or_none(raw["Country"]),
            "imdb_countries": split_list(raw["Country"]),
            "imdb_languages": split_list(raw["Language"]),
        }
    )
    for name, ours in OMDB_PEOPLE.items():
        frame[ours] = split_list(raw[name]) if name in raw else None
    for name, ours in OMDB_STORY.items():
        frame[ours] = text_or_none(raw[name]) if name in raw else None
    if "Title" in raw:
        frame["imdb_title"] = text_or_none(raw["Title"])
    return frame.set_axis(pd.Index(raw["imdbID"], name="imdb_id"))


READERS: dict[Source, Callable[[Path], pd.DataFrame]] = {"tmdb": read_tmdb, "omdb": read_omdb}


def join_fields(movies: pd.DataFrame, links: pd.DataFrame, fields: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join films with their metadata. Titles serve only to detect wrong ids.

    Returns:
        The films in their order with all fields, NaN or None if missing; imdb_id and tmdb_id, and the same
        as imdbId and tmdbId, NaN where unknown.
    """
    movies = movies.merge(links, on="movie_id", how="left")
    for frame in fields:
        key = str(frame.index.name)
        title = key.replace("_id", "_title")
        if title in frame:
            movies[key] = movies[key].mask(is_of_another(movies, frame, title), NO_ID)
        movies = movies.join(frame.drop(columns=title, errors="ignore"), on=key)
    ids = movies[["imdb_id", "tmdb_id"]].replace(NO_ID, np.nan)
    return movies.assign(imdbId=ids["imdb_id"], tmdbId=ids["tmdb_id"])


def optional_columns(path: Path, *names: str) -> list[str]:
    """Return those of some optional columns that there are: titles, which check the ids, people, and texts."""
    header = read_header(path)[1]
    return [name for name in names if header.count(name) == 1]


def is_of_another(movies: pd.DataFrame, frame: pd.DataFrame, title: str) -> pd.Series:
    """Find films whose id belongs to another film, by its title and year, and warn of them."""
    key = str(frame.index.name)
    index = TitleIndex([natural(own) for own in movies["title"]])
    linked = movies[[key]].join(frame[[title, key.replace("_id", "_release_year")]], on=key)
    wrong = [
        isinstance(there, str) and index.is_title_of_another(row, there, None if np.isnan(year) else int(year))
        for row, (_, there, year) in enumerate(linked.itertuples(index=False, name=None))
    ]
    if any(wrong):
        film_id, there, _ = linked.iloc[first := wrong.index(True)]
        log.warning(
            "%s %d is %r in the metadata, but %s in MovieLens: its metadata are left out (%d such films).",
            key, film_id, there, index.titles[first], sum(wrong),
        )  # fmt: skip
    return pd.Series(wrong, movies.index, dtype=bool)


def refuse_numbers(path: Path, values: pd.Series, texts: pd.Series, largest: int) -> None:
    """Refuse numbers below 0 or above the largest; missing values are allowed."""
    limit = "2^53" if largest == LARGEST else largest
    refuse_rows(path, (values < 0) | (values > largest), texts, f"a number from 0 to {limit} as {texts.name}")


def refuse_brackets(path: Path, texts: pd.DataFrame) -> None:
    """Refuse lists in Python's format, "['en', 'fr']"."""
    for name in texts:
        is_list = texts[name].str.match(r"\s*\[", na=False)
        refuse_rows(path, is_list, texts[name], f"names with commas between them, without brackets, as {name}")


def drop_duplicates(frame: pd.DataFrame, key: str, path: Path) -> pd.DataFrame:
    """Keep the first row of each film, with a warning: a second row would duplicate the film's ratings."""
    again = frame[key].duplicated()
    if again.any():
        first = int(again.to_numpy().argmax())
        log.warning(
            "%s, line %d: %s %s is there already; the first row of each film counts (%d rows left out).",
            path, csv_line(path, first), key, frame[key].iloc[first], int(again.sum()),
        )  # fmt: skip
    return frame[~again].reset_index(drop=True)


def number(text: pd.Series) -> pd.Series:
    """Read numbers such as "$223,225,679", "1,112,586" and "96"; anything else is NaN."""
    return pd.to_numeric(text.str.replace(r"[$, ]", "", regex=True), errors="coerce").astype("float64")


def year(text: pd.Series) -> pd.Series:
    """Read the year of a date such as "22 Nov 1995" or "1995-11-22"."""
    return pd.to_numeric(text.str.extract(r"(?<![0-9])([0-9]{4})(?![0-9])", expand=False), errors="coerce").astype(
        "float64"
    )


def minutes(text: str) -> float:
    """Read a duration such as "81 min" or "1 h 30 min", in minutes; NaN if it is neither."""
    match = re.fullmatch(r"(?:([0-9]{1,4})\s*h)?\s*(?:([0-9]{1,9}|[0-9]{1,3}(?:,[0-9]{3}){1,2})\s*min)?", text.strip())
    if match is None or not any(match.groups()):
        return float("nan")
    hours, rest = match.groups(default="0")
    return 60.0 * int(hours) + int(rest.replace(",", ""))


def text_or_none(text: pd.Series) -> pd.Series:
    """Replace missing text by None, which both scikit-learn's encoders and `isna` accept."""
    return text.astype(object).where(text.notna(), None)


def split_list(text: pd.Series) -> pd.Series:
    """Split "English, French" into its parts; None without text."""
    return text_or_none(text).map(lambda parts: re.findall(r"[^,\s](?:[^,]*[^,\s])?", parts), na_action="ignore")
