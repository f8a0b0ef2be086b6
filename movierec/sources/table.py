"""Reading delimited text into typed columns, with errors that name the file and the line."""

import csv
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from movierec.errors import DataFormatError, MissingDataError

CHUNK_BYTES = 1 << 18  # NumPy is fastest on what fits a core's cache


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
        columns: Name of each wanted column, and its pandas dtype.
        options: Passed on to `pandas.read_csv`.

    Returns:
        One row a record, the columns in the order wanted.

    Raises:
        MissingDataError: There is no such file.
        DataFormatError: A column is missing or a value is not of its type.
    """
    require_file(path)
    try:
        header = pd.read_csv(path, nrows=0, encoding="utf-8-sig").columns
        if missing := [name for name in columns if name not in header]:
            raise DataFormatError(
                f"{path}, line 1: expected the columns {', '.join(columns)}; "
                f"{', '.join(missing)} not among {', '.join(header)}. Rename the columns, or fetch the file again."
            )
        frame: pd.DataFrame = pd.read_csv(
            path, usecols=list(columns), dtype=dict(columns), encoding="utf-8-sig", **options
        )
        if not has_equal_lines(path, len(header)):  # pandas pads and cuts in silence
            raise explain_csv(path, columns, ValueError("lines of unequal length"))
    except UnicodeDecodeError as error:
        raise DataFormatError(f"{path}: expected UTF-8 text; {error}. Save the file as UTF-8.") from error
    except pd.errors.EmptyDataError as error:
        raise DataFormatError(f"{path}: expected a header line, the file is empty. Fetch it again.") from error
    except (ValueError, OverflowError, pd.errors.ParserError) as error:
        if isinstance(error, DataFormatError):
            raise
        raise explain_csv(path, columns, error) from error
    return frame[[*columns]]


def has_equal_lines(path: Path, num_fields: int) -> bool:
    """Say whether every line of a csv file that is not blank holds so many fields."""
    return has_plainly_equal_lines(path, num_fields) or all(len(fields) == num_fields for _, fields in records(path))


def has_plainly_equal_lines(path: Path, num_fields: int) -> bool:
    """Say the same without Python's csv reader, which is slow; False also for quotes and for lines of only spaces."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            text = chunk + file.readline() + b"\n"  # a newline too many is an empty line
            if b'"' in text or not (count_fields(text) == num_fields).all():
                return False
    return True


def count_fields(text: bytes) -> npt.NDArray[np.int64]:
    """Count the fields of each line that is not empty, where no field is quoted."""
    characters = np.frombuffer(text, dtype=np.uint8)
    is_end = (characters == ord("\n")) | (characters == ord("\r"))  # between the two of CRLF lies an empty line
    marks = np.flatnonzero(is_end | (characters == ord(",")))
    ends = np.flatnonzero(is_end[marks])
    num_fields = np.diff(ends, prepend=-1)
    num_characters = np.diff(marks[ends], prepend=-1) - 1
    return num_fields[num_characters > 0]


def explain_csv(path: Path, columns: Mapping[str, str], error: Exception) -> DataFormatError:
    """Find the first line of a csv file that keeps it from being read as typed columns."""
    (_, header), *_ = itertools.islice(records(path), 1)
    for line, fields in itertools.islice(records(path), 1, None):
        if len(fields) != len(header):
            expected = f"expected {len(header)} fields, found {len(fields)}"
            return DataFormatError(f"{path}, line {line}: {expected}. Mend or remove the line.")
        record = dict(zip(header, fields, strict=True))
        for name, dtype in columns.items():
            if not is_of_type(record[name], dtype):
                kind = "a whole number" if dtype.startswith("int") else "a number"
                return DataFormatError(
                    f"{path}, line {line}: expected {kind} as {name}, found {record[name]!r}. Mend or remove the line."
                )
    return DataFormatError(f"{path}: cannot be read: {error}")


def is_of_type(text: str, dtype: str) -> bool:
    """Say whether a field's text can be read as the pandas dtype: int64, float64 or str."""
    if not dtype.startswith(("int", "float")):
        return True
    if dtype.startswith("float") and not text:
        return True
    try:
        np.int64(int(text)) if dtype.startswith("int") else float(text)
    except (ValueError, OverflowError):
        return False
    return True


def csv_line(path: Path, record: int) -> int:
    """Line number at which a csv file's record ends; records count from 0, after the header."""
    return next(itertools.islice(records(path), record + 1, None))[0]


def records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Read a csv file's records, the header first, with the line each ends at, blank lines left out as pandas does."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        for fields in reader:
            if len(fields) > 1 or "".join(fields).strip():
                yield reader.line_num, fields
