"""Write the ratings of each part of a split to csv files, to measure another library on the same rows."""

from pathlib import Path

import numpy as np
import pandas as pd

from movierec.data.modules import MovieDataModule
from movierec.datasets.movielens import read_ratings

COLUMNS = ["userId", "movieId", "rating", "timestamp"]


def export_split(data: MovieDataModule, folder: Path) -> dict[str, int]:
    """Write train.csv, val.csv and test.csv: userId, movieId, rating (stars) and timestamp.

    Where users are held out, history.csv holds the ratings by which they are known.

    Args:
        data: What to read and how to split it.
        folder: It is made, and files in it are replaced.

    Returns:
        The number of ratings in each file.

    Raises:
        MovierecError: As in `MovieDataModule.setup`.
    """
    tables, rows = data.prepare()
    ratings = read_ratings(data.root, data.options.find_release(data.root))
    if tables.movie_names:
        ratings["movie_id"] = ratings["movie_id"].astype("str")
    user_ids = np.array([tables.user_name(number) for number in tables.user_ids.tolist()])
    movie_ids = np.array(tables.movie_names or tables.movie_ids.tolist())
    parts = {part: (batch.user.numpy(), batch.movie.numpy()) for part, batch in rows.items()}
    if tables.held_out.any():
        user = np.repeat(np.arange(len(tables.user_ids)), np.diff(tables.history_offsets))
        is_held_out = tables.held_out.numpy()[user]
        parts["history"] = user[is_held_out], tables.history_movies.numpy()[is_held_out]
    folder.mkdir(parents=True, exist_ok=True)
    for part, (user, movie) in parts.items():
        pairs = pd.DataFrame({"user_id": user_ids[user], "movie_id": movie_ids[movie]})
        found = pairs.merge(ratings, how="left").set_axis(COLUMNS, axis="columns")
        found.to_csv(folder / f"{part}.csv", index=False)
    return {part: len(user) for part, (user, _) in parts.items()}
