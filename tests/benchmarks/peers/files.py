"""What the scripts of peers read and write. They run in virtual environments without movierec.

FOLDER holds train.csv, val.csv and test.csv of `data export-split`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SEEN = {"val": ["train"], "test": ["train", "val"]}  # what lists leave out, by the part that they are measured on
DEPTH = 10


def read(folder: str, *parts: str) -> pd.DataFrame:
    """Read the ratings of some parts: userId, movieId, rating, timestamp."""
    return pd.concat([pd.read_csv(Path(folder, f"{part}.csv")) for part in parts], ignore_index=True)


def write_lists(
    folder: str, part: str, out: str, scores: Callable[[Any], Any], *, users: pd.Index, films: pd.Index
) -> None:
    """Write the ten films of the highest scores for each user, without those that the user has rated before.

    Args:
        folder: Where the ratings are.
        part: What the lists are measured on, `val` or `test`.
        out: The file: userId, movieId, the best first.
        scores: Scores all films for a user, by the user's row.
        users: Ids of the users that are scored.
        films: Ids of the films, in the order of the scores.
    """
    seen = read(folder, *SEEN[part]).groupby("userId")["movieId"].agg(list)
    rows = []
    for row, user in enumerate(users):
        values = np.array(scores(row), dtype=np.float64)
        known = films.get_indexer(seen[user])
        values[known[known >= 0]] = -np.inf
        values[np.isnan(values)] = -np.inf
        best = np.argsort(-values, kind="stable")[:DEPTH]
        rows += [(user, film) for film in films[best[values[best] > -np.inf]]]
    pd.DataFrame(rows, columns=["userId", "movieId"]).to_csv(out, index=False)
