"""myFM: python -m tests.benchmarks.peers.myfm FOLDER OUT PART {"rank": 32, "iterations": 200}.

Features and options as in its examples/ml-1m-regression.py without times: who rates which film, whatever else the user
has rated, and who else has rated the film.
"""

import json
import sys

import numpy as np
import pandas as pd
import scipy.sparse as sp
from myfm import MyFMRegressor, RelationBlock  # type: ignore[import-not-found]

from tests.benchmarks.myfm_clock import describe
from tests.benchmarks.peers.files import read


def main(folder: str, out: str, _: str, settings: str) -> None:
    """Train, and write predictions of the test ratings."""
    chosen = json.loads(settings)
    train, test = read(folder, "train", "val"), read(folder, "test")
    users, films = (pd.Index(pd.concat([train, test])[column].unique()) for column in ("userId", "movieId"))
    user, film = users.get_indexer(train["userId"]), films.get_indexer(train["movieId"])
    rated = sp.csr_matrix((np.ones(len(train)), (user, film)), shape=(len(users), len(films)))
    of_users, of_films = describe(rated), describe(rated.T.tocsr())
    model = MyFMRegressor(rank=chosen["rank"], random_seed=0).fit(
        sp.csr_matrix((len(train), 0)),
        train["rating"].to_numpy(),
        X_rel=[RelationBlock(user, of_users), RelationBlock(film, of_films)],
        group_shapes=[len(users), len(films), len(films), len(users)],
        n_iter=chosen["iterations"],
    )
    tested = users.get_indexer(test["userId"]), films.get_indexer(test["movieId"])
    relations = [RelationBlock(tested[0], of_users), RelationBlock(tested[1], of_films)]
    test["prediction"] = model.predict(sp.csr_matrix((len(test), 0)), X_rel=relations)
    test.to_csv(out, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
