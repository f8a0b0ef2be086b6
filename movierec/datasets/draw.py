"""Drawing which user rates which film: no pair twice, an exact number in all, block by block of users."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

MANY = 1 / 8  # share of all films above which a user's are drawn by race; a row of films then costs 8 ratings at most


def draw_pairs(
    rng: np.random.Generator, *, num_users: int, num_movies: int, num_ratings: int, block_ratings: int = 1_000_000
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw distinct (user, film) pairs with log-normal activity of the users and popularity of the films.

    A user's films are drawn one after the other without replacement, each in proportion to its popularity.

    Args:
        rng: Where the randomness comes from.
        num_users: How many users there are; one of low activity may rate nothing.
        num_movies: How many films there are.
        num_ratings: How many pairs to draw, at most half of all there are.
        block_ratings: Begin a block about every so many ratings. Memory grows with it; so long as the seed is the
            same, how many films each user rates does not change with it, which films does.

    Yields:
        The users and the films of a block of consecutive users, int64 from 0, sorted by user, then film.
    """
    counts = draw_counts(rng, num_users=num_users, num_movies=num_movies, num_ratings=num_ratings)
    popularity = rng.lognormal(sigma=1.0, size=num_movies)
    popularity /= popularity.sum()
    starts = np.searchsorted(np.cumsum(counts), np.arange(0, num_ratings, block_ratings), side="right")
    for start, stop in pairwise([*np.unique(starts), num_users]):
        block = counts[start:stop]
        are_many = block > MANY * num_movies
        cells = [
            draw_by_rejection(rng, np.where(are_many, 0, block), popularity),
            draw_by_race(rng, np.where(are_many, block, 0), popularity),
        ]
        user, movie = np.divmod(np.sort(np.concatenate(cells)), num_movies)
        yield start + user, movie


def draw_counts(rng: np.random.Generator, *, num_users: int, num_movies: int, num_ratings: int) -> np.ndarray:
    """Draw how many films each user rates: log-normal, at most all films, exactly `num_ratings` in sum.

    Returns:
        [num_users] int64.
    """
    activity = rng.lognormal(sigma=0.7, size=num_users)
    share = activity * (num_ratings / activity.sum())
    while (share > num_movies).any():
        full = share >= num_movies
        left = num_ratings - num_movies * full.sum()
        share = np.where(full, num_movies, activity * (left / activity[~full].sum()))
    counts: np.ndarray = share.astype(np.int64)
    largest_remainders = np.argsort(counts - share)[: num_ratings - counts.sum()]
    counts[largest_remainders] += 1
    return counts


def draw_by_rejection(rng: np.random.Generator, counts: np.ndarray, popularity: np.ndarray) -> np.ndarray:
    """Draw each user's films with replacement until there are enough distinct ones: quick where they are few.

    Args:
        rng: Where the randomness comes from.
        counts: How many films each user rates, [num_users] int64.
        popularity: Share of each film, [num_movies], 1 in sum.

    Returns:
        Sorted cells `user * num_movies + movie`, [counts.sum()] int64.
    """
    num_movies = len(popularity)
    cells = np.empty(0, dtype=np.int64)
    missing = counts
    while missing.any():
        user = np.arange(len(counts)).repeat(missing)
        movie = rng.choice(num_movies, len(user), p=popularity)
        cells = np.sort(np.concatenate([cells, user * num_movies + movie]))
        cells = cells[np.diff(cells, prepend=-1) > 0]  # np.unique hashes, which takes ten times as long
        missing = counts - np.bincount(cells // num_movies, minlength=len(counts))
    return cells


def draw_by_race(rng: np.random.Generator, counts: np.ndarray, popularity: np.ndarray) -> np.ndarray:
    """Draw each user's films as the first to arrive, at exponential times: quick where they are many.

    The distribution is that of rejection: Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006.

    Args:
        rng: Where the randomness comes from.
        counts: How many films each user rates, [num_users] int64.
        popularity: Share of each film, [num_movies], 1 in sum.

    Returns:
        Cells `user * num_movies + movie`, [counts.sum()] int64.
    """
    num_movies = len(popularity)
    user = np.flatnonzero(counts)
    arrival = rng.exponential(size=(len(user), num_movies)) / popularity
    is_drawn = np.arange(num_movies) < counts[user, np.newaxis]
    cells: np.ndarray = user.repeat(counts[user]) * num_movies + arrival.argsort(axis=1)[is_drawn]
    return cells
