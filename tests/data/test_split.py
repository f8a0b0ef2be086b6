from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from movierec.data.split import Split, cut, folds, published_split, random_split, time_split
from movierec.errors import ConfigError

FRACTIONS = (0.8, 0.1, 0.1)


def by_chance(num_ratings: int, fractions: tuple[float, float, float]) -> Split:
    return random_split(num_ratings, fractions, seed=1)


def by_time(num_ratings: int, fractions: tuple[float, float, float]) -> Split:
    times = np.random.default_rng(0).integers(0, max(2, num_ratings // 3), num_ratings)  # many are equal
    times[:2] = 0, 1
    return time_split(times, fractions)


ways = pytest.mark.parametrize("split", [by_chance, by_time])
Way = Callable[[int, tuple[float, float, float]], Split]


@ways
@pytest.mark.parametrize("num_ratings", [10, 101, 997])
def test_parts_hold_each_rating_once(split: Way, num_ratings: int) -> None:
    parts = split(num_ratings, FRACTIONS)
    assert sorted(np.concatenate(parts)) == list(range(num_ratings))


@ways
@pytest.mark.parametrize(
    ("num_ratings", "fractions", "sizes"),
    [
        (100, (0.8, 0.1, 0.1), (80, 10, 10)),
        (101, (0.8, 0.1, 0.1), (80, 10, 11)),  # 80.8, 90.9
        (109, (0.8, 0.1, 0.1), (87, 11, 11)),  # 87.2, 98.1
        (104, (0.6, 0.2, 0.2), (62, 21, 21)),  # 62.4, 83.2
        (8, (0.5, 0.25, 0.25), (4, 2, 2)),
        (1000, (0.7, 0.2, 0.1), (700, 200, 100)),  # though .7 + .2 is .8999999999999999
        (100_836, (0.8, 0.1, 0.1), (80_668, 10_084, 10_084)),
    ],
)
def test_parts_are_cut_at_the_whole_number_below_the_cumulative_fraction(
    split: Way, num_ratings: int, fractions: tuple[float, float, float], sizes: tuple[int, int, int]
) -> None:
    assert tuple(map(len, split(num_ratings, fractions))) == sizes


@pytest.mark.parametrize("seed", [0, 123])
def test_random_split_is_a_pandas_sample_cut_in_three(seed: int) -> None:
    shuffled = pd.DataFrame({"position": range(1000)}).sample(frac=1, random_state=seed)["position"].tolist()
    train, val, test = random_split(1000, FRACTIONS, seed)
    assert (train.tolist(), val.tolist(), test.tolist()) == (shuffled[:800], shuffled[800:900], shuffled[900:])


def test_random_split_depends_on_the_seed_alone() -> None:
    first, again, other = (np.concatenate(random_split(50, FRACTIONS, seed)) for seed in (7, 7, 8))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_time_split_trains_on_the_oldest_and_tests_on_the_newest() -> None:
    times = np.array([50, 10, 90, 30, 70, 20, 100, 40, 80, 60])
    train, val, test = time_split(times, FRACTIONS)
    assert times[train].tolist() == [10, 20, 30, 40, 50, 60, 70, 80]
    assert (times[val].tolist(), times[test].tolist()) == ([90], [100])


def test_time_split_keeps_the_order_of_the_file_among_equal_times() -> None:
    train, val, test = time_split(np.array([5, 5, 5, 1, 1, 1]), (0.5, 0.25, 0.25))
    assert (train.tolist(), val.tolist(), test.tolist()) == ([3, 4, 5], [0], [1, 2])


def test_time_split_refuses_ratings_that_all_have_the_same_time() -> None:
    with pytest.raises(ConfigError, match="split: random"):
        time_split(np.full(100, 946_684_800), FRACTIONS)


@ways
@pytest.mark.parametrize(
    "fractions", [(0.8, 0.1, 0.2), (0.8, 0.1, 0.05), (1.1, -0.2, 0.1), (float("nan"), 0.5, 0.5), (0.0, 0.0, 0.0)]
)
def test_fractions_that_do_not_add_up_to_one_are_refused(split: Way, fractions: tuple[float, float, float]) -> None:
    with pytest.raises(ConfigError, match="add up to 1"):
        split(100, fractions)


@ways
@pytest.mark.parametrize(
    ("part", "num_ratings", "fractions"),
    [
        ("train", 100, (0.0, 0.5, 0.5)),
        ("val", 100, (0.9, 0.0, 0.1)),
        ("test", 100, (0.9, 0.1, 0.0)),
        ("val", 5, (0.8, 0.1, 0.1)),  # 4.0, 4.5
    ],
)
def test_a_part_without_ratings_is_refused_by_name(
    split: Way, part: str, num_ratings: int, fractions: tuple[float, float, float]
) -> None:
    with pytest.raises(ConfigError, match=rf"the {part} part of {num_ratings} ratings is empty"):
        split(num_ratings, fractions)


def test_a_published_split_is_cut_at_the_whole_number_below_too() -> None:
    train, val, _ = published_split(np.arange(103) < 2, (0.6, 0.2, 0.2), seed=1)
    assert (len(train), len(val)) == (75, 26)  # three quarters of 101 are 75.75


def test_a_published_split_tests_on_its_ratings_and_validates_on_a_share_of_the_others() -> None:
    is_test = np.isin(np.arange(100), [3, 50, 99, 7])
    train, val, test = published_split(is_test, (0.6, 0.2, 0.2), seed=1)
    assert test.tolist() == [3, 7, 50, 99]
    assert (len(train), len(val)) == (72, 24)  # three quarters and one quarter of 96
    assert sorted(np.concatenate([train, val, test])) == list(range(100))
    assert set(val) != set(range(100 - 24, 100))
    again, other = (published_split(is_test, (0.6, 0.2, 0.2), seed) for seed in (1, 2))
    assert again.val.tolist() == val.tolist()
    assert set(other.val) != set(val)


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ((0.8, 0.1, 0.2), "add up to 1"),
        ((0.0, 0.5, 0.5), "the train part of 10 ratings"),
        ((0.0, 0.0, 1.0), "the train part of 10 ratings"),
        ((0.9, 0.0, 0.1), "the val part of 10 ratings"),
    ],
)
def test_a_published_split_refuses_fractions_that_leave_a_part_empty(
    fractions: tuple[float, float, float], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        published_split(np.arange(10) < 3, fractions, seed=0)


def test_cut_keeps_the_order_it_is_given() -> None:
    parts = cut(np.array([4, 2, 0, 1, 3]), (0.4, 0.2, 0.4))
    assert [part.tolist() for part in parts] == [[4, 2], [0], [1, 3]]


@pytest.mark.parametrize(("num_rows", "num_folds"), [(100, 10), (103, 10), (7, 2), (3, 5)])
def test_folds_differ_by_one_row_at_most(num_rows: int, num_folds: int) -> None:
    sizes = np.bincount(folds(num_rows, num_folds, seed=0), minlength=num_folds)
    assert (sizes.sum(), len(sizes)) == (num_rows, num_folds)
    assert sizes.max() - sizes.min() <= 1


def test_folds_are_dealt_at_random_and_depend_on_the_seed_alone() -> None:
    first, again, other = (folds(200, 10, seed).tolist() for seed in (7, 7, 8))
    assert first == again
    assert first not in (other, sorted(first), [row % 10 for row in range(200)])
