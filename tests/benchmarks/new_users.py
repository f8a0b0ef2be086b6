"""Lists of people whom a model was not trained on: `python -m tests.benchmarks.new_users`.

MovieLens 1M below MOVIEREC_DATA; a tenth of the users with five liked films is tested. Strong generalisation as in D.
Liang et al., 2018: a fifth of each one's liked films is to be found, knowing all their other ratings. Then the liked
films among all others are to be found, knowing 1 to 50 ratings drawn at random.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array

from movierec.data import RatingsDataModule
from movierec.data.batches import Batch
from movierec.data.histories import History
from movierec.data.tables import Tables
from movierec.metrics.topn import NEW_USER_RATINGS, Target, measure_lists
from movierec.models.blend import BlendModel
from movierec.models.history_network import hidden_loss
from movierec.models.popularity import PopularityModel

HELD, SEED = 604, 98765
L2, P = 100.0, 2.0
EPOCHS, BATCH = 24, 256


def main() -> None:
    """Fit the models on the training users, and print both tables."""
    torch.manual_seed(0)
    all_tables, rows = RatingsDataModule(release="ml-1m").prepare()
    ratings = all_ratings(all_tables, rows)
    liked = np.bincount(ratings.nonzero()[0], weights=ratings.data >= 4)
    users = np.random.RandomState(SEED).permutation(np.flatnonzero(liked >= 5))
    train, tested = users[: -2 * HELD], users[-HELD:]
    tables = of_users(all_tables, ratings, train)
    blend = BlendModel(tables, min_ratings=1)
    blend.ease.fit(blend.ease.gram_matrix(), l2=L2, p=P)
    train_network(blend)
    popularity = PopularityModel(tables, liked_only=True)
    popularity.fit()
    models = {"popularity": popularity, "model 7": blend.ease, "model 8": blend.network, "blend": blend}
    strong, rng = Table("strong generalisation"), np.random.RandomState(2)
    targets = [fold(ratings, user, rng) for user in tested]
    for name in ("recall@20", "recall@50", "ndcg@100"):
        strong.add_column(name)
    few = Table("NDCG@10 after", *map(str, NEW_USER_RATINGS))
    cut = {}
    for number in NEW_USER_RATINGS:
        rng = np.random.RandomState(number)
        some = [known_by(ratings, user, number, rng) for user in tested]
        cut[number] = [target for target in some if target is not None]
    for name, model in models.items():
        found, _ = measure_lists(model, targets)
        strong.add_row(name, *(f"{found[metric]:.4f}" for metric in ("recall@20", "recall@50", "ndcg@100")))
        few.add_row(name, *(f"{measure_lists(model, some)[0]['ndcg@10']:.4f}" for some in cut.values()))
    Console(width=100).print(strong, few)


def all_ratings(tables: Tables, rows: Mapping[str, Batch]) -> csr_array:
    """Join the ratings of all parts, [num_users, num_movies] stars."""
    user, movie = (
        np.concatenate([getattr(part, name).numpy() for part in rows.values()]) for name in ("user", "movie")
    )
    stars = np.concatenate([tables.to_stars(part.rating).numpy() for part in rows.values()])
    matrix = csr_array((stars, (user, movie)), shape=(len(tables.user_ids), len(tables.movie_ids)))
    matrix.sort_indices()
    return matrix


def of_users(tables: Tables, ratings: csr_array, users: np.ndarray) -> Tables:
    """Restrict tables to some users, with all their ratings as histories."""
    rows = ratings[users]
    return replace(
        tables,
        user_ids=tables.user_ids[users],
        held_out=torch.zeros(len(users), dtype=torch.bool),
        history_offsets=torch.from_numpy(rows.indptr.astype(np.int64)),
        history_movies=torch.from_numpy(rows.indices.astype(np.int32)),
        history_stars=torch.from_numpy(rows.data).half(),
        history_days=torch.full((rows.nnz,), -1, dtype=torch.int32),
    )


def train_network(blend: BlendModel) -> None:
    """Train the network of a blend as `HistoryTask` does."""
    network, stars = blend.network, blend.network.training_matrix()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.002, weight_decay=0.0)
    for _ in range(EPOCHS):
        network.train()
        for users in torch.split(torch.randperm(stars.shape[0]), BATCH):
            loss = hidden_loss(network, *network.as_tensors(stars[users.numpy()]), star_weight=0.1)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    blend.eval()


def fold(ratings: csr_array, user: int, rng: np.random.RandomState) -> Target:
    """Hide a fifth of a user's liked films."""
    films, stars = row_of(ratings, user)
    likes = np.flatnonzero(stars >= 4)
    hidden = np.isin(np.arange(len(films)), rng.choice(likes, int(0.2 * len(likes)), replace=False))
    return Target(user, History(films[~hidden], stars[~hidden]), films[hidden], films[~hidden])


def known_by(ratings: csr_array, user: int, number: int, rng: np.random.RandomState) -> Target | None:
    """Know a user by so many ratings; None if they like none of the other films."""
    films, stars = row_of(ratings, user)
    known = np.isin(np.arange(len(films)), rng.permutation(len(films))[:number])
    likes = films[~known & (stars >= 4)]
    return Target(user, History(films[known], stars[known]), likes, films[known]) if len(likes) else None


def row_of(ratings: csr_array, user: int) -> tuple[np.ndarray, np.ndarray]:
    """List a user's films, in the order of their rows, and stars."""
    first, last = ratings.indptr[user : user + 2]
    return ratings.indices[first:last].astype(np.int64), ratings.data[first:last].astype(np.float64)


if __name__ == "__main__":
    main()
