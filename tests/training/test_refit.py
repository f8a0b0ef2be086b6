"""A second fit on more ratings: what it trains on, what it keeps, and how it goes on after an interruption."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from movierec.cli import main
from movierec.models.bias import fit_biases
from movierec.models.checkpoint import read_checkpoint
from movierec.training.rating_task import RatingTask
from tests.small import BEST, LAST, RUN, SMALL, write_small

TRAIN_VAL = ["--refit", "train_val"]


@pytest.fixture(scope="module")
def refitted(tmp_path_factory: pytest.TempPathFactory, sample_root: Path) -> Path:
    """A folder with the small configuration, fitted and refitted; tests work on copies."""
    folder = tmp_path_factory.mktemp("refit")
    write_small(folder, sample_root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["fit", *SMALL, *TRAIN_VAL]) == 0
    return folder


@pytest.fixture
def here(refitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, to run in."""
    folder = tmp_path / "copy"
    shutil.copytree(refitted, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def empty(tmp_path: Path, sample_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the small configuration alone."""
    monkeypatch.chdir(tmp_path)
    write_small(tmp_path, sample_root)
    return tmp_path


def read_metrics(run: Path = RUN) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    return content


def pairs(checkpoint: Path, root: Path) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """The pairs of user and film in a checkpoint's histories, and those of all ratings."""
    tables = read_checkpoint(checkpoint)["tables"]
    user = np.repeat(tables["user_ids"].numpy(), np.diff(tables["history_offsets"].numpy()))
    movie = tables["movie_ids"].numpy()[tables["history_movies"].numpy()]
    ratings = pd.read_csv(root / "ml-latest-small/ratings.csv")
    every = zip(ratings["userId"], ratings["movieId"], strict=True)
    return set(zip(user.tolist(), movie.tolist(), strict=True)), set(every)


def test_it_reads_all_ratings_but_those_that_are_tested(here: Path, sample_root: Path) -> None:
    assert main(["test", *SMALL, "--ranking_users", "0"]) == 0
    rows = pd.read_parquet(RUN / "test_rows.parquet")
    tested = set(zip(rows["user_id"], rows["movie_id"], strict=True))
    known, every = pairs(BEST, sample_root)
    assert len(tested) == 2_000
    assert known == every - tested


def test_it_trains_for_as_many_epochs_as_were_best_and_replaces_best_ckpt_alone(here: Path) -> None:
    best, last = read_checkpoint(BEST), read_checkpoint(LAST)
    curve = {event.step: event.value for event in EventAccumulator(str(RUN)).Reload().Scalars("val/rmse")}
    assert best["epoch"] == min(curve, key=lambda epoch: curve[epoch])
    assert best["global_step"] == (best["epoch"] + 1) * 18  # batches of 1,024 of 18,000 ratings
    assert last["global_step"] == 3 * 16
    assert "refit" not in last["run"]


def test_the_selection_stays_as_it_is_without_a_refit(here: Path) -> None:
    assert main(["fit", *SMALL, "--name", "alone"]) == 0
    alone = Path("lightning_logs/alone/version_0")
    assert read_metrics()["val"] == read_metrics(alone)["val"] == read_checkpoint(BEST)["metrics"]["val"]
    assert read_metrics()["epoch"] == read_metrics(alone)["epoch"]
    curves = [EventAccumulator(str(run)).Reload() for run in (RUN, alone)]
    for tag in ("train/rmse", "val/rmse", "val/loss"):
        first, second = ([(event.step, event.value) for event in curve.Scalars(tag)] for curve in curves)
        assert first == second


def test_a_test_takes_the_same_configuration_keeps_the_validation_metrics_and_says_refit(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_metrics()
    assert before["refit"] == "train_val"
    assert main(["test", *SMALL, "--ranking_users", "0"]) == 0
    assert "before the refit" in capsys.readouterr().out
    after = read_metrics()
    assert after["val"] == before["val"]
    assert (after["refit"], after["data"]) == ("train_val", before["data"])
    assert after["data"]["rows"] == {"train": 18_000, "val": 2_000, "test": 2_000}
    assert main(["report"]) == 0
    assert "refit: trained again on training and validation rows" in " ".join(capsys.readouterr().out.split())


def test_the_bias_model_has_the_damping_of_the_selection_on_all_ratings_but_those_tested(
    empty: Path, sample_root: Path
) -> None:
    bias = [*SMALL[:1], "bias.yaml", "--trainer.max_epochs", "1"]
    Path("bias.yaml").write_text(
        f"data: {{class_path: RatingsDataModule, init_args: {{root: {sample_root}}}}}\n"
        "model: movierec.training.bias_task.BiasTask\n"
    )
    runs = [Path(f"lightning_logs/{name}/version_0/checkpoints/best.ckpt") for name in ("one", "two")]
    assert main(["fit", *bias, "--name", "one"]) == 0
    assert main(["fit", *bias, "--name", "two", *TRAIN_VAL]) == 0
    selected, found = (read_checkpoint(path) for path in runs)
    damping = selected["state_dict"]["model.damping"].tolist()
    assert found["state_dict"]["model.damping"].tolist() == damping
    tables = found["tables"]
    stars, films = tables["history_stars"].double().numpy(), tables["history_movies"].numpy()
    assert len(stars) == 18_000
    shape = len(tables["user_ids"]), len(tables["movie_ids"])
    ratings = csr_array((stars, films, tables["history_offsets"].numpy()), shape=shape)
    biases = fit_biases(ratings, ratings, tuple(damping))
    assert found["state_dict"]["model.film"].numpy() == pytest.approx(biases.film, abs=1e-5)


def test_a_refit_on_all_ratings_is_for_use_and_is_not_tested(
    empty: Path, sample_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", *SMALL, "--refit", "all"]) == 0
    assert f"next:       python -m movierec recommend --ckpt_path {BEST}" in capsys.readouterr().out
    known, every = pairs(BEST, sample_root)
    assert known == every
    for command, part in ("test", "test"), ("validate", "validation"):
        assert main([command, *SMALL]) == 1
        message = f"Expected a checkpoint that has not trained on the {part} ratings; {BEST} has (--refit all)."
        assert message in capsys.readouterr().err
    assert main(["recommend", "--ckpt_path", str(BEST), "--user_id", "1"]) == 0
    assert main(["report"]) == 1
    assert "trained on all ratings, for use" in capsys.readouterr().err


def interrupt(monkeypatch: pytest.MonkeyPatch, when: Callable[[RatingTask], bool]) -> None:
    """Press Ctrl-C at a training step."""
    step = RatingTask.training_step

    def interrupted(task: RatingTask, *batch: Any) -> torch.Tensor:
        if when(task):
            raise KeyboardInterrupt
        return step(task, *batch)

    monkeypatch.setattr(RatingTask, "training_step", interrupted)


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_refit_that_was_cut_leaves_the_selection_and_is_made_again_on_resume(
    epoch: int, empty: Path, refitted: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        interrupt(patch, lambda task: bool(task.selected) and task.current_epoch == epoch)
        assert main(["fit", *SMALL, *TRAIN_VAL]) == 130
    assert f"python -m movierec fit --config {RUN}/config.yaml --resume" in capsys.readouterr().err
    assert "refit" not in {**read_metrics(), **read_checkpoint(BEST)["run"]}
    curves = len(list(RUN.glob("events*")))
    assert main(["fit", "--config", str(RUN / "config.yaml"), "--resume"]) == 0
    assert len(list(RUN.glob("events*"))) == curves
    assert [path.name for path in RUN.parent.iterdir()] == ["version_0"]
    found, whole = (read_checkpoint(folder / BEST) for folder in (empty, refitted))
    assert found["run"] == whole["run"]
    assert all(torch.equal(found["state_dict"][name], weight) for name, weight in whole["state_dict"].items())
    assert main(["fit", "--config", str(RUN / "config.yaml"), "--resume"]) == 0
    assert "is finished" in capsys.readouterr().out


def test_a_selection_that_was_cut_is_resumed_and_then_refitted(
    empty: Path, refitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt(patch, lambda task: task.current_epoch == 1)
        assert main(["fit", *SMALL, *TRAIN_VAL]) == 130
    assert main(["fit", *SMALL, *TRAIN_VAL, "--resume"]) == 0
    found, whole = (read_checkpoint(folder / BEST) for folder in (empty, refitted))
    assert all(torch.equal(found["state_dict"][name], weight) for name, weight in whole["state_dict"].items())


def test_a_finished_run_is_not_refitted_with_other_options(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", *SMALL, "--refit", "all", "--resume"]) == 1
    assert "refit is all here, train_val there" in capsys.readouterr().err


def test_early_stopping_and_limits_belong_to_the_selection(empty: Path) -> None:
    stopping = ["--trainer.callbacks", "EarlyStopping", "--trainer.callbacks.monitor", "val/rmse"]
    stopping += ["--trainer.callbacks.min_delta", "1", "--trainer.callbacks.patience", "1"]
    assert main(["fit", *SMALL, *TRAIN_VAL, *stopping, "--trainer.max_steps", "40"]) == 0
    metrics, best = read_metrics(), read_checkpoint(BEST)
    assert metrics["end"] == "early"
    assert metrics["epochs"]["trained"] < 3
    assert best["global_step"] == (best["epoch"] + 1) * 18


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model.scheduler", "plateau"], "a learning rate that does not follow validation"),
        (["--initial_checkpoint", "a.ckpt"], "--refit without --initial_checkpoint"),
    ],
)
def test_what_a_refit_could_not_repeat_is_refused_before_the_fit(
    options: list[str], words: str, empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", *SMALL, *TRAIN_VAL, *options]) == 1
    assert words in capsys.readouterr().err
    assert not Path("lightning_logs").exists()


def test_a_trial_of_one_batch_leaves_nothing(empty: Path) -> None:
    assert main(["fit", *SMALL, *TRAIN_VAL, "--trainer.fast_dev_run", "true"]) == 0
    assert not Path("lightning_logs").exists()


def test_a_chain_makes_the_sweeps_of_the_best_one_with_the_same_burn_in(empty: Path) -> None:
    options = ["--model.rank", "4", "--model.implicit_rank", "5", "--model.burn_in", "4", "--model.keep_every", "2"]
    config = Path("small.yaml").read_text().split("model:")[0]
    Path("gibbs.yaml").write_text(f"{config}model: movierec.training.gibbs_task.GibbsTask\n")
    gibbs = ["--config", "gibbs.yaml", "--trainer.max_epochs", "12", *options]
    assert main(["fit", *gibbs, *TRAIN_VAL]) == 0
    best = read_checkpoint(Path("lightning_logs/gibbs/version_0/checkpoints/best.ckpt"))
    assert best["run"]["refit"] == "train_val"
    assert len(best["state_dict"]["model.samples.noise"]) == len(range(5, best["epoch"] + 2, 2))
    assert main(["test", *gibbs, "--ranking_users", "0"]) == 0


def test_a_model_of_lists_is_refitted_with_the_penalties_that_were_best(empty: Path, sample_root: Path) -> None:
    small = ["--config", "configs/model7.yaml", "--data.root", str(sample_root), "--name", "small"]
    assert main(["fit", *small]) == 0
    selected = read_checkpoint(BEST)
    assert main(["fit", *small, *TRAIN_VAL]) == 0
    refitted = read_checkpoint(Path("lightning_logs/small/version_1/checkpoints/best.ckpt"))
    assert (refitted["epoch"], refitted["metrics"]) == (selected["epoch"], selected["metrics"])
    assert len(refitted["tables"]["history_movies"]) > len(selected["tables"]["history_movies"])
    assert main(["test", *small]) == 0
    assert read_metrics(RUN.with_name("version_1"))["retrieval"]["model"]["recall@10"] > 0
