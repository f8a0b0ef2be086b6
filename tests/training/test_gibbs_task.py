"""The factor model through fit, test and predict: what is kept of a chain, and what it predicts."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

import movierec
from movierec.cli import main
from movierec.data import RatingsDataModule
from movierec.data.histories import history_of
from movierec.errors import CheckpointError
from movierec.models import factors_chain
from movierec.models.checkpoint import read_checkpoint, read_model
from movierec.models.factor_inputs import Inputs, build_inputs, make_features
from movierec.models.factor_model import FactorModel
from movierec.models.factors_chain import State
from movierec.models.model import Model
from movierec.models.rating_levels import Outlook, midpoints
from movierec.models.training_ratings import TrainingRatings
from movierec.recommend.recommender import Recommender
from movierec.training import gibbs_task
from movierec.training.checkpoints import WholeCheckpointIO

RUN = Path("lightning_logs/small/version_0")
BEST, LAST = (RUN / "checkpoints" / f"{name}.ckpt" for name in ("best", "last"))


def write_config(folder: Path, root: Path) -> None:
    data = {"class_path": "RatingsDataModule", "init_args": {"root": str(root), "batch_size": 5000}}
    model = {"class_path": "movierec.training.gibbs_task.GibbsTask"}
    options = {"rank": 6, "implicit_rank": 10, "time_periods": 3, "burn_in": 8, "keep_every": 3}
    trainer = {"max_epochs": 24, "enable_progress_bar": False}
    config = {"data": data, "model": {**model, "init_args": options}, "trainer": trainer}
    (folder / "small.yaml").write_text(json.dumps(config))


def inputs_of(model: Model) -> Inputs:
    features = make_features(model.tables, None)
    return build_inputs(model.tables, features, implicit_rank=10, time_periods=3, device=torch.device("cpu"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, sample_root: Path) -> Path:
    """A folder with a run of 24 sweeps, tested; tests must not change it."""
    folder = tmp_path_factory.mktemp("gibbs")
    write_config(folder, sample_root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        movierec.fit("small.yaml")
        movierec.test("small.yaml", options={"ranking_users": 0})
    return folder


@pytest.fixture
def model(folder: Path) -> FactorModel:
    model = read_model(folder / BEST)
    assert isinstance(model, FactorModel)
    return model


def test_it_is_better_than_the_bias_model(folder: Path) -> None:
    metrics = json.loads((folder / RUN / "metrics.json").read_text())
    assert metrics["test"]["rmse_stars"] < metrics["baselines"]["bias"]["rmse_stars"] - 0.01


def test_a_sweep_of_the_burn_in_is_never_the_best(
    tmp_path: Path, sample_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, sample_root)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gibbs_task.GibbsTask, "sweeps_since_burn_in", property(lambda task: task.chain.sweep - 3))
    movierec.fit("small.yaml", options={"trainer.max_epochs": 3})
    assert LAST.is_file()
    assert not BEST.exists()
    movierec.fit("small.yaml", options={"trainer.max_epochs": 4, "ckpt_path": "last"})
    assert read_checkpoint(BEST)["epoch"] == 3


def test_the_first_sample_after_the_burn_in_and_each_third_is_kept_and_nothing_of_a_user(folder: Path) -> None:
    last = read_checkpoint(folder / LAST)
    assert len(last["state_dict"]["model.samples.noise"]) == 6  # sweeps 9, 12, 15, 18, 21, 24
    num_users = len(last["tables"]["user_ids"])
    samples = [weight for name, weight in last["state_dict"].items() if name.startswith("model.samples.")]
    assert len(samples) > 10
    assert all(num_users not in weight.shape for weight in samples)


def test_the_chain_is_in_last_ckpt_alone(folder: Path) -> None:
    assert "chain" not in read_checkpoint(folder / BEST)
    assert read_checkpoint(folder / LAST)["chain"]["state"]["sweep"] == 24


def test_each_test_row_is_predicted_from_the_history_of_its_user_and_its_day(
    folder: Path, model: FactorModel, sample_root: Path
) -> None:
    rows = pd.read_parquet(folder / RUN / "test_rows.parquet")
    ratings = pd.read_csv(sample_root / "ml-latest-small" / "ratings.csv")
    pairs = zip(ratings["userId"], ratings["movieId"], strict=True)
    days = dict(zip(pairs, ratings["timestamp"] // 86_400, strict=True))
    user_ids, movie_ids = (ids.tolist() for ids in (model.tables.user_ids, model.tables.movie_ids))
    for row in rows.sample(40, random_state=0).itertuples():
        history = history_of(model.tables, user_ids.index(row.user_id))
        film, day = torch.tensor([movie_ids.index(row.movie_id)]), torch.tensor([days[row.user_id, row.movie_id]])
        unit = model.rank(history, film, day)
        assert model.tables.to_stars(unit).item() == pytest.approx(row.prediction, abs=1e-3)


def test_predict_and_validate_score_their_rows_as_test_does(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    metrics = json.loads((RUN / "metrics.json").read_text())
    assert main(["predict", "--config", "small.yaml", "--out", str(tmp_path / "own.csv")]) == 0
    ids = ["user_id", "movie_id"]
    own = pd.read_csv(tmp_path / "own.csv").sort_values(ids)
    tested = pd.read_parquet(RUN / "test_rows.parquet").sort_values(ids)
    assert own["prediction"].to_numpy() == pytest.approx(tested["prediction"].to_numpy(), abs=1e-3)
    assert main(["validate", "--config", "small.yaml"]) == 0
    assert json.loads((RUN / "metrics.json").read_text())["val"] == pytest.approx(metrics["val"])


def test_the_range_of_a_list_and_of_predict_is_that_of_the_model(
    folder: Path, model: FactorModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    frame = Recommender(model).recommend(1, top=5)
    assert list(frame)[5:9] == ["stars", "low", "high", "p_liked"]
    rows = torch.tensor([model.tables.movie_ids.tolist().index(film) for film in frame["movie_id"]])
    levels = model.level_probabilities(history_of(model.tables, 0), rows)
    for name, values in Outlook.of(levels, model.tables.levels, 4.0)._asdict().items():
        assert frame[name].to_numpy() == pytest.approx(values.numpy(), abs=1e-5)
    pairs, out = tmp_path / "pairs.csv", tmp_path / "range.csv"
    pairs.write_text("userId,movieId\n" + "".join(f"1,{film}\n" for film in frame["movie_id"]))
    assert main(["predict", "--config", "small.yaml", "--data.pairs", str(pairs), "--out", str(out)]) == 0
    own = pd.read_csv(out).set_index("movie_id").loc[frame["movie_id"]]
    assert list(own)[-4:] == ["prediction", "low", "high", "p_liked"]
    for name in ("low", "high", "p_liked"):
        assert own[name].to_numpy() == pytest.approx(frame[name].to_numpy(), abs=1e-3)


def test_a_test_measures_the_levels_of_its_rows(folder: Path, model: FactorModel, sample_root: Path) -> None:
    data, tables = RatingsDataModule(root=sample_root), model.tables
    data.setup()
    rows = data.rows["test"]
    measured = json.loads((folder / RUN / "metrics.json").read_text())["test"]
    diagnostics = json.loads((folder / RUN / "diagnostics.json").read_text())
    assert sum(diagnostics["reliability"]["count"]) == len(rows.rating)

    def nll() -> float:
        total = 0.0
        for user in sorted(set(rows.user.tolist())):
            own = rows.take(rows.user == user)
            given = torch.searchsorted(tables.levels, tables.to_stars(own.rating) - 0.1)
            levels = model.level_probabilities(history_of(tables, user), own.movie.long(), own.day.long())
            total -= levels.gather(1, given[:, None]).log().sum().item()
        return total / len(rows.rating)

    assert measured["level_nll"] == pytest.approx(nll(), abs=1e-3)
    assert abs(measured["range_coverage"] - measured["range_probability"]) < 0.05
    assert measured["liked_ece"] < 0.1
    model.cuts.copy_(midpoints(tables.levels) + 0.2)  # no longer where they were learnt
    assert nll() > measured["level_nll"] + 0.005


def test_users_vectors_of_the_chain_and_their_histories_measure_the_validation_rows_alike(folder: Path) -> None:
    by_history = json.loads((folder / RUN / "metrics.json").read_text())["val"]["rmse_stars"]
    assert read_checkpoint(folder / BEST)["metrics"]["val"]["rmse_stars"] == pytest.approx(by_history, abs=0.01)


def test_a_row_has_the_effects_of_the_chain_for_its_day_and_its_period(
    folder: Path, model: FactorModel, sample_root: Path
) -> None:
    chain, tables = State.from_state_dict(read_checkpoint(folder / LAST)["chain"]["state"]), model.tables
    rows = RatingsDataModule(root=sample_root, cache=False).prepare()[1]["val"].take(slice(200))
    task = gibbs_task.GibbsTask()
    task.chain, task.inputs = chain, inputs_of(model)
    ratings, starts = task.inputs.ratings, model.period_starts
    found, num_known = task.draw_stars(rows), 0
    task.inputs = task.inputs._replace(times=None)
    expected = task.draw_stars(rows)
    for number, (user, film, day) in enumerate(zip(rows.user, rows.movie, rows.day, strict=True)):
        same = (ratings.users == user) & (tables.history_days == day)
        num_known += bool(same.any())
        if same.any():
            expected[number] += chain.effects["day"][ratings.slots["day"][same][0]]
        expected[number] += chain.effects["period"][film * 3 + (day >= starts).sum()]
    assert 0 < num_known < len(rows.day)
    torch.testing.assert_close(found, expected)


def test_held_out_users_train_nothing_and_are_measured_from_their_histories(
    tmp_path: Path, sample_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, sample_root)
    monkeypatch.chdir(tmp_path)
    movierec.fit("small.yaml", options={"trainer.max_epochs": 4, "data.split": "users"})
    last, model = read_checkpoint(LAST), read_model(LAST)
    held_out = model.tables.held_out
    assert held_out.any()
    assert isinstance(model, FactorModel)
    assert (model.cuts - midpoints(model.tables.levels)).abs().max() > 0.01  # learnt from held-out users
    own = model.tables.history_offsets.diff()[~held_out].sum()
    trained = inputs_of(model).ratings
    assert len(trained.stars) == own
    assert not trained.num_ratings_of_user[held_out].any()
    by_history = movierec.test("small.yaml", options={"ranking_users": 0, "data.split": "users"})
    assert last["metrics"]["val"]["rmse_stars"] == pytest.approx(by_history["val"]["rmse_stars"], abs=0.03)


def test_ratings_without_times_are_learnt_and_predicted_without_effects_of_time(
    tmp_path: Path, sample_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(sample_root / "ml-latest-small", tmp_path / "ml-latest-small")
    ratings = tmp_path / "ml-latest-small" / "ratings.csv"
    pd.read_csv(ratings).assign(timestamp=0).to_csv(ratings, index=False)
    write_config(tmp_path, tmp_path)
    monkeypatch.chdir(tmp_path)
    movierec.fit("small.yaml", options={"trainer.max_epochs": 4})
    assert not [name for name in read_checkpoint(BEST)["state_dict"] if "effect" in name]
    metrics = movierec.test("small.yaml", options={"ranking_users": 0})
    assert metrics["test"]["rmse_stars"] < metrics["baselines"]["mean"]["rmse_stars"]


def test_every_second_sweep_is_validated_and_kept_and_the_last_one_too(
    tmp_path: Path, sample_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, sample_root)
    monkeypatch.chdir(tmp_path)
    written: list[int] = []

    def note(io: WholeCheckpointIO, checkpoint: dict[str, Any], path: str, **_: object) -> None:
        if Path(path).name == LAST.name:
            written.append(checkpoint["epoch"])
        save(io, checkpoint, path)

    save = WholeCheckpointIO.save_checkpoint
    monkeypatch.setattr(WholeCheckpointIO, "save_checkpoint", note)
    movierec.fit("small.yaml", options={"trainer.max_epochs": 5, "trainer.check_val_every_n_epoch": 2})
    assert written == [1, 3, 4]
    assert read_checkpoint(BEST)["epoch"] in written


def test_side_information_describes_films_and_known_users(
    tmp_path: Path, sample_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, sample_root)
    monkeypatch.chdir(tmp_path)
    options = {"trainer.max_epochs": 6, "data": "Combined1MDataModule", "data.side_information": True}
    movierec.fit("small.yaml", options={**options, "data.root": str(sample_root)})
    model = read_model(BEST)
    assert isinstance(model, FactorModel)
    assert model.film_features.shape[1] > 100
    known, films = history_of(model.tables, 3), torch.arange(50)
    prior = [model.person(person).regression.prior_mean for person in (known, replace(known, user_id=None))]
    coefficients = model.posterior.coefficients[1]
    torch.testing.assert_close(prior[0] - prior[1], model.user_features[3] @ coefficients, rtol=1e-3, atol=1e-5)
    assert not torch.equal(model.rank(known, films), model.rank(replace(known, user_id=None), films))


def test_a_chain_that_is_resumed_within_its_burn_in_ends_bit_for_bit_as_one_that_was_not(
    folder: Path, tmp_path: Path, sample_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, sample_root)
    monkeypatch.chdir(tmp_path)
    stopped = [None] * 5

    def stop(task: gibbs_task.GibbsTask) -> None:
        if not stopped:
            raise KeyboardInterrupt
        stopped.pop()
        sweep_once(task)

    sweep_once = gibbs_task.GibbsTask.fit_epoch
    monkeypatch.setattr(gibbs_task.GibbsTask, "fit_epoch", stop)
    with pytest.raises(KeyboardInterrupt):
        movierec.fit("small.yaml")
    monkeypatch.setattr(gibbs_task.GibbsTask, "fit_epoch", sweep_once)
    movierec.fit("small.yaml", resume=True)
    expected, found = (read_checkpoint(place / LAST) for place in (folder, tmp_path))
    assert torch.equal(found["chain"]["val_stars"], expected["chain"]["val_stars"])
    for kind in ("day", "period"):
        effects = expected["chain"]["state"]["effects"][kind]
        assert effects.abs().max() > 0
        assert torch.equal(found["chain"]["state"]["effects"][kind], effects)
    for name, weight in expected["state_dict"].items():
        assert torch.equal(found["state_dict"][name], weight)


def test_a_matrix_that_is_not_positive_definite_ends_the_fit_and_leaves_the_last_good_sample(
    tmp_path: Path, sample_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_config(tmp_path, sample_root)
    monkeypatch.chdir(tmp_path)

    def spoil(state: State, ratings: TrainingRatings, generator: torch.Generator) -> State:
        bad = ratings.stars * torch.nan if state.sweep == 10 else ratings.stars
        return sweep(state, replace(ratings, stars=bad), generator=generator)

    sweep = factors_chain.sweep
    monkeypatch.setattr(gibbs_task, "sweep", spoil)
    assert main(["fit", "--config", "small.yaml"]) == 1
    assert "sweep 11" in capsys.readouterr().err
    assert 8 <= read_checkpoint(BEST)["epoch"] <= 9
    assert read_model(BEST).film_vectors().isfinite().all()


def test_best_ckpt_holds_no_chain_to_go_on_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(CheckpointError, match="Go on with --resume"):
        movierec.fit("small.yaml", options={"ckpt_path": "best", "trainer.max_epochs": 30})
