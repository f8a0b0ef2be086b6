"""Model 7 by the protocol of RecBole's published MovieLens 1M benchmark: `python -m tests.benchmarks.recbole`.

Ratings of 3 stars and more, users and films of at least 10 of them; split 80/10/10 at random within each user; all
films ranked but those of training and validation; every test film is relevant. Published NDCG@10: EASE .2865,
ADMM-SLIM .2904.
"""

from itertools import product

import numpy as np
from scipy.sparse import csr_array
from torch import Tensor

from movierec.data import RatingsDataModule
from movierec.metrics.topn import DEPTH, compare
from movierec.models.ease import ease_weights, gram_matrix
from movierec.models.scoring import top_positions
from tests.benchmarks.new_users import all_ratings

SEED, CORE, LEAST_STARS = 2020, 10, 3
GRID = tuple(product((200.0, 500.0, 1000.0), (0.0, 0.3, 1.0)))


def main() -> None:
    """Choose the penalties on validation, and print recall@10 and NDCG@10 of the test ratings."""
    train, val, test = split(all_ratings(*RatingsDataModule(release="ml-1m").prepare()))
    gram = gram_matrix(train / np.float32(5))
    of_val = {pair: measure(train, gram, pair, seen=train, relevant=val) for pair in GRID}
    best = max(of_val, key=lambda pair: of_val[pair][1])
    recall, ndcg = measure(train, gram, best, seen=csr_array(train + val), relevant=test)
    print(f"{test.shape[0]} users, {test.shape[1]} films; l2 {best[0]:g}, p {best[1]:g} by validation")
    print(f"recall@10 {recall:.4f}, NDCG@10 {ndcg:.4f}")


def split(ratings: csr_array) -> list[csr_array]:
    """Keep what the protocol keeps, and split it within each user."""
    user, movie = ratings.nonzero()
    is_kept = ratings.data >= LEAST_STARS
    user, movie, stars = user[is_kept], movie[is_kept], ratings.data[is_kept]
    while not (is_kept := (np.bincount(user)[user] >= CORE) & (np.bincount(movie)[movie] >= CORE)).all():
        user, movie, stars = user[is_kept], movie[is_kept], stars[is_kept]
    user, movie = (np.unique(column, return_inverse=True)[1] for column in (user, movie))
    order = np.random.default_rng(SEED).permutation(len(user))
    order = order[np.argsort(user[order], kind="stable")]
    number = np.bincount(user)
    place = np.arange(len(user)) - np.repeat(np.cumsum(number) - number, number)
    of_user, tenth = np.repeat(number, number), np.repeat(number // 10, number)
    part = np.where(place < of_user - 2 * tenth, 0, np.where(place < of_user - tenth, 1, 2))
    shape = len(number), movie.max() + 1
    rows = (order[part == which] for which in range(3))
    return [csr_array((stars[own].astype(np.float32), (user[own], movie[own])), shape=shape) for own in rows]


def measure(
    train: csr_array, gram: Tensor, penalties: tuple[float, float], *, seen: csr_array, relevant: csr_array
) -> tuple[float, float]:
    """Fit EASE, and average recall@10 and NDCG@10 over the users with relevant films."""
    l2, p = penalties
    scores = (train / np.float32(5)) @ ease_weights(gram, l2=l2, p=p).numpy()
    scores[seen.nonzero()] = -np.inf
    found = [
        compare(top_positions(scores[user], DEPTH), films)[:2]
        for user in range(len(scores))
        if len(films := relevant.indices[relevant.indptr[user] : relevant.indptr[user + 1]])
    ]
    recall, ndcg = np.mean(found, axis=0)
    return float(recall), float(ndcg)


if __name__ == "__main__":
    main()
