import math

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.retrieval import RetrievalMAP, RetrievalNormalizedDCG, RetrievalPrecision, RetrievalRecall

from movierec.metrics.ranking import mean_average_precision, ndcg, precision_recall, rank_lists

K = 10
SEEDS = pytest.mark.parametrize("seed", range(5))


def draw_lists(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw shuffled lists of 2 to 30 films for 40 users, with distinct scores, half stars, and ids with gaps."""
    rng = np.random.default_rng(seed)
    user = rng.permutation(np.repeat(rng.choice(1000, 40, replace=False), rng.integers(2, 31, 40)))
    score = rng.permutation(len(user)) / len(user) * 3 - 1
    return torch.tensor(user), torch.tensor(score), torch.tensor(rng.integers(1, 11, len(user)) / 2)


def measured(metric: Metric, user: Tensor, score: Tensor, target: Tensor) -> float:
    positive = score - score.min() + 1  # torchmetrics leaves out films with a score of 0 or less
    metric.update(positive, target, indexes=user)
    value: Tensor = metric.compute()
    return value.item()


def close(value: float) -> object:
    return pytest.approx(value, abs=1e-6)


@SEEDS
@pytest.mark.parametrize("k", [1, 3, K])
def test_ndcg_agrees_with_torchmetrics_and_with_scikit_learn(seed: int, k: int) -> None:
    user, score, stars = draw_lists(seed)
    value = ndcg(rank_lists(user, score), user, stars, k=k).item()
    assert value == close(measured(RetrievalNormalizedDCG(top_k=k), user, score, stars))
    each = [ndcg_score(stars[None, user == one], score[None, user == one], k=k) for one in set(user.tolist())]
    assert value == close(float(np.mean(each)))


@SEEDS
@pytest.mark.parametrize("k", [1, 3, K])
def test_precision_and_recall_agree_with_torchmetrics(seed: int, k: int) -> None:
    user, score, stars = draw_lists(seed)
    relevant = stars > 4  # some users like nothing: they are left out
    precision, recall = precision_recall(rank_lists(user, score), relevant, k=k)
    references = (
        RetrievalPrecision(top_k=k, adaptive_k=True, empty_target_action="skip"),
        RetrievalRecall(top_k=k, empty_target_action="skip"),
    )
    assert precision.item() == close(measured(references[0], user, score, relevant))
    assert recall.item() == close(measured(references[1], user, score, relevant))


@SEEDS
def test_mean_average_precision_agrees_with_torchmetrics(seed: int) -> None:
    user, score, stars = draw_lists(seed)
    relevant = stars > 4
    expected = measured(RetrievalMAP(empty_target_action="skip"), user, score, relevant)
    assert mean_average_precision(rank_lists(user, score), relevant).item() == close(expected)


def test_a_list_of_three_films_by_hand() -> None:
    user, score = torch.tensor([5, 5, 5]), torch.tensor([0.2, 0.9, 0.5])  # ranked: the second, the third, the first
    stars = torch.tensor([5.0, 1.0, 3.0])
    gained = 1 / math.log2(2) + 3 / math.log2(3) + 5 / math.log2(4)
    best = 5 / math.log2(2) + 3 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(rank_lists(user, score), user, stars, k=10).item() == close(gained / best)
    assert ndcg(rank_lists(user, score), user, stars, k=1).item() == close(1 / 5)
    relevant = stars > 2  # at the places 2 and 3
    assert [value.item() for value in precision_recall(rank_lists(user, score), relevant, k=2)] == [1 / 2, 1 / 2]
    assert mean_average_precision(rank_lists(user, score), relevant).item() == close((1 / 2 + 2 / 3) / 2)


def test_precision_divides_by_the_films_rated_when_they_are_fewer_than_k() -> None:
    user, score = torch.tensor([1, 1, 1]), torch.tensor([3.0, 2.0, 1.0])
    precision, recall = precision_recall(rank_lists(user, score), torch.tensor([True, False, True]), k=10)
    assert (precision.item(), recall.item()) == (close(2 / 3), 1)


def test_users_count_alike_however_many_films_they_rated() -> None:
    user = torch.tensor([0, 0, 1, 1, 1, 1])
    score = torch.tensor([1.0, 2.0, 4.0, 3.0, 2.0, 1.0])
    relevant = torch.tensor([True, False, True, True, True, True])
    # User 0 has the one liked film in the second place, user 1 likes all four.
    assert precision_recall(rank_lists(user, score), relevant, k=1)[0].item() == (0 + 1) / 2
    assert mean_average_precision(rank_lists(user, score), relevant).item() == (0.5 + 1) / 2


def all_of(user: Tensor, score: Tensor, stars: Tensor) -> list[float]:
    relevant = stars > 3
    values = [
        ndcg(rank_lists(user, score), user, stars, k=K),
        *precision_recall(rank_lists(user, score), relevant, k=K),
    ]
    return [value.item() for value in [*values, mean_average_precision(rank_lists(user, score), relevant)]]


def test_users_who_rated_one_film_are_left_out() -> None:
    user, score, stars = draw_lists(0)
    alone = torch.tensor([-1, 5000, 2000])
    with_them = all_of(
        torch.cat([alone, user]), torch.cat([torch.ones(3), score]), torch.cat([torch.tensor([5.0, 0.5, 4.0]), stars])
    )
    assert with_them == pytest.approx(all_of(user, score, stars))


@pytest.mark.parametrize("user", [[], [3], [3, 1, 2]], ids=str)
def test_metrics_without_a_user_of_two_films_are_not_a_number(user: list[int]) -> None:
    values = all_of(torch.tensor(user, dtype=torch.int32), torch.rand(len(user)), torch.full((len(user),), 5.0))
    assert all(map(math.isnan, values))


def test_users_who_gave_only_zero_stars_do_not_make_ndcg_undefined() -> None:
    user, score = torch.tensor([0, 0, 1, 1]), torch.tensor([1.0, 2.0, 1.0, 2.0])
    assert ndcg(rank_lists(user, score), user, torch.tensor([0.0, 0.0, 1.0, 2.0]), k=K).item() == 1
    assert math.isnan(ndcg(rank_lists(user, score), user, torch.zeros(4), k=K).item())


def test_a_perfect_order_is_one_and_the_worst_is_not() -> None:
    user, _, stars = draw_lists(1)
    assert ndcg(rank_lists(user, stars), user, stars, k=K).item() == close(1)
    assert ndcg(rank_lists(user, -stars), user, stars, k=K).item() < 0.9


def test_the_order_of_the_rows_does_not_matter() -> None:
    user, score, stars = draw_lists(2)
    mixed = torch.randperm(len(user), generator=torch.Generator().manual_seed(0))
    assert all_of(user[mixed], score[mixed], stars[mixed]) == pytest.approx(all_of(user, score, stars))


def test_films_are_ranked_within_each_user() -> None:
    lists = rank_lists(torch.tensor([9, 2, 9, 2, 9]), torch.tensor([0.1, 0.5, 0.3, 0.7, 0.3]))
    assert lists.order.tolist() == [3, 1, 2, 4, 0]  # the third and the fifth tie, and keep their order
    assert lists.user.tolist() == [0, 0, 1, 1, 1]
    assert lists.rank.tolist() == [0, 1, 0, 1, 2]
    assert lists.length.tolist() == [2, 3]
    assert lists.per_user(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])).tolist() == [3, 12]
