"""Read csv files into typed columns; errors name the file and the line."""

import csv
import gzip
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal, cast

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow

from movierec.datasets.file import require_file
from movierec.errors import DataFormatError

LARGEST = 2**53  # beyond it, whole numbers are no longer exact where they meet floats: as inputs, or in other programs
TYPES = {"int64": pa.int64(), "float64": pa.float64(), "str": pa.string()}
BLOCK_BYTES = 1 << 20  # the fastest, measured


def read_csv(path: Path, *, columns: Mapping[str, str], nulls: Sequence[str] = ("",)) -> pd.DataFrame:
    """Read some columns of a comma-separated file with a header.

    Args:
        path: The file, UTF-8.
        columns: Name of each wanted column, and its dtype: int64 (from 0 to 2^53, never missing), float64 or str.
        nulls: Texts that mean a missing value; a film may be called "None" or "NA".

    Returns:
        One row a record, the columns in the order wanted.

    Raises:
        MissingDataError: There is no such file.
        DataFormatError: A column is missing or repeated, a line has more or fewer fields than the header, a value
            is not of its type, or the text is not UTF-8 or has a quote that is not closed.
    """
    line, header = read_header(path)
    check_header(path, line, header, columns)
    types = {name: TYPES[dtype] for name, dtype in columns.items()}
    try:
        with open_file(path, "rb") as file:
            batches = arrow.open_csv(
                file,
                read_options=arrow.ReadOptions(skip_rows=line - 1, block_size=BLOCK_BYTES),
                parse_options=arrow.ParseOptions(newlines_in_values=True),
                convert_options=arrow.ConvertOptions(
                    column_types=types, include_columns=list(types), null_values=nulls, strings_can_be_null=True
                ),
            )
            frame = collect(batches, columns)
    except pa.ArrowException as error:
        raise find_fault(path, islice(records(path), 1, None), header, columns, error) from error
    if count_quotes(path) % 2:  # the last one may be open, which only the csv module refuses
        deque(records(path), maxlen=0)
    return frame


def open_file(path: Path, mode: Literal["rb", "rt"], **options: Any) -> IO[Any]:
    """Open a file, or the content of one that gzip has compressed."""
    opener: Any = gzip.open if path.suffix == ".gz" else open
    return cast("IO[Any]", opener(path, mode, **options))


def read_header(path: Path) -> tuple[int, list[str]]:
    """Read the names of a csv file's columns, and the line they stand on."""
    for line, header in records(require_file(path)):
        return line, header
    raise DataFormatError(f"{path}: expected a header line, the file is empty. Get it again.")


def pick_column(path: Path, *names: str) -> str:
    """Find the first of some columns that a csv file has."""
    line, header = read_header(path)
    for name in names:
        if name in header:
            return name
    raise missing_columns(path, line, header, " or ".join(names))


def check_header(path: Path, line: int, header: Sequence[str], columns: Iterable[str]) -> None:
    """Refuse a header with a missing or repeated column."""
    if missing := [name for name in columns if name not in header]:
        raise missing_columns(path, line, header, ", ".join(missing))
    if twice := [name for name in columns if header.count(name) > 1]:
        raise DataFormatError(f"{path}, line {line}: expected a column {twice[0]}, found several. Remove the others.")


def missing_columns(path: Path, line: int, header: Sequence[str], names: str) -> DataFormatError:
    """Say which columns are missing, and which are there."""
    return DataFormatError(
        f"{path}, line {line}: expected a column {names}, found {', '.join(header)[:200]!r}. "
        "Put commas between the columns, rename them, or get the file again."
    )


def collect(batches: Iterable[pa.RecordBatch], columns: Mapping[str, str]) -> pd.DataFrame:
    """Join batches of rows; numbers are never in memory twice."""
    numbers = {name: bytearray() for name, dtype in columns.items() if dtype != "str"}
    texts: dict[str, list[pa.Array]] = {name: [] for name in columns if name not in numbers}
    for batch in batches:
        for name, values in numbers.items():
            if columns[name] == "int64":
                check_range(batch[name])
            values.extend(batch[name].to_numpy(zero_copy_only=False).tobytes())
        for name, parts in texts.items():
            parts.append(batch[name])
    frame = {name: pd.Series(np.frombuffer(values, columns[name]), copy=False) for name, values in numbers.items()}
    for name, parts in texts.items():
        frame[name] = pd.Series(pa.chunked_array(parts, pa.string()).to_numpy(), dtype="str")
    return pd.DataFrame({name: frame[name] for name in columns}, copy=False)


def check_range(numbers: pa.Array) -> None:
    """Refuse whole numbers that are missing or not from 0 to 2^53."""
    limits = compute.min_max(numbers).as_py()
    if numbers.null_count or (len(numbers) and not 0 <= limits["min"] <= limits["max"] <= LARGEST):
        raise pa.ArrowInvalid(f"expected whole numbers from 0 to 2^53, found {limits}")


def find_fault(
    path: Path,
    lines: Iterable[tuple[int, list[str]]],
    names: Sequence[str],
    columns: Mapping[str, str],
    error: Exception,
) -> DataFormatError:
    """Find and describe the first line that cannot be read as typed columns, line by line in Python."""
    for line, fields in lines:
        if len(fields) != len(names):
            wrong = f"expected {len(names)} fields, found {len(fields)}"
            return DataFormatError(f"{path}, line {line}: {wrong}. Correct or remove the line.")
        for name, dtype in columns.items():
            text = fields[names.index(name)]
            if dtype != "str" and not is_number(text, dtype):
                kind = "a whole number from 0 to 2^53" if dtype == "int64" else "a number"
                wrong = f"expected {kind} as {name}, found {text[:80]!r}"
                return DataFormatError(f"{path}, line {line}: {wrong}. Correct or remove the line.")
    return DataFormatError(f"{path}: cannot be read: {error}")


def is_number(text: str, dtype: str) -> bool:
    """Say whether a field's text can be read as int64 (from 0 to 2^53) or as float64, where it may be empty."""
    digits = text.strip(" \t")  # as Arrow does
    if dtype == "int64":
        return digits.isascii() and digits.isdecimal() and len(digits) <= len(str(LARGEST)) and int(digits) <= LARGEST
    try:
        float(digits if text else "nan")
    except ValueError:
        return False
    return digits.isascii() and "_" not in digits  # Python alone reads 1_0 as a number


def refuse_rows(path: Path, is_wrong: pd.Series, values: pd.Series, expected: str) -> None:
    """Refuse a csv file with wrong rows: the message names the first of them, its value, and what was expected."""
    if is_wrong.any():
        row = int(is_wrong.to_numpy().argmax())
        found = str(values.iloc[row])[:80]
        wrong = f"expected {expected}, found {found!r}"
        raise DataFormatError(f"{path}, line {csv_line(path, row)}: {wrong}. Correct or remove the line.")


def csv_line(path: Path, row: int) -> int:
    """Find the line on which a csv file's row begins; rows count from 0, after the header."""
    return next(islice(records(path), row + 1, None))[0]


def records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Read the records of a csv file that are not empty, header included, with the line each begins on."""
    line = 1
    try:
        with open_file(path, "rt", newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            for fields in reader:
                if fields:  # a line without any character is skipped, as Arrow does
                    yield line, fields
                line = reader.line_num + 1
    except csv.Error as error:  # the end of the file, or of what the module takes for one field, within quotes
        raise DataFormatError(
            f"{path}, line {line}: expected comma-separated fields whose quotes are closed; {error}. Correct the line."
        ) from error
    except UnicodeDecodeError as error:
        raise not_utf8(path) from error


def not_utf8(path: Path) -> DataFormatError:
    """Name the first line that is not UTF-8."""
    with open_file(path, "rb") as file:
        content = file.read()
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line, found = content.count(b"\n", 0, error.start) + 1, content[error.start : error.end]
        wrong = f"expected UTF-8 text, found the bytes {found!r}"
        return DataFormatError(f"{path}, line {line}: {wrong}. Save the file as UTF-8.")
    raise AssertionError("only called for a file that is not UTF-8")


def count_quotes(path: Path) -> int:
    """Count a file's double quotes."""
    with open_file(path, "rb") as file:
        return sum(block.count(b'"') for block in iter(lambda: file.read(BLOCK_BYTES), b""))
