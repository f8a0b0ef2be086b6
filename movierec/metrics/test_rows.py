"""Store the predictions and list scores of a test in the run's folder, to compare runs."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

ROWS, LISTS = "test_rows.parquet", "test_lists.parquet"


class PredictedRows(NamedTuple):
    """The predictions of a test, sorted by user and film.

    Attributes:
        user_id: [size] int.
        movie_id: [size] int.
        rating: In stars, [size].
        prediction: In stars, clipped to the scale, [size].
    """

    user_id: np.ndarray
    movie_id: np.ndarray
    rating: np.ndarray
    prediction: np.ndarray

    @classmethod
    def sorted(cls, *columns: np.ndarray) -> Self:
        """Sort rows by user and film, which are the first two columns."""
        order = np.lexsort(columns[1::-1])
        return cls(*(column[order] for column in columns))

    def same_rows(self, other: "PredictedRows") -> bool:
        """Tell whether both hold the same ratings."""
        return all(np.array_equal(one, another) for one, another in zip(self[:3], other[:3], strict=True))

    def write(self, folder: Path) -> None:
        """Write the rows to a run's folder."""
        write_parquet(pd.DataFrame(self._asdict()), folder / ROWS)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read the rows from a run's folder; None if there are none or the file is damaged."""
        table = read_parquet(folder / ROWS, cls._fields)
        return None if table is None else cls(*(table[name].to_numpy() for name in cls._fields))


def write_lists(lists: pd.DataFrame, folder: Path) -> None:
    """Write the scores of each user's lists, by `ranking` and `user_id`, to a run's folder."""
    write_parquet(lists, folder / LISTS)


def read_lists(folder: Path) -> pd.DataFrame | None:
    """Read the scores of each user's lists from a run's folder; None if there are none or the file is damaged."""
    return read_parquet(folder / LISTS, ("ranking", "user_id"))


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write a table to a partial file, then rename it."""
    partial = path.with_name(f"{path.name}.partial")
    table.to_parquet(partial, index=False, compression="zstd")
    partial.replace(path)


def read_parquet(path: Path, columns: Iterable[str]) -> pd.DataFrame | None:
    """Read a table; None if it is missing, damaged, or lacks a column."""
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError):  # pyarrow's own errors are ValueErrors
        return None
    return table if set(columns) <= set(table) else None
