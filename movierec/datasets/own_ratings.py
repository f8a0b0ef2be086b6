"""Read the user's own ratings: a folder below the data root, or one file; other names, formats, ids and scales."""

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from movierec.datasets.catalog import RELEASES, Release
from movierec.datasets.csv_file import is_number, read_csv, read_header, records, refuse_rows
from movierec.datasets.file import require_file
from movierec.datasets.root import release_of
from movierec.errors import ConfigError, DataFormatError, MissingDataError

KINDS = (".csv", ".csv.gz", ".parquet")
COLUMNS = {  # what they may be called in files; the first that is there is read
    "userId": ("userId", "user_id", "user"),
    "movieId": ("movieId", "movie_id", "movie", "itemId", "item_id", "item", "title"),
    "rating": ("rating", "stars", "score"),
    "timestamp": ("timestamp", "time", "date"),
    "title": ("title", "name"),
    "genres": ("genres", "genre"),
}
MILLISECONDS = 10**11  # a later number than this, the year 5138 in seconds, is one of milliseconds


@dataclass(frozen=True, kw_only=True)
class OwnRelease(Release):
    """A user's own ratings.

    Attributes:
        rating_file: The file of the ratings, below the data root.
        movie_file: The file of the films; that of the ratings if there is no other, and ids are titles then.
        columns_map: What columns are called in the files, if it is none of `COLUMNS`.
    """

    rating_file: str
    movie_file: str
    columns_map: tuple[tuple[str, str], ...] = ()

    @property
    def ratings(self) -> str:
        """The file of the ratings, below the data root."""
        return self.rating_file

    @property
    def movies(self) -> str:
        """The file of the films, below the data root."""
        return self.movie_file


def find_release(root: Path, name: str, columns_map: Mapping[str, str] | None = None) -> Release:
    """Find a release of MovieLens by its name, or the user's own ratings by that of their folder or file.

    Raises:
        MissingDataError: There is neither a release of that name nor a folder or file of ratings.
        ConfigError: `columns_map` names a column that is not read, or is given for a release of MovieLens.
    """
    if unknown := [column for column in columns_map or () if column not in COLUMNS or name in RELEASES]:
        raise ConfigError(
            f"Expected data.columns_map to say what {', '.join(COLUMNS)} are called in your own files, got "
            f"{', '.join(unknown)} for {name}."
        )
    if name in RELEASES:
        return RELEASES[name]
    ratings = name if (root / name).is_file() else find_file(root, name, "ratings", "rating")
    movies = name if ratings == name else find_file(root, name, "movies", "movie")
    if not ratings or not movies:
        raise MissingDataError(
            f"Expected {name} to be one of {', '.join(RELEASES)}, or a folder of ratings.csv and movies.csv in {root}; "
            f"found no {'ratings' if not ratings else 'movies'}. Of one file alone, ids are the titles: --data.ratings "
            "FILE."
        )
    return OwnRelease(
        name=name,
        folder=name,
        links=None if ratings == name else find_file(root, name, "links", "link"),
        min_stars=-np.inf,
        max_stars=np.inf,
        megabytes=0,
        rating_file=ratings,
        movie_file=movies,
        columns_map=tuple((columns_map or {}).items()),
    )


def find_file(root: Path, folder: str, *stems: str) -> str | None:
    """Find the first of some files, of any of the `KINDS`, in a folder below the root."""
    names = (f"{folder}/{stem}{kind}" for stem in stems for kind in KINDS)
    return next((name for name in names if (root / name).is_file()), None)


def own_releases(root: Path) -> list[str]:
    """List the folders of a data root that hold a user's own ratings."""
    folders = sorted(path.name for path in root.glob("*") if path.is_dir() and not release_of(path.name))
    return [name for name in folders if find_file(root, name, "ratings", "rating")]


def read_own_ratings(path: Path, release: OwnRelease) -> pd.DataFrame:
    """Read ratings, in the order of the file.

    Returns:
        user_id and movie_id (int64, or str if some are no whole numbers), stars (float64; 1 if there is no such
        column), timestamp (int64, seconds since 1970, UTC; 0 if there is no such column).

    Raises:
        DataFormatError: A column is missing, an id or a rating is empty, or a time is neither seconds nor ISO 8601.
    """
    frame = read_table(path, release, ("userId", "movieId"), ("rating", "timestamp"))
    ratings = frame.get("rating", pd.Series(1.0, frame.index))
    stars = pd.to_numeric(ratings, errors="coerce").astype("float64")
    refuse(path, ~stars.between(-np.inf, np.inf, inclusive="neither"), ratings, "a number as rating")
    times = to_seconds(path, frame["timestamp"]) if "timestamp" in frame else pd.Series(0, frame.index)
    return pd.DataFrame(
        {"user_id": frame["userId"], "movie_id": frame["movieId"], "stars": stars, "timestamp": times}, copy=False
    )


def read_own_movies(path: Path, release: OwnRelease) -> pd.DataFrame:
    """Read films, or take those of the ratings, with ids for titles: movie_id, title and genres (str)."""
    if release.movies == release.ratings:
        ids = read_table(path, release, ("movieId",))["movieId"].drop_duplicates(ignore_index=True)
        return pd.DataFrame({"movie_id": ids, "title": ids.astype("str"), "genres": ""})
    frame = read_table(path, release, ("movieId", "title"), ("genres",))
    genres = frame.get("genres", pd.Series("", frame.index)).fillna("")
    titles = frame["title"].fillna("").astype("str")
    return pd.DataFrame({"movie_id": frame["movieId"], "title": titles, "genres": genres})


def column_names(path: Path, release: OwnRelease) -> dict[str, str]:
    """Find which columns of a file are read: the names in the file by ours."""
    header = header_of(path)
    names = COLUMNS | {name: (theirs,) for name, theirs in release.columns_map}
    if path.name != Path(release.ratings).name:  # the films' ids may have their own name there
        names["movieId"] += COLUMNS["movieId"]
    found = {ours: [one for one in known if one in header] for ours, known in names.items()}
    return {ours: theirs[0] for ours, theirs in found.items() if theirs}


def header_of(path: Path) -> list[str]:
    """List the columns of a file."""
    return list(parquet.read_schema(path).names) if path.suffix == ".parquet" else read_header(path)[1]


def read_table(path: Path, release: OwnRelease, needed: tuple[str, ...], wanted: tuple[str, ...] = ()) -> pd.DataFrame:
    """Read columns by our names, those that are wanted if they are there; ids are never missing."""
    mapped = dict(release.columns_map)
    try:
        names = column_names(require_file(path), release)
        for name in (*needed, *wanted):
            if name not in names and name in (*needed, *mapped):
                raise DataFormatError(
                    f"{path}: expected a column {mapped.get(name) or ' or '.join(COLUMNS[name])}, found "
                    f"{', '.join(header_of(path))[:200]!r}. Put commas between the columns, rename it, or say what it "
                    f"is called: --data.columns_map '{{{name}: ITS_NAME}}'."
                )
        names = {name: names[name] for name in (*needed, *wanted) if name in names}
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path, columns=list(dict.fromkeys(names.values())))
        else:
            frame = read_typed(path, names)
    except (EOFError, gzip.BadGzipFile, zlib.error, pa.ArrowException) as error:
        raise DataFormatError(
            f"{path}: expected a whole {path.suffix} file; {str(error).rstrip('.')}. Get it again."
        ) from error
    frame = pd.DataFrame({ours: frame[theirs] for ours, theirs in names.items()}, copy=False)
    for name in {"userId", "movieId"} & set(names):
        is_missing = frame[name].isna()
        refuse(path, is_missing, frame[name].astype("str"), f"an id as {names[name]}")
        frame[name] = as_ids(frame[name])
    return frame


def as_ids(column: pd.Series) -> pd.Series:
    """Make ids int64 if all are whole numbers, else texts."""
    if pd.api.types.is_integer_dtype(column):
        return column.astype("int64")
    texts = column.astype("str")
    is_whole = texts.str.fullmatch("[0-9]{1,15}").all()
    return texts.astype("int64") if is_whole else texts


def read_typed(path: Path, names: Mapping[str, str]) -> pd.DataFrame:
    """Read columns of a csv file: ids and times as numbers if all are, else as texts."""
    (_, header), *others = islice(records(path), 2)
    first = dict(zip(header, others[0][1], strict=False)) if others else {}
    types = {}
    for ours, theirs in names.items():
        is_whole = ours not in ("title", "genres") and is_number(first.get(theirs, ""), "int64")
        types[theirs] = "float64" if ours == "rating" else "int64" if is_whole else "str"
    try:
        return read_csv(path, columns=types)
    except DataFormatError:
        if "int64" not in types.values():
            raise
    return read_csv(path, columns={name: "str" if dtype == "int64" else dtype for name, dtype in types.items()})


def to_seconds(path: Path, times: pd.Series) -> pd.Series:
    """Turn times, as numbers or in ISO 8601, into seconds since 1970, UTC, int64."""
    numbers = times if pd.api.types.is_numeric_dtype(times) else pd.to_numeric(times.astype("str"), errors="coerce")
    if numbers.notna().all():
        return numbers.astype("int64") // (1000 if numbers.max() > MILLISECONDS else 1)
    dates = pd.to_datetime(times, utc=True, errors="coerce", format="ISO8601")
    refuse(path, dates.isna(), times, "seconds since 1970 or a time such as 2024-12-31 23:59:00")
    return dates.astype("datetime64[s, UTC]").astype("int64")


def refuse(path: Path, is_wrong: pd.Series, values: pd.Series, expected: str) -> None:
    """Refuse a file with wrong rows, and report the first one, by its line in a csv file."""
    if path.suffix == ".parquet" and is_wrong.any():
        row = int(is_wrong.to_numpy().argmax())
        raise DataFormatError(f"{path}, row {row + 1}: expected {expected}, found {values.iloc[row]}.")
    refuse_rows(path, is_wrong, values, expected)
