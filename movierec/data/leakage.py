"""What gives the ratings away: columns that are nearly a copy of them, and options that leak by their name."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from movierec.data.batches import Batch
from movierec.data.scaling import Scaling
from movierec.data.statistics import Kind, is_statistic
from movierec.data.tables import Tables
from movierec.errors import LeakageError

LIMIT = 0.99  # a column whose correlation with the ratings is beyond it counts as their copy
LEAK_FREE = ("cross_fit", "leave_one_out", "train")  # of the options `statistics` and `scaling`
ROWS = 1 << 22  # training rows at a time
CELLS = 1 << 12  # lines of a table at a time


class Cells(NamedTuple):
    """The training rows by the line of a table that they read: how many, and the sum of their centred ratings."""

    number: np.ndarray
    total: np.ndarray


def correlate(tables: Tables, train: Batch) -> dict[str, float]:
    """Compute Pearson's correlation of each of the network's inputs with the training ratings.

    All rows that read the same line c of a table have the same inputs, so the rows need only be counted by line. With
    n_c the number of training rows that read line c, s_c the sum of their ratings less the mean one, and m the mean
    of column x over all N training rows,

        r(x) = sum_c s_c x_c / sqrt((sum_c n_c x_c^2 - N m^2) sum_i (y_i - mean(y))^2)    with N m = sum_c n_c x_c

    which is exact, and needs no matrix of rows and columns. A constant column has the correlation 0.

    Args:
        tables: The tables.
        train: The training rows.

    Returns:
        The correlation of each column, -1 to 1, by its name, in the order of the inputs.
    """
    mean = train.rating.mean(dtype=torch.float64).item()
    spread = train.rating.var(correction=0).item() * len(train.rating)
    of_movies = count(train, train.movie, mean, tables.movie_statistics)
    of_users = count(train, train.user, mean, tables.user_statistics)
    by_movie = Cells(*(sums.reshape(-1, len(tables.movie_ids)).sum(axis=0) for sums in of_movies))  # of all banks
    found = [
        correlate_columns(table.numpy().reshape(len(cells.number), -1), cells, spread)
        for table, cells in (
            (tables.movie_features, by_movie),
            (tables.movie_statistics, of_movies),
            (tables.user_statistics, of_users),
        )
    ]
    return dict(zip(tables.feature_names, np.concatenate(found).tolist(), strict=True))


def count(train: Batch, index: Tensor, mean: float, statistics: Tensor) -> Cells:
    """Count, for each bank and film (or user), the training rows that read it; sum up their ratings less the mean."""
    num_banks, size, _ = statistics.shape
    number, total = np.zeros((2, num_banks * size))
    for start in range(0, len(index), ROWS):
        part = slice(start, start + ROWS)
        cell = train.bank[part].numpy().astype(np.int64) * size + index[part].numpy()
        number += np.bincount(cell, minlength=len(number))
        total += np.bincount(cell, weights=train.rating[part].double().numpy() - mean, minlength=len(number))
    return Cells(number, total)


def correlate_columns(table: np.ndarray, cells: Cells, spread: float) -> np.ndarray:
    """Compute the correlation of each column of a table, [num_cells, d], with the ratings of the rows that read it."""
    sums, squares, products = np.zeros((3, table.shape[1]))
    for start in range(0, len(table), CELLS):
        number, total = (column[start : start + CELLS] for column in cells)
        values = table[start : start + CELLS].astype(np.float64)
        products += total @ values
        sums += number @ values
        squares += number @ np.square(values, out=values)
    deviation = np.sqrt(np.maximum(squares - sums**2 / cells.number.sum(), 0) * spread)
    varies = deviation > np.sqrt(squares * spread) * 1e-7  # else it is rounding
    found: np.ndarray = np.divide(products, deviation, out=np.zeros_like(products), where=varies)
    return found.clip(-1, 1)


def name_leaks(statistics: Kind, scaling: Scaling, copies: Mapping[str, float]) -> list[str]:
    """List what leaks: options that say so, and columns that are copies of the ratings."""
    options = {"statistics": statistics, "scaling": scaling}
    named = [f"{name}: {value}" for name, value in options.items() if value not in LEAK_FREE]
    return named + [f"column {name}: correlation {value:.4f}" for name, value in copies.items()]


def find_copies(correlations: Mapping[str, float]) -> dict[str, float]:
    """Pick the columns that are copies of the ratings, or nearly so."""
    return {name: value for name, value in correlations.items() if abs(value) > LIMIT}


def closest(correlations: Mapping[str, float]) -> dict[str, float]:
    """Pick what to record of the correlations: those of all copies, and the largest."""
    largest = max(correlations, key=lambda name: abs(correlations[name]))
    return {name: value for name, value in correlations.items() if name == largest or abs(value) > LIMIT}


def check_copies(record: Mapping[str, Any]) -> None:
    """Refuse columns that are copies of the ratings, or nearly so.

    Args:
        record: What the tables' `record` says.

    Raises:
        LeakageError: There are some; the message names them.
    """
    copies = find_copies(record["correlations"])
    if not copies:
        return
    sources = dict.fromkeys(source_of(name) for name in copies if not is_statistic(name))
    actions = [f"leave out the column with --data.exclude_columns '[{', '.join(sources)}]'"] if sources else []
    if any(map(is_statistic, copies)) and record["options"]["statistics"] != "cross_fit":
        actions.append("compute statistics from other rows with --data.statistics cross_fit")
    remedy = f"Either {' and '.join(actions)}, or train" if actions else "Train"
    raise LeakageError(
        f"Expected inputs that do not give the ratings away; beyond {LIMIT} correlate with the training ratings: "
        f"{', '.join(f'{name} ({value:.4f})' for name, value in copies.items())}. "
        f"{remedy} all the same with --data.allow_leaks true, which metrics.json records."
    )


def source_of(name: str) -> str:
    """Name the column that an input was encoded from."""
    return name.removeprefix("missingindicator_").split("=")[0]
