"""Compute ranking metrics per user over the user's rated films, without a loop over users.

Tensors hold the films of all users, one after another; metrics are means over users. Ties keep their order.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class RankedLists(NamedTuple):
    """Rated films sorted by user, and within a user by descending score.

    Attributes:
        user: Number of the user, from 0 without gaps, [size] int64.
        rank: Place in the user's list, from 0, [size] int64.
        order: Where each of the films was before sorting, [size] int64.
        length: Number of films of each user, [num_users] int64.
    """

    user: Tensor
    rank: Tensor
    order: Tensor
    length: Tensor

    def per_user(self, values: Tensor) -> Tensor:
        """Sum values, one a film in sorted order, by user: [num_users]."""
        return torch.zeros(len(self.length), dtype=values.dtype).index_add_(0, self.user, values)


def rank_lists(user: Tensor, score: Tensor) -> RankedLists:
    """Sort rated films by user, and within a user by descending score, [size] each."""
    by_score = score.argsort(descending=True, stable=True)
    order = by_score[user[by_score].argsort(stable=True)]
    _, number, length = torch.unique_consecutive(user[order], return_inverse=True, return_counts=True)
    start = length.cumsum(0) - length
    return RankedLists(number, torch.arange(len(user)) - start[number], order, length)


def ndcg(predicted: RankedLists, user: Tensor, stars: Tensor, *, k: int) -> Tensor:
    """Compute normalised discounted cumulative gain (Jarvelin and Kekalainen, 2002), with the stars as gains.

        DCG@k = sum over the first k films of stars / log2(place + 1),   NDCG@k = DCG@k / best possible DCG@k

    Args:
        predicted: The films in predicted order.
        user: User of each rated film, [size] int.
        stars: What the user gave, 0 or more, [size].
        k: Length of the list that counts.

    Returns:
        Mean over the users who rated two films or more (one film cannot be ranked wrongly), a scalar; NaN if none.
    """

    def gain(lists: RankedLists) -> Tensor:
        discount = torch.log2(lists.rank.to(stars.dtype) + 2).reciprocal() * (lists.rank < k)
        return lists.per_user(stars[lists.order] * discount)

    best = gain(rank_lists(user, stars))
    counts = (predicted.length > 1) & (best > 0)
    return (gain(predicted)[counts] / best[counts]).mean()


def precision_recall(lists: RankedLists, relevant: Tensor, *, k: int) -> tuple[Tensor, Tensor]:
    """Compute precision and recall of each user's first k films.

        precision@k = hits / min(k, films rated),   recall@k = hits / relevant films

    Args:
        lists: The rated films, ranked.
        relevant: Whether the user liked the film, in the order before ranking, [size] bool.
        k: Length of the list that counts.

    Returns:
        Means over the users who rated two films or more and liked one or more, two scalars; NaN if there are none.
    """
    hit = relevant[lists.order].double()
    liked, hits = lists.per_user(hit), lists.per_user(hit * (lists.rank < k))
    counts = (lists.length > 1) & (liked > 0)
    return (hits / lists.length.clamp(max=k))[counts].mean(), (hits / liked)[counts].mean()


def mean_average_precision(lists: RankedLists, relevant: Tensor) -> Tensor:
    """Compute MAP: the mean over users of the mean precision at each film that the user liked.

    Args:
        lists: The rated films, ranked.
        relevant: Whether the user liked the film, in the order before ranking, [size] bool.

    Returns:
        Mean over the users who rated two films or more and liked one or more, a scalar; NaN if there are none.
    """
    hit = relevant[lists.order].double()
    liked = lists.per_user(hit)
    before = liked.cumsum(0) - liked
    so_far = hit.cumsum(0) - before[lists.user]
    average = lists.per_user(hit * so_far / (lists.rank + 1)) / liked
    return average[(lists.length > 1) & (liked > 0)].mean()
