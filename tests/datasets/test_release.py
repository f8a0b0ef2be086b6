"""Which state of a release is there, by its counts, and how few ratings are too few."""

from dataclasses import replace

import pytest

from movierec.data.split import random_split
from movierec.datasets.catalog import RELEASES
from movierec.datasets.content import Films, Ratings
from movierec.datasets.release import FEWEST_RATINGS, name_version
from movierec.errors import ConfigError

SMALL = RELEASES["ml-latest-small"]


def described(num_ratings: int, num_users: int, num_movies: int) -> tuple[Ratings, Films]:
    ratings = Ratings(
        rows=num_ratings, users=num_users, films=1, min_stars=1, max_stars=5, mean_stars=3, first=None, last=None
    )
    return ratings, Films(listed=num_movies, unlisted=0, unlinked=0, coverage={})


@pytest.mark.parametrize(
    ("counts", "version"),
    [
        ((100_836, 610, 9_742), "September 2018"),
        ((100_004, 671, 9_125), "October 2016"),
        ((100_836, 610, 9_125), "changed"),
        ((100_837, 610, 9_742), "changed"),
    ],
)
def test_both_versions_of_ml_latest_small_are_recognised_by_their_counts(
    counts: tuple[int, int, int], version: str
) -> None:
    assert name_version(SMALL, *described(*counts)) == version


def test_a_release_that_was_published_once_is_as_published_and_one_that_grows_has_no_number() -> None:
    assert name_version(RELEASES["ml-1m"], *described(1_000_209, 6_040, 3_883)) == "as published"
    assert name_version(RELEASES["ml-latest"], *described(1_000_209, 6_040, 3_883)) == "unnumbered"
    renamed = replace(SMALL, version="mine", num_ratings=3, num_users=2, num_movies=1)
    assert name_version(renamed, *described(3, 2, 1)) == "mine"


def test_so_few_ratings_as_are_called_too_few_cannot_be_split() -> None:
    for enough in range(FEWEST_RATINGS, 100):
        random_split(enough, (0.8, 0.1, 0.1), seed=0)
    with pytest.raises(ConfigError, match="is empty"):
        random_split(FEWEST_RATINGS - 1, (0.8, 0.1, 0.1), seed=0)
