"""MovieLens files, as GroupLens publishes them, into typed frames.

Two formats exist: csv with a header (ml-latest-small) and `::` between the fields, Latin-1, no header (ml-1m).
"""

import functools
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from movierec.errors import DataFormatError, MissingDataError
from movierec.sources.catalog import Release
from movierec.sources.root import how_to_get
from movierec.sources.table import csv_line, read_csv, require_file

NO_ID = -1  # a film without an entry in the other database
NO_GENRES = "(no genres listed)"
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
    path = find(root, release.ratings)
    if release.format == "csv":
        frame = read_csv(path, columns=RATING_TYPES)
        line_of = functools.partial(csv_line, path)
    else:
        frame = read_double_colon(path)
        line_of = functools.partial(text_line, path)
    frame.columns = pd.Index(RATING_NAMES)
    check_ratings(frame, release, path, line_of)
    return frame


def check_ratings(frame: pd.DataFrame, release: Release, path: Path, line_of: Callable[[int], int]) -> None:
    """Refuse ratings that are empty, outside the release's scale, or given twice for a film by one user."""
    if frame.empty:
        raise DataFormatError(f"{path}: expected ratings, found none. Fetch the file again.")
    stars = frame["stars"]
    if len(bad := np.flatnonzero(~stars.between(release.min_stars, release.max_stars))):
        raise DataFormatError(
            f"{path}, line {line_of(int(bad[0]))}: expected a rating from {release.min_stars} to {release.max_stars} "
            f"stars, found {stars.iloc[bad[0]]} ({len(bad)} such rows). Mend or remove the line."
        )
    if len(again := repeated_pairs(frame["user_id"], frame["movie_id"])):
        user_id, movie_id = frame["user_id"].iloc[again[0]], frame["movie_id"].iloc[again[0]]
        raise DataFormatError(
            f"{path}, line {line_of(int(again[0]))}: user {user_id} rated film {movie_id} before "
            f"({len(again)} such rows). A pair may be rated once; remove the line."
        )


def repeated_pairs(user_ids: pd.Series, movie_ids: pd.Series) -> npt.NDArray[np.int64]:
    """Find the rows, in their order, whose user and film stand together in a row before."""
    keys = pair_keys(user_ids, movie_ids)
    ordered = np.sort(keys)
    if not (ordered[1:] == ordered[:-1]).any():  # sorting takes less time and memory than a hash table
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(pd.Series(keys).duplicated())


def pair_keys(user_ids: pd.Series, movie_ids: pd.Series) -> npt.NDArray[np.int64]:
    """Give each pair a key of its own: (user - smallest user) * (range of films) + (film - smallest film)."""
    (first_user, num_users), (first_movie, num_movies) = map(id_range, (user_ids, movie_ids))
    if num_users * num_movies > np.iinfo(np.int64).max:  # ids far apart are numbered first, without gaps
        return pair_keys(*(pd.Series(pd.factorize(ids)[0].astype("int64")) for ids in (user_ids, movie_ids)))
    return ((user_ids - first_user) * num_movies + (movie_ids - first_movie)).to_numpy()


def id_range(ids: pd.Series) -> tuple[int, int]:
    """Return the smallest id, and how many whole numbers there are from it to the largest."""
    return int(ids.min()), int(ids.max()) - int(ids.min()) + 1


def read_double_colon(path: Path) -> pd.DataFrame:
    """Read a `::` file of ratings: every second field of a `:` separated file is empty."""
    columns = dict(zip((0, 2, 4, 6), RATING_TYPES.values(), strict=True))
    empty = dict.fromkeys((1, 3, 5), "category")  # takes a byte a row
    try:
        frame = pd.read_csv(path, sep=":", header=None, dtype=columns | empty, encoding="latin-1")
    except pd.errors.EmptyDataError as error:
        raise DataFormatError(f"{path}: expected ratings, the file is empty. Fetch it again.") from error
    except (ValueError, OverflowError, pd.errors.ParserError) as error:
        raise explain_double_colon(path, error) from error
    if frame.shape[1] != len(columns | empty) or frame[list(empty)].notna().any(axis=None):
        raise explain_double_colon(path, ValueError("a line does not hold four fields"))
    return frame[list(columns)]


def explain_double_colon(path: Path, error: Exception) -> DataFormatError:
    """Find the first line of a `::` file that is not user, film, rating and time."""
    for number, line in numbered_lines(path):
        try:
            user, movie, stars, time = line.split("::")
            np.int64(int(user)), np.int64(int(movie)), float(stars), np.int64(int(time))
        except (ValueError, OverflowError):
            return DataFormatError(
                f"{path}, line {number}: expected UserID::MovieID::Rating::Timestamp in numbers, "
                f"found {line[:80]!r}. Mend or remove the line."
            )
    return DataFormatError(f"{path}: cannot be read: {error}")


def text_line(path: Path, record: int) -> int:
    """Line number of a text file's record, counted from 0, blank lines passed over."""
    return next(itertools.islice(numbered_lines(path), record, None))[0]


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Read the lines of a Latin-1 file with their numbers, blank ones left out."""
    with path.open(encoding="latin-1") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line.rstrip("\n")


def read_movies(root: Path, release: Release) -> pd.DataFrame:
    """Read a release's films.

    Returns:
        movie_id (int64), title (str), genres (list of str).

    Raises:
        MissingDataError: The file is not there.
        DataFormatError: A line is not a film, or a film is listed twice.
    """
    path = find(root, release.movies)
    if release.format == "csv":
        movies = read_csv(path, columns={"movieId": "int64", "title": "str", "genres": "str"})
        movies.columns = pd.Index(["movie_id", "title", "genres"])
        movies = movies.fillna({"title": "", "genres": NO_GENRES})
    else:
        movies = read_movies_dat(path)
    if movies.empty:
        raise DataFormatError(f"{path}: expected films, found none. Fetch the file again.")
    if movies["movie_id"].duplicated().any():
        twice = movies.loc[movies["movie_id"].duplicated(), "movie_id"].iloc[0]
        raise DataFormatError(f"{path}: film {twice} is listed twice. Remove one of the lines.")
    movies["genres"] = movies["genres"].str.split("|")
    return movies


def read_movies_dat(path: Path) -> pd.DataFrame:
    """Read the films of a `::` file; titles hold single colons, so each line is split in Python."""
    records = []
    for number, line in numbered_lines(path):
        fields = line.split("::")
        if len(fields) != len(("id", "title", "genres")) or not fields[0].isdecimal():
            raise DataFormatError(
                f"{path}, line {number}: expected MovieID::Title::Genres, found {line[:80]!r}. Mend or remove the line."
            )
        records.append((int(fields[0]), fields[1], fields[2] or NO_GENRES))
    return pd.DataFrame(records, columns=["movie_id", "title", "genres"])


def read_links(root: Path, release: Release) -> pd.DataFrame:
    """Read the ids that a release's films have at IMDb and TMDb.

    Returns:
        movie_id, imdb_id and tmdb_id (int64, -1 where there is none), one row a film.
    """
    assert release.links is not None, "the film ids of this release are its own"
    path = find(root, release.links)
    links = read_csv(path, columns={"movieId": "int64", "imdbId": "str", "tmdbId": "float64"})
    if len(bad := np.flatnonzero(links["tmdbId"].notna() & (links["tmdbId"].mod(1) != 0))):
        raise DataFormatError(
            f"{path}, line {csv_line(path, int(bad[0]))}: expected a whole number as tmdbId, "
            f"found {links['tmdbId'].iloc[bad[0]]}. Mend or remove the line."
        )
    imdb = pd.to_numeric(links["imdbId"].str.removeprefix("tt"), errors="coerce")
    frame = pd.DataFrame({"movie_id": links["movieId"], "imdb_id": imdb, "tmdb_id": links["tmdbId"]})
    return frame.fillna(NO_ID).astype("int64").drop_duplicates("movie_id")


def find(root: Path, name: str) -> Path:
    """Return the path of a file below the data root.

    Raises:
        MissingDataError: The root or the file is not there; the message says how to get it.
    """
    if not root.is_dir():
        raise MissingDataError(f"Expected the data folder {root}, found none. {how_to_get(root, name)}")
    return require_file(root / name, how_to_get(root, name))
