"""Runs as `fit` and `test` leave them, with numbers written by hand."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from movierec.metrics.test_rows import PredictedRows

WriteBelow = Callable[..., Path]
TRAIN = {
    "r2": 0.44519, "mae": 0.12168, "mse": 0.02626, "rmse": 0.16206, "precision": 0.62, "recall": 0.93,
    "mae_stars": 0.6084, "rmse_stars": 0.8103, "ndcg@10": 0.90123,
}  # fmt: skip
TEST = {
    "r2": 0.36, "mae": 0.14, "mse": 0.0256, "rmse": 0.16, "precision": 0.5, "recall": 0.75,
    "mae_stars": 0.63, "rmse_stars": 0.8, "ndcg@10": 0.92,
}  # fmt: skip


def tested(error: float, changed: dict[str, Any]) -> dict[str, Any]:
    """What `test` writes, for an RMSE in stars; the keys of `data` and its options are changed one by one."""
    options = {
        "release": "ml-latest-small", "sources": [], "split": "random", "fractions": [0.8, 0.1, 0.1], "seed": 123,
        "whole_stars": False,
    }  # fmt: skip
    of_data = changed.pop("data", {})
    decides = [options, changed.get("options", {}), {name: of_data.get(name) for name in ("files", "ratings")}]
    row_sets = {"test": json.dumps(decides)}  # as if the options and the files decided them
    data: dict[str, Any] = {
        "sample": False,
        "row_sets": row_sets,
        "options": options | changed.pop("options", {}),
        "files": {"ml-latest-small/ratings.csv": "aa", "ml-latest-small/movies.csv": "bb"},
        "fingerprint": "f1",
        "ratings": 10_000, "ratings_left_out": 0, "users": 610, "movies": 900,
        "rows": {"train": 8_000, "val": 1_000, "test": 1_000},
    }  # fmt: skip
    content: dict[str, Any] = {
        "config": "model1", "seed": 123, "epoch": 11, "epochs": {"trained": 50, "planned": 50},
        "unit_scale": [0.0, 5.0], "inputs": 28, "weights": 50_689, "seconds": {"fit": 31.5, "test": 0.4},
        "versions": {"movierec": "0.1.0", "python": "3.11.7"},
        "data": data | of_data,
        "train": TRAIN, "test": TEST | {"rmse_stars": error},
    }  # fmt: skip
    return {name: value for name, value in (content | changed).items() if value is not None}


@pytest.fixture(scope="session")
def write_below() -> WriteBelow:
    """Write a run below a folder, and return its own."""

    def write(
        runs: Path,
        name: str,
        version: int = 0,
        *,
        error: float = 0.8,
        config: dict[str, Any] | None = None,
        errors: np.ndarray | None = None,
        **changed: Any,
    ) -> Path:
        folder = runs / name / f"version_{version}"
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps(tested(error, changed)), encoding="utf-8")
        if config is not None:
            (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        if errors is not None:  # of ten ratings of each user
            user, movie = np.divmod(np.arange(len(errors)), 10)
            PredictedRows(user, movie, np.full(len(errors), 3.0), 3.0 + errors).write(folder)
        return folder

    return write


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The runs' folder."""
    return tmp_path / "runs"


@pytest.fixture
def write_run(runs: Path, write_below: WriteBelow) -> WriteBelow:
    """Write a run below the runs' folder, and return its own."""
    return partial(write_below, runs)
