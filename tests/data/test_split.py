import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from movierec.data.split import (
    Split,
    cut,
    extend,
    file_split,
    folds,
    published_split,
    random_split,
    thin,
    time_split,
    user_split,
)
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


def test_given_pairs_are_tested_and_validated_and_all_others_train() -> None:
    numbers = np.arange(10)
    parts = file_split(numbers < 3, numbers == 7, (0.8, 0.1, 0.1), seed=0)
    assert [part.tolist() for part in parts] == [[3, 4, 5, 6, 8, 9], [7], [0, 1, 2]]


def test_without_given_validation_pairs_a_share_of_the_others_validates() -> None:
    parts = file_split(np.arange(103) < 3, None, (0.72, 0.18, 0.1), seed=1)
    assert [len(part) for part in parts] == [80, 20, 3]


USERS = np.repeat(np.arange(50), np.arange(50) % 7 + 1)  # 50 users of 1 to 7 ratings


def test_held_out_users_are_known_by_a_share_of_their_ratings_and_train_by_none() -> None:
    order = np.random.default_rng(3).permutation(len(USERS))
    user = USERS[order]
    split = user_split(user, (0.6, 0.2, 0.2), 0.5, seed=4)
    of_part = [set(user[part]) for part in split]
    train, *held_out = of_part
    assert len(train) == 30
    assert not any(one & other for one, other in itertools.combinations(of_part, 2))
    known = np.setdiff1d(np.arange(len(user)), np.concatenate(split))
    for one in set(range(50)) - train:
        number = (user == one).sum()
        assert (user[known] == one).sum() == max(1, number // 2)
        assert sum((user[part] == one).sum() for part in split) == number - max(1, number // 2)
    assert sum(map(len, held_out)) <= 20  # fewer where the only rating is the history
    assert sorted(np.concatenate([split.train, known])) == split.readable(len(user)).tolist()


def test_which_users_are_held_out_and_what_is_known_of_them_depends_on_the_seed_alone() -> None:
    first, again, other = (user_split(USERS, (0.6, 0.2, 0.2), 0.5, seed) for seed in (4, 4, 5))
    assert [part.tolist() for part in first] == [part.tolist() for part in again]
    assert first.test.tolist() != other.test.tolist()


@pytest.mark.parametrize(("share", "tested"), [(0.8, 20), (0.29, 71), (0.0, 99)])  # .29 * 100 is 28.999999999999996
def test_histories_are_cut_at_the_whole_number_below_and_hold_a_rating_at_least(share: float, tested: int) -> None:
    split = user_split(np.repeat(np.arange(3), 100), (0.34, 0.33, 0.33), share, seed=0)
    assert [len(part) for part in split] == [100, tested, tested]


def test_users_of_whom_all_is_known_leave_nothing_to_test() -> None:
    with pytest.raises(ConfigError, match="the val part of"):
        user_split(USERS, (0.6, 0.2, 0.2), 1.0, seed=4)


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


def test_a_refit_trains_on_more_ratings_and_the_tested_ones_stay() -> None:
    split, user = Split(np.array([4, 0]), np.array([1, 3]), np.array([2])), np.array([0, 0, 0, 1, 1])
    extended = extend(split, "train_val", user)
    assert [part.tolist() for part in extended] == [[0, 1, 3, 4], [1, 3], [2]]
    assert extended.readable(5).tolist() == [0, 1, 3, 4]
    assert extend(split, "all", user).train.tolist() == [0, 1, 2, 3, 4]


def test_a_refit_trains_on_the_histories_of_users_who_validate_and_not_of_those_who_are_tested() -> None:
    user = np.array([0, 0, 1, 1, 2, 2])  # user 0 trains, 1 validates, 2 is tested; 2 and 4 are histories
    split = Split(np.array([0, 1]), np.array([3]), np.array([5]))
    extended = extend(split, "train_val", user)
    assert extended.train.tolist() == [0, 1, 2, 3]
    assert extended.readable(6).tolist() == [0, 1, 2, 3, 4]
    assert extend(split, "all", user).train.tolist() == [0, 1, 2, 3, 4, 5]


def test_smaller_shares_of_the_training_ratings_lie_within_larger_ones_and_leave_the_test_as_it_is() -> None:
    split = random_split(1000, (0.8, 0.1, 0.1), 5)
    ids = np.arange(1000) * 7
    found = {share: thin(split, share, 5, len(ids)) for share in (0.03, 0.1, 0.5)}
    trained = {share: set(ids[kept][part.train]) for share, (part, kept) in found.items()}
    assert [len(trained[share]) for share in found] == [24, 80, 400]
    assert trained[0.03] < trained[0.1] < trained[0.5] < set(ids[split.train])
    for part, kept in found.values():
        assert ids[kept][part.test].tolist() == ids[split.test].tolist()
        assert ids[kept][part.val].tolist() == ids[split.val].tolist()
        assert len(kept) == sum(map(len, part))
    with pytest.raises(ConfigError, match=r"share of 800 training ratings that leaves one, got 0\.001"):
        thin(split, 0.001, 5, len(ids))
