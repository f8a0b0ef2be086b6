"""What a model may read of a person: the films, the stars and the days of their ratings."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from movierec.data import RatingsDataModule
from movierec.data.batches import Batch
from movierec.data.histories import history_of, training_days, training_ratings, user_statistics
from movierec.data.tables import Tables


def prepared(root: Path, **options: Any) -> tuple[Tables, dict[str, Batch]]:
    return RatingsDataModule(root=root, cache=False, **options).prepare()


def read_ratings(root: Path) -> pd.DataFrame:
    ratings = pd.read_csv(root / "ml-latest-small/ratings.csv")
    return ratings.assign(day=pd.to_datetime(ratings["timestamp"], unit="s").dt.strftime("%Y-%m-%d"))


def as_dates(days: list[int]) -> list[str]:
    return [str(date) for date in np.array(days, dtype="datetime64[D]")]


def test_a_history_has_the_days_of_the_training_ratings(sample_root: Path) -> None:
    tables, rows = prepared(sample_root)
    days = read_ratings(sample_root).set_index(["userId", "movieId"])["day"]
    train = rows["train"]
    for user in (0, 17, 250):
        history = history_of(tables, user)
        assert history.days is not None
        films = tables.movie_ids[torch.from_numpy(history.movies)].tolist()
        assert as_dates(history.days.tolist()) == [days[int(tables.user_ids[user]), film] for film in films]
        assert len(films) == (train.user == user).sum()


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_the_ratings_of_each_part_have_their_days(sample_root: Path, part: str) -> None:
    tables, rows = prepared(sample_root)
    days = read_ratings(sample_root).set_index(["userId", "movieId"])["day"]
    batch = rows[part].take(slice(0, 500))
    ids = tables.user_ids[batch.user.long()].tolist(), tables.movie_ids[batch.movie.long()].tolist()
    assert as_dates(batch.day.tolist()) == [days[pair] for pair in zip(*ids, strict=True)]


def test_ratings_without_times_have_no_days(sample_root: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(sample_root, tmp_path / "root"))
    path = root / "ml-latest-small/ratings.csv"
    pd.read_csv(path).assign(timestamp=0).to_csv(path, index=False)
    tables, rows = prepared(root)
    assert history_of(tables, 3).days is None
    assert set(rows["test"].day.tolist()) == {-1}


@pytest.mark.parametrize("statistics", ["cross_fit", "leave_one_out", "self_inclusive", "per_split"])
def test_held_out_users_are_known_by_their_histories_alone(sample_root: Path, statistics: Any) -> None:
    chosen: dict[str, Any] = {"split": "users", "fractions": (0.6, 0.2, 0.2), "history_share": 0.75}
    tables, rows = prepared(sample_root, statistics=statistics, **chosen)
    ratings = read_ratings(sample_root).set_index(["userId", "movieId"])["rating"]
    assert tables.held_out.sum() == 120  # of 300
    assert tables.held_out[rows["train"].user.long()].sum() == 0
    of_films = np.zeros(len(tables.movie_ids))
    np.add.at(of_films, rows["train"].movie.numpy(), 1)
    low, high = tables.statistics_range[0][tables.scoring_bank, :, 2]
    count = tables.movie_statistics[tables.scoring_bank, :, 2].double() * (high - low) + low
    assert count[of_films > 0].numpy() == pytest.approx(of_films[of_films > 0], abs=1e-3)  # no history among them
    for user in tables.held_out.nonzero().flatten().tolist()[::10]:
        history, user_id = history_of(tables, user), int(tables.user_ids[user])
        own = ratings[user_id]
        tested = torch.cat([rows[part].movie[rows[part].user == user] for part in ("val", "test")]).tolist()
        assert (
            sorted([*history.movies.tolist(), *tested])
            == np.searchsorted(tables.movie_ids.numpy(), own.index.to_numpy()).tolist()
        )
        assert len(history.movies) == len(own) * 3 // 4
        stars = own[tables.movie_ids[torch.from_numpy(history.movies)].tolist()]
        assert history.stars.tolist() == stars.tolist()
        read = user_statistics(tables, history)
        low, high = tables.statistics_range[1][tables.scoring_bank]
        expected = np.array([user_id, stars.mean(), len(stars), stars.std()])
        assert (read.double() * (high - low) + low).numpy() == pytest.approx(expected, abs=1e-3)
        assert torch.equal(read, tables.user_statistics[tables.scoring_bank, user])


def test_the_days_of_training_ratings_are_in_the_order_of_their_stars_without_those_of_held_out_users(
    sample_root: Path,
) -> None:
    tables, rows = prepared(sample_root, split="users")
    train, rated = rows["train"], training_ratings(tables).tocoo()
    pairs = zip(train.user.tolist(), train.movie.tolist(), strict=True)
    day = dict(zip(pairs, train.day.tolist(), strict=True))
    expected = [day[pair] for pair in zip(rated.row.tolist(), rated.col.tolist(), strict=True)]
    assert training_days(tables).tolist() == expected


def test_the_record_counts_the_ratings_that_held_out_users_are_known_by(sample_root: Path) -> None:
    tables, rows = prepared(sample_root, split="users")
    held_out = tables.history_offsets.diff()[tables.held_out].sum()
    assert tables.record["ratings_of_histories"] == held_out == 20_000 - sum(tables.record["rows"].values())
    assert prepared(sample_root)[0].record["ratings_of_histories"] == 0
    assert not prepared(sample_root)[0].held_out.any()
    assert len(rows["train"].rating) + held_out == len(tables.history_movies)
