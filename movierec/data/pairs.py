"""Read pairs of user and film from a csv file: to predict, or to test on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from movierec.data.batches import Batch
from movierec.data.id_names import IdNames
from movierec.data.tables import Tables
from movierec.datasets.csv_file import csv_line, pick_column, read_csv
from movierec.errors import DataFormatError, UnknownIdError


def read_pairs(path: Path, tables: Tables) -> Batch:
    """Read pairs from a csv file with the columns userId and movieId, or user_id and movie_id as predict writes them.

    Returns:
        Their rows in the tables, in the order of the file; the rating is NaN.

    Raises:
        MissingDataError: There is no such file.
        DataFormatError: A column is missing, an id is no whole number, or there is no pair.
        UnknownIdError: A user or a film is not in the ratings, or the film lacks what the network reads.
    """
    frame = read_ids(path, IdNames(tables.user_names, tables.movie_names))
    user = find_rows(path, frame["userId"], tables.user_ids.numpy(), "user")
    movie = find_rows(path, frame["movieId"], tables.movie_ids.numpy(), "film")
    if len(bad := np.flatnonzero(~tables.complete.numpy()[movie])):
        raise UnknownIdError(
            f"{path}, line {csv_line(path, int(bad[0]))}: film {frame['movieId'].iloc[bad[0]]} lacks metadata that "
            "the network reads. Remove the line, or train with `--data.missing impute`."
        )
    return Batch(
        user=torch.tensor(user, dtype=torch.int32),
        movie=torch.tensor(movie, dtype=torch.int32),
        bank=torch.full((len(frame),), tables.scoring_bank, dtype=torch.int32),
        rating=torch.full((len(frame),), float("nan")),
        day=torch.full((len(frame),), -1, dtype=torch.int32),
    )


def find_ratings(path: Path, ratings: pd.DataFrame, names: IdNames = IdNames()) -> np.ndarray:  # noqa: B008 - immutable
    """Find the ratings of the pairs of a csv file, which has the columns that `read_pairs` reads.

    Args:
        path: The file.
        ratings: The ratings there are, with user_id and movie_id.
        names: The texts of their ids.

    Returns:
        Whether each rating is of such a pair, [num_ratings] bool.

    Raises:
        MissingDataError: There is no such file.
        DataFormatError: A column is missing, an id is no whole number, or there is no pair.
        UnknownIdError: A pair has no rating; the message names the line.
    """
    frame = read_ids(path, names)
    known = pd.MultiIndex.from_frame(ratings[["user_id", "movie_id"]])
    wanted = pd.MultiIndex.from_frame(frame)
    if len(bad := np.flatnonzero(~wanted.isin(known))):
        user_id, movie_id = wanted[bad[0]]
        raise UnknownIdError(
            f"{path}, line {csv_line(path, int(bad[0]))}: expected a rated pair, found user {user_id} and film "
            f"{movie_id}, of which there is no rating, or whose film lacks metadata that are read ({len(bad):,} such "
            "lines). Remove the lines, or keep all films with `--data.missing impute`."
        )
    return np.asarray(known.isin(wanted))


def read_ids(path: Path, names: IdNames) -> pd.DataFrame:
    """Read the columns userId and movieId, or user_id and movie_id, of a csv file; texts become their numbers."""
    columns = pick_column(path, "userId", "user_id"), pick_column(path, "movieId", "movie_id")
    types = {column: "str" if texts else "int64" for column, texts in zip(columns, names, strict=True)}
    frame = read_csv(path, columns=types).set_axis(["userId", "movieId"], axis="columns")
    for column, what, texts in zip(frame, ("user", "film"), names, strict=True):
        if texts:
            frame[column] = find_rows(path, frame[column], texts, what) + 1
    if frame.empty:
        raise DataFormatError(f"{path}: expected pairs of userId and movieId, found none.")
    return frame


def find_rows(path: Path, wanted: pd.Series, known: np.ndarray | Sequence[str], what: str) -> np.ndarray:
    """Find ids among ascending ones; an unknown one is an error that names the line."""
    rows: np.ndarray = pd.Index(known).get_indexer(pd.Index(wanted))
    if len(bad := np.flatnonzero(rows < 0)):
        among = f" (ids from {known[0]} to {known[-1]})" if isinstance(known, np.ndarray) else ""
        raise UnknownIdError(
            f"{path}, line {csv_line(path, int(bad[0]))}: {what} {wanted.tolist()[bad[0]]!r} is not in the ratings"
            f"{among}. Remove the line, or correct the id."
        )
    return rows
