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
from torch import Tensor

from movierec.data.batches import Batch
from movierec.data.histories import History, history_of
from movierec.data.tables import Tables
from movierec.metrics.bootstrap import mean_interval
from movierec.models.item_knn import NeighbourModel
from movierec.models.model import Model
from movierec.models.popularity import PopularityModel
from movierec.models.scoring import top_positions

DEPTH, DEEPEST = 10, 100
SCORES = (f"recall@{DEPTH}", f"ndcg@{DEPTH}", f"map@{DEPTH}")
DEEP_SCORES = ("recall@20", "recall@50", f"ndcg@{DEEPEST}")
NEW_USER_RATINGS = (1, 5, 10, 20, 50)
USERS_AT_ONCE = 128
Watch = Callable[[list[int]], Iterable[int]]  # such as a progress bar


class Target(NamedTuple):
    """What the list of one user should hold.

    Attributes:
        user_id: Id of the user.
        history: The ratings that the model may read.
        liked: Rows of the films to find, [num_liked] int64, at least one.
        seen: Rows of the films to leave out, [num_seen] int64.
    """

    user_id: int
    history: History
    liked: np.ndarray
    seen: np.ndarray


def list_targets(tables: Tables, rows: Mapping[str, Batch], part: str, *, num_users: int | None = None) -> list[Target]:
    """List what should be found for the users who like a film of a part, `val` or `test`.

    With `test`, the validation ratings are left out, too. `num_users` measures a random choice of so many users.
    """
    likes = rows[part].take(tables.to_stars(rows[part].rating) >= tables.liked_stars)
    liked, validated, tested = (by_user(some, some.movie.long(), tables) for some in (likes, rows["val"], rows["test"]))
    users = np.random.default_rng(0).permutation(np.flatnonzero([len(films) for films in liked]))[:num_users]
    targets = []
    for user in np.sort(users).tolist():
        later = tested[user] if part == "test" else np.concatenate([validated[user], tested[user]])
        seen = np.setdiff1d(tables.seen(user), later)  # trained on or not
        targets.append(Target(int(tables.user_ids[user]), history_of(tables, user), liked[user], seen))
    return targets


def new_user_targets(tables: Tables, test: Batch, number: int) -> list[Target]:
    """List what should be found for held-out users of whom only some ratings are known, drawn at random.

    Users who do not like any film among their other ratings are left out.
    """
    tested, stars = by_user(test, test.movie.long(), tables), by_user(test, tables.to_stars(test.rating), tables)
    rng, targets = np.random.default_rng(number), []
    for user in np.flatnonzero([len(films) for films in tested]).tolist():
        known = history_of(tables, user)
        films = np.concatenate([known.movies, tested[user]])
        given = np.concatenate([known.stars, stars[user]])
        drawn = rng.permutation(len(films))
        first, rest = drawn[:number], drawn[number:]
        if len(liked := films[rest[given[rest] >= tables.liked_stars]]):
            history = History(films[first], given[first])
            targets.append(Target(int(tables.user_ids[user]), history, liked, history.movies))
    return targets


def by_user(rows: Batch, values: Tensor, tables: Tables) -> list[np.ndarray]:
    """List values of ratings, such as their films, for each user."""
    order = np.argsort(rows.user.numpy(), kind="stable")
    ends = np.cumsum(np.bincount(rows.user.numpy(), minlength=len(tables.user_ids)))
    return np.split(values.numpy()[order], ends[:-1])


def evaluate_lists(
    model: Model, rows: Mapping[str, Batch], *, num_users: int | None = None, watch: Watch = iter
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Measure the lists of a model, and of popularity and item-kNN, for the same users, on the test ratings.

    Args:
        model: The model, in evaluation mode, on the CPU.
        rows: The ratings of each part: train, val and test.
        num_users: As in `list_targets`.
        watch: Iterates over batches of users, such as a progress bar.

    Returns:
        For `model`, `popularity` and `item_knn`, the metrics of `measure_lists`; with held-out users, too, for each
        number of ratings in NEW_USER_RATINGS, by `new_users`, the NDCG@10 of each for people of whom only so many
        ratings are known. The second result is a table of each user's recall, NDCG and MAP, by `ranking` and
        `user_id`.
    """
    tables = model.tables
    targets = list_targets(tables, rows, "test", num_users=num_users)
    popularity, item_knn = PopularityModel(tables), NeighbourModel(tables)
    popularity.fit()
    item_knn.fit()
    found: dict[str, Any] = {}
    scores = []
    rankings: dict[str, Model] = {"model": model, "popularity": popularity, "item_knn": item_knn}
    for name, one in rankings.items():
        found[name], table = measure_lists(one, targets, watch=watch if one is model else iter)
        scores.append(table.assign(ranking=name))
    if tables.held_out.any():
        found["new_users"] = {
            number: {name: measure_lists(one, fewer)[0][f"ndcg@{DEPTH}"] for name, one in rankings.items()}
            for number in NEW_USER_RATINGS
            if (fewer := new_user_targets(tables, rows["test"], number))
        }
    return found, pd.concat(scores, ignore_index=True)


@torch.inference_mode()
def measure_lists(model: Model, targets: list[Target], *, watch: Watch = iter) -> tuple[dict[str, Any], pd.DataFrame]:
    """Measure the lists of a model, in evaluation mode.

    Returns:
        recall@10, ndcg@10 and map@10, means over users, and `intervals` of them; recall@20 and recall@50 (of at most
        that many), ndcg@100; coverage, the share of all films that is listed for anyone; novelty, the mean of -log2 of
        the share of users who have rated a listed film; personality, the mean share of films that the lists of two
        users do not have in common; and the number of users. The second result is a table of each user's scores.
    """
    tables = model.tables
    count = np.bincount(tables.history_movies.numpy(), minlength=len(tables.movie_ids))
    is_hidden = ~model.listed.numpy() | (count < model.list_min_ratings)
    lists, scores = [], []
    for start in watch(list(range(0, len(targets), USERS_AT_ONCE))):
        some = targets[start : start + USERS_AT_ONCE]
        ranked = model.rank_all([target.history for target in some]).numpy()
        ranked[:, is_hidden] = -np.inf
        for target, of_films in zip(some, ranked, strict=True):
            of_films[target.seen] = -np.inf
            best = top_positions(of_films, DEEPEST)
            best = best[of_films[best] > -np.inf]
            lists.append(best[:DEPTH])
            scores.append(compare(best, target.liked))
    table = pd.DataFrame(scores, columns=[*SCORES, *DEEP_SCORES], dtype=np.float64)
    means: dict[str, Any] = {name: float(table[name].mean()) for name in (*SCORES, *DEEP_SCORES)}
    means["intervals"] = {name: list(mean_interval(table[name].to_numpy())[1:]) for name in SCORES} if scores else {}
    found = means | describe(lists, count / max(len(tables.user_ids), 1))
    return found, table[list(SCORES)].assign(user_id=[target.user_id for target in targets])


def describe(lists: list[np.ndarray], share: np.ndarray) -> dict[str, float]:
    """Measure coverage, novelty and personality of all lists; `share` is that of the users who rated each film."""
    shown = np.concatenate(lists) if lists else np.empty(0, dtype=np.int64)
    times, number = np.bincount(shown, minlength=len(share)).astype(float), len(lists)
    pairs = number * (number - 1)
    return {
        "coverage": len(np.unique(shown)) / max(len(share), 1),
        "novelty": float(-np.log2(np.maximum(share[shown], 1e-12)).mean()) if len(shown) else float("nan"),
        "personality": 1 - float((times * (times - 1)).sum()) / DEPTH / pairs if pairs else float("nan"),
        "users": float(number),
    }


def compare(found: np.ndarray, relevant: np.ndarray) -> list[float]:
    """Compute SCORES of the first 10 films of one list, and DEEP_SCORES of the first 100.

    Sources: K. Järvelin and J. Kekäläinen, 2002, for NDCG, with gains of 0 and 1; average precision is divided by
    min(10, relevant). D. Liang et al., "Variational autoencoders for collaborative filtering", 2018, for recall@20 and
    recall@50, each of at most so many films.
    """
    hit, size = np.isin(found, relevant), len(relevant)
    first = hit[:DEPTH]
    precision = first.cumsum() / np.arange(1, len(first) + 1)
    return [
        float(first.sum() / size),
        ndcg(first, size, DEPTH),
        float(precision[first].sum() / min(DEPTH, size)),
        *(float(hit[:depth].sum() / min(depth, size)) for depth in (20, 50)),
        ndcg(hit, size, DEEPEST),
    ]


def ndcg(hit: np.ndarray, num_relevant: int, depth: int) -> float:
    """Compute the NDCG of a list of at most `depth` films, where hits gain 1."""
    discount = 1 / np.log2(np.arange(2, depth + 2))
    return float(discount[: len(hit)][hit].sum() / discount[: min(depth, num_relevant)].sum())
