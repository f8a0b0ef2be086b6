"""MovieLens files without a header: `::` between the fields (ml-1m, ml-10m), or tabs and bars (ml-100k)."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from movierec.datasets.catalog import Format
from movierec.datasets.chunk import Chunk, first_line, has_equal_lines, read_chunks
from movierec.datasets.table import NOT_NUMBERS, has_doubtful_numbers, is_of_type, join, read_text, unreadable
from movierec.errors import DataFormatError

RATING_FIELDS = {
    "double_colon": "UserID::MovieID::Rating::Timestamp",
    "tab": "user id, item id, rating and timestamp with tabs between them,",
}
FILM_FIELDS = {
    "double_colon": "MovieID::Title::Genres",
    "tab": "movie id|movie title|release date|video release date|IMDb URL| and a 0 or 1 for each of 19 genres,",
}
RATING_DELIMITERS: dict[Format, str] = {"double_colon": "::", "tab": "\t"}
GENRES = np.array(  # the order of the flags of u.item
    [
        "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
        "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
    ]
)  # fmt: skip


def read_rating_lines(path: Path, format: Format, columns: Mapping[str, str]) -> pd.DataFrame:  # noqa: A002 - its name
    """Read ratings of one line each.

    Args:
        path: The file, ASCII.
        format: `double_colon` or `tab`.
        columns: Names for the four fields, and their dtypes.

    Raises:
        DataFormatError: A line is not four numbers.
    """
    chunks = (chunk for chunk in read_chunks(path, quoted=False) if chunk.text.strip())
    return join((parse(path, chunk, format, columns) for chunk in chunks), columns)


def parse(path: Path, chunk: Chunk, format: Format, columns: Mapping[str, str]) -> pd.DataFrame:  # noqa: A002
    """Turn a chunk of ratings into numbers, which pandas does at once where commas are between them.

    Raises:
        DataFormatError: A line is not four numbers.
    """
    text = chunk.text.replace(RATING_DELIMITERS[format].encode(), b",")
    is_foreign = b"," in chunk.text or any(mark in text for mark in (b'"', b":", b"\t"))
    if is_foreign or not has_equal_lines(text, len(columns)):
        check_lines(path, chunk, format, columns)
    try:
        frame = read_text(text, names=list(columns), dtype=dict(columns), index_col=False)
    except NOT_NUMBERS as error:
        check_lines(path, chunk, format, columns)
        raise unreadable(path, chunk, error) from error
    if has_doubtful_numbers(frame):
        check_lines(path, chunk, format, columns)
    return frame


def check_lines(path: Path, chunk: Chunk, format: Format, columns: Mapping[str, str]) -> None:  # noqa: A002
    """Refuse the first line of a chunk that is not four numbers, one after the other, in Python."""
    for number, line in numbered_lines(chunk.text, first_line(path, chunk)):
        fields = line.decode("latin-1").split(RATING_DELIMITERS[format])
        if len(fields) != len(columns) or not all(map(is_of_type, fields, columns.values())):
            raise unexpected(path, number, f"{RATING_FIELDS[format]} in numbers from 0 to 2^53", line.decode("latin-1"))


def unexpected(path: Path, number: int, expected: str, line: str) -> DataFormatError:
    """Say what a line should have been."""
    return DataFormatError(f"{path}, line {number}: expected {expected}, found {line[:80]!r}. Mend or remove the line.")


def text_line(path: Path, record: int) -> int:
    """Line number of a text file's record, counted from 0, blank lines passed over."""
    for chunk in read_chunks(path, quoted=False):
        numbers = [number for number, _ in numbered_lines(chunk.text, 0)]
        if record < len(numbers):
            return first_line(path, chunk) + numbers[record]
        record -= len(numbers)
    raise IndexError(record)


def numbered_lines(text: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Number the lines of a text, and leave blank ones out."""
    for number, line in enumerate(text.splitlines(), start=start):
        if line.strip():
            yield number, line


def read_film_lines(path: Path, format: Format, encoding: str) -> pd.DataFrame:  # noqa: A002 - its name
    """Read films of one line each, in Python: titles hold single colons, and there are few.

    Returns:
        movie_id (int64), title (str), genres (str, with `|` between them, empty where there are none).

    Raises:
        DataFormatError: A line is not a film, or not in the encoding.
    """
    split = {"double_colon": split_double_colon, "tab": split_bars}[format]
    films = []
    for number, line in numbered_lines(path.read_bytes(), 1):
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError as error:
            raise DataFormatError(
                f"{path}, line {number}: expected {encoding.upper()} text; {error}. Get the file again."
            ) from error
        film = split(text)
        if film is None:
            raise unexpected(path, number, FILM_FIELDS[format], text)
        films.append(film)
    return pd.DataFrame(films, columns=["movie_id", "title", "genres"])


def split_double_colon(line: str) -> tuple[int, str, str] | None:
    """Split `1::Toy Story (1995)::Animation|Comedy`; None if it is not so."""
    fields = line.split("::")
    if len(fields) != len(("id", "title", "genres")) or not is_id(fields[0]):
        return None
    return int(fields[0]), fields[1], fields[2]


def split_bars(line: str) -> tuple[int, str, str] | None:
    """Split `1|Toy Story (1995)|01-Jan-1995||http://...|0|0|0|1|...`; None if it is not so."""
    movie_id, title, *rest = [*line.split("|"), ""]
    flags = rest[3:-1]
    if not is_id(movie_id) or len(flags) != len(GENRES) or not set(flags) <= {"0", "1"}:
        return None
    return int(movie_id), title, "|".join(GENRES[np.array(flags) == "1"])


def is_id(text: str) -> bool:
    """Say whether a text is a film's id: a number from 0 to 2^53 in ASCII digits."""
    return text.isdecimal() and is_of_type(text, "int64")
