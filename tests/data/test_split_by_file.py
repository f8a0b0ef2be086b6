"""Parts that files of pairs choose, from the files to the tables."""

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from movierec.data import CombinedDataModule, RatingsDataModule
from movierec.data.batches import Batch
from movierec.data.cache import cache_path
from movierec.data.options import describe_origin
from movierec.data.pairs import find_ratings
from movierec.data.tables import Tables
from movierec.errors import ConfigError, DataFormatError, MissingDataError, UnknownIdError

RATINGS = pd.DataFrame({"user_id": [7, 7, 8, 9], "movie_id": [1, 2, 1, 5]})


def write(path: Path, *pairs: str) -> Path:
    path.write_text("\n".join(["userId,movieId", *pairs]) + "\n", encoding="utf-8")
    return path


def draw(root: Path, folder: Path, **sizes: int) -> tuple[pd.DataFrame, list[Path]]:
    """Write so many of the sample's pairs into files, in an order of chance; return all of its ratings."""
    ratings = pd.read_csv(root / "ml-latest-small/ratings.csv")
    order, paths = ratings.sample(frac=1, random_state=5), []
    for name, size in sizes.items():
        pairs, order = order.iloc[:size], order.iloc[size:]
        paths.append(write(folder / f"{name}.csv", *(f"{u},{m}" for u, m in pairs[["userId", "movieId"]].to_numpy())))
    return ratings, paths


def prepared(root: Path, **options: Any) -> tuple[Tables, dict[str, Batch]]:
    module = RatingsDataModule(root=root, split="file", cache=False, **options)
    return module.prepare()


def test_the_pairs_of_a_file_are_found_whatever_their_order(tmp_path: Path) -> None:
    assert find_ratings(write(tmp_path / "a.csv", "9,5", "7,1"), RATINGS).tolist() == [True, False, False, True]


@pytest.mark.parametrize("pair", ["7,5", "6,1", "7,99", "5,9"])
def test_a_pair_without_a_rating_is_refused_with_its_line(tmp_path: Path, pair: str) -> None:
    path = write(tmp_path / "a.csv", "7,2", pair, "8,2")
    user_id, movie_id = pair.split(",")
    with pytest.raises(UnknownIdError) as caught:
        find_ratings(path, RATINGS)
    assert f"{path}, line 3: expected a rated pair, found user {user_id} and film {movie_id}," in str(caught.value)
    assert "(2 such lines)" in str(caught.value)


def test_given_ratings_are_tested_and_validated_and_the_others_train(sample_root: Path, tmp_path: Path) -> None:
    ratings, (test, val) = draw(sample_root, tmp_path, test=2000, val=900)
    tables, rows = prepared(sample_root, test_pairs=test, val_pairs=val)
    assert {part: len(batch.rating) for part, batch in rows.items()} == {"train": 17_100, "val": 900, "test": 2_000}
    for path, part in (test, "test"), (val, "val"):
        batch, wanted = rows[part], pd.read_csv(path).merge(ratings)
        ids = tables.user_ids[batch.user.long()].tolist(), tables.movie_ids[batch.movie.long()].tolist()
        found = dict(zip(zip(*ids, strict=True), tables.to_stars(batch.rating).tolist(), strict=True))
        expected = {(line.userId, line.movieId): line.rating for line in wanted.itertuples()}
        assert found == pytest.approx(expected)


def test_without_a_file_of_validation_pairs_fractions_say_how_many_validate(sample_root: Path, tmp_path: Path) -> None:
    _, (test,) = draw(sample_root, tmp_path, test=2000)
    _, rows = prepared(sample_root, test_pairs=test, fractions=(0.855, 0.045, 0.1))
    assert [len(batch.rating) for batch in rows.values()] == [17_100, 900, 2_000]  # a twentieth of 18,000 validates


def test_what_is_in_the_files_is_part_of_the_identity_of_the_data_and_where_they_are_is_not(
    sample_root: Path, tmp_path: Path
) -> None:
    def describe(path: Path) -> tuple[dict[str, Any], Path]:
        module = RatingsDataModule(root=sample_root, split="file", test_pairs=path)
        origin = describe_origin(sample_root, module.options)
        return origin, cache_path(sample_root, origin)

    one, same, other = (
        write(tmp_path / f"{name}.csv", pair) for name, pair in (("a", "1,2"), ("b", "1,2"), ("c", "2,1"))
    )
    origin, kept = describe(one)
    assert origin["options"]["test_pairs"] == hashlib.sha256(one.read_bytes()).hexdigest()
    assert describe(same) == (origin, kept)
    assert describe(other)[0]["fingerprint"] != origin["fingerprint"]
    assert describe(other)[1] != kept


def test_a_pair_that_is_to_be_tested_and_validated_is_refused(sample_root: Path, tmp_path: Path) -> None:
    _, (test,) = draw(sample_root, tmp_path, test=20)
    first = pd.read_csv(test).iloc[0]
    val = write(tmp_path / "val.csv", f"{first.userId},{first.movieId}")
    with pytest.raises(DataFormatError, match=rf"user {first.userId} and film {first.movieId} are in both \(1 such"):
        prepared(sample_root, test_pairs=test, val_pairs=val)


def test_a_pair_whose_film_lacks_metadata_is_refused_unless_all_films_are_kept(
    sample_root: Path, tmp_path: Path
) -> None:
    _, (test,) = draw(sample_root, tmp_path, test=2000)
    chosen: dict[str, Any] = {"root": sample_root, "split": "file", "test_pairs": test, "cache": False}
    with pytest.raises(UnknownIdError, match=r"lacks metadata that are read .* `--data\.missing impute`"):
        CombinedDataModule(**chosen).prepare()
    _, rows = CombinedDataModule(**chosen, missing="impute").prepare()
    assert len(rows["test"].rating) == 2000


def test_a_file_that_is_not_there_is_named(sample_root: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"nowhere\.csv, found no such file"):
        prepared(sample_root, test_pairs=tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    "options",
    [
        {"split": "file"},
        {"split": "file", "val_pairs": Path("val.csv")},
        {"split": "random", "test_pairs": Path("test.csv")},
        {"split": "time", "val_pairs": Path("val.csv")},
    ],
    ids=str,
)
def test_files_of_pairs_and_a_split_by_file_need_each_other(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="Expected `split: file` with a file of the test pairs"):
        RatingsDataModule(**options).options.check(Path())
