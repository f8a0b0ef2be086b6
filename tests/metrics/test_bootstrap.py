"""What is called a difference between two models, against scipy's bootstrap and cases that are known."""

import numpy as np
import pytest
from scipy import stats

from movierec.metrics.bootstrap import compare_errors, compare_scores, rmse_interval
from movierec.metrics.test_rows import PredictedRows

USERS, EACH = 200, 10


def rows_of(error: np.ndarray) -> PredictedRows:
    user = np.repeat(np.arange(USERS), EACH)
    rating = np.full(len(user), 3.0)
    return PredictedRows(user, np.tile(np.arange(EACH), USERS), rating, rating + error)


def errors(spread: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, USERS * EACH)


def test_the_value_is_the_rmse_of_all_rows_whatever_users_they_are_of() -> None:
    # One user with errors of 1 and 1, another with one of 2: sqrt(6 / 3), no mean of the users' own RMSE.
    rows = PredictedRows(np.array([1, 1, 7]), np.arange(3), np.full(3, 3.0), np.array([4.0, 2.0, 5.0]))
    found = rmse_interval([rows])
    assert found.value == pytest.approx(2**0.5)
    assert (found.low, found.high) == pytest.approx((1.0, 2.0))  # of draws of one user alone


def test_runs_of_several_seeds_are_averaged() -> None:
    one, other = errors(0.8, 1), errors(0.9, 2)
    found = rmse_interval([rows_of(one), rows_of(other)])
    assert found.value == pytest.approx((np.sqrt(np.mean(one**2)) + np.sqrt(np.mean(other**2))) / 2)


def test_the_interval_of_a_difference_is_that_of_scipys_paired_bootstrap() -> None:
    shared = errors(0.8)
    one, other = shared + errors(0.1, 1), shared + errors(0.3, 2)
    by_user = [(error**2).reshape(USERS, EACH).sum(axis=1) for error in (one, other)]

    def difference(first: np.ndarray, second: np.ndarray, axis: int) -> np.ndarray:
        result: np.ndarray = np.sqrt(first.mean(axis) / EACH) - np.sqrt(second.mean(axis) / EACH)
        return result

    found = compare_errors([rows_of(one)], [rows_of(other)])
    expected = stats.bootstrap(
        by_user, difference, paired=True, vectorized=True, method="percentile", n_resamples=5_000, rng=0
    ).confidence_interval
    assert found.value == pytest.approx(np.sqrt(np.mean(one**2)) - np.sqrt(np.mean(other**2)))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.003)
    assert found.is_clear


def test_errors_of_the_same_size_are_no_clear_difference_and_a_model_is_none_to_itself() -> None:
    found = compare_errors([rows_of(errors(0.8, 1))], [rows_of(errors(0.8, 2))])
    assert found.low < 0 < found.high
    assert not found.is_clear
    assert compare_errors([rows_of(errors(0.8))], [rows_of(errors(0.8))]) == (0, 0, 0)


def test_the_same_rows_give_the_same_interval_each_time() -> None:
    one, other = [rows_of(errors(0.8, 1))], [rows_of(errors(0.9, 2))]
    assert compare_errors(one, other) == compare_errors(one, other)


def test_scores_of_users_are_compared_user_by_user() -> None:
    rng = np.random.default_rng(0)
    other = rng.uniform(size=500)
    one = other + rng.normal(0.02, 0.05, 500)
    found = compare_scores(one, other)
    error = (one - other).std() / 500**0.5
    assert found.value == pytest.approx((one - other).mean())
    assert (found.low, found.high) == pytest.approx((found.value - 1.96 * error, found.value + 1.96 * error), abs=0.001)


def test_other_ratings_of_the_same_films_are_not_the_same_rows() -> None:
    rows = rows_of(errors(0.8))
    assert rows.same_rows(rows_of(errors(0.9)))
    assert not rows.same_rows(rows._replace(rating=np.floor(rows.rating + 0.5) + 1))
    assert not rows.same_rows(rows._replace(movie_id=rows.movie_id + 1))
    assert not rows.same_rows(PredictedRows(*(column[1:] for column in rows)))
