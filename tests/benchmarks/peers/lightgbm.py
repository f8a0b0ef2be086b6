"""LightGBM on the inputs of model 1: python -m tests.benchmarks.peers.lightgbm FOLDER OUT PART {"release": "ml-1m"}.

Default options; the number of trees is where the validation error ends to fall.
"""

import json
import sys
from pathlib import Path
from typing import Any

import lightgbm as lgb  # type: ignore[import-not-found]
import numpy as np
import pandas as pd

from movierec.data import RatingsDataModule

TREES, PATIENCE = 5000, 50


def main(folder: str, out: str, _: str, settings: str) -> None:
    """Train, and write predictions of the test ratings."""
    pairs: dict[str, Any] = {f"{part}_pairs": Path(folder, f"{part}.csv") for part in ("val", "test")}
    tables, rows = RatingsDataModule(**json.loads(settings), split="file", **pairs).prepare()
    inputs, stars = {}, {}
    for part, batch in rows.items():
        user, movie, bank = batch.user.long(), batch.movie.long(), batch.bank.long()
        of_rows = tables.movie_features[movie], tables.movie_statistics[bank, movie], tables.user_statistics[bank, user]
        inputs[part], stars[part] = np.hstack(of_rows), tables.to_stars(batch.rating).numpy()
    sets = {part: lgb.Dataset(inputs[part], stars[part], free_raw_data=False) for part in ("train", "val")}
    model = lgb.train(
        {"num_threads": 1, "verbose": -1},
        sets["train"],
        TREES,
        [sets["val"]],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )
    tested = rows["test"]
    users, films = tables.user_ids[tested.user.long()], tables.movie_ids[tested.movie.long()]
    table = pd.DataFrame({"userId": users, "movieId": films, "prediction": model.predict(inputs["test"])})
    table.to_csv(out, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
