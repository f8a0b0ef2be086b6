"""Read MovieLens files without a header: `::` between the fields (ml-1m, ml-10m), or tabs and bars (ml-100k)."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow

from movierec.datasets.catalog import Format
from movierec.datasets.csv_file import TYPES, collect, find_fault, is_number
from movierec.errors import DataFormatError

BLOCK_BYTES = 1 << 22
WHOLE = ("movie_id", "user_id", "age")
DATES = ("release", "video release", "address")  # of a film of ml-100k
DELIMITERS: dict[Format, str] = {"double_colon": "::", "tab": "\t"}
USER_NAMES = {
    "double_colon": ("user_id", "gender", "age", "occupation", "zip code"),
    "tab": ("user_id", "age", "gender", "occupation", "zip code"),
}
GENRES = np.array(  # the order of the flags of u.item
    [
        "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
        "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
    ]
)  # fmt: skip


def read_rating_lines(path: Path, delimiter: str, columns: Mapping[str, str]) -> pd.DataFrame:
    """Read ratings, four numbers a line with a delimiter between them; `columns` are their names and dtypes."""
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
    """
    if is_utf8(path):  # as GroupLens has not published ml-1m and ml-100k, but people convert them
        encoding = "utf-8-sig"
    if format == "double_colon":
        return read_lines(path, encoding, "::", ("movie_id", "title", "genres"))
    frame = read_lines(path, encoding, "|", ("movie_id", "title", *DATES, *GENRES))
    frame["genres"] = ["|".join(GENRES[flags]) for flags in (frame[[*GENRES]] == "1").to_numpy()]
    return frame[["movie_id", "title", "genres"]]


def read_user_lines(path: Path, format: Format) -> pd.DataFrame:  # noqa: A002 - its name
    """Read users of one line each.

    Returns:
        user_id and age (int64), gender and occupation (str).
    """
    mark = {"double_colon": "::", "tab": "|"}[format]
    frame = read_lines(path, "latin-1", mark, USER_NAMES[format])
    return frame[["user_id", "gender", "age", "occupation"]]


def read_lines(path: Path, encoding: str, mark: str, names: Sequence[str]) -> pd.DataFrame:
    """Split each line of a file into fields: ids and ages are whole numbers, a flag of a genre is 0 or 1."""
    rows = []
    for number, line in numbered_lines(path):
        try:
            fields = (text := line.decode(encoding)).split(mark)
        except UnicodeDecodeError as error:
            raise DataFormatError(
                f"{path}, line {number}: expected {encoding.upper()} text; {error}. Get the file again."
            ) from error
        if len(fields) != len(names) or not all(map(is_field, names, fields)):
            raise DataFormatError(
                f"{path}, line {number}: expected {mark.join(names)}, found {text[:80]!r}. Correct or remove the line."
            )
        rows.append(fields)
    frame = pd.DataFrame(rows, columns=[*names])
    return frame.astype({name: "int64" for name in names if name in WHOLE})


def is_field(name: str, text: str) -> bool:
    """Tell whether a text can be a field of that name."""
    if name in GENRES:
        return text in {"0", "1"}
    return name not in WHOLE or is_number(text, "int64")


def is_utf8(path: Path) -> bool:
    """Tell whether a file is UTF-8; text in Latin-1 hardly ever is, unless it is ASCII."""
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError:
        return False
    return True
