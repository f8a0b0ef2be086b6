"""Drawing pairs: an exact number of them, none twice, and the distribution that both ways of drawing promise."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from movierec.datasets.draw import draw_by_race, draw_by_rejection, draw_counts, draw_pairs

Way = Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]
SIZE = {"num_users": 300, "num_movies": 400, "num_ratings": 20_000}


def draw(*, seed: int = 0, block_ratings: int = 1_000_000, **size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(draw_pairs(np.random.default_rng(seed), block_ratings=block_ratings, **(size or SIZE)))


@pytest.mark.parametrize(
    ("num_users", "num_movies", "num_ratings"),
    [
        (300, 400, 20_000),
        (300, 400, 60_000),  # half of all pairs
        (5_000, 3_000, 20_000),  # sparse, and users that rate nothing
        (1, 40, 20),
        (40, 1, 20),
        (2, 20, 20),
        (5_000, 9, 22_500),
    ],
)
@pytest.mark.parametrize("block_ratings", [10, 999, 1_000_000])
def test_pairs_are_exactly_as_many_as_asked_sorted_and_never_twice(
    num_users: int, num_movies: int, num_ratings: int, block_ratings: int
) -> None:
    size = {"num_users": num_users, "num_movies": num_movies, "num_ratings": num_ratings}
    blocks = draw(**size, block_ratings=block_ratings)
    user, movie = (np.concatenate(column) for column in zip(*blocks, strict=True))
    assert len(user) == len(movie) == num_ratings
    assert (np.diff(user * num_movies + movie) > 0).all()
    assert user.min() >= 0
    assert user.max() < num_users
    assert movie.min() >= 0
    assert movie.max() < num_movies


def test_a_block_ends_with_its_last_user_and_is_about_as_large_as_asked() -> None:
    blocks = draw(block_ratings=1_000)
    assert 15 <= len(blocks) <= 20
    assert all(1 <= len(user) < 1_000 + 400 for user, _ in blocks)
    for (before, _), (after, _) in itertools.pairwise(blocks):
        assert before[-1] < after[0]


def test_the_size_of_a_block_does_not_change_how_many_films_a_user_rates() -> None:
    counts = [np.concatenate([user for user, _ in draw(block_ratings=n)]) for n in (1_000, 20_000)]
    assert (counts[0] == counts[1]).all()


def test_the_same_seed_gives_the_same_pairs_and_another_does_not() -> None:
    (first,), (second,), (third,) = draw(seed=1), draw(seed=1), draw(seed=2)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


@pytest.mark.parametrize("num_ratings", [20, 1_234, 60_000])
def test_no_user_is_to_rate_more_films_than_there_are(num_ratings: int) -> None:
    for seed in range(20):
        counts = draw_counts(np.random.default_rng(seed), num_users=300, num_movies=400, num_ratings=num_ratings)
        assert counts.sum() == num_ratings
        assert counts.min() >= 0
        assert counts.max() <= 400


def test_half_of_all_pairs_leave_some_users_with_every_film_and_the_others_with_fewer() -> None:
    counts = draw_counts(np.random.default_rng(0), num_users=300, num_movies=400, num_ratings=60_000)
    assert 0 < (counts == 400).sum() < 100
    assert np.median(counts[counts < 400]) < 200


def test_some_users_and_films_are_much_busier_than_others() -> None:
    ((user, movie),) = draw(num_users=2_000, num_movies=1_000, num_ratings=100_000)
    for rated in user, movie:
        counts = np.sort(np.bincount(rated))
        assert counts[-len(counts) // 10 :].sum() > 2 * counts.sum() / 10


@pytest.mark.parametrize("way", [draw_by_rejection, draw_by_race])
def test_a_second_film_is_drawn_in_proportion_to_the_popularity_of_those_left(way: Way) -> None:
    popularity = np.array([0.6, 0.3, 0.1])
    cells = way(np.random.default_rng(0), np.full(40_000, 2), popularity)
    share = np.bincount(cells % 3) / 40_000
    # first: 0.6, 0.3, 0.1; second: after another film, in proportion to the rest
    expected = [0.6 + 0.3 * 6 / 7 + 0.1 * 6 / 9, 0.3 + 0.6 * 3 / 4 + 0.1 * 3 / 9, 0.1 + 0.6 * 1 / 4 + 0.3 * 1 / 7]
    assert sum(expected) == pytest.approx(2)
    assert share == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("way", [draw_by_rejection, draw_by_race])
def test_each_user_gets_the_number_of_films_that_was_asked_for(way: Way) -> None:
    counts = np.array([0, 3, 1, 0, 4, 0])
    cells = way(np.random.default_rng(0), counts, np.full(4, 0.25))
    assert len(set(cells)) == 8
    assert (np.bincount(cells // 4, minlength=6) == counts).all()
    assert len(way(np.random.default_rng(0), np.zeros(3, dtype=int), np.full(4, 0.25))) == 0
