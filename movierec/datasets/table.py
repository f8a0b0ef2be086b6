"""Reading comma-separated text into typed columns, with errors that name the file and the line."""

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from movierec.datasets.chunk import Chunk, count_fields, count_lines, first_line, has_equal_lines, read_chunks
from movierec.errors import DataFormatError, MissingDataError

LARGEST = 2**53  # beyond it, whole numbers are no longer exact where they meet floats: as inputs, or in other programs
NOT_NUMBERS = (ValueError, OverflowError, pd.errors.ParserError)  # what reading anything else as numbers ends in


def require_file(path: Path, hint: str = "Check the path.") -> Path:
    """Return the path of a data file that must be there.

    Args:
        path: The file.
        hint: What to do if it is not there.

    Raises:
        MissingDataError: There is no such file.
    """
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise MissingDataError(f"Expected the data file {path}, found {what}. {hint}")
    return path


def read_csv(path: Path, *, columns: Mapping[str, str], **options: Any) -> pd.DataFrame:
    """Read some columns of a comma-separated file with a header.

    Args:
        path: The file, UTF-8.
        columns: Name of each wanted column, and its pandas dtype; an int64 is from 0 to 2^53.
        options: Passed on to `pandas.read_csv`.

    Returns:
        One row a record, the columns in the order wanted.

    Raises:
        MissingDataError: There is no such file.
        DataFormatError: A column is missing or there twice, a line has more or fewer fields than the header, or a
            value is not of its type.
    """
    chunks = (chunk for chunk in read_chunks(require_file(path), quoted=True) if chunk.text.strip())
    first = next(chunks, Chunk(0, b""))
    found = records(path, first)
    line, header = next(found, (1, []))
    if not header:
        raise DataFormatError(f"{path}: expected a header line, the file is empty. Get it again.")
    check_header(path, line, header, columns)
    with_rows = [first] if next(found, None) else []  # pandas cannot pick columns of a header alone
    frames = (
        parse(path, chunk, header, columns, header=0 if chunk is first else None, **options)
        for chunk in itertools.chain(with_rows, chunks)
    )
    return join(frames, columns)


def check_header(path: Path, line: int, header: Sequence[str], columns: Iterable[str]) -> None:
    """Refuse a header in which a column is missing, or there twice, so that nobody knows which one counts."""
    if missing := [name for name in columns if name not in header]:
        raise DataFormatError(
            f"{path}, line {line}: expected the columns {', '.join(missing)}; found {', '.join(header)[:200]!r} "
            "without them. Put commas between the columns, rename them, or get the file again."
        )
    if twice := [name for name in columns if header.count(name) > 1]:
        raise DataFormatError(f"{path}, line {line}: expected a column {twice[0]}, found several. Remove the others.")


def join(frames: Iterable[pd.DataFrame], columns: Mapping[str, str]) -> pd.DataFrame:
    """Join frames of the same columns; numbers grow in place, and are never in memory twice."""
    numbers = {name: bytearray() for name, dtype in columns.items() if dtype != "str"}
    texts: dict[str, list[pd.Series]] = {name: [pd.Series(dtype="str")] for name in columns if name not in numbers}
    for frame in frames:
        for name in numbers:
            numbers[name] += frame[name].to_numpy().tobytes()
        for name, parts in texts.items():
            parts.append(frame[name])
    joined: dict[str, Any] = {name: np.frombuffer(buffer, columns[name]) for name, buffer in numbers.items()}
    joined |= {name: pd.concat(parts, ignore_index=True) for name, parts in texts.items()}
    return pd.DataFrame({name: joined[name] for name in columns}, copy=False)


def parse(path: Path, chunk: Chunk, names: Sequence[str], columns: Mapping[str, str], **options: Any) -> pd.DataFrame:
    """Turn a chunk of a csv file into typed columns.

    Raises:
        DataFormatError: A line has too many or too few fields, or a value is not of its type.
    """
    if not has_equal_lines(chunk.text, len(names)):  # pandas pads and cuts in silence
        check_records(path, chunk, names, {})
    wanted = {names.index(name): dtype for name, dtype in columns.items()}
    is_first = options["header"] == 0
    try:
        frame = read_text(chunk.text, names=range(len(names)), usecols=list(wanted), dtype=wanted, **options)
    except NOT_NUMBERS as error:  # UnicodeDecodeError is a ValueError
        check_records(path, chunk, names, columns, is_first=is_first)
        raise unreadable(path, chunk, error) from error
    if has_doubtful_numbers(frame):
        check_records(path, chunk, names, columns, is_first=is_first)
    return frame.set_axis([names[position] for position in sorted(wanted)], axis="columns")


def read_text(text: bytes, **options: Any) -> pd.DataFrame:
    """Read comma-separated text by pandas."""
    with np.errstate(invalid="ignore"):  # pandas casts even an infinity to a whole number, which is doubtful then
        frame: pd.DataFrame = pd.read_csv(io.BytesIO(text), low_memory=False, **options)
    return frame


def has_doubtful_numbers(frame: pd.DataFrame) -> bool:
    """Say whether a whole number may not be what the text says, or is not from 0 to 2^53.

    pandas reads a column by way of floats if one of its numbers is written as "5.0".
    """
    return any(
        column.min() < 0 or column.max() >= LARGEST for _, column in frame.items() if column.dtype == np.dtype("int64")
    )


def check_records(
    path: Path, chunk: Chunk, names: Sequence[str], columns: Mapping[str, str], *, is_first: bool = False
) -> None:
    """Refuse the first record of a chunk that cannot be read as typed columns, one after the other, in Python.

    Args:
        path: The file.
        chunk: The part of the file to look at.
        names: Of the file's columns.
        columns: Names and dtypes of those to look at.
        is_first: Whether the chunk begins with the header.
    """
    for line, fields in itertools.islice(records(path, chunk), is_first, None):
        if len(fields) != len(names):
            expected = f"expected {len(names)} fields, found {len(fields)}"
            raise DataFormatError(f"{path}, line {line}: {expected}. Mend or remove the line.")
        record = dict(zip(names, fields, strict=True))
        for name, dtype in columns.items():
            if not is_of_type(record[name], dtype):
                kind = "a whole number" if dtype.startswith("int") else "a number"
                limits = "; 0 to 2^53 are possible" if dtype.startswith("int") else ""
                raise DataFormatError(
                    f"{path}, line {line}: expected {kind} as {name}, found {record[name][:80]!r}. "
                    f"Mend or remove the line{limits}."
                )


def unreadable(path: Path, chunk: Chunk, error: Exception) -> DataFormatError:
    """Name the lines in which something is wrong, for want of the one."""
    start = first_line(path, chunk)
    return DataFormatError(f"{path}, lines {start} to {start + count_lines(chunk.text)}: cannot be read: {error}")


def is_of_type(text: str, dtype: str) -> bool:
    """Say whether a field's text can be read as the pandas dtype: int64 (from 0 to 2^53), float64 or str."""
    if not dtype.startswith(("int", "float")):
        return True
    if dtype.startswith("float") and not text:
        return True
    if not text.isascii() or "_" in text:  # are numbers to Python alone
        return False
    try:
        number = int(text) if dtype.startswith("int") else float(text)
    except ValueError:
        return False
    return dtype.startswith("float") or 0 <= number <= LARGEST


def csv_line(path: Path, record: int) -> int:
    """Line number at which a csv file's record ends; records count from 0, after the header."""
    left = record + 1
    for chunk in read_chunks(path, quoted=True):
        counts = count_fields(chunk.text)
        is_sure = has_equal_lines(chunk.text, int(counts.max(initial=0))) and counts.max(initial=0) > 1
        num_records = len(counts) if is_sure else sum(1 for _ in records(path, chunk))
        if left < num_records:
            return next(itertools.islice(records(path, chunk), left, None))[0]
        left -= num_records
    raise IndexError(record)


def records(path: Path, chunk: Chunk) -> Iterator[tuple[int, list[str]]]:
    """Read the records of a chunk, with the line each ends at, blank lines left out as pandas does.

    Raises:
        DataFormatError: They are not UTF-8, or not csv, or a quote is not closed.
    """
    start = first_line(path, chunk)
    try:
        text = chunk.text.decode()
    except UnicodeDecodeError as error:
        line = start + count_lines(chunk.text[: error.start])
        found = chunk.text[error.start : error.end]
        raise DataFormatError(
            f"{path}, line {line}: expected UTF-8 text, found the bytes {found!r}. Save the file as UTF-8."
        ) from error
    lines = io.StringIO(text, newline="").readlines()
    reader = csv.reader([*lines, ""])  # what is no record, unless a quote is still open
    before = 0  # lines of the records read
    try:
        for fields in reader:
            if fields and reader.line_num > len(lines):
                raise unclosed(path, start + len(lines) - 1, fields[-1])
            if len(fields) > 1 or "".join(fields).strip():
                yield start + reader.line_num - 1, fields
            before = reader.line_num
    except csv.Error as error:  # of a field that is too long, as after a quote that is not closed
        raise DataFormatError(
            f"{path}, line {start + before}: expected comma-separated fields; {error}. Mend or remove the line."
        ) from error


def unclosed(path: Path, last_line: int, field: str) -> DataFormatError:
    """Name the line on which the field begins that goes on to the last line of the file."""
    height = max(1, len(io.StringIO(field, newline="").readlines()))
    return DataFormatError(
        f"{path}, line {last_line - height + 1}: expected a closing quote, found none up to the end of the file. "
        "Mend the line."
    )
