"""The user's own ratings, prepared and recommended from as those of MovieLens are."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from movierec.cli import main
from movierec.data import RatingsDataModule
from movierec.data.pairs import read_pairs
from movierec.data.tables import Tables
from movierec.datasets.check import check_data
from movierec.errors import ConfigError, DataFormatError, MissingDataError, UnknownIdError
from movierec.models.ease_model import EaseModel
from movierec.recommend.recommender import Recommender
from movierec.training.rating_task import RatingTask

LATEST = "ml-latest-small"


@pytest.fixture(scope="module")
def published(sample_root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    ratings, movies = (pd.read_csv(sample_root / LATEST / f"{name}.csv") for name in ("ratings", "movies"))
    return ratings, movies


def prepared(root: Path, **options: Any) -> RatingsDataModule:
    module = RatingsDataModule(root=root, cache=False, **options)
    module.setup()
    return module


def tables_of(module: RatingsDataModule) -> Tables:
    assert module.tables is not None
    return module.tables


def padded(ids: pd.Series, letter: str) -> pd.Series:
    """Texts in the order of the numbers."""
    return letter + ids.astype(str).str.zfill(7)


def write_texts(folder: Path, ratings: pd.DataFrame, movies: pd.DataFrame) -> None:
    """Write Kaggle's names of files, compressed; text ids, ISO times, no genres."""
    folder.mkdir()
    times = pd.to_datetime(ratings["timestamp"], unit="s").astype(str)
    texts = {"userId": padded(ratings["userId"], "u"), "movieId": padded(ratings["movieId"], "tt")}
    ratings.assign(**texts, timestamp=times).to_csv(folder / "rating.csv.gz", index=False)
    movies.assign(movieId=padded(movies["movieId"], "tt")).to_parquet(folder / "movie.parquet")


def test_text_ids_iso_times_and_compressed_files_give_the_rows_of_the_published_files(
    published: tuple[pd.DataFrame, pd.DataFrame], sample_root: Path, tmp_path: Path
) -> None:
    write_texts(tmp_path / "site", *published)
    options = {"split": "time", "columns": ["genres"]}
    own, expected = prepared(tmp_path, release="site", **options), prepared(sample_root, **options)
    for part, rows in expected.rows.items():
        assert all(torch.equal(*columns) for columns in zip(own.rows[part], rows, strict=True))
    tables = tables_of(own)
    assert tables.user_names == sorted({*padded(published[0]["userId"], "u")})
    assert torch.equal(tables.history_days, tables_of(expected).history_days)
    assert Tables.from_state(tables.state()).movie_names == sorted(padded(published[1]["movieId"], "tt"))


def test_users_and_films_go_by_their_texts_in_lists_predictions_and_pairs(
    published: tuple[pd.DataFrame, pd.DataFrame], sample_root: Path, tmp_path: Path
) -> None:
    write_texts(tmp_path / "site", *published)
    tables, expected = (
        tables_of(prepared(root, **more)) for root, more in ((tmp_path, {"release": "site"}), (sample_root, {}))
    )
    own, other = (EaseModel(each) for each in (tables, expected))
    for model in own, other:
        model.fit(model.gram_matrix(), l2=20.0, p=1.0)
    user_id = int(published[0]["userId"].iloc[0])
    listed = Recommender(own).recommend(f"u{user_id:07}")
    assert listed["movie_id"].tolist() == [f"tt{film:07}" for film in Recommender(other).recommend(user_id)["movie_id"]]
    film = listed["movie_id"].iloc[0]
    assert Recommender(own).similar(film)["movie_id"].str.startswith("tt").all()
    (tmp_path / "pairs.csv").write_text(f"userId,movieId\nu{user_id:07},{film}\nu{user_id:07},nothing\n")
    with pytest.raises(UnknownIdError, match=r"pairs.csv, line 3: film 'nothing' is not in the ratings"):
        read_pairs(tmp_path / "pairs.csv", tables)
    with pytest.raises(UnknownIdError, match=r"User bob is not in the ratings \(ids from u0000001 to"):
        Recommender(own).recommend("bob")


def test_a_file_of_other_names_and_another_scale_has_ids_for_titles(
    published: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    ratings = published[0].assign(rating=published[0]["rating"] * 20 - 10)
    ratings = ratings.rename(columns={"userId": "buyer", "movieId": "item"}).drop(columns="timestamp")
    ratings.to_csv(tmp_path / "my.csv", index=False)
    module = prepared(tmp_path, ratings=tmp_path / "my.csv", columns_map={"userId": "buyer"})
    tables = tables_of(module)
    assert (tables.min_stars, tables.max_stars) == (0, 90)
    assert tables.titles == [str(movie_id) for movie_id in sorted(set(ratings["item"]))]
    assert (tables.history_days == -1).all()
    with pytest.raises(ConfigError, match="different times"):
        prepared(tmp_path, release="my.csv", columns_map={"userId": "buyer"}, split="time")
    with pytest.raises(DataFormatError, match="expected a column userId or user_id or user, found 'buyer, item, rati"):
        prepared(tmp_path, release="my.csv")
    with pytest.raises(DataFormatError, match="expected a column points, found 'buyer, item, rating'"):
        prepared(tmp_path, release="my.csv", columns_map={"userId": "buyer", "rating": "points"})


def test_likes_without_stars_train_lists_and_no_model_of_ratings(tmp_path: Path, tables: Tables) -> None:
    lines = [f"{user},{film}" for user in range(30) for film in range(40) if (user + film) % 3]
    (tmp_path / "likes.csv").write_text("\n".join(["user,item", *lines]) + "\n")
    likes = tables_of(prepared(tmp_path, ratings=tmp_path / "likes.csv"))
    assert (likes.min_stars, likes.max_stars, likes.liked_stars) == (0, 1, 1)
    model = EaseModel(likes)
    model.fit(model.gram_matrix(), l2=2.0, p=1.0)
    assert len(Recommender(model).recommend(1, top=5)) == 5
    task = RatingTask()
    with pytest.raises(ConfigError, match=r"likes.csv has likes alone"):
        task.attach(task.build_model(likes))


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        ("userId;movieId\na;1\n", "found 'userId;movieId'. Put commas between the columns, rename it, or say"),
        ("userId,movieId,rating\na,1,x\n", "line 2: expected a number as rating, found 'x'"),
        ("userId,movieId,rating\na,1,\n", "line 2: expected a number as rating, found 'nan'"),
        ("userId,movieId,rating\n,1,2\n", "line 2: expected an id as userId"),
        ("userId,movieId,rating\na,1\n", "line 2: expected 3 fields, found 2"),
        ("userId,movieId,rating\na,1,2\na,1,3\n", "line 3: user a rated film 1 before"),
        ("userId,movieId,rating,timestamp\na,1,2,noon\n", "line 2: expected seconds since 1970 or a time such as"),
        ("userId,movieId,rating\na,7,2\n", "expected each rated film in site/movies.csv, found 1 ratings of others"),
    ],
)
def test_faults_are_found_by_the_check_and_named_by_their_line(tmp_path: Path, ratings: str, message: str) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/ratings.csv").write_text(ratings)
    (tmp_path / "site/movies.csv").write_text("movieId,title\n1,A\n")
    (problem,) = check_data(tmp_path).problems
    assert message in problem


@pytest.mark.parametrize("name", ["my.csv.gz", "my.parquet"])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame({"user": ["ann", "bob"], "item": ["A", "B"], "rating": ["1", "good"]})
    path = tmp_path / name
    frame.to_csv(path) if path.suffix == ".gz" else frame.to_parquet(path)
    (problem,) = check_data(path).problems
    assert "expected a number as rating, found" in problem
    path.write_bytes(path.read_bytes()[:-20])
    (problem,) = check_data(path).problems
    assert f"{name}: expected a whole {path.suffix} file; " in problem


def test_the_check_takes_other_names_of_columns_and_gives_them_to_the_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my.csv"
    path.write_text("buyer,item,rating\nann,A,4\nbob,B,4\n")
    command = ["data", "check", str(path), "--columns_map"]
    assert main([*command, "{userId: buyer}"]) == 0
    output = capsys.readouterr().out
    assert f"--data.ratings {path} --data.columns_map '{{userId: buyer}}'\n" in output
    assert "all ratings are 4, so no model learns" in output
    with pytest.raises(SystemExit):
        main([*command, "userId buyer"])
    assert "expected names as in '{userId: buyer, movieId: item}', got 'userId buyer'" in capsys.readouterr().err


def test_the_check_says_what_it_understood_in_five_lines(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/ratings.csv").write_text(
        "user,item,score,date\nann,1,7,2001-02-03\nbob,1,9,2004-05-06T07:08:09Z\n"
    )
    (tmp_path / "site/movies.csv").write_text("movieId,title\n1,A\n2,B\n")
    expected = [
        "2 ratings by 2 users of 1 films",
        "columns of site/ratings.csv: user, item, score, date; users are texts such as ann, films numbers such as 1",
        "ratings from 7 to 9, 2 different ones, mean 8; given from 2001-02-03 to 2004-05-06",
        "2 films in site/movies.csv, with no genres; no links.csv, so no metadata",
        f"python -m movierec fit --config configs/model6.yaml --data.root {tmp_path} --data.release site",
    ]
    for place in tmp_path, tmp_path / "site":
        assert check_data(place).own == {"site": expected}


def test_a_release_that_is_not_there_is_an_error_that_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"Expected site to be one of ml-latest-small, .*found no ratings"):
        prepared(tmp_path, release="site")


def test_ratings_of_any_scale_are_kept_as_they_are(tmp_path: Path) -> None:
    stars = [-6.77, 0.0, 3.0, 100_000.0]
    lines = [f"{user},{film},{one}" for film, one in enumerate(stars) for user in range(20)]
    (tmp_path / "my.csv").write_text("\n".join(["user,item,rating", *lines]) + "\n")
    tables = tables_of(prepared(tmp_path, ratings=tmp_path / "my.csv"))
    assert sorted({*tables.history_stars.tolist()}) == pytest.approx(stars)
    assert len(tables.levels) == 21


def test_a_scale_without_half_steps_has_twenty_steps(tables: Tables) -> None:
    stars = torch.linspace(0, 10, len(tables.history_stars)).half()
    other = replace(tables, min_stars=0.0, max_stars=10.0, history_stars=stars)
    assert other.levels.tolist() == pytest.approx([step / 2 for step in range(21)])
