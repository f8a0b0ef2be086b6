import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from movierec.data import RatingsDataModule
from movierec.data.batches import Batch
from movierec.data.options import Options, describe_origin
from movierec.data.preparation import prepare
from movierec.data.split import random_split
from movierec.data.tables import Tables
from movierec.errors import ConfigError, DataFormatError, MissingDataError
from tests.ml_100k import write_ml_100k

OPTIONS = Options(
    release="ml-latest-small",
    sources=(),
    split="random",
    fractions=(0.5, 0.25, 0.25),
    seed=0,
    statistics="self_inclusive",
    folds=10,
    unrated="average",
    scaling="train",
    missing="drop",
    whole_stars=False,
    columns=("userId", "movieId", "genres"),
)
STARS = (0.5, 1.0, 1.5, 2.0, 3.0, 3.5, 4.5, 5.0)


def write_root(root: Path, stars: tuple[float, ...] = STARS) -> Path:
    """Write two users who rate four films each, oldest first; the films are listed backwards."""
    folder = root / "ml-latest-small"
    folder.mkdir(parents=True)
    rows = [f"{10 * (1 + i // 4)},{20 + i % 4},{value},{1000 + i}" for i, value in enumerate(stars)]
    films = [
        "24,Unrated (2000),War",
        "23,C (1999),Drama",
        "22,B (1998),Comedy|Drama",
        "21,Ä (1997),Drama",
        "20,D,Comedy",
    ]
    links = [f"{film},00{film}5,{film}7" for film in range(20, 25)]
    for name, lines in {
        "ratings": ["userId,movieId,rating,timestamp", *rows],
        "movies": ["movieId,title,genres", *films],
        "links": ["movieId,imdbId,tmdbId", *links],
    }.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def by_time(root: Path, **changes: Any) -> tuple[Tables, dict[str, Batch]]:
    return prepare(root, replace(OPTIONS, split="time", **changes), cache=False)


def sample_options(**changes: Any) -> Options:
    columns = ("tmdbId", "tmdb_release_year", "tmdb_origin_countries", "imdb_rating", "imdb_votes")
    return replace(OPTIONS, **({"sources": ("tmdb", "omdb"), "columns": columns} | changes))


def test_a_small_root_becomes_the_tables_one_would_write_by_hand(tmp_path: Path) -> None:
    tables, rows = by_time(write_root(tmp_path))
    assert tables.user_ids.tolist() == [10, 20]
    assert tables.movie_ids.tolist() == [20, 21, 22, 23, 24]
    assert tables.titles == ["D", "Ä (1997)", "B (1998)", "C (1999)", "Unrated (2000)"]
    assert tables.genres == ["Comedy", "Drama", "Comedy|Drama", "Drama", "War"]
    assert tables.feature_names == [
        "genres=Comedy", "genres=Drama",
        "movieId", "movie_rating_mean", "movie_rating_count", "movie_rating_std",
        "userId", "user_rating_mean", "user_rating_count", "user_rating_std",
    ]  # fmt: skip
    assert tables.movie_features.tolist() == [[1, 0], [0, 1], [1, 1], [0, 1], [0, 0]]
    # The four oldest ratings train: user 10 gave films 20 to 23 the stars 0.5, 1, 1.5 and 2.
    assert (tables.min_stars, tables.max_stars) == (0.5, 2.0)
    assert tables.threshold == 0.5  # the median is 1.25
    thirds = torch.tensor([[0, 0], [1, 1], [2, 2], [3, 3]]) / 3
    torch.testing.assert_close(tables.movie_statistics[0, :4, :2], thirds)
    movie_range, user_range = tables.statistics_range
    assert movie_range.tolist() == [[[20, 0.5, 1, 0], [23, 2, 1, 0]]]
    assert user_range[0, 0].tolist() == pytest.approx([10, 1.25, 4, np.std([0.5, 1, 1.5, 2], ddof=1)])
    assert rows["train"].rating.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert rows["test"].rating.tolist() == pytest.approx([8 / 3, 3])  # 4.5 and 5 lie above the training scale
    assert [rows[part].movie.tolist() for part in ("train", "val", "test")] == [[0, 1, 2, 3], [0, 1], [2, 3]]
    assert [rows[part].user.tolist() for part in ("train", "val", "test")] == [[0] * 4, [1, 1], [1, 1]]


def test_films_are_scaled_by_the_films_that_training_ratings_are_of(tmp_path: Path) -> None:
    header = "tmdbId,release_date,original_language,origin_country,vote_average,vote_count,budget,revenue,runtime"
    (write_root(tmp_path) / "metadata").mkdir()
    (tmp_path / "metadata/tmdb.csv").write_text(f"{header}\n207,,,,,,,,\n", encoding="utf-8")
    tables, _ = by_time(tmp_path, fractions=(0.25, 0.5, 0.25), sources=("tmdb",), columns=("tmdbId",))
    assert tables.film_scalers == {"tmdbId": {"min": 207, "max": 217}}
    assert tables.movie_features.flatten().tolist() == [0, 1, 2, 3, 4]


def test_whole_stars_are_cut_before_anything_else(tmp_path: Path) -> None:
    tables, rows = by_time(write_root(tmp_path), whole_stars=True)
    assert (tables.min_stars, tables.max_stars) == (0, 2)  # 0.5 becomes 0, and 1.5 becomes 1
    assert tables.history_stars.tolist() == [0, 1, 1, 2]
    assert rows["train"].rating.tolist() == [0, 0.5, 0.5, 1]
    assert tables.statistics_range[1][0, 0, 1].item() == 1  # the mean of user 10


@pytest.mark.parametrize(
    ("stars", "threshold"),
    [
        ((1.0, 2.0, 3.0, 5.0), 0.375),
        ((1.0, 5.0, 5.0, 5.0), 1),
        ((1.0, 1.0, 1.0, 2.0), 0),
        ((0.5, 4.0, 4.5, 5.0), 5 / 6),
    ],
)
def test_the_threshold_is_the_median_of_the_training_ratings_alone(
    tmp_path: Path, stars: tuple[float, ...], threshold: float
) -> None:
    tables, _ = by_time(write_root(tmp_path, stars + (0.5,) * 4))
    assert tables.threshold == pytest.approx(threshold)


def test_training_ratings_that_are_all_equal_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFormatError, match=r"differ; all of them are 3\. For likes"):
        by_time(write_root(tmp_path, (3.0, 3.0, 3.0, 3.0, 1.0, 2.0, 4.0, 5.0)))


def test_a_rated_film_that_is_not_listed_is_refused_by_its_id(tmp_path: Path) -> None:
    movies = write_root(tmp_path) / "ml-latest-small/movies.csv"
    movies.write_text(movies.read_text(encoding="utf-8").replace("22,B (1998)", "99,B (1998)"), encoding="utf-8")
    with pytest.raises(DataFormatError, match=r"film 22 is not \(2 such ratings\)"):
        by_time(tmp_path)


def test_a_root_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="Expected the data folder"):
        prepare(tmp_path / "nowhere", OPTIONS, cache=False)


def test_metadata_of_other_films_are_refused_under_drop(sample_root: Path, tmp_path: Path) -> None:
    write_root(tmp_path)
    shutil.copytree(sample_root / "metadata", tmp_path / "metadata")
    with pytest.raises(DataFormatError, match="missing: impute"):
        prepare(tmp_path, sample_options(), cache=False)


def test_drop_leaves_out_the_ratings_of_films_that_lack_a_value(sample_root: Path) -> None:
    tmdb = pd.read_csv(sample_root / "metadata/tmdb.csv", keep_default_na=False)
    omdb = pd.read_csv(sample_root / "metadata/omdb.csv", keep_default_na=False)
    links = pd.read_csv(sample_root / "ml-latest-small/links.csv")
    has_tmdb = links["tmdbId"].isin(tmdb.loc[tmdb["release_date"] != "", "tmdbId"])
    has_omdb = ("tt" + links["imdbId"].astype(str).str.zfill(7)).isin(omdb["imdbID"])
    usable = links.loc[has_tmdb & has_omdb, "movieId"]
    ratings = pd.read_csv(sample_root / "ml-latest-small/ratings.csv")
    kept = ratings[ratings["movieId"].isin(usable)]

    tables, rows = prepare(sample_root, sample_options(), cache=False)
    assert tables.movie_ids[tables.complete].tolist() == sorted(usable)
    assert (tables.record["ratings"], tables.record["ratings_left_out"]) == (len(kept), len(ratings) - len(kept))
    assert 0 < tables.record["ratings_left_out"] < 5000
    seen = torch.cat([rows[part].movie for part in rows]).long()
    assert sorted(tables.movie_ids[seen].tolist()) == sorted(kept["movieId"])


def test_impute_keeps_all_ratings(sample_root: Path) -> None:
    tables, rows = prepare(sample_root, sample_options(missing="impute"), cache=False)
    assert tables.complete.all()
    assert tables.record["ratings_left_out"] == 0
    assert sum(len(part.rating) for part in rows.values()) == 20_000


def test_the_record_counts_what_was_read(sample_root: Path) -> None:
    tables, rows = prepare(sample_root, replace(OPTIONS, fractions=(0.8, 0.1, 0.1)), cache=False)
    record, ratings = tables.record, pd.read_csv(sample_root / "ml-latest-small/ratings.csv")
    assert (record["sample"], record["ratings"], record["ratings_left_out"]) == (True, 20_000, 0)
    assert (record["users"], record["movies"]) == (ratings["userId"].nunique(), ratings["movieId"].nunique())
    assert record["rows"] == {"train": 16_000, "val": 2_000, "test": 2_000}
    assert {part: len(batch.rating) for part, batch in rows.items()} == record["rows"]
    assert set(record["files"]) == {f"ml-latest-small/{name}.csv" for name in ("ratings", "movies")}


def test_each_part_holds_the_lines_that_the_split_says(sample_root: Path) -> None:
    tables, rows = prepare(sample_root, OPTIONS, cache=False)
    ratings = pd.read_csv(sample_root / "ml-latest-small/ratings.csv")
    for part, positions in random_split(20_000, OPTIONS.fractions, OPTIONS.seed)._asdict().items():
        lines = ratings.take(positions)
        assert tables.user_ids[rows[part].user].tolist() == lines["userId"].tolist()
        assert tables.movie_ids[rows[part].movie].tolist() == lines["movieId"].tolist()
        assert tables.to_stars(rows[part].rating).tolist() == pytest.approx(lines["rating"], abs=1e-5)


def fingerprint(root: Path, options: Options) -> str:
    return str(prepare(root, options, cache=False)[0].record["fingerprint"])


def test_the_fingerprint_is_that_of_the_content_not_of_the_place(tmp_path: Path) -> None:
    first, second = write_root(tmp_path / "one"), write_root(tmp_path / "two")
    (second / "ml-latest-small/tags.csv").write_text("not read", encoding="utf-8")
    (second / "ml-latest-small/links.csv").unlink()  # not read without metadata
    assert fingerprint(first, OPTIONS) == fingerprint(first, OPTIONS) == fingerprint(second, OPTIONS)


def test_the_fingerprint_is_of_these_options_and_the_files(tmp_path: Path) -> None:
    module = RatingsDataModule(root=write_root(tmp_path))
    options = {
        "release": "ml-latest-small", "columns_map": [], "sources": [], "split": "random", "fractions": [0.8, 0.1, 0.1],
        "test_pairs": None, "val_pairs": None, "history_share": None, "seed": 123,
        "statistics": "cross_fit", "folds": 10, "unrated": "average", "scaling": "train", "missing": "drop",
        "whole_stars": False, "columns": ["userId", "movieId", "genres"], "side_information": False,
        "liked": None, "train_share": 1.0, "refit": None,
    }  # fmt: skip
    names = ("ml-latest-small/ratings.csv", "ml-latest-small/movies.csv")
    files = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in names}
    expected = hashlib.sha256(json.dumps([options, files]).encode()).hexdigest()
    assert describe_origin(tmp_path, module.options)["fingerprint"] == expected


@pytest.mark.parametrize("name", ["ratings", "movies"])
def test_the_fingerprint_changes_with_a_byte_of_any_file_that_is_read(tmp_path: Path, name: str) -> None:
    before = fingerprint(write_root(tmp_path), OPTIONS)
    with (tmp_path / f"ml-latest-small/{name}.csv").open("ab") as file:
        file.write(b"\n")
    assert fingerprint(tmp_path, OPTIONS) != before


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1}, {"statistics": "leave_one_out"}, {"whole_stars": True}, {"missing": "impute"},
        {"split": "time"}, {"fractions": (0.5, 0.375, 0.125)}, {"columns": ("movieId", "userId", "genres")},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_the_fingerprint_changes_with_each_option(tmp_path: Path, change: dict[str, Any]) -> None:
    write_root(tmp_path)
    assert fingerprint(tmp_path, replace(OPTIONS, **change)) != fingerprint(tmp_path, OPTIONS)


def test_the_number_of_folds_counts_where_there_are_folds(tmp_path: Path) -> None:
    write_root(tmp_path)
    crossed = replace(OPTIONS, statistics="cross_fit", folds=2)
    assert fingerprint(tmp_path, crossed) != fingerprint(tmp_path, replace(crossed, folds=3))
    assert fingerprint(tmp_path, OPTIONS) == fingerprint(tmp_path, replace(OPTIONS, folds=3))


@pytest.fixture
def tab_root(tmp_path: Path) -> Path:
    """An invented ml-100k, which a test may change."""
    write_ml_100k(tmp_path)
    return tmp_path


@pytest.mark.parametrize("split", ["u1", "u5", "ua"])
def test_a_published_split_tests_on_the_ratings_of_its_file(tab_root: Path, split: Any) -> None:
    options = replace(OPTIONS, release="ml-100k", split=split, fractions=(0.6, 0.2, 0.2))
    tables, rows = prepare(tab_root, options, cache=False)
    file = pd.read_csv(tab_root / f"ml-100k/{split}.test", sep="\t", names=["user", "movie", "stars", "time"])
    test = rows["test"]
    assert tables.user_ids[test.user].tolist() == file["user"].tolist()
    assert tables.movie_ids[test.movie].tolist() == file["movie"].tolist()
    assert (1 + 4 * test.rating).round().tolist() == file["stars"].tolist()
    assert len(rows["val"].rating) == 600 - len(file) - (600 - len(file)) * 3 // 4
    assert set(tables.record["files"]) == {
        f"ml-100k/{n}" for n in ("u.data", "u.item", f"{split}.base", f"{split}.test")
    }


def test_a_change_of_the_split_files_alone_changes_the_fingerprint(tab_root: Path) -> None:
    options = replace(OPTIONS, release="ml-100k", split="u1")
    before = prepare(tab_root, options, cache=True)[0].record["fingerprint"]
    base, test = (tab_root / f"ml-100k/u1.{part}" for part in ("base", "test"))
    first, rest = base.read_text().split("\n", 1)
    base.write_text(rest)
    test.write_text(test.read_text() + first + "\n")
    tables, rows = prepare(tab_root, options, cache=True)
    assert tables.record["fingerprint"] != before
    assert len(rows["test"].rating) == 121


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("u1.test", lambda lines: [*lines, "30\t1\t3\t0"]),
        ("u1.test", lambda lines: [lines[0].rsplit("\t", 1)[0] + "\t7", *lines[1:]]),
    ],
    ids=["one more", "another time"],
)
def test_a_split_that_tests_on_what_is_no_rating_is_refused(tab_root: Path, name: str, change: Any) -> None:
    path = tab_root / "ml-100k" / name
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    with pytest.raises(DataFormatError, match=r"u1\.test: expected ratings of ml-100k/u\.data, found 1 others"):
        prepare(tab_root, replace(OPTIONS, release="ml-100k", split="u1"), cache=False)


def test_a_split_whose_file_is_not_there_is_an_error_that_names_it(tab_root: Path) -> None:
    (tab_root / "ml-100k/u2.test").unlink()
    with pytest.raises(MissingDataError, match=r"u2\.test"):
        prepare(tab_root, replace(OPTIONS, release="ml-100k", split="u2"), cache=False)


@pytest.mark.parametrize(("release", "split"), [("ml-1m", "u1"), ("ml-10m", "ua")])
def test_a_split_that_a_release_was_not_published_with_is_refused(tmp_path: Path, release: Any, split: Any) -> None:
    with pytest.raises(ConfigError, match=f"with {release}, got {split}: that is a published split of ml-100k"):
        prepare(tmp_path / "nowhere", replace(OPTIONS, release=release, split=split), cache=False)


def test_a_share_of_the_training_ratings_changes_what_models_read_and_not_what_lists_leave_out(tmp_path: Path) -> None:
    root = write_root(tmp_path)
    whole, _ = by_time(root)
    half, rows = by_time(root, train_share=0.5)
    assert (len(whole.history_movies), len(half.history_movies), len(rows["train"].rating)) == (4, 2, 2)
    assert torch.equal(half.seen_movies, whole.seen_movies)
    assert half.record["row_sets"]["test"] == whole.record["row_sets"]["test"]
