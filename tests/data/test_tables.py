from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.preprocessing import MinMaxScaler
from torch import Tensor

from movierec.data import CombinedDataModule, RatingsDataModule
from movierec.data.histories import History, history_of, user_statistics
from movierec.data.scaling import Scaling, scale_statistics
from movierec.data.split import Split, random_split
from movierec.data.tables import SCHEMA, Tables, group_by_user
from movierec.errors import CheckpointError


@pytest.fixture(scope="module")
def tables(sample_root: Path) -> Tables:
    module = CombinedDataModule(root=sample_root)
    module.setup()
    assert module.tables is not None
    return module.tables


def tables_of(root: Path, **options: Any) -> Tables:
    module = RatingsDataModule(root=root, **options)
    module.setup()
    assert module.tables is not None
    return module.tables


def same(value: Any, other: Any) -> bool:
    if isinstance(value, Tensor):
        return value.dtype == other.dtype and torch.equal(value, other)
    if isinstance(value, tuple):
        return all(same(mine, theirs) for mine, theirs in zip(value, other, strict=True))
    return bool(value == other)


def test_a_state_survives_a_file_that_is_read_with_weights_only(tables: Tables, tmp_path: Path) -> None:
    torch.save(tables.state(), tmp_path / "tables.pt")
    restored = Tables.from_state(torch.load(tmp_path / "tables.pt", weights_only=True))
    assert {name for name, value in vars(tables).items() if not same(value, getattr(restored, name))} == set()
    assert restored.width == tables.width == len(tables.feature_names)


@pytest.mark.parametrize("schema", [SCHEMA + 1, SCHEMA - 1, None])
def test_a_state_of_another_schema_is_refused(tables: Tables, schema: int | None) -> None:
    with pytest.raises(CheckpointError, match=f"schema {SCHEMA}, found {schema}"):
        Tables.from_state(tables.state() | {"schema": schema})


@pytest.mark.parametrize("name", ["movie_features", "movie_statistics", "user_statistics", "history_stars"])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_state_with_numbers_that_are_not_finite_is_refused(tables: Tables, name: str, value: float) -> None:
    state = tables.state()
    changed = state[name].clone()
    changed.view(-1)[changed[0].numel() * int(tables.complete.int().argmax()) if name == "movie_features" else 0] = (
        value
    )
    with pytest.raises(CheckpointError, match="numbers that are NaN or infinite"):
        Tables.from_state(state | {name: changed})


def test_the_unit_scale_runs_from_the_lowest_to_the_highest_stars(tables: Tables) -> None:
    assert (tables.min_stars, tables.max_stars) == (0.5, 5.0)
    stars = torch.tensor([0.5, 2.75, 5.0])
    assert tables.to_stars(torch.tensor([0, 0.5, 1])).tolist() == stars.tolist()


@pytest.mark.parametrize(("given", "levels"), [((1, 5, 3), [1, 2, 3, 4, 5]), ((1, 2.5), [1, 1.5, 2, 2.5])])
def test_levels_are_half_steps_where_people_gave_half_stars(
    tables: Tables, given: tuple[float, ...], levels: list[float]
) -> None:
    stars = torch.tensor(given)
    other = replace(tables, history_stars=stars.half(), min_stars=stars.min().item(), max_stars=stars.max().item())
    assert other.levels.tolist() == levels


def test_stars_are_clipped_to_the_scale(tables: Tables) -> None:
    assert tables.to_stars(torch.tensor([-3.0, -0.001, 1.001, 40.0])).tolist() == [0.5, 0.5, 5, 5]


def draw_statistics(num_banks: int) -> tuple[np.ndarray, np.ndarray, Split]:
    rng = np.random.default_rng(2)
    values = rng.normal(3, 2, (num_banks, 12, 4))
    values[:, -1] = 1e6  # nobody reads the last film
    return values, rng.integers(0, 11, 80), random_split(80, (0.6, 0.2, 0.2), seed=4)


def check_against_frames_of_rows(
    values: np.ndarray, index: np.ndarray, bank: np.ndarray, split: Split, scaling: Scaling
) -> None:
    """Scale as one would without tables: a frame of one line a rating, and scikit-learn's scaler on it."""
    scaled, ranges = scale_statistics(values, index=index, bank=bank, split=split, scaling=scaling)
    frame = values[bank, index]
    assert (scaled.dtype, ranges.dtype, ranges.shape) == (torch.float32, torch.float64, (len(values), 2, 4))
    for part in split:
        scaler = MinMaxScaler().fit(frame[part if scaling == "per_split" else split.train])
        np.testing.assert_allclose(
            scaled.numpy()[bank, index][part], scaler.transform(frame[part]), rtol=1e-5, atol=1e-6
        )
        for row in part:
            np.testing.assert_array_equal(ranges[bank[row]], [scaler.data_min_, scaler.data_max_])


def test_train_scaling_agrees_with_a_scaler_fitted_on_the_training_rows() -> None:
    values, index, split = draw_statistics(5)
    bank = np.full(80, 4)
    bank[split.train] = np.random.default_rng(0).integers(0, 4, len(split.train))
    check_against_frames_of_rows(values, index, bank, split, "train")


def test_per_split_scaling_agrees_with_a_scaler_fitted_on_each_part() -> None:
    values, index, split = draw_statistics(3)
    bank = np.zeros(80, dtype=np.int64)
    bank[split.val], bank[split.test] = 1, 2
    check_against_frames_of_rows(values, index, bank, split, "per_split")


def test_statistics_that_no_training_row_reads_do_not_change_the_scale() -> None:
    values, index, split = draw_statistics(2)
    bank = np.ones(80, dtype=np.int64)
    bank[split.train] = 0
    scaled, _ = scale_statistics(values, index=index, bank=bank, split=split, scaling="train")
    changed = values.copy()
    changed[1] *= 100
    changed[0, -1] = -1e9
    rescaled, _ = scale_statistics(changed, index=index, bank=bank, split=split, scaling="train")
    assert torch.equal(scaled[0, :-1], rescaled[0, :-1])


def test_ratings_are_grouped_by_user_in_the_order_of_the_films() -> None:
    order, offsets = group_by_user(np.array([2, 0, 2, 0, 2]), np.array([7, 3, 1, 0, 4]), num_users=4)
    assert offsets.tolist() == [0, 2, 2, 5, 5]
    assert order.tolist() == [3, 1, 2, 4, 0]


def test_the_tables_know_what_each_user_has_rated_in_training_and_has_seen_in_any_part(
    sample_root: Path,
) -> None:
    module = RatingsDataModule(root=sample_root)
    module.setup()
    tables = module.tables
    assert tables is not None
    ratings = pd.read_csv(sample_root / "ml-latest-small/ratings.csv").sort_values(["userId", "movieId"])
    train = module.rows["train"]
    known = set(zip(train.user.tolist(), train.movie.tolist(), strict=True))
    for user, user_id in enumerate(tables.user_ids.tolist()):
        theirs = ratings[ratings["userId"] == user_id]
        assert tables.movie_ids[tables.seen(user)].tolist() == theirs["movieId"].tolist()
        stars = dict(zip(theirs["movieId"], theirs["rating"], strict=True))
        history = history_of(tables, user)
        assert history.user_id == user_id
        assert set(history.movies.tolist()) == {movie for owner, movie in known if owner == user}
        assert history.stars.tolist() == [stars[film] for film in tables.movie_ids[history.movies].tolist()]


@pytest.mark.parametrize("columns", [["genres"], ["userId", "genres"]])
@pytest.mark.parametrize("statistics", ["cross_fit", "leave_one_out", "self_inclusive", "per_split"])
def test_a_history_has_the_statistics_that_the_tables_have_of_its_user_to_the_last_bit(
    sample_root: Path, statistics: Any, columns: list[str]
) -> None:
    scaling: Any = "per_split" if statistics == "per_split" else "train"
    tables = tables_of(sample_root, statistics=statistics, scaling=scaling, columns=columns)
    of_users = tables.user_statistics[tables.scoring_bank]
    for user in range(0, len(tables.user_ids), 7):
        assert torch.equal(user_statistics(tables, history_of(tables, user)), of_users[user])


@pytest.mark.parametrize("unrated", ["average", "zero"])
def test_so_has_the_history_of_a_user_without_training_ratings(sample_root: Path, unrated: Any) -> None:
    tables = tables_of(sample_root, split="time", unrated=unrated, columns=["genres"])
    of_users = tables.user_statistics[tables.scoring_bank]
    late = (tables.history_offsets.diff() == 0).nonzero().flatten().tolist()
    assert len(late) > 0
    for user in late:
        assert torch.equal(user_statistics(tables, history_of(tables, user)), of_users[user])


def test_a_new_user_without_ratings_is_the_average_of_those_who_have_some(sample_root: Path) -> None:
    tables = tables_of(sample_root, split="time", columns=["genres"])
    rated = tables.history_offsets.diff() > 0
    average = tables.user_statistics[tables.scoring_bank][rated].double().mean(dim=0).float()
    torch.testing.assert_close(user_statistics(tables, History(np.array([], dtype=int), np.array([]))), average)


def demographics_of(root: Path, **options: Any) -> Tables:
    columns = ["userId", "genres", "user_gender", "user_age", "user_occupation"]
    return tables_of(root, release="ml-1m", columns=columns, **options)


def test_a_network_reads_of_each_user_what_the_file_tells(sample_root: Path) -> None:
    tables = demographics_of(sample_root)
    told = pd.read_csv(sample_root / "ml-1m/users.dat", sep="::", engine="python", header=None, index_col=0, dtype=str)
    told.index = told.index.astype(int)
    wanted = told.loc[tables.user_ids.tolist(), [1, 2, 3]].set_axis(
        ["user_gender", "user_age", "user_occupation"], axis=1
    )
    expected = pd.get_dummies(wanted, prefix_sep="=", dtype="float32")
    names = tables.feature_names[-len(expected.columns) :]
    assert names == expected.columns.tolist()
    for bank in tables.user_statistics:
        assert bank[:, 4:].tolist() == expected.to_numpy().tolist()
    for user in (0, 100):
        read = user_statistics(tables, history_of(tables, user))
        assert torch.equal(read, tables.user_statistics[tables.scoring_bank, user])
    average = user_statistics(tables, History(np.array([3]), np.array([4.0])))[4:]
    assert average.numpy() == pytest.approx(expected.mean().to_numpy())


def test_a_new_user_of_a_network_that_reads_ids_has_the_one_in_the_middle(tables: Tables) -> None:
    found = user_statistics(tables, History(np.array([3]), np.array([4.0])))
    low, high = tables.user_ids.min(), tables.user_ids.max()
    assert found[0].item() == pytest.approx((np.median(tables.user_ids) - low) / (high - low))
