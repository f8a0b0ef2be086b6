"""The implicit library's ALS: python -m tests.benchmarks.peers.implicit FOLDER OUT PART {"factors": 100, ...}.

Ratings of 4 stars and more; with `"bm25": 5`, weighted by BM25 times 5, as in its examples/movielens.py.
"""

import json
import sys

import numpy as np
import pandas as pd
import scipy.sparse as sp
from implicit.als import AlternatingLeastSquares  # type: ignore[import-not-found]
from implicit.nearest_neighbours import bm25_weight  # type: ignore[import-not-found]

from tests.benchmarks.peers.files import read, write_lists


def main(folder: str, out: str, part: str, settings: str) -> None:
    """Train, and write lists."""
    options = json.loads(settings)
    train = read(folder, "train")
    users, films = (pd.Index(train[column].unique()) for column in ("userId", "movieId"))
    liked = train[train["rating"] >= 4]
    rows = films.get_indexer(liked["movieId"]), users.get_indexer(liked["userId"])
    weights = sp.csr_matrix((np.ones(len(liked)), rows), shape=(len(films), len(users)))
    if times := options.pop("bm25", None):
        weights = bm25_weight(weights, B=0.9) * times
    model = AlternatingLeastSquares(**options, random_state=0, num_threads=1)
    model.fit(weights.T.tocsr(), show_progress=False)
    write_lists(folder, part, out, lambda row: model.item_factors @ model.user_factors[row], users=users, films=films)


if __name__ == "__main__":
    main(*sys.argv[1:])
