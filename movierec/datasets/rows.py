"""Read and write the csv file of a film service."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from movierec.datasets.csv_file import read_csv, read_header, refuse_rows
from movierec.datasets.field import load_object
from movierec.datasets.movielens import NO_ID, parse_ids
from movierec.datasets.service import Service
from movierec.runs import replace_text

Rows = dict[int, dict[str, str]]


def read_rows(path: Path, service: Service) -> Rows:
    """Read an earlier csv file, the first row of each film, by film id; empty if there is no file."""
    if not path.is_file():
        return {}
    key = service.columns[0]
    columns = dict.fromkeys([key, *read_header(path)[1]], "str")
    frame = read_csv(path, columns=columns, nulls=())
    ids = parse_ids(frame[key])
    refuse_rows(path, ids == NO_ID, frame[key], f"a film's id as {key}")
    rows: Rows = {}
    for film_id, *values in zip(ids.tolist(), *(frame[name].tolist() for name in columns), strict=True):
        rows.setdefault(film_id, dict(zip(columns, values, strict=True)))
    return rows


def write_rows(path: Path, service: Service, rows: Rows, answers: Iterable[tuple[int, bytes]]) -> int:
    """Write the csv file, sorted by film id, and return how many films it holds; none is written for none.

    Answers replace earlier rows, whose further columns are kept.
    """
    merged = dict(rows)
    for film_id, body in answers:
        merged[film_id] = rows.get(film_id, {}) | service.row(film_id, load_object(body))
    if merged:
        columns = dict.fromkeys([*service.columns, *(name for row in rows.values() for name in row)])
        text = io.StringIO()
        writer = csv.DictWriter(text, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(merged[film_id] for film_id in sorted(merged))
        replace_text(path, text.getvalue())
    return len(merged)
