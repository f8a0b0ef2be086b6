"""Guards against leaks: no statistic, scaler or encoder from other rows than it may, no rating in two parts, no copy.

What is fitted says by a fingerprint which rows it was fitted on, taken where they are used. The options that leak are
allowed, because they say so by name, and are recorded as leaks.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from movierec.data.batches import Batch
from movierec.data.row_set import add_up, fingerprint, in_digits
from movierec.data.scaling import Scaling
from movierec.data.split import Split
from movierec.data.statistics import Banks, Kind, is_statistic
from movierec.data.tables import Tables
from movierec.errors import LeakageError

LIMIT = 0.99  # a column whose correlation with the ratings is beyond it counts as their copy
LEAK_FREE = ("cross_fit", "leave_one_out", "train")  # of the options `statistics` and `scaling`
OTHERS = "other rows"
PAIRS = 1 << 20  # at a time
USERS = 1 << 12


def check_fitted(
    split: Split,
    *,
    movie: np.ndarray,
    statistics: Kind,
    banks: Banks,
    scaling: Scaling,
    scalers: list[int],
    encoder: int,
    target: int,
) -> dict[str, list[str]]:
    """Refuse what was fitted on other rows than its option says.

    Args:
        split: The parts of the ratings.
        movie: Film of each rating, [num_ratings] int64.
        statistics: Which ratings a row's statistics come from.
        banks: The statistics.
        scaling: Which rows statistics are scaled by.
        scalers: Fingerprints of the rows that the scalers of statistics were fitted on.
        encoder: Fingerprint of the films that the films' encoder was fitted on.
        target: Fingerprint of the rows that the unit scale of the ratings follows from.

    Returns:
        The parts of the ratings that each was fitted on.

    Raises:
        LeakageError: Rows of validation or test are among them under an option that does not leak, or others.
    """
    parts = {fingerprint(rows): part for part, rows in split._asdict().items()}
    films = {fingerprint(np.flatnonzero(np.bincount(movie[split.train]))): "train"}
    fitted = {
        "statistics": {parts.get(rows, OTHERS) for rows in rows_of_banks(banks, split, statistics)},
        "scalers": {parts.get(rows, OTHERS) for rows in scalers},
        "encoder": {films.get(encoder, OTHERS)},
        "target": {parts.get(target, OTHERS)},
    }
    may = {"statistics": {"val"} if statistics == "per_split" else set()}
    may |= {"scalers": {"val", "test"} if scaling == "per_split" else set()}
    for name, found in fitted.items():
        if found - {"train"} - may.get(name, set()):
            raise LeakageError(
                f"Expected the {name} to be fitted on training rows alone; found {', '.join(sorted(found))}. The "
                "network would know of ratings that it is measured on. Fit on `split.train`; nothing was trained."
            )
    return {name: sorted(found) for name, found in fitted.items()}


def rows_of_banks(banks: Banks, split: Split, statistics: Kind) -> Iterator[int]:
    """Compute the fingerprint of each bank's ratings; with `cross_fit`, and of the training rows it is hidden from."""
    readers = banks.row[split.train]
    for bank, rows in enumerate(banks.rows):
        hidden = split.train[readers == bank] if statistics == "cross_fit" else split.train[:0]
        yield add_up([rows, fingerprint(hidden)])


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


def pairs_of(tables: Tables, rows: Batch) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give the user ids and the film ids of some rows, a piece at a time."""
    for start in range(0, len(rows.rating), PAIRS):
        part = rows.take(slice(start, start + PAIRS))
        yield tables.user_ids[part.user.long()].numpy(), tables.movie_ids[part.movie.long()].numpy()


def rated_pairs(tables: Tables) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give the user ids and the film ids of all ratings, some users at a time."""
    offsets = tables.seen_offsets.numpy()
    for start in range(0, len(tables.user_ids), USERS):
        ends = offsets[start : start + USERS + 1]
        user_ids = np.repeat(tables.user_ids[start : start + USERS].numpy(), np.diff(ends))
        yield user_ids, tables.movie_ids[tables.seen_movies[ends[0] : ends[-1]].long()].numpy()


def check_parts(tables: Tables, rows: Mapping[str, Batch]) -> None:
    """Refuse parts that do not hold each rating once, or are not those that were recorded.

    The fingerprints of parts that share no rating add up to that of all ratings, which is taken of the films by user.

    Raises:
        LeakageError: A pair of user and film is in two parts, or the rows are not those of the record.
    """
    found = {part: add_up(fingerprint(*pairs) for pairs in pairs_of(tables, batch)) for part, batch in rows.items()}
    for user_ids, movie_ids in rated_pairs(tables):
        if (again := (np.diff(user_ids) == 0) & (np.diff(movie_ids) == 0)).any():
            first = int(again.argmax())
            raise LeakageError(
                f"Expected each pair of user and film once; user {user_ids[first]} rated film {movie_ids[first]} "
                "twice, so that the training rows may hold what is tested. Remove one of the ratings."
            )
    if add_up(found.values()) != add_up(fingerprint(*pairs) for pairs in rated_pairs(tables)):
        raise LeakageError(f"Expected each rating in one part; {where_shared(tables, rows)}. Mend the split.")
    if (written := {part: in_digits(one) for part, one in found.items()}) != tables.record["row_sets"]:
        raise LeakageError(
            f"Expected the rows that the tables were prepared with, of fingerprints {tables.record['row_sets']}; found "
            f"{written}. Remove the folder `prepared` below the data root, and start again."
        )


def where_shared(tables: Tables, rows: Mapping[str, Batch]) -> str:
    """Name a pair of user and film that is in two parts, or in one part twice."""
    frames = [
        pd.DataFrame({"part": part, "user": user_ids, "movie": movie_ids})
        for part, batch in rows.items()
        for user_ids, movie_ids in pairs_of(tables, batch)
    ]
    every = pd.concat(frames, ignore_index=True)
    again = every[every.duplicated(["user", "movie"], keep=False)].sort_values(["user", "movie"])
    if again.empty:
        return "some ratings are in none"
    first, second = (again.iloc[rank] for rank in range(2))
    return (
        f"that of user {first['user']} of film {first['movie']} is in {first['part']} and in {second['part']} "
        f"({len(again):,} such rows)"
    )
