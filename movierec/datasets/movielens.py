"""Read the files of MovieLens: csv with a header, or the headerless formats of ml-1m, ml-10m and ml-100k."""

import re
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from movierec.datasets.catalog import Release
from movierec.datasets.csv_file import LARGEST, csv_line, read_csv, refuse_rows
from movierec.datasets.file import require_file
from movierec.datasets.headerless import DELIMITERS, read_film_lines, read_rating_lines, read_user_lines, text_line
from movierec.datasets.own_ratings import OwnRelease, as_ids, read_own_movies, read_own_ratings
from movierec.datasets.root import how_to_get, name_root
from movierec.errors import DataFormatError, MissingDataError

NO_ID = -1  # a film without an entry in the other database
CONTROL = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029], " ")  # line ends, tabs, terminals' commands
NO_GENRES = "(no genres listed)"
AGES = (1, 18, 25, 35, 45, 50, 56)  # where the groups of ml-1m begin
RATING_TYPES = {"userId": "int64", "movieId": "int64", "rating": "float64", "timestamp": "int64"}
RATING_NAMES = ["user_id", "movie_id", "stars", "timestamp"]


def read_ratings(root: Path, release: Release) -> pd.DataFrame:
    """Read a release's ratings, in the order of the file.

    Returns:
        user_id and movie_id (int64), stars (float64), timestamp (int64, seconds since 1970, UTC).

    Raises:
        MissingDataError: The file or the data root is not there.
        DataFormatError: A value is not a number or outside the scale, or a user rated a film twice; the
            message names the line.
    """
    return read_rating_file(find(root, release.ratings), release)


def read_rating_file(path: Path, release: Release) -> pd.DataFrame:
    """Read and check one file of ratings: all of a release, or a part."""
    if isinstance(release, OwnRelease):
        frame = read_own_ratings(path, release)
    elif release.format == "csv":
        frame = read_csv(path, columns=RATING_TYPES)
    else:
        frame = read_rating_lines(path, DELIMITERS[release.format], RATING_TYPES)
    frame.columns = pd.Index(RATING_NAMES)
    check_ratings(frame, release, path)
    return frame


def line_of(path: Path, release: Release, row: int) -> int:
    """Find the line of a row of a release's file, counted from 0; in Parquet, the number of the row, from 1."""
    if path.suffix == ".parquet":
        return row + 1
    return csv_line(path, row) if release.format == "csv" else text_line(path, row)


def read_test_part(root: Path, release: Release, split: str, ratings: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Read whether each of a release's ratings is one that a published split tests on, [num_ratings]."""
    path = find(root, release.split_files(split)[1])
    wanted, known = (pd.MultiIndex.from_frame(frame) for frame in (read_rating_file(path, release), ratings))
    if strange := int((~wanted.isin(known)).sum()):
        raise DataFormatError(
            f"{path}: expected ratings of {release.ratings}, found {strange:,} others among {len(wanted):,}. Get both "
            "files again."
        )
    return np.asarray(known.isin(wanted))


def check_ratings(frame: pd.DataFrame, release: Release, path: Path) -> None:
    """Refuse ratings that are empty, outside the release's scale, or repeated for a user and film."""
    if frame.empty:
        raise DataFormatError(f"{path}: expected ratings, found none. Get the file again.")
    stars = frame["stars"]
    if len(bad := np.flatnonzero(~stars.between(release.min_stars, release.max_stars))):
        line = line_of(path, release, int(bad[0]))
        raise DataFormatError(
            f"{path}, line {line}: expected a rating from {release.min_stars} to {release.max_stars} stars, found "
            f"{stars.iloc[bad[0]]} ({len(bad)} such rows). Correct or remove the line."
        )
    if len(again := repeated_pairs(frame["user_id"], frame["movie_id"])):
        user_id, movie_id = frame["user_id"].iloc[again[0]], frame["movie_id"].iloc[again[0]]
        raise DataFormatError(
            f"{path}, line {line_of(path, release, int(again[0]))}: user {user_id} rated film {movie_id} before "
            f"({len(again)} such rows). A pair may be rated once; remove the line."
        )


def repeated_pairs(user_ids: pd.Series, movie_ids: pd.Series) -> npt.NDArray[np.int64]:
    """Find the rows whose pair of user and film occurs in an earlier row."""
    if user_ids.dtype == movie_ids.dtype == np.int64:
        # One number a pair; where it overflows, two pairs may share one, but a pair never has two.
        keys = np.sort(user_ids.to_numpy() * (movie_ids.max() + 1) + movie_ids.to_numpy())
        if not (keys[1:] == keys[:-1]).any():  # sorting takes a tenth of the time of a hash table
            return np.empty(0, dtype=np.int64)
    return np.flatnonzero(pd.DataFrame({"user": user_ids, "movie": movie_ids}).duplicated())


def read_movies(root: Path, release: Release) -> pd.DataFrame:
    """Read a release's films.

    Returns:
        movie_id (int64), title (str, one line), genres (list of str, each once, spelt the same for all films).

    Raises:
        MissingDataError: The file is not there.
        DataFormatError: A line is not a film, a film is listed twice, or its genres are a list in brackets.
    """
    path = find(root, release.movies)
    if isinstance(release, OwnRelease):
        movies = read_own_movies(path, release)
    elif release.format == "csv":
        movies = read_csv(path, columns={"movieId": "int64", "title": "str", "genres": "str"}, nulls=())
        movies.columns = pd.Index(["movie_id", "title", "genres"])
        is_list = movies["genres"].str.match(r"\s*\[")
        refuse_rows(path, is_list, movies["genres"], "genres with | between them, without brackets")
    else:
        movies = read_film_lines(path, release.format, release.encoding)
    if movies.empty:
        raise DataFormatError(f"{path}: expected films, found none. Get the file again.")
    if len(again := np.flatnonzero(movies["movie_id"].duplicated())):
        line = line_of(path, release, int(again[0]))
        twice = movies["movie_id"].iloc[again[0]]
        raise DataFormatError(f"{path}, line {line}: film {twice} is listed before. Remove one of the lines.")
    for name in "title", "genres":
        movies[name] = movies[name].str.translate(CONTROL)
    movies["genres"] = split_genres(movies["genres"])
    return movies


def split_genres(texts: pd.Series) -> pd.Series:
    """Split "Drama|Sci-Fi" or "Drama, Sci-Fi"; if "Drama" and "drama" occur, the more frequent spelling is used."""
    parts = [[genre for part in re.split("[|,]", text) if (genre := part.strip())] for text in texts]
    spelling: dict[str, str] = {}
    for genre, _ in Counter(chain.from_iterable(parts)).most_common():
        spelling.setdefault(genre.casefold(), genre)
    lists = [list(dict.fromkeys(spelling[genre.casefold()] for genre in genres)) or [NO_GENRES] for genres in parts]
    return pd.Series(lists, texts.index, dtype=object)


def read_links(root: Path, release: Release) -> pd.DataFrame:
    """Read the IMDb and TMDb ids of a release's films.

    Returns:
        movie_id, imdb_id and tmdb_id (int64, -1 if missing), one row a film.
    """
    assert release.links is not None, "the film ids of this release are its own"
    path = find(root, release.links)
    id_type = "str" if isinstance(release, OwnRelease) else "int64"
    links = read_csv(path, columns={"movieId": id_type, "imdbId": "str", "tmdbId": "str"})
    frame = pd.DataFrame({"movie_id": as_ids(links["movieId"])})
    for name, column in ("imdb_id", "imdbId"), ("tmdb_id", "tmdbId"):
        frame[name] = parse_ids(links[column])
        is_wrong = links[column].notna() & (frame[name] == NO_ID)
        refuse_rows(path, is_wrong, links[column], f"a whole number from 0 to 2^53 as {column}")
    return frame.drop_duplicates("movie_id")


def read_users(root: Path, release: Release) -> pd.DataFrame:
    """Read what a release tells of its users.

    Returns:
        Indexed by user_id (int64): user_gender, user_age (the group's youngest age) and user_occupation, all str.
    """
    assert release.users is not None, "this release tells nothing of its users"
    users = read_user_lines(find(root, release.users), release.format).drop_duplicates("user_id").set_index("user_id")
    users["age"] = np.array(AGES)[np.digitize(users["age"], AGES[1:])].astype(str)
    return users.add_prefix("user_")


def parse_ids(text: pd.Series) -> pd.Series:
    """Turn `tt0114709`, `862` and `862.0` into numbers, digit by digit; NO_ID if missing or invalid."""
    ids = pd.to_numeric(text.str.extract(r"^(?:tt)?([0-9]{1,18})(?:\.0*)?$", expand=False).fillna(str(NO_ID)))
    return ids.where(ids <= LARGEST, NO_ID).astype("int64")


def find(root: Path, name: str) -> Path:
    """Return the path of a file below the data root; the error says how to get it if it is not there."""
    if not root.is_dir():
        raise MissingDataError(f"Expected the data folder {name_root(root)}, found none. {how_to_get(root, name)}")
    return require_file(root / name, how_to_get(root, name))
