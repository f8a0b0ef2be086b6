"""Read MovieLens files without a header: `::` between the fields (ml-1m, ml-10m), or tabs and bars (ml-100k)."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow

from movierec.datasets.catalog import Format
from movierec.datasets.csv_file import TYPES, collect, find_fault, is_number
from movierec.errors import DataFormatError

BLOCK_BYTES = 1 << 22
DELIMITERS: dict[Format, str] = {"double_colon": "::", "tab": "\t"}
FILM_FIELDS = {
    "double_colon": "MovieID::Title::Genres",
    "tab": "movie id|movie title|release date|video release date|IMDb URL| and a 0 or 1 for each of 19 genres,",
}
USER_FIELDS = {
    "double_colon": "UserID::Gender::Age::Occupation::Zip-code",
    "tab": "user id|age|gender|occupation|zip code",
}
GENRES = np.array(  # the order of the flags of u.item
    [
        "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
        "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
    ]
)  # fmt: skip


def read_rating_lines(path: Path, delimiter: str, columns: Mapping[str, str]) -> pd.DataFrame:
    """Read ratings, one per line.

    Args:
        path: The file, ASCII.
        delimiter: What stands between the four numbers of a line.
        columns: Names for them, and their dtypes.

    Raises:
        DataFormatError: A line is not four numbers.
    """
    try:
        return collect(rating_batches(path, delimiter, columns), columns)
    except pa.ArrowException as error:
        fields = ((number, line.decode("latin-1").split(delimiter)) for number, line in numbered_lines(path))
        raise find_fault(path, fields, list(columns), columns, error) from error


def rating_batches(path: Path, delimiter: str, columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Parse a file block by block, with the delimiter replaced by commas, because Arrow takes one character."""
    types = {name: TYPES[dtype] for name, dtype in columns.items()}
    with path.open("rb") as file:
        while text := file.read(BLOCK_BYTES) + file.readline():
            if text.strip():
                text = text.replace(b",", b"no number").replace(delimiter.encode(), b",")
                yield from arrow.read_csv(
                    pa.py_buffer(text),
                    read_options=arrow.ReadOptions(column_names=list(columns)),
                    parse_options=arrow.ParseOptions(quote_char=False),
                    convert_options=arrow.ConvertOptions(column_types=types, null_values=[""]),
                ).to_batches()


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number the lines of a file, and leave empty ones out."""
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if line:
            yield number, line


def text_line(path: Path, row: int) -> int:
    """Return the line number of a row of a text file; rows count from 0."""
    return next(islice(numbered_lines(path), row, None))[0]


def read_film_lines(path: Path, format: Format, encoding: str) -> pd.DataFrame:  # noqa: A002 - its name
    """Read films, one per line, in Python: titles may hold colons, and films are few.

    Returns:
        movie_id (int64), title (str), genres (str, with `|` between them, empty if there are none).

    Raises:
        DataFormatError: A line is not a film, or not in the encoding.
    """
    split = {"double_colon": split_double_colon, "tab": split_bars}[format]
    if is_utf8(path):  # as GroupLens has not published ml-1m and ml-100k, but people convert them
        encoding = "utf-8-sig"
    return pd.DataFrame(
        parse_lines(path, encoding, split, FILM_FIELDS[format]), columns=["movie_id", "title", "genres"]
    )


def read_user_lines(path: Path, format: Format) -> pd.DataFrame:  # noqa: A002 - its name
    """Read users of one line each.

    Returns:
        user_id and age (int64), gender and occupation (str).

    Raises:
        DataFormatError: A line is not a user, or not in Latin-1.
    """
    split = {"double_colon": split_person, "tab": split_person_bars}[format]
    lines = parse_lines(path, "latin-1", split, USER_FIELDS[format])
    return pd.DataFrame(lines, columns=["user_id", "gender", "age", "occupation"])


def parse_lines(
    path: Path, encoding: str, split: Callable[[str], tuple[Any, ...] | None], expected: str
) -> list[tuple[Any, ...]]:
    """Split each line of a file; name the first that cannot be."""
    rows = []
    for number, line in numbered_lines(path):
        try:
            row = split(text := line.decode(encoding))
        except UnicodeDecodeError as error:
            raise DataFormatError(
                f"{path}, line {number}: expected {encoding.upper()} text; {error}. Get the file again."
            ) from error
        if row is None:
            raise DataFormatError(
                f"{path}, line {number}: expected {expected}, found {text[:80]!r}. Correct or remove the line."
            )
        rows.append(row)
    return rows


def is_utf8(path: Path) -> bool:
    """Tell whether a file is UTF-8; text in Latin-1 hardly ever is, unless it is ASCII."""
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError:
        return False
    return True


def split_double_colon(line: str) -> tuple[int, str, str] | None:
    """Split `1::Toy Story (1995)::Animation|Comedy`; None for another format."""
    match line.split("::"):
        case [movie_id, title, genres] if is_number(movie_id, "int64"):
            return int(movie_id), title, genres
    return None


def split_bars(line: str) -> tuple[int, str, str] | None:
    """Split `1|Toy Story (1995)|01-Jan-1995||http://...|0|0|0|1|...`; None for another format."""
    match line.split("|"):
        case [movie_id, title, _, _, _, *flags] if is_number(movie_id, "int64"):
            if len(flags) == len(GENRES) and set(flags) <= {"0", "1"}:
                return int(movie_id), title, "|".join(GENRES[np.array(flags) == "1"])
    return None


def split_person(line: str) -> tuple[int, str, int, str] | None:
    """Split `1::F::1::10::48067` into id, gender, age and occupation; None if it is not so."""
    match line.split("::"):
        case [user_id, gender, age, occupation, _] if is_number(user_id, "int64") and is_number(age, "int64"):
            return int(user_id), gender, int(age), occupation
    return None


def split_person_bars(line: str) -> tuple[int, str, int, str] | None:
    """Split `1|24|M|technician|85711` into id, gender, age and occupation; None if it is not so."""
    match line.split("|"):
        case [user_id, age, gender, occupation, _] if is_number(user_id, "int64") and is_number(age, "int64"):
            return int(user_id), gender, int(age), occupation
    return None
