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
from movierec.datasets.movielens import read_links, read_movies, read_ratings
from movierec.datasets.root import is_sample
from movierec.datasets.sample import DEFAULT_RELEASES, SampleSize, write_sample
from movierec.errors import ConfigError

SMALL = SampleSize(num_users=20, num_movies=60, num_ratings=200, seed=3)
LATEST, ML_1M = (RELEASES[name] for name in DEFAULT_RELEASES)
both_releases = pytest.mark.parametrize("release", [LATEST, ML_1M], ids=DEFAULT_RELEASES)


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
    assert {name for name in first if first[name] == third[name]} == {"README.txt"}


@pytest.mark.parametrize("name", DEFAULT_RELEASES)
def test_a_release_alone_is_the_same_as_beside_another_and_has_its_links(tmp_path: Path, name: str) -> None:
    for folder, releases in ("alone", (name,)), ("beside", DEFAULT_RELEASES):
        size = SampleSize(num_users=20, num_movies=60, num_ratings=200, seed=3, releases=releases)
        write_sample(tmp_path / folder, size)
    alone, beside = contents(tmp_path / "alone"), contents(tmp_path / "beside")
    (other,) = set(DEFAULT_RELEASES) - {name}
    only_of_other = {file for file in beside if file.startswith(other)} - {"ml-latest-small/links.csv"}
    assert set(alone) == set(beside) - only_of_other
    assert {file for file in alone if alone[file] != beside[file]} == {"sample.json"}
    assert json.loads(alone["sample.json"])["releases"] == [name]
    assert len(read_links(tmp_path / "alone", RELEASES[name])) == len(read_movies(tmp_path / "alone", RELEASES[name]))


def test_the_files_are_those_of_a_data_root_and_say_that_they_are_generated(tmp_path: Path) -> None:
    write_sample(tmp_path, SMALL)
    assert set(contents(tmp_path)) == {
        "README.txt", "sample.json", TMDB_FILE, OMDB_FILE,
        *(f"ml-latest-small/{name}.csv" for name in ("ratings", "movies", "links", "tags")),
        *(f"ml-1m/{name}.dat" for name in ("ratings", "movies", "users")),
    }  # fmt: skip
    assert is_sample(tmp_path)
    assert "Generated" in (tmp_path / "README.txt").read_text(encoding="utf-8")


def test_lines_are_those_that_movielens_writes(sample_root: Path) -> None:
    header, *lines = (sample_root / "ml-latest-small/ratings.csv").read_bytes().split(b"\n")[:-1]
    assert header == b"userId,movieId,rating,timestamp"
    assert all(re.fullmatch(rb"\d+,\d+,[0-5]\.[05],\d{9,10}", line) for line in lines)
    lines = (sample_root / "ml-1m/ratings.dat").read_bytes().split(b"\n")[:-1]
    assert all(re.fullmatch(rb"\d+::\d+::[1-5]::\d{9,10}", line) for line in lines)
    users = (sample_root / "ml-1m/users.dat").read_text().splitlines()
    person = r"\d+::[FM]::(1|18|25|35|45|50|56)::(1?\d|20)::\d{5}"
    assert all(re.fullmatch(person, line) for line in users)
    assert [int(line.split("::")[0]) for line in users] == list(range(1, 301))
    assert "Children's" in (sample_root / "ml-1m/movies.dat").read_text("latin-1")
    assert {row["tag"] for row in records(sample_root / "ml-latest-small/tags.csv")} >= {"creepy", "space"}


@pytest.mark.parametrize("name", ["ml-10m", "ml-32m"])
def test_any_release_but_ml_100k_can_be_generated_alone(tmp_path: Path, name: str) -> None:
    release = RELEASES[name]
    write_sample(tmp_path, SampleSize(num_users=20, num_movies=60, num_ratings=200, releases=(name,)))
    ratings, movies = read_ratings(tmp_path, release), read_movies(tmp_path, release)
    assert (len(ratings), len(movies), len(read_links(tmp_path, release))) == (200, 60, 60)
    assert set(ratings["stars"] % 1) == ({0.0} if release.min_stars == 1 else {0.0, 0.5})
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("links.csv")] == [release.links]


@both_releases
def test_users_rate_a_film_once_on_the_scale_in_a_few_sessions_and_after_its_release(
    sample_root: Path, release: Release
) -> None:
    ratings = read_ratings(sample_root, release)
    assert len(ratings.drop_duplicates(["user_id", "movie_id"])) == 20_000
    assert set(ratings["stars"]) == set(np.arange(release.min_stars, 5.5, release.min_stars))
    assert set(ratings["user_id"]) == set(range(1, 301))
    times = pd.to_datetime(ratings["timestamp"], unit="s")
    assert times.dt.year.between(2000, 2019).all()
    tmdb_ids = read_links(sample_root, release).set_index("movie_id")["tmdb_id"]
    tmdb = pd.read_csv(sample_root / TMDB_FILE, index_col="tmdbId", parse_dates=["release_date"])
    released = ratings["movie_id"].map(tmdb_ids).map(tmdb["release_date"])
    assert (times[released.notna()] > released.dropna()).all()
    breaks = ratings.assign(time=times).sort_values("time").groupby("user_id")["time"].diff() > pd.Timedelta(days=1)
    assert breaks.groupby(ratings["user_id"]).sum().median() <= 4


@both_releases
def test_every_rated_film_is_listed_and_almost_all_have_metadata(
    sample_root: Path, release: Release, caplog: pytest.LogCaptureFixture
) -> None:
    movies = read_movies(sample_root, release)
    assert len(movies) == 400
    assert set(movies["movie_id"]) >= set(read_ratings(sample_root, release)["movie_id"])
    links = read_links(sample_root, release)
    with caplog.at_level(logging.WARNING):
        tmdb, omdb = read_tmdb(sample_root), read_omdb(sample_root)
    assert not caplog.records
    assert links["tmdb_id"].isin(tmdb.index).mean() == pytest.approx(0.98)
    assert links["imdb_id"].isin(omdb.index).mean() == pytest.approx(0.98)
    assert omdb["imdb_release_year"].between(1930, 2018).all()
    assert omdb["imdb_runtime"].between(60, 179).all()


def test_the_sample_sets_the_traps_of_the_real_files(sample_root: Path) -> None:
    tmdb, omdb = records(sample_root / TMDB_FILE), records(sample_root / OMDB_FILE)
    assert "0" in {row["budget"] for row in tmdb}
    assert "" in {row["release_date"] for row in tmdb}
    for name in "BoxOffice", "Metascore", "Country", "Director", "Actors", "Plot":
        assert 0 < sum(row[name] == "N/A" for row in omdb) < 60
    assert any(row["BoxOffice"].startswith("$") and "," in row["BoxOffice"] for row in omdb)
    assert {" h " in row["Runtime"] for row in omdb} == {True, False}
    assert all(row["imdbId"].startswith("0") for row in records(sample_root / "ml-latest-small/links.csv")[:5])


def test_titles_are_unique_and_hold_commas_colons_and_letters_beyond_ascii(sample_root: Path) -> None:
    small, large = (read_movies(sample_root, release)["title"] for release in (LATEST, ML_1M))
    assert small.is_unique
    assert small.str.fullmatch(r".+ \((19|20)\d\d\)").all()
    for mark in (", The", ":", "É", "ñ"):
        assert small.str.contains(mark).any()
        assert large.str.contains(mark).any()
    assert small.str.contains("Ночь").any()
    assert large.str.contains("?", regex=False).any()
    with pytest.raises(UnicodeDecodeError):
        (sample_root / "ml-1m/movies.dat").read_text(encoding="utf-8")


def test_directors_actors_and_plots_tell_of_the_genre(sample_root: Path) -> None:
    films = pd.DataFrame(records(sample_root / OMDB_FILE))
    horror = films["Genre"].str.contains("Horror")
    of_children = films["Genre"].str.contains("Children")
    assert not (horror & of_children).any()
    assert films.loc[films["Actors"] != "N/A", "Actors"].str.fullmatch(r"[^,]+, [^,]+, [^,]+").all()
    assert (films.loc[horror, "Plot"].str.contains("cellar|grave|pale|curse|midnight|attic")).mean() > 0.8
    for column in "Director", "Actors":
        names = films[column].str.split(", ").explode()
        share = horror.loc[names.index].groupby(names.to_numpy()).agg(["mean", "size"])
        often = share.loc[(share["size"] >= 4) & (share.index != "N/A"), "mean"]
        assert ((often == 0) | (often > 0.4)).mean() > 0.7


@both_releases
def test_neighbours_know_more_of_a_users_likes_than_popularity_and_biases_more_than_the_mean(
    sample_root: Path, release: Release
) -> None:
    ratings = read_ratings(sample_root, release).sample(frac=1, random_state=0)
    train, test = ratings[:16_000], ratings[16_000:]
    stars = train.pivot_table(index="user_id", columns="movie_id", values="stars")
    mean = train["stars"].mean()
    predicted = mean + (stars.mean(axis=1) - mean).loc[test["user_id"]].to_numpy()
    predicted += (stars.mean() - mean).reindex(test["movie_id"]).fillna(0).to_numpy()
    assert ((test["stars"] - predicted) ** 2).mean() < 0.8 * ((test["stars"] - mean) ** 2).mean()

    watched = stars.notna().to_numpy().astype(float)
    likeness = watched.T @ watched / np.sqrt(np.outer(watched.sum(axis=0), watched.sum(axis=0)))
    np.fill_diagonal(likeness, 0)
    liked = test[test["stars"] >= 4].pivot_table(index="user_id", columns="movie_id", values="stars")
    likes = liked.reindex_like(stars).notna().to_numpy()

    def hits(scores: np.ndarray) -> int:
        lists = np.argsort(np.where(watched > 0, -1, scores), axis=1)[:, -10:]
        return int(np.take_along_axis(likes, lists, axis=1).sum())

    assert hits(watched @ likeness**3) > 1.3 * hits(np.tile(watched.sum(axis=0), (len(watched), 1)))


def test_ratings_of_imdb_tell_of_the_quality_of_a_film(sample_root: Path) -> None:
    links = read_links(sample_root, LATEST).set_index("movie_id")
    means = read_ratings(sample_root, LATEST).groupby("movie_id")["stars"].agg(["mean", "count"])
    at_imdb = links["imdb_id"].map(read_omdb(sample_root)["imdb_rating"])
    assert means["mean"][means["count"] >= 20].corr(at_imdb) > 0.5


def test_women_and_men_like_other_genres(sample_root: Path) -> None:
    users = pd.read_csv(sample_root / "ml-1m/users.dat", sep="::", engine="python", header=None, index_col=0)
    ratings, movies = read_ratings(sample_root, ML_1M), read_movies(sample_root, ML_1M).set_index("movie_id")
    is_woman = ratings["user_id"].map(users[1]) == "F"
    genres = ratings["movie_id"].map(movies["genres"].str.join("|"))
    romance, space = (is_woman[genres.str.contains(name)].mean() for name in ("Romance", "Sci-Fi"))
    assert romance > space + 0.05


def test_an_earlier_sample_is_replaced_and_nothing_of_it_stays(tmp_path: Path) -> None:
    root = tmp_path / "sample"
    write_sample(root, SampleSize(num_users=5, num_movies=9, num_ratings=20))
    write_sample(root, SMALL)
    assert len(read_ratings(root, ML_1M)) == 200
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


def test_a_folder_with_other_files_or_a_file_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for root in tmp_path, tmp_path / "thesis.tex":
        with pytest.raises(ConfigError, match=f"Expected {root} to be an empty folder or an earlier sample"):
            write_sample(root, SMALL)
    assert contents(tmp_path) == {"thesis.tex": b"years of work"}


def test_the_folder_that_one_stands_in_can_become_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write_sample(Path(), SMALL)
    assert is_sample(tmp_path / "here")
    assert is_sample(Path())


@pytest.mark.parametrize(
    ("users", "movies", "ratings", "seed", "message"),
    [
        (0, 10, 5, 0, "20 to 0 ratings"),
        (10, -10, 5, 0, "ratings"),
        (10, 10, 5, -1, "a seed of 0 or more.* got seed -1"),
        (10, 10, 19, 0, "20 to 50 ratings .* got seed 0 and 19"),
        (10, 10, 51, 0, "20 to 50 ratings .*10 users and 10 films.* and 51"),
    ],
)
def test_an_impossible_size_is_refused(*, users: int, movies: int, ratings: int, seed: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SampleSize(num_users=users, num_movies=movies, num_ratings=ratings, seed=seed)


@pytest.mark.parametrize(("users", "movies", "ratings"), [(1, 40, 20), (40, 1, 20), (10, 10, 50)])
def test_the_smallest_and_the_densest_sample_can_be_read(tmp_path: Path, users: int, movies: int, ratings: int) -> None:
    write_sample(tmp_path, SampleSize(num_users=users, num_movies=movies, num_ratings=ratings))
    for release in LATEST, ML_1M:
        assert len(read_ratings(tmp_path, release)) == ratings
        assert len(read_movies(tmp_path, release)) == movies
    assert len(read_tmdb(tmp_path)) == movies
