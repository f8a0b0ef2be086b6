"""How a fit ended, by its own record."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from movierec.cli import main
from movierec.models.checkpoint import read_checkpoint
from movierec.training.environment import describe_revision

RUN = Path("lightning_logs/model1/version_0")
STOPPING = """\
trainer:
  callbacks:
    - class_path: lightning.pytorch.callbacks.EarlyStopping
      init_args:
        monitor: val/rmse
        patience: 1
        min_delta: 9.0
"""


@pytest.fixture
def fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_root: Path) -> list[str]:
    """The arguments of a small fit, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    Path("stopping.yaml").write_text(STOPPING)
    small = ["--model.network.hidden", "[16, 8]", "--model.network.dropout", "0.1", "--data.root", str(sample_root)]
    return ["fit", "--config", "configs/model1.yaml", "--name", "model1", *small]


def read_metrics() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((RUN / "metrics.json").read_text())
    return content


def test_a_fit_that_a_callback_stops_says_so_and_how_many_epochs_it_had(fit: list[str]) -> None:
    # No epoch is better by 9: the second one uses the patience up.
    assert main([*fit, "--config", "stopping.yaml", "--trainer.max_epochs", "20"]) == 0
    metrics = read_metrics()
    assert metrics["end"] == "early"
    assert metrics["epochs"] == {"trained": 2, "planned": 20}


def test_a_resumed_fit_adds_to_the_seconds_of_the_first(fit: list[str]) -> None:
    assert main([*fit, "--trainer.max_epochs", "1"]) == 0
    last = read_checkpoint(RUN / "checkpoints/last.ckpt")
    assert last["fit_seconds"] > 0
    assert main([*fit, "--trainer.max_epochs", "2", "--ckpt_path", "last"]) == 0
    metrics = read_metrics()
    assert metrics["end"] == "planned"
    assert metrics["seconds"]["fit"] >= round(last["fit_seconds"], 2)
    assert read_checkpoint(RUN / "checkpoints/last.ckpt")["fit_seconds"] > last["fit_seconds"]


def test_a_run_names_the_machine(fit: list[str]) -> None:
    assert main([*fit, "--trainer.max_epochs", "1"]) == 0
    hardware = read_metrics()["hardware"]
    assert hardware.keys() == {"cpu", "cores", "memory_gb", "accelerator", "processes", "threads"}
    assert hardware["cores"] >= 1
    assert (hardware["processes"], hardware["threads"]) == (1, torch.get_num_threads())


def test_a_run_names_the_revision_of_the_code_or_that_there_is_none(fit: list[str]) -> None:
    assert main([*fit, "--trainer.max_epochs", "1"]) == 0
    assert read_metrics()["code"] == describe_revision()


def test_a_fit_on_some_of_the_batches_says_so_in_its_record(fit: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    some = ["--trainer.limit_train_batches", "3", "--trainer.limit_val_batches", "0.5", "--data.eval_batch_size", "500"]
    assert main([*fit, "--trainer.max_epochs", "1", *some]) == 0
    assert read_metrics()["limits"] == {"limit_train_batches": 3, "limit_val_batches": 0.5}
    assert "Only some of the batches were measured" in capsys.readouterr().out
