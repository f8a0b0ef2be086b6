"""Write frames to one file, one at a time in memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from movierec.console import cell
from movierec.errors import ConfigError

TEXTS = ("title", "genres", "because")  # the columns that others have written
Write = Callable[[pd.DataFrame], None]


@contextmanager
def writer_to(path: Path) -> Iterator[Write]:
    """Open a csv or parquet file, by its suffix, for frames of the same columns; it appears when complete."""
    if path.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"Expected a file that ends in .csv or .parquet, got {path}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    try:
        with (csv_writer if path.suffix == ".csv" else parquet_writer)(partial) as write:
            yield write
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def csv_writer(path: Path) -> Iterator[Write]:
    """Write frames as csv, with one header."""
    with path.open("w", encoding="utf-8", newline="") as file:

        def write(frame: pd.DataFrame) -> None:
            write_csv(frame, file, header=file.tell() == 0)

        yield write


def write_csv(frame: pd.DataFrame, file: TextIO, *, header: bool) -> None:
    """Write films as csv, with an apostrophe before texts that a spreadsheet would take for formulas."""
    guarded = frame.assign(**{name: frame[name].map(cell) for name in TEXTS if name in frame})
    guarded.to_csv(file, index=False, header=header, float_format="%.4f", lineterminator="\n")


@contextmanager
def parquet_writer(path: Path) -> Iterator[Write]:
    """Write frames as row groups of a parquet file."""
    writer: parquet.ParquetWriter | None = None
    try:

        def write(frame: pd.DataFrame) -> None:
            nonlocal writer
            named = frame.astype({name: "string" for name in TEXTS if name in frame})  # else no title has another type
            table = pa.Table.from_pandas(named, preserve_index=False)
            writer = writer or parquet.ParquetWriter(path, table.schema)
            writer.write_table(table)

        yield write
    finally:
        if writer is not None:
            writer.close()
