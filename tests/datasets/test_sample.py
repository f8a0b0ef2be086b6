"""The generated sample: the published formats, a structure to learn, and no folder of the user's harmed."""

import csv
import json
import logging
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from movierec.datasets.catalog import RELEASES, Release
from movierec.datasets.metadata import OMDB_FILE, TMDB_FILE, read_omdb, read_tmdb
from movierec.datasets.movielens import read_links, read_movies, read_ratings, read_test_part
from movierec.datasets.root import is_sample
from movierec.datasets.sample import DEFAULT_RELEASES, SampleSize, write_sample
from movierec.errors import ConfigError, WriteError

SMALL = SampleSize(num_users=20, num_movies=60, num_ratings=200, seed=3)
GENERATED = {name: RELEASES[name] for name in DEFAULT_RELEASES}
both_releases = pytest.mark.parametrize("release", GENERATED.values(), ids=list(GENERATED))


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def records(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in ("first", 3), ("second", 3), ("third", 4):
        write_sample(tmp_path / name, SampleSize(num_users=20, num_movies=60, num_ratings=200, seed=seed))
    first, second, third = (contents(tmp_path / name) for name in ("first", "second", "third"))
    assert first == second
    assert {name for name in first if first[name] == third[name]} <= {"README.txt", "ml-1m/users.dat"}


@pytest.mark.parametrize("name", GENERATED)
def test_a_release_alone_is_the_same_as_beside_another_and_has_its_links(tmp_path: Path, name: str) -> None:
    for folder, releases in ("alone", (name,)), ("beside", tuple(GENERATED)):
        size = SampleSize(num_users=20, num_movies=60, num_ratings=200, seed=3, releases=releases)
        write_sample(tmp_path / folder, size)
    alone, beside = contents(tmp_path / "alone"), contents(tmp_path / "beside")
    (other,) = set(GENERATED) - {name}
    only_of_other = {file for file in beside if file.startswith(other)} - {"ml-latest-small/links.csv"}
    assert set(alone) == set(beside) - only_of_other
    assert {file for file in alone if alone[file] != beside[file]} == {"sample.json"}
    assert json.loads(alone["sample.json"])["releases"] == [name]
    assert len(read_links(tmp_path / "alone", GENERATED[name])) == len(read_movies(tmp_path / "alone", GENERATED[name]))


@both_releases
def test_blocks_follow_each_other_in_one_file(tmp_path: Path, release: Release) -> None:
    """Enough ratings for two blocks, written as the reader of one long file expects."""
    size = SampleSize(num_users=6_000, num_movies=3_000, num_ratings=1_100_000, releases=(release.name,))
    write_sample(tmp_path / "sample", size)
    ratings = read_ratings(tmp_path / "sample", release)
    assert len(ratings) == 1_100_000
    pairs = ratings["user_id"].to_numpy() * 10_000 + ratings["movie_id"].to_numpy()
    assert (np.diff(pairs) > 0).all()
    assert set(ratings["movie_id"]) <= set(read_movies(tmp_path / "sample", release)["movie_id"])
    if release.name == "ml-latest-small":
        tags = records(tmp_path / "sample/ml-latest-small/tags.csv")
        assert [int(tags[0]["userId"]), int(tags[-1]["userId"])] == [1, 6_000]
        assert {row["tag"] for row in tags} == {"slow"}
        assert len(tags) == pytest.approx(11_000, abs=2)


def test_lines_are_those_that_movielens_writes(sample_root: Path) -> None:
    header, *lines = (sample_root / "ml-latest-small/ratings.csv").read_bytes().split(b"\n")[:-1]
    assert header == b"userId,movieId,rating,timestamp"
    assert all(re.fullmatch(rb"\d+,\d+,[0-5]\.[05],\d{9,10}", line) for line in lines)
    lines = (sample_root / "ml-1m/ratings.dat").read_bytes().split(b"\n")[:-1]
    assert all(re.fullmatch(rb"\d+::\d+::[1-5]::\d{9,10}", line) for line in lines)
    users = (sample_root / "ml-1m/users.dat").read_text().splitlines()
    assert users[2] == "3::F::25::3::00000"
    assert len(users) == 300


def test_the_files_are_those_of_a_data_root_and_say_that_they_are_generated(tmp_path: Path) -> None:
    write_sample(tmp_path, SMALL)
    assert set(contents(tmp_path)) == {
        "README.txt", "sample.json", TMDB_FILE, OMDB_FILE,
        *(f"ml-latest-small/{name}.csv" for name in ("ratings", "movies", "links", "tags")),
        *(f"ml-1m/{name}.dat" for name in ("ratings", "movies", "users")),
    }  # fmt: skip
    assert is_sample(tmp_path)
    assert "Generated" in (tmp_path / "README.txt").read_text(encoding="utf-8")


@both_releases
def test_ratings_are_unique_pairs_on_the_scale_of_the_release(sample_root: Path, release: Release) -> None:
    ratings = read_ratings(sample_root, release)
    assert len(ratings) == len(set(zip(ratings["user_id"], ratings["movie_id"], strict=True))) == 20_000
    steps = np.arange(release.min_stars, 5 + release.min_stars, release.min_stars)
    assert set(ratings["stars"]) == set(steps)
    assert set(ratings["user_id"]) == set(range(1, 301))
    times = pd.to_datetime(ratings["timestamp"], unit="s")
    assert times.dt.year.between(2000, 2019).all()


@both_releases
def test_every_rated_film_is_listed_and_almost_all_have_metadata(
    sample_root: Path, release: Release, caplog: pytest.LogCaptureFixture
) -> None:
    movies = read_movies(sample_root, release)
    assert len(movies) == 400
    assert set(movies["movie_id"]) >= set(read_ratings(sample_root, release)["movie_id"])
    links = read_links(sample_root, release)
    assert (links["tmdb_id"] == -1).sum() == 400 // 50
    with caplog.at_level(logging.WARNING):
        known_at_tmdb = links["tmdb_id"].isin(read_tmdb(sample_root).index)
        known_at_imdb = links["imdb_id"].isin(read_omdb(sample_root).index)
    assert not caplog.records
    assert known_at_tmdb.mean() == pytest.approx(0.98)
    assert known_at_imdb.mean() == pytest.approx(0.98)


def test_the_sample_sets_the_traps_of_the_real_files(sample_root: Path) -> None:
    tmdb, omdb = records(sample_root / TMDB_FILE), records(sample_root / OMDB_FILE)
    assert {"0", ""} & {row["budget"] for row in tmdb} == {"0"}
    assert "" in {row["release_date"] for row in tmdb}
    assert all("N/A" in {row[name] for row in omdb} for name in ("BoxOffice", "Metascore", "Country"))
    assert any(row["BoxOffice"].startswith("$") and "," in row["BoxOffice"] for row in omdb)
    assert {" h " in row["Runtime"] for row in omdb} == {True, False}
    assert all(row["imdbId"].startswith("0") for row in records(sample_root / "ml-latest-small/links.csv")[:5])


def test_titles_hold_commas_colons_and_letters_beyond_ascii(sample_root: Path) -> None:
    small, large = (read_movies(sample_root, release)["title"] for release in GENERATED.values())
    for mark in (",", ":", "É", "ñ"):
        assert small.str.contains(mark).any()
        assert large.str.contains(mark).any()
    assert small.str.contains("Ночь").any()
    assert large.str.contains("?", regex=False).any()
    with pytest.raises(UnicodeDecodeError):
        (sample_root / "ml-1m/movies.dat").read_text(encoding="utf-8")


def test_what_the_readers_parse_is_what_was_meant(sample_root: Path) -> None:
    tmdb, omdb = read_tmdb(sample_root), read_omdb(sample_root)
    assert tmdb["tmdb_release_year"].dropna().between(1930, 2019).all()
    assert omdb["imdb_release_year"].between(1930, 2019).all()
    assert omdb["imdb_runtime"].between(60, 179).all()
    assert omdb["imdb_rating"].between(1, 10).all()
    assert 0.02 < omdb["imdb_box_office"].isna().mean() < 0.16


@both_releases
def test_users_and_films_tell_more_than_the_mean_of_all(sample_root: Path, release: Release) -> None:
    ratings = read_ratings(sample_root, release).sample(frac=1, random_state=0)
    train, test = ratings[:16_000], ratings[16_000:]
    mean = train["stars"].mean()
    of_user = train.groupby("user_id")["stars"].mean() - mean
    of_movie = train.groupby("movie_id")["stars"].mean() - mean
    predicted = mean + test["user_id"].map(of_user).fillna(0) + test["movie_id"].map(of_movie).fillna(0)
    r2 = 1 - ((test["stars"] - predicted) ** 2).sum() / ((test["stars"] - mean) ** 2).sum()
    assert r2 > 0.2


def test_ratings_of_imdb_tell_of_the_quality_of_a_film(sample_root: Path) -> None:
    links = read_links(sample_root, GENERATED["ml-latest-small"]).set_index("movie_id")
    means = read_ratings(sample_root, GENERATED["ml-latest-small"]).groupby("movie_id")["stars"].agg(["mean", "count"])
    at_imdb = links["imdb_id"].map(read_omdb(sample_root)["imdb_rating"])
    often = means["count"] >= 20
    assert means["mean"][often].corr(at_imdb) > 0.5


def test_an_earlier_sample_is_replaced_and_nothing_of_it_stays(tmp_path: Path) -> None:
    root = tmp_path / "sample"
    write_sample(root, SampleSize(num_users=5, num_movies=9, num_ratings=20))
    write_sample(root, SMALL)
    assert len(read_ratings(root, GENERATED["ml-1m"])) == 200
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


def test_a_folder_with_other_files_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match="holds other files"):
        write_sample(tmp_path, SMALL)
    assert contents(tmp_path) == {"thesis.tex": b"years of work"}


def test_a_file_in_place_of_the_folder_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "sample").write_text("years of work")
    with pytest.raises(ConfigError, match=str(tmp_path / "sample")):
        write_sample(tmp_path / "sample", SMALL)
    assert contents(tmp_path) == {"sample": b"years of work"}


def test_a_folder_of_a_like_name_beside_the_sample_stays(tmp_path: Path) -> None:
    (tmp_path / "sample.partial").mkdir()
    (tmp_path / "sample.partial" / "thesis.tex").write_text("years of work")
    write_sample(tmp_path / "sample", SMALL)
    assert (tmp_path / "sample.partial" / "thesis.tex").read_text() == "years of work"


def test_a_full_disk_is_named_and_an_earlier_sample_stays(tiny_disk: Path) -> None:
    (tiny_disk / "sample").mkdir()
    (tiny_disk / "sample" / "sample.json").write_text("{}")
    before = contents(tiny_disk)
    with pytest.raises(WriteError, match=r"sample could not be written: .*No space left .* Make room, or"):
        write_sample(tiny_disk / "sample", SampleSize())
    assert contents(tiny_disk) == before


def test_an_empty_folder_and_missing_parents_are_fine(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for root in (tmp_path / "empty", tmp_path / "far" / "below"):
        write_sample(root, SMALL)
        assert is_sample(root)


def test_the_folder_that_one_stands_in_can_become_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write_sample(Path(), SMALL)
    assert is_sample(tmp_path / "here")
    assert is_sample(Path())


@pytest.mark.parametrize(
    ("users", "movies", "ratings", "seed", "message"),
    [
        (0, 10, 5, 0, "at least one"),
        (10, 0, 5, 0, "at least one"),
        (10, 10, 0, 0, "at least one"),
        (-10, -10, 5, 0, "at least one"),
        (10, 10, 5, -1, "a seed of 0 or more, got 10 users, 10 films, 5 ratings and seed -1"),
        (10, 10, 19, 0, "at least 20 ratings, to be split and trained on, got 19"),
        (10, 10, 51, 0, "at most 50 ratings for 10 users and 10 films .* got 51"),
        (1, 1, 20, 0, "at most 0 ratings"),
    ],
)
def test_an_impossible_size_is_refused(*, users: int, movies: int, ratings: int, seed: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SampleSize(num_users=users, num_movies=movies, num_ratings=ratings, seed=seed)


@pytest.mark.parametrize("releases", [(), ("ml-5m",), ("ml-1m", "ml-5m")])
def test_a_release_that_is_not_known_is_refused(releases: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=r"releases among ml-latest-small, ml-1m, ml-100k, .*, got (none|.*ml-5m)\."):
        SampleSize(releases=releases)


@pytest.mark.parametrize(("users", "movies", "ratings"), [(1, 40, 20), (40, 1, 20), (10, 10, 50)])
def test_the_smallest_and_the_densest_sample_can_be_read(tmp_path: Path, users: int, movies: int, ratings: int) -> None:
    root = tmp_path / "sample"
    write_sample(root, SampleSize(num_users=users, num_movies=movies, num_ratings=ratings))
    for release in GENERATED.values():
        assert len(read_ratings(root, release)) == ratings
        assert len(read_movies(root, release)) == movies
    assert len(read_tmdb(root)) == movies


@pytest.mark.parametrize("release", RELEASES.values(), ids=list(RELEASES))
def test_any_release_can_be_generated_alone_with_the_links_it_needs(tmp_path: Path, release: Release) -> None:
    size = SampleSize(num_users=20, num_movies=60, num_ratings=200, releases=(release.name,))
    write_sample(tmp_path, size)
    ratings, movies = read_ratings(tmp_path, release), read_movies(tmp_path, release)
    assert (len(ratings), len(movies)) == (200, 60)
    assert set(ratings["stars"] % 1) == ({0.0} if release.min_stars == 1 else {0.0, 0.5})
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("links.csv")] == (
        [release.links] if release.links else []
    )
    assert not release.links or len(read_links(tmp_path, release)) == 60


def test_half_stars_of_ml_10m_are_written_as_published_and_its_titles_are_utf8(tmp_path: Path) -> None:
    write_sample(tmp_path, SampleSize(releases=("ml-10m",)))
    lines = (tmp_path / "ml-10M100K/ratings.dat").read_bytes().split(b"\n")[:-1]
    assert all(re.fullmatch(rb"\d+::\d+::([1-5]|[0-4]\.5)::\d{9,10}", line) for line in lines)
    assert read_movies(tmp_path, RELEASES["ml-10m"])["title"].str.contains("\u041d\u043e\u0447\u044c").any()


def test_the_splits_of_ml_100k_are_five_fifths_and_twice_ten_ratings_of_each_user(tmp_path: Path) -> None:
    release = RELEASES["ml-100k"]
    write_sample(tmp_path, SampleSize(num_users=60, num_movies=200, num_ratings=5_000, releases=("ml-100k",)))
    ratings = read_ratings(tmp_path, release)
    tests = {split: read_test_part(tmp_path, release, split, ratings) for split in release.splits}
    assert (np.sum([tests[f"u{number}"] for number in range(1, 6)], axis=0) == 1).all()
    assert [tests[f"u{number}"].sum() for number in range(1, 6)] == [1_000] * 5
    assert not (tests["ua"] & tests["ub"]).any()
    given = ratings.groupby("user_id").size()
    for split in "ua", "ub":
        assert ratings[tests[split]].groupby("user_id").size().equals((given // 3).clip(upper=10))
