"""LensKit: python -m tests.benchmarks.peers.lenskit FOLDER OUT PART {"scorer": "EASEScorer", "least": 0, ...}.

`least` is the lowest rating that counts as interest.
"""

import json
import sys

import pandas as pd
from lenskit import knn  # type: ignore[import-not-found]
from lenskit.data import ItemList, RecQuery, from_interactions_df  # type: ignore[import-not-found]

from tests.benchmarks.peers.files import read, write_lists


def main(folder: str, out: str, part: str, settings: str) -> None:
    """Train, and write lists."""
    options = json.loads(settings)
    train = read(folder, "train")
    users = pd.Index(train["userId"].unique())
    train = train[train["rating"] >= options.pop("least")]
    data = from_interactions_df(train[["userId", "movieId"]].copy(), user_col="userId", item_col="movieId")
    scorer = getattr(knn, options.pop("scorer"))(**options)
    scorer.train(data)
    films = ItemList(data.items.ids(), vocabulary=data.items)

    def scores(row: int) -> object:
        history = data.user_row(users[row])
        history = ItemList([], vocabulary=data.items) if history is None else history
        return scorer(RecQuery(user_id=users[row], history_items=history), films).scores()

    write_lists(folder, part, out, scores, users=users, films=pd.Index(data.items.ids()))


if __name__ == "__main__":
    main(*sys.argv[1:])
