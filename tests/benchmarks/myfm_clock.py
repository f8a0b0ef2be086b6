"""Print the seconds of an iteration of myFM; run in a virtual environment that has it.

    python tests/benchmarks/myfm_clock.py RATINGS RANK

RATINGS is an npz file with the arrays user, film and stars. The relations of users and films are those of model 6 from
ratings alone: who they are, and what they have rated or been rated by, each row of length 1.
"""

import sys
import time
from typing import Any

import numpy as np
import scipy.sparse as sp
from myfm import MyFMRegressor, RelationBlock  # type: ignore[import-not-found]

FEW, MANY = 2, 8  # iterations; the difference leaves out what is done once


def main() -> None:
    """Fit twice, and print the seconds of one iteration more."""
    with np.load(sys.argv[1]) as file:
        user, film, stars = (file[name] for name in ("user", "film", "stars"))
    seconds = [fit(user, film, stars, rank=int(sys.argv[2]), iterations=number) for number in (FEW, MANY)]
    print((seconds[1] - seconds[0]) / (MANY - FEW))


def fit(user: Any, film: Any, stars: Any, *, rank: int, iterations: int) -> float:
    """Fit, and return the seconds that it took."""
    rated = sp.csr_matrix((np.ones(len(user)), (user, film)))
    users, films = rated.shape
    relations = [RelationBlock(user, describe(rated)), RelationBlock(film, describe(rated.T.tocsr()))]
    begun = time.perf_counter()
    MyFMRegressor(rank=rank, random_seed=0).fit(
        sp.csr_matrix((len(user), 0)),
        stars,
        X_rel=relations,
        group_shapes=[users, films, films, users],
        n_iter=iterations,
        n_kept_samples=1,
    )
    return time.perf_counter() - begun


def describe(rated: Any) -> Any:
    """Describe each row by itself, and by its columns: [rows, rows + columns]."""
    lengths = np.sqrt(np.maximum(rated.sum(axis=1).A1, 1))
    return sp.hstack([sp.eye(len(lengths)), sp.diags(1 / lengths) @ rated]).tocsr()


if __name__ == "__main__":
    main()
