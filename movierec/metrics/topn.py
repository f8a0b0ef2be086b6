"""Measure lists: how many of the films that a user liked are in the first ten of all films not yet rated.

A user's relevant films are those of a part of the ratings, test or validation, that they liked: a rating in the upper
quarter of the scale, 4 stars of 5. Left out are the films that the user has rated before. Few of thousands are
relevant, so the numbers are far lower than those of ranking only rated films.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array

from movierec.data.batches import Batch
from movierec.data.histories import history_of, known_ratings
from movierec.data.tables import Tables
from movierec.metrics.bootstrap import mean_interval
from movierec.models.item_knn import NeighbourModel
from movierec.models.model import Model
from movierec.models.popularity import PopularityModel
from movierec.models.scoring import top_positions

DEPTH = 10
SCORES = (f"recall@{DEPTH}", f"ndcg@{DEPTH}", f"map@{DEPTH}")
USERS_AT_ONCE = 128
Watch = Callable[[list[int]], Iterable[int]]  # such as a progress bar


class Targets(NamedTuple):
    """What lists should hold, and what they should not.

    Attributes:
        users: Rows of the users who like a film of the part, [num_measured] int64.
        liked: The films that each user likes, [num_users, num_movies].
        seen: The films that each user has rated before, [num_users, num_movies].
    """

    users: np.ndarray
    liked: csr_array
    seen: csr_array


def list_targets(tables: Tables, rows: Mapping[str, Batch], part: str, *, num_users: int | None = None) -> Targets:
    """Find the films that lists should hold.

    Args:
        tables: The tables of a data set.
        rows: The ratings of each part: train, val and test.
        part: `val` or `test`. With `test`, the validation ratings are left out, too.
        num_users: Measure a random choice of so many users; all by default.
    """
    liked = matrix(rows[part].take(tables.to_stars(rows[part].rating) >= tables.liked_stars), tables)
    known = known_ratings(tables)
    seen = csr_array((np.ones_like(known.data), known.indices, known.indptr), shape=known.shape)
    if part == "test":
        seen = csr_array(seen + matrix(rows["val"], tables))
    users = np.flatnonzero(np.diff(liked.indptr))
    return Targets(np.sort(np.random.default_rng(0).permutation(users)[:num_users]), liked, seen)


def matrix(rows: Batch, tables: Tables) -> csr_array:
    """Write pairs of users and films as a matrix of ones, [num_users, num_movies]."""
    pairs = rows.user.numpy(), rows.movie.numpy()
    return csr_array((np.ones(len(rows.user)), pairs), shape=(len(tables.user_ids), len(tables.movie_ids)))


def evaluate_lists(
    model: Model, rows: Mapping[str, Batch], *, num_users: int | None = None, watch: Watch = iter
) -> tuple[dict[str, dict[str, Any]], pd.DataFrame]:
    """Measure the lists of a model, and of popularity and item-kNN, for the same users, on the test ratings.

    Args:
        model: The model, in evaluation mode, on the CPU.
        rows: The ratings of each part: train, val and test.
        num_users: As in `list_targets`.
        watch: Iterates over batches of users, such as a progress bar.

    Returns:
        For `model`, `popularity` and `item_knn`, the metrics of `measure_lists`. The second result is a table of each
        user's recall, NDCG and MAP, by `ranking` and `user_id`.
    """
    targets = list_targets(model.tables, rows, "test", num_users=num_users)
    popularity, item_knn = PopularityModel(model.tables), NeighbourModel(model.tables)
    popularity.fit()
    item_knn.fit()
    measured, tables = {}, []
    for name, one in {"model": model, "popularity": popularity, "item_knn": item_knn}.items():
        measured[name], scores = measure_lists(one, targets, watch=watch if one is model else iter)
        tables.append(scores.assign(ranking=name))
    return measured, pd.concat(tables, ignore_index=True)


@torch.inference_mode()
def measure_lists(model: Model, targets: Targets, *, watch: Watch = iter) -> tuple[dict[str, Any], pd.DataFrame]:
    """Measure the lists of a model.

    Args:
        model: The model, in evaluation mode.
        targets: What its lists should hold.
        watch: As in `evaluate_lists`.

    Returns:
        recall@10, ndcg@10 and map@10, means over users, and `intervals` of them; coverage, the share of all films that
        is listed for anyone; novelty, the mean of -log2 of the share of users who have rated a listed film;
        personality, the mean share of films that the lists of two users do not have in common; and the number of
        users. The second result is a table of each user's recall, NDCG and MAP, by `user_id`.
    """
    tables, users = model.tables, targets.users
    count = np.bincount(tables.history_movies.numpy(), minlength=len(tables.movie_ids))
    is_hidden = ~model.listed.numpy() | (count < model.list_min_ratings)
    lists, scores = [], []
    for start in watch(list(range(0, len(users), USERS_AT_ONCE))):
        rows = users[start : start + USERS_AT_ONCE]
        ranked = model.rank_all([history_of(tables, int(user)) for user in rows]).numpy()
        ranked[:, is_hidden] = -np.inf
        ranked[targets.seen[rows].nonzero()] = -np.inf
        for user, of_films in zip(rows, ranked, strict=True):
            best = top_positions(of_films, DEPTH)
            lists.append(best[of_films[best] > -np.inf])
            first, last = targets.liked.indptr[user : user + 2]
            scores.append(compare(lists[-1], targets.liked.indices[first:last]))
    table = pd.DataFrame(scores, columns=list(SCORES), dtype=np.float64)
    means: dict[str, Any] = {name: float(table[name].mean()) for name in SCORES}
    means["intervals"] = {name: list(mean_interval(table[name].to_numpy())[1:]) for name in SCORES} if scores else {}
    found = means | describe(lists, count / max(len(tables.user_ids), 1))
    return found, table.assign(user_id=tables.user_ids.numpy()[users])


def describe(lists: list[np.ndarray], share: np.ndarray) -> dict[str, float]:
    """Measure coverage, novelty and personality over all lists.

    Args:
        lists: Films listed for each user, the best first.
        share: Share of the users who have rated each film, [num_movies].
    """
    shown = np.concatenate(lists) if lists else np.empty(0, dtype=np.int64)
    times, number = np.bincount(shown, minlength=len(share)).astype(float), len(lists)
    pairs = number * (number - 1)
    return {
        "coverage": len(np.unique(shown)) / max(len(share), 1),
        "novelty": float(-np.log2(np.maximum(share[shown], 1e-12)).mean()) if len(shown) else float("nan"),
        "personality": 1 - float((times * (times - 1)).sum()) / DEPTH / pairs if pairs else float("nan"),
        "users": float(number),
    }


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
