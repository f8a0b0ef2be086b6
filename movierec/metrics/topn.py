"""Measure recommendations: how many of the films that a user liked are in the first ten of all unrated films.

A user's relevant films are the test ratings of 4 stars and more. All films are ranked that the model can score and that
the user has not rated in training or validation. Few of thousands are relevant, so the numbers are far lower than
those of ranking only rated films.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
import torch

from movierec.data.batches import Batch
from movierec.data.histories import history_of
from movierec.data.statistics import describe, sums
from movierec.models.model import Model
from movierec.models.scoring import top_positions

LIKED_STARS = 4.0
DEPTH = 10
MIN_RATINGS = 20  # how it was chosen: docs/recommending.md
SCORES = (f"recall@{DEPTH}", f"ndcg@{DEPTH}", f"map@{DEPTH}")
Rank = Callable[[int, np.ndarray], np.ndarray]  # a user and the rows of films to their scores


def evaluate_retrieval(
    model: Model,
    rows: Mapping[str, Batch],
    *,
    num_users: int,
    min_ratings: int = MIN_RATINGS,
    watch: Callable[[list[int]], Iterable[int]] = iter,
) -> tuple[dict[str, dict[str, float]], pd.DataFrame]:
    """Measure the recommendations of a model, of popularity and of the films' mean ratings, on the same users.

    Args:
        model: The model, in evaluation mode, on the CPU.
        rows: The ratings of each part: train, val and test.
        num_users: Number of users to measure, drawn at random from those who like a film in the test ratings.
        min_ratings: Training ratings that a film needs to be recommended by any of the three.
        watch: Iterates over the users, such as a progress bar.

    Returns:
        For `model`, `popularity` and `film_mean`: recall@10, ndcg@10 and map@10, means over users; coverage, the share
        of the candidate films that is recommended to anyone; novelty, the mean of -log2 of the share of users who have
        rated a recommended film; and the number of users. The second result is a table of each user's recall, NDCG and
        MAP, by `ranking` and `user_id`.
    """
    tables = model.tables
    validated = by_user(rows["val"], len(tables.user_ids))
    stars = tables.to_stars(rows["test"].rating)
    liked = by_user(rows["test"].take(stars >= LIKED_STARS), len(tables.user_ids))
    users = np.flatnonzero([len(films) for films in liked])
    users = np.sort(np.random.default_rng(0).permutation(users)[:num_users])
    size = len(tables.movie_ids)
    of_films = sums(rows["train"].movie.numpy(), tables.to_stars(rows["train"].rating).numpy().astype(float), size)
    mean, count, _ = describe(of_films).T
    candidates = np.flatnonzero(tables.complete.numpy() & (count >= min_ratings))

    def by_model(user: int, films: np.ndarray) -> np.ndarray:
        return model.rank(history_of(tables, user), torch.from_numpy(films)).numpy()

    rankings: dict[str, Rank] = {
        "model": by_model,
        "popularity": lambda _, films: count[films],
        "film_mean": lambda _, films: mean[films],
    }
    lists: dict[str, list[np.ndarray]] = {name: [] for name in rankings}
    for user in watch(users.tolist()):
        unseen = np.setdiff1d(candidates, np.concatenate([history_of(tables, user).movies, validated[user]]))
        for name, rank in rankings.items():
            lists[name].append(unseen[top_positions(rank(user, unseen), DEPTH)])
    share = count / max(len(tables.user_ids), 1)
    relevant = [liked[user] for user in users]
    scores = {name: compare_all(found, relevant) for name, found in lists.items()}
    found = {name: means(scores[name]) | measure(shown, candidates, share) for name, shown in lists.items()}
    ids = tables.user_ids.numpy()[users]
    columns = [table.assign(ranking=name, user_id=ids) for name, table in scores.items()]
    return found, pd.concat(columns, ignore_index=True)


def by_user(rows: Batch, num_users: int) -> list[np.ndarray]:
    """List the films of each user's ratings."""
    order = np.argsort(rows.user.numpy(), kind="stable")
    ends = np.cumsum(np.bincount(rows.user.numpy(), minlength=num_users))
    return np.split(rows.movie.numpy()[order].astype(np.int64), ends[:-1])


def measure(lists: list[np.ndarray], candidates: np.ndarray, share: np.ndarray) -> dict[str, float]:
    """Measure coverage and novelty over all lists.

    Args:
        lists: Films recommended to each user, the best first.
        candidates: All films that can be recommended.
        share: Share of the users who have rated each film, [num_movies].
    """
    shown = np.concatenate(lists) if lists else np.empty(0, dtype=np.int64)
    return {
        "coverage": len(np.unique(shown)) / max(len(candidates), 1),
        "novelty": float(-np.log2(np.maximum(share[shown], 1e-12)).mean()) if len(shown) else float("nan"),
        "users": float(len(lists)),
    }


def compare_all(lists: list[np.ndarray], relevant: list[np.ndarray]) -> pd.DataFrame:
    """Score each user's list, best film first, against the films that the user liked, at least one."""
    scores = [compare(found, films) for found, films in zip(lists, relevant, strict=True)]
    return pd.DataFrame(scores, columns=list(SCORES), dtype=np.float64)


def means(scores: pd.DataFrame) -> dict[str, float]:
    """Average each score over the users; NaN without any."""
    return {name: float(scores[name].mean()) for name in SCORES}


def compare(found: np.ndarray, relevant: np.ndarray) -> tuple[float, float, float]:
    """Compute recall, NDCG (gains of 0 and 1) and average precision of one list of at most 10 films.

    Source: K. Järvelin and J. Kekäläinen, 2002, for NDCG; average precision is divided by min(10, relevant).
    """
    hit = np.isin(found, relevant)
    most = min(DEPTH, len(relevant))
    discount = 1 / np.log2(np.arange(2, DEPTH + 2))
    precision = hit.cumsum() / np.arange(1, len(found) + 1)
    return (
        float(hit.sum() / len(relevant)),
        float(discount[: len(found)][hit].sum() / discount[:most].sum()),
        float(precision[hit].sum() / most),
    )
