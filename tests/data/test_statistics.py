import numpy as np
import pandas as pd
import pytest

from movierec.data.split import Split, random_split
from movierec.data.statistics import Banks, Kind, Unrated, build_banks

NUM_USERS, NUM_MOVIES, NUM_RATINGS, NUM_FOLDS = 9, 60, 100, 4  # so that many films have one rating
KINDS: tuple[Kind, ...] = ("cross_fit", "leave_one_out", "self_inclusive", "per_split")
SPLIT = random_split(NUM_RATINGS, (0.7, 0.15, 0.15), seed=3)


def draw_ratings() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    # The last user and the last film have no rating, as in a release that lists films nobody rated.
    pairs = rng.choice((NUM_USERS - 1) * (NUM_MOVIES - 1), NUM_RATINGS, replace=False)
    user, movie = np.divmod(pairs, NUM_MOVIES - 1)
    return pd.DataFrame({"user": user, "movie": movie, "stars": rng.integers(1, 11, NUM_RATINGS) / 2})


def banks_of(ratings: pd.DataFrame, kind: Kind, split: Split = SPLIT, unrated: Unrated = "average") -> Banks:
    return build_banks(
        kind=kind,
        unrated=unrated,
        user=ratings["user"].to_numpy(),
        movie=ratings["movie"].to_numpy(),
        stars=ratings["stars"].to_numpy(),
        split=split,
        num_users=NUM_USERS,
        num_movies=NUM_MOVIES,
        num_folds=NUM_FOLDS,
        seed=11,
    )


def read_by(banks: Banks, ratings: pd.DataFrame, row: int) -> np.ndarray:
    user, movie, bank = ratings["user"].iloc[row], ratings["movie"].iloc[row], banks.row[row]
    return np.concatenate([banks.user[bank, user], banks.movie[bank, movie]])


def summarise(ratings: pd.DataFrame, by: str, value: int, unrated: Unrated = "average") -> list[float]:
    table = ratings.groupby(by)["stars"].agg(["mean", "count", "std"]).fillna(0.0)  # pandas' std divides by n - 1
    nobody = table.mean() if unrated == "average" else 0.0 * table.mean()
    expected: list[float] = table.reindex([value]).fillna(nobody).to_numpy()[0].tolist()
    return expected


def positions_seen(kind: Kind, banks: Banks, row: int) -> list[int]:
    train: list[int] = SPLIT.train.tolist()
    val: list[int] = SPLIT.val.tolist()
    if kind == "cross_fit" and row in train:
        return [other for other in train if banks.row[other] != banks.row[row]]
    if kind == "leave_one_out" and row in train:
        return [other for other in train if other != row]
    if kind == "per_split" and row in val:
        return val
    return train


@pytest.mark.parametrize("unrated", ["average", "zero"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_row_reads_what_pandas_computes_of_the_ratings_that_its_kind_allows(kind: Kind, unrated: Unrated) -> None:
    ratings = draw_ratings()
    banks = banks_of(ratings, kind, unrated=unrated)
    for row in range(NUM_RATINGS):
        seen = ratings.iloc[positions_seen(kind, banks, row)]
        expected = summarise(seen, "user", ratings["user"].iloc[row], unrated)
        expected += summarise(seen, "movie", ratings["movie"].iloc[row], unrated)
        assert read_by(banks, ratings, row) == pytest.approx(expected, abs=1e-9), f"row {row}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_scoring_bank_holds_all_training_ratings_of_everybody(kind: Kind) -> None:
    ratings = draw_ratings()
    banks = banks_of(ratings, kind)
    train = ratings.iloc[SPLIT.train]
    for by, table in (("user", banks.user), ("movie", banks.movie)):
        expected = [summarise(train, by, value) for value in range(table.shape[1])]
        np.testing.assert_allclose(table[banks.scoring], expected, atol=1e-9)


def test_cross_fit_has_a_bank_for_each_fold_and_leaves_as_many_training_rows_out_of_each() -> None:
    banks = banks_of(draw_ratings(), "cross_fit")
    assert banks.user.shape == (NUM_FOLDS + 1, NUM_USERS, 3)
    assert banks.movie.shape == (NUM_FOLDS + 1, NUM_MOVIES, 3)
    counts = banks.user[:, :-1, 1].sum(axis=1).tolist()  # the last user has no rating
    assert sorted(counts) == [52, 52, 53, 53, 70]  # 70 training rows, less 17 or 18 of a fold
    assert counts[banks.scoring] == 70


def test_statistics_of_three_ratings_agree_with_a_computation_by_hand() -> None:
    ratings = pd.DataFrame({"user": [0, 0, 0, 1, 1], "movie": [0, 1, 2, 0, 1], "stars": [1.0, 2.0, 4.5, 5.0, 3.0]})
    split = Split(np.array([0, 1, 2]), np.array([3]), np.array([4]))
    alone = banks_of(ratings, "leave_one_out", split)
    # Without its own 1.0, user 0 gave 2.0 and 4.5: mean 3.25, and deviation 2.5 / sqrt(2). The film has nothing left:
    # it is the average of the two others, which have one rating each.
    assert read_by(alone, ratings, 0) == pytest.approx([3.25, 2, 2.5 / 2**0.5, 3.25, 1, 0])
    together = banks_of(ratings, "self_inclusive", split)
    # Mean 2.5; the squared deviations 2.25, 0.25 and 4 make 6.5, halved 3.25. One rating has no deviation.
    assert read_by(together, ratings, 0) == pytest.approx([2.5, 3, 3.25**0.5, 1, 1, 0])
    apart = banks_of(ratings, "per_split", split)
    assert read_by(apart, ratings, 3).tolist() == [5, 1, 0, 5, 1, 0]
    # User 1 has no training rating: the average user is the only other one.
    assert read_by(apart, ratings, 4) == pytest.approx([2.5, 3, 3.25**0.5, 2, 1, 0])


def test_whoever_has_no_ratings_is_the_average_user_or_film_however_many_ratings_the_others_have() -> None:
    ratings = pd.DataFrame({"user": [0, 0, 0, 1, 2, 3], "movie": [0, 1, 2, 0, 3, 3], "stars": [1, 2, 3, 5, 1.0, 1.0]})
    split = Split(np.arange(4), np.array([4]), np.array([5]))
    banks = banks_of(ratings, "cross_fit", split)
    # User 0 has mean 2, 3 ratings and deviation 1; user 1 has 5, 1 and 0. Film 0 has 3, 2 and sqrt(8), the others 2, 1
    # and 0, and 3, 1 and 0.
    expected = [3.5, 2, 0.5, 8 / 3, 4 / 3, 8**0.5 / 3]
    assert read_by(banks, ratings, 4) == pytest.approx(expected)
    assert read_by(banks, ratings, 5) == pytest.approx(expected)
    assert read_by(banks_of(ratings, "cross_fit", split, "zero"), ratings, 5).tolist() == [0] * 6


def test_equal_ratings_have_no_deviation_however_many_there_are() -> None:
    ratings = pd.DataFrame({"user": [0] * 14, "movie": range(14), "stars": [3.3] * 14})
    banks = banks_of(ratings, "leave_one_out", Split(np.arange(12), np.array([12]), np.array([13])))
    assert banks.user[banks.row[12], 0] == pytest.approx([3.3, 12, 0], abs=1e-6)


@pytest.mark.parametrize("part", ["train", "val", "test"])
@pytest.mark.parametrize("kind", ["cross_fit", "leave_one_out"])
def test_no_row_reads_its_own_rating(kind: Kind, part: str) -> None:
    ratings = draw_ratings()
    banks = banks_of(ratings, kind)
    for row in getattr(SPLIT, part):
        for stars in (0.5, 5.0):
            changed = ratings.copy()
            changed.loc[row, "stars"] = stars
            assert read_by(banks_of(changed, kind), ratings, row) == pytest.approx(read_by(banks, ratings, row), 1e-12)


@pytest.mark.parametrize(("kind", "part"), [("self_inclusive", "train"), ("per_split", "train"), ("per_split", "val")])
def test_the_leaking_kinds_are_caught_by_the_same_proof(kind: Kind, part: str) -> None:
    ratings = draw_ratings()
    banks = banks_of(ratings, kind)
    for row in getattr(SPLIT, part):
        changed = ratings.copy()
        changed.loc[row, "stars"] += 1
        assert read_by(banks_of(changed, kind), ratings, row).tolist() != read_by(banks, ratings, row).tolist()


@pytest.mark.parametrize(
    ("kind", "part"),
    [(kind, part) for kind in KINDS for part in ("val", "test") if (kind, part) != ("per_split", "val")],
)
def test_a_held_out_rating_is_in_no_bank_at_all(kind: Kind, part: str) -> None:
    ratings = draw_ratings()
    banks = banks_of(ratings, kind)
    changed = ratings.copy()
    changed.loc[getattr(SPLIT, part), "stars"] = 0.25  # stars that no training row has
    others = banks_of(changed, kind)
    np.testing.assert_array_equal(others.user, banks.user)
    np.testing.assert_array_equal(others.movie, banks.movie)
    np.testing.assert_array_equal(others.row, banks.row)


def test_per_split_keeps_validation_ratings_out_of_what_training_and_test_rows_read() -> None:
    ratings = draw_ratings()
    changed = ratings.copy()
    changed.loc[SPLIT.val, "stars"] = 0.25
    before, after = banks_of(ratings, "per_split"), banks_of(changed, "per_split")
    for row in (*SPLIT.train, *SPLIT.test):
        assert read_by(after, ratings, row).tolist() == read_by(before, ratings, row).tolist()
