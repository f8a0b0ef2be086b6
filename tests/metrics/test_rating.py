import math

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch import Tensor

from movierec.metrics.ranking import mean_average_precision, ndcg, precision_recall, rank_lists
from movierec.metrics.rating import BLOCK_ROWS, Blocks, RatingMetrics, RunningMetrics, area_under_curve
from movierec.metrics.registry import METRICS as NAMES

LOW, HIGH, THRESHOLD = 0.5, 5.0, 6 / 9  # the median is 3.5 stars
LOSS = torch.nn.HuberLoss(delta=0.3)
SIZES = [100, 1, 37, 250, 12]  # uneven batches, one of a single rating


def new() -> RatingMetrics:
    return RatingMetrics(min_stars=LOW, max_stars=HIGH, threshold=torch.tensor(THRESHOLD).item(), loss=LOSS)


def draw(seed: int, spread: float) -> tuple[Tensor, Tensor, Tensor]:
    """Draw 400 ratings of 30 users in half stars, and predictions that leave the unit scale if they spread far."""
    rng = np.random.default_rng(seed)
    rating = torch.tensor(rng.integers(0, 10, 400) / 9, dtype=torch.float32)
    prediction = (rating + torch.tensor(rng.normal(0, spread, 400))).float()
    return torch.tensor(rng.integers(0, 30, 400), dtype=torch.int32), prediction, rating


def measure(user: Tensor, prediction: Tensor, rating: Tensor, sizes: list[int]) -> dict[str, float]:
    metric = new()
    for batch in zip(*(torch.split(column, sizes) for column in (user, prediction, rating)), strict=True):
        metric.update(*batch)
    return {name: value.item() for name, value in metric.compute().items()}


def reference(prediction: Tensor, rating: Tensor) -> dict[str, float]:
    guess, truth = prediction.double().numpy(), rating.double().numpy()
    threshold = np.float32(THRESHOLD)
    chosen, positive = prediction.numpy() > threshold, rating.numpy() > threshold
    stars, clipped = LOW + (HIGH - LOW) * truth, np.clip(LOW + (HIGH - LOW) * guess, LOW, HIGH)
    error = np.abs(truth - guess)
    return {
        "loss": np.where(error < 0.3, error**2 / 2, 0.3 * (error - 0.15)).mean(),
        "r2": sk.r2_score(truth, guess),
        "mae": sk.mean_absolute_error(truth, guess),
        "mse": sk.mean_squared_error(truth, guess),
        "rmse": sk.root_mean_squared_error(truth, guess),
        "mae_stars": sk.mean_absolute_error(stars, clipped),
        "rmse_stars": sk.root_mean_squared_error(stars, clipped),
        "precision": sk.precision_score(positive, chosen),
        "recall": sk.recall_score(positive, chosen),
        "f1": sk.f1_score(positive, chosen),
        "auroc": sk.roc_auc_score(positive, guess),
    }


@pytest.mark.parametrize("sizes", [SIZES, [400], [1] * 400], ids=["uneven", "one", "singly"])
@pytest.mark.parametrize("spread", [0.05, 0.5, 20.0])
def test_metrics_agree_with_scikit_learn_however_the_ratings_are_cut(spread: float, sizes: list[int]) -> None:
    user, prediction, rating = draw(0, spread)
    assert prediction.min() < 0
    assert prediction.max() > 1
    values = measure(user, prediction, rating, sizes)
    expected = reference(prediction, rating)
    assert {name: values[name] for name in expected} == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_ranking_metrics_take_stars_as_gains_and_the_threshold_as_relevance() -> None:
    user, prediction, rating = draw(1, 0.5)
    values = measure(user, prediction, rating, SIZES)
    stars, liked = LOW + (HIGH - LOW) * rating.double(), rating > torch.tensor(THRESHOLD)
    lists = rank_lists(user, prediction)
    precision, recall = precision_recall(lists, liked, k=10)
    assert values["ndcg@10"] == pytest.approx(ndcg(lists, user, stars, k=10).item())
    assert values["precision@10"] == pytest.approx(precision.item())
    assert values["recall@10"] == pytest.approx(recall.item())
    assert values["map"] == pytest.approx(mean_average_precision(lists, liked).item())


def test_four_ratings_by_hand() -> None:
    user = torch.tensor([0, 0, 1, 1])
    prediction, rating = torch.tensor([0.5, 1.5, 0.0, 1.0]), torch.tensor([0.0, 1.0, 0.0, 0.0])
    values = measure(user, prediction, rating, [3, 1])
    assert (values["mae"], values["mse"]) == (0.5, 1.5 / 4)
    assert values["r2"] == pytest.approx(1 - 1.5 / 0.75)
    assert values["mae_stars"] == pytest.approx(4.5 * 1.5 / 4)  # 1.5 is clipped to 1, which is right
    assert values["rmse_stars"] == pytest.approx(4.5 * (1.25 / 4) ** 0.5)
    assert (values["precision"], values["recall"], values["f1"]) == pytest.approx((1 / 2, 1, 2 / 3))
    assert (values["auroc"], values["map"]) == (1, 1)
    # User 0 is ranked perfectly; user 1 gave both films half a star, so any order is perfect too.
    assert values["ndcg@10"] == 1


def test_predictions_outside_the_scale_are_clipped_in_stars_and_nowhere_else() -> None:
    values = measure(torch.tensor([0, 0]), torch.tensor([-3.0, 5.0]), torch.tensor([0.0, 1.0]), [2])
    assert (values["mae_stars"], values["rmse_stars"]) == (0, 0)
    assert (values["mae"], values["mse"]) == (3.5, 12.5)


@pytest.mark.parametrize(
    ("prediction", "rating", "undefined"),
    [
        ([0.5], [0.9], {"r2", "auroc", "ndcg@10", "precision@10", "recall@10", "map"}),
        ([0.5, 0.7], [0.9, 0.9], {"r2", "auroc"}),
        ([0.5, 0.7], [0.8, 0.9], {"auroc"}),
        ([0.5, 0.7], [0.1, 0.2], {"auroc", "precision@10", "recall@10", "map"}),
        ([0.5, 0.7], [0.2, 0.9], set()),
    ],
)
def test_metrics_that_the_ratings_do_not_define_are_not_a_number(
    prediction: list[float], rating: list[float], undefined: set[str]
) -> None:
    values = measure(torch.zeros(len(rating)), torch.tensor(prediction), torch.tensor(rating), [len(rating)])
    assert {name for name, value in values.items() if math.isnan(value)} == undefined


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0, 5.0, -30.0])
def test_the_area_under_the_curve_depends_on_the_order_of_the_scores_alone(level: float) -> None:
    rng = np.random.default_rng(3)
    score = torch.tensor(rng.normal(level, 0.01, 200))
    positive = torch.tensor(rng.random(200) < 0.4)
    assert area_under_curve(score, positive).item() == pytest.approx(sk.roc_auc_score(positive, score))


def test_predictions_and_ratings_spread_in_stars_as_far_as_they_can_be_told_apart_there() -> None:
    user, rating = torch.zeros(4), torch.tensor([0.0, 0.0, 1.0, 1.0])
    values = measure(user, torch.tensor([0.25, 0.75, 0.25, 0.75]), rating, [4])
    assert (values["prediction_sd_stars"], values["rating_sd_stars"]) == (4.5 / 4, 4.5 / 2)
    values = measure(user, torch.tensor([-1.0, -2.0, -3.0, -4.0]), rating, [4])
    assert values["prediction_sd_stars"] == 0  # half a star each


def test_gains_are_counted_from_the_least_rating_on_a_scale_below_zero() -> None:
    metric = RatingMetrics(min_stars=-10, max_stars=10, threshold=0.5, loss=LOSS)
    metric.update(torch.zeros(3), torch.tensor([1.0, 0.5, 0.0]), torch.tensor([0.5, 0.0, 1.0]))
    best = 20 + 10 / np.log2(3)
    assert metric.compute()["ndcg@10"].item() == pytest.approx((10 + 20 / 2) / best)


def test_a_rating_at_the_threshold_is_not_positive() -> None:
    at = torch.tensor(THRESHOLD)
    values = measure(torch.zeros(2), torch.stack([at, at + 0.1]), torch.stack([at, at + 0.1]), [2])
    assert (values["precision"], values["recall"], values["auroc"]) == (1, 1, 1)


def test_values_are_scalars_in_double_precision_even_of_half_precision_predictions() -> None:
    metric = new()
    metric.update(torch.tensor([0, 0]), torch.tensor([0.25, 0.75], dtype=torch.bfloat16), torch.tensor([0.0, 1.0]))
    assert {(value.dtype, value.shape) for value in metric.compute().values()} == {(torch.float64, torch.Size([]))}


def test_a_reset_forgets_all_ratings() -> None:
    user, prediction, rating = draw(2, 0.3)
    metric = new()
    metric.update(user, prediction + 7, rating)
    metric.reset()
    metric.update(user, prediction, rating)
    assert metric.compute()["mse"].item() == pytest.approx(reference(prediction, rating)["mse"])


def test_batches_are_kept_in_a_few_large_tensors_until_a_reset() -> None:
    metric, rows = new(), draw(1, 0.1)
    for start in range(0, 400, 4):
        batch = [column[start : start + 4].clone() for column in rows]
        metric.update(*batch)
        batch[1].fill_(9.0)  # what the caller does with the batch later is not the metric's concern
    for column, kept in zip(rows, (metric.user, metric.prediction, metric.rating), strict=True):
        assert torch.equal(torch.cat(kept), column)
        assert len({part.untyped_storage().data_ptr() for part in kept}) == 1
    metric.reset()
    assert not metric.blocks


def test_a_batch_larger_than_a_block_and_what_follows_it_are_kept() -> None:
    sizes = [3, BLOCK_ROWS + 1, BLOCK_ROWS, 5]
    blocks, batches = Blocks(), [torch.rand(size) for size in sizes]
    kept = [blocks.keep(batch) for batch in batches]
    assert all(torch.equal(*pair) for pair in zip(kept, batches, strict=True))


def test_many_equal_errors_lose_no_precision() -> None:
    rating = torch.rand(20_000, generator=torch.Generator().manual_seed(0))
    values = measure(torch.zeros(20_000), rating + 0.125, rating, [20_000])
    assert values["mae"] == pytest.approx(0.125, rel=1e-8)
    assert values["mse"] == pytest.approx(0.125**2, rel=1e-8)


def test_the_running_metrics_of_an_epoch_agree_with_scikit_learn() -> None:
    _, prediction, rating = draw(4, 0.3)
    running = RunningMetrics(LOSS)
    expected = {name: reference(prediction, rating)[name] for name in ("loss", "r2", "mae", "mse", "rmse")}
    for sizes in ([399, 1], [2] * 200):  # more batches than are counted at a time
        for batch in zip(torch.split(prediction, sizes), torch.split(rating, sizes), strict=True):
            running.update(*batch)
        assert {name: value.item() for name, value in running.compute().items()} == pytest.approx(expected, rel=1e-4)
        running.reset()


def test_every_name_that_can_be_monitored_is_computed() -> None:
    metrics = new()
    metrics.update(torch.tensor([0, 0, 1]), torch.tensor([0.2, 0.6, 0.4]), torch.tensor([0.1, 0.9, 0.5]))
    assert tuple(metrics.compute()) == (*NAMES, "prediction_sd_stars", "rating_sd_stars")
