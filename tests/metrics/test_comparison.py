"""The criterion for a difference, against statsmodels' numbers, scipy's test and cases that are known."""

import numpy as np
import pytest
from scipy import stats

from movierec.metrics.comparison import compare_lists, compare_ratings, holm, permutation_p
from movierec.metrics.test_rows import PredictedRows

PAIR = [("model1", "model2")]


def rows_of(error: np.ndarray, each: int = 10) -> PredictedRows:
    user, movie = np.divmod(np.arange(len(error)), each)
    return PredictedRows(user, movie, np.full(len(error), 3.0), 3.0 + error)


def test_holms_correction_agrees_with_a_hand_computation() -> None:
    # Sorted .005 .01 .03 .04, times 4 3 2 1: .02 .03 .06 .04, of which none may be below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == pytest.approx([1, 1])


def test_the_permutation_test_agrees_with_scipys() -> None:
    differences = np.random.default_rng(0).normal(0.15, 1, 200)
    expected = stats.permutation_test(
        (differences, np.zeros(200)),
        lambda one, other, axis: np.mean(one - other, axis=axis),
        permutation_type="samples", vectorized=True, n_resamples=20_000, rng=0,
    )  # fmt: skip
    assert permutation_p(differences) == pytest.approx(expected.pvalue, abs=0.015)
    assert permutation_p(np.zeros(50)) == 1


def test_one_models_errors_with_names_exchanged_at_random_are_rarely_called_different() -> None:
    rng = np.random.default_rng(0)
    called = 0
    for _ in range(60):
        shared = rng.normal(0, 0.8, 1_000)
        one, other = shared + rng.normal(0, 0.2, 1_000), shared + rng.normal(0, 0.2, 1_000)
        called += compare_ratings(PAIR, {"model1": [rows_of(one)], "model2": [rows_of(other)]})[0].is_clear
    assert called <= 7  # 5 % of 60, and two standard deviations


def test_a_planted_difference_of_a_hundredth_of_a_star_is_found() -> None:
    rng = np.random.default_rng(1)
    shared = rng.normal(0, 0.8, 100_000)
    noise = rng.normal(0, 0.15, 100_000)  # sqrt(.64 + .0225) = .8139: .0139 above .8
    (found,) = compare_ratings(PAIR, {"model1": [rows_of(shared)], "model2": [rows_of(shared + noise)]})
    assert found.is_clear
    assert str(found).startswith("model1 is better than model2 by 0.014 stars (0.01")


def test_a_higher_ndcg_is_better_and_several_comparisons_are_corrected() -> None:
    rng = np.random.default_rng(0)
    score = rng.uniform(0.2, 0.6, 300)
    scores = {"one": score, "better": score + 0.05, "same": rng.permutation(score)}
    better, same = compare_lists([("one", "better"), ("one", "same")], scores)
    assert str(better) == "better is better than one by 0.050 NDCG@10 (0.050 to 0.050)"
    assert str(same).startswith("one and same: no difference shown (-0.0")
    assert better.p == pytest.approx(2 / 2_001)
