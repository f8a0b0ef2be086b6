"""Read and write the csv file of a film service."""

import csv
import os
from collections.abc import Iterable
from pathlib import Path

from movierec.datasets.csv_file import records
from movierec.datasets.service import Service
from movierec.errors import DataFormatError

Rows = dict[int, dict[str, str]]


def read_rows(path: Path, service: Service) -> Rows:
    """Read an earlier csv file, the first row of each film, by film id; empty if there is no file.

    Raises:
        DataFormatError: The file is not a csv file of the service's films; the message names the line.
    """
    if not path.is_file():
        return {}
    lines = list(records(path))
    column = service.columns[0]
    header = lines[0][1] if lines else []
    if column not in header:
        raise DataFormatError(f"{path}, line 1: expected the column {column}, found none. Move the file away.")
    rows: Rows = {}
    for line, fields in lines[1:]:
        if len(fields) != len(header):
            expected = f"expected {len(header)} fields, found {len(fields)}"
            raise DataFormatError(f"{path}, line {line}: {expected}. Correct or remove the line.")
        row = dict(zip(header, fields, strict=True))
        film_id = service.film_id(row[column])
        if film_id is None:
            raise DataFormatError(f"{path}, line {line}: {row[column]!r} is no {column}. Correct or remove the line.")
        rows.setdefault(film_id, row)
    return rows


def write_rows(path: Path, service: Service, rows: Rows, answers: Iterable[tuple[int, bytes]]) -> int:
    """Write the csv file, sorted by film id; answers replace earlier rows.

    Args:
        path: The file.
        service: The film service.
        rows: The rows of the earlier file; their further columns are kept.
        answers: Film ids, and what the service said of them.

    Returns:
        How many films the file holds; none is written for none.
    """
    merged = dict(rows)
    for film_id, body in answers:
        merged[film_id] = rows.get(film_id, {}) | service.row(film_id, body)
    if not merged:
        return 0
    columns = dict.fromkeys([*service.columns, *(name for row in rows.values() for name in row)])
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(merged[film_id] for film_id in sorted(merged))
        file.flush()
        os.fsync(file.fileno())  # before the old file goes
    partial.replace(path)
    return len(merged)
