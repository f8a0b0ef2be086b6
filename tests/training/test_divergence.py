"""Fits that diverge: what ends them, what is said, and what is kept."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from movierec.cli import main
from movierec.data.batches import Batch
from movierec.data.tables import Tables
from movierec.models.checkpoint import read_checkpoint
from movierec.training.divergence import find_cause
from tests.small import BEST, LAST, RUN, SMALL, write_small

Diverge = Callable[..., str]
FIT = ["fit", *SMALL, "--trainer.max_epochs", "4", "--trainer.enable_progress_bar", "false"]
POISON = '''\
"""Spoil a network or its tables from the third epoch on."""

import math
from lightning import Callback


def spoil_most_rated(task):
    film = task.tables.num_ratings.argmax()
    task.model.first.movie_statistics[:, film] = math.nan


class FilmPoison(Callback):
    def on_train_epoch_start(self, trainer, task):
        if trainer.current_epoch == 2:
            spoil_most_rated(task)


class LastStepPoison(Callback):
    def on_train_batch_end(self, trainer, task, outputs, batch, number):
        if trainer.current_epoch == 2 and number + 1 == trainer.num_training_batches:
            task.model.first.bias.data[3] = math.inf


class LateWeightsPoison(Callback):
    def on_validation_end(self, trainer, task):
        if trainer.current_epoch == 2:
            task.model.first.bias.data[3] = -math.inf
'''


@pytest.fixture
def diverge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_root: Path, capsys: pytest.CaptureFixture[str]
) -> Diverge:
    """Fit in an empty folder, with a callback that spoils it if one is named; it must end with an error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("poison.py").write_text(POISON, encoding="utf-8")
    write_small(tmp_path, sample_root)

    def run(*options: str, poison: str | None = None) -> str:
        callback = ["--trainer.callbacks", f"poison.{poison}"] if poison else []
        assert main([*FIT, *options, *callback]) == 1
        errors = capsys.readouterr().err
        assert errors.startswith("movierec: error: Expected ")
        assert "Warning" not in errors
        return errors

    return run


def read_metrics() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((RUN / "metrics.json").read_text(encoding="utf-8"))
    return content


def most_rated() -> int:
    """The id of the film that is spoilt."""
    tables = Tables.from_state(read_checkpoint(LAST)["tables"])
    return int(tables.movie_ids[tables.num_ratings.argmax()])


def assert_two_epochs_are_kept() -> None:
    assert read_checkpoint(LAST)["epoch"] == 1
    assert all(
        value.isfinite().all() for path in (BEST, LAST) for value in read_checkpoint(path)["state_dict"].values()
    )
    metrics = read_metrics()
    assert metrics["end"] == "diverged"
    assert metrics["epochs"] == {"trained": 2, "planned": 4}
    assert metrics["val"] == read_checkpoint(BEST)["metrics"]["val"]


@pytest.mark.parametrize(
    "options",
    [
        ["--model.loss", "torch.nn.functional.mse_loss"],
        ["--model.loss", "torch.nn.functional.l1_loss"],
        ["--model.optimizer", "SGD"],
    ],
)
def test_a_learning_rate_far_too_high_ends_the_fit_with_the_ids_of_the_batch(
    options: list[str], diverge: Diverge
) -> None:
    message = diverge("--model.optimizer.lr", "1e30", *options)
    assert "Expected a finite loss, got " in message
    assert " of 16 in epoch 1: " in message
    assert " is of user " in message or "most of all that of user " in message
    assert "start again with --model.optimizer.lr 0.001, not 1e+30." in message
    assert "No checkpoint was written yet, so nothing is kept." in message
    assert not LAST.exists()
    assert not (RUN / "metrics.json").exists()


def test_half_precision_is_named_where_it_may_be_the_cause(diverge: Diverge) -> None:
    for precision, rate in ("bf16-mixed", "1e38"), ("16-true", "1"):
        said = diverge("--model.optimizer.lr", rate, "--trainer.precision", precision)
        assert f"With --trainer.precision {precision}, numbers overflow early or are coarse: 32-true is safer." in said


def test_a_film_whose_features_are_no_numbers_is_named_and_the_epochs_before_are_kept(diverge: Diverge) -> None:
    message = diverge(poison="FilmPoison")
    assert f"and film {most_rated()}." in message
    assert "in epoch 3: " in message
    assert "look at the data of these users and films" in message
    assert "All up to epoch 2 is kept" in message
    assert_two_epochs_are_kept()


def test_what_is_kept_of_a_fit_that_diverged_can_be_tested_as_its_message_says(diverge: Diverge) -> None:
    message = diverge(poison="FilmPoison")
    command = message.split("`")[1].split()
    assert command[:4] == ["python", "-m", "movierec", "test"]
    assert main(command[3:]) == 0
    assert read_metrics()["end"] == "diverged"
    assert math.isfinite(read_metrics()["test"]["rmse"])


@pytest.mark.parametrize("poison", ["LastStepPoison", "LateWeightsPoison"])
def test_weights_that_no_loss_has_shown_to_be_infinite_replace_no_checkpoint(poison: str, diverge: Diverge) -> None:
    message = diverge(poison=poison)
    assert "Expected finite weights after epoch 3, got NaN or infinity in first.bias: " in message
    assert_two_epochs_are_kept()


def test_a_fit_without_validation_saves_no_infinite_weights_either(diverge: Diverge) -> None:
    message = diverge("--trainer.limit_val_batches", "0", "--checkpoint.monitor", "null", poison="LastStepPoison")
    assert "Expected finite weights after epoch 3" in message
    assert read_checkpoint(BEST)["epoch"] == read_checkpoint(LAST)["epoch"] == 1


def cause(tables: Tables, prediction: list[float], rating: list[float]) -> tuple[str, bool]:
    rows = torch.arange(len(prediction))
    batch = Batch(user=rows, movie=rows + 10, bank=rows, rating=torch.tensor(rating), day=rows)
    return find_cause(batch, torch.tensor(prediction), tables)


def test_the_first_row_that_is_not_finite_is_told_by_the_ids_of_the_files(tables: Tables) -> None:
    pair = f"user {tables.user_ids[1]} and film {tables.movie_ids[11]}"
    said = f"2 of its 4 predictions are not finite; the first is of {pair}."
    assert cause(tables, [0.5, math.inf, 0.2, math.nan], [0.1, 0.2, 0.3, 0.4]) == (said, True)


def test_a_loss_that_overflows_though_all_predictions_are_finite_names_the_largest_error(tables: Tables) -> None:
    pair = f"user {tables.user_ids[1]} and film {tables.movie_ids[11]}"
    said = f"the errors of its 5 predictions are too large, most of all that of {pair}."
    assert cause(tables, [0.5, -3e20, 2e20, 1e3, 0.1], [0.1] * 5) == (said, False)
