"""The small csv files that people write: pairs to predict, and the ratings of a new user."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from movierec.data.pairs import read_pairs
from movierec.recommend.ratings_file import read_ratings_file
from movierec.recommend.recommender import Recommender
from tests.fuzzing import mutation, reference, world
from tests.fuzzing.contract import assert_read_or_refused
from tests.fuzzing.mutation import Variant
from tests.fuzzing.values import IDS, NUMBERS, TITLES

PAIRS_HEADER = b"userId,movieId\n"
PAIRS = PAIRS_HEADER + b"1,2\n1,5\n24,318\n9007199254740992,9007199254740992\n4294967297,1\n3,50\n"
RATINGS_HEADER = b"movieId,rating\n"
RATINGS = RATINGS_HEADER + b"1,4.5\n2,3\n9007199254740992,5\n318,0.5\n50,\n"
TITLED = 'title,rating\nToy Story (1995),4.5\n千と千尋の神隠し (2001),3\n"Emoji, The",2\n'.encode()


def of_csv(valid: bytes, header: bytes) -> Iterator[Variant]:
    yield from mutation.damaged(valid)
    yield from mutation.reencoded(valid)
    yield from mutation.empty(header)
    yield from mutation.foreign(valid)
    yield from mutation.not_utf_8(valid, b"\n1")


def pairs() -> Iterator[Variant]:
    yield from of_csv(PAIRS, PAIRS_HEADER)
    yield from mutation.tabular(PAIRS)
    yield from mutation.with_values(PAIRS, 0, IDS, name="user", row=3)


def ratings() -> Iterator[Variant]:
    yield from of_csv(RATINGS, RATINGS_HEADER)
    yield from mutation.tabular(RATINGS)
    yield from mutation.with_values(RATINGS, 0, IDS, name="film", row=2)
    yield from mutation.with_values(RATINGS, 1, NUMBERS, name="rating", row=2)


def titled() -> Iterator[Variant]:
    yield from mutation.damaged(TITLED)
    yield from mutation.reencoded(TITLED)
    yield from mutation.with_values(TITLED, 0, TITLES, name="title", row=2)


@pytest.mark.parametrize("variant", mutation.params(pairs()))
def test_pairs(tmp_path: Path, small: Recommender, variant: Variant) -> None:
    path = tmp_path / "pairs.csv"

    def read() -> list[tuple[int, int]]:
        batch = read_pairs(path, small.tables)
        ids = small.tables.user_ids[batch.user.long()].tolist(), small.tables.movie_ids[batch.movie.long()].tolist()
        return list(zip(*ids, strict=True))

    assert_read_or_refused(variant, path, read, reference.csv_pairs, PAIRS)


@pytest.mark.parametrize("variant", mutation.params(ratings()))
def test_ratings_of_a_new_user(tmp_path: Path, small: Recommender, variant: Variant) -> None:
    path = tmp_path / "my.csv"
    assert_read_or_refused(variant, path, lambda: read_ratings_file(path, small)[0], reference.csv_own_ratings, RATINGS)


@pytest.mark.parametrize("variant", mutation.params(titled()))
def test_ratings_of_a_new_user_by_title(tmp_path: Path, small: Recommender, variant: Variant) -> None:
    path = tmp_path / "my.csv"

    def read() -> bool:
        ratings, _ = read_ratings_file(path, small)
        if variant.outcome == "read":
            return ratings == {1: 4.5, 2: 3.0, 318: 2.0}
        rows = reference.csv_columns(variant.content, ["title", "rating"])
        return set(ratings) <= set(world.FILMS) and set(ratings.values()) <= {
            float(stars) for _, stars in rows if stars
        }

    assert_read_or_refused(variant, path, read, lambda _: True, TITLED)
