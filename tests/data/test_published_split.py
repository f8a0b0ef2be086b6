"""A published split from its files to the tested run."""

import json
from pathlib import Path

import pytest

from movierec.cli import main
from tests.ml_100k import write_ml_100k

CONFIG = str(Path(__file__).parents[2] / "configs/model1.yaml")


def test_a_model_trains_on_ml_100k_and_is_tested_on_the_ratings_of_u1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_ml_100k(tmp_path / "data", num_users=40, num_ratings=1000)
    options = ["--config", CONFIG, "--data.root", "data", "--data.release", "ml-100k", "--data.split", "u1"]
    assert main(["fit", *options, "--name", "split", "--trainer.max_epochs", "1"]) == 0
    run = tmp_path / "lightning_logs/split/version_0"
    assert main(["test", "--config", str(run / "config.yaml")]) == 0
    data = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["data"]
    assert data["rows"] == {"train": 711, "val": 89, "test": 200}  # a ninth of the 800 ratings of u1.base validates
    assert {"ml-100k/u1.base", "ml-100k/u1.test"} <= set(data["files"])
