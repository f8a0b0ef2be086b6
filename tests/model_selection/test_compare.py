"""Comparisons of runs that are written by hand."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from movierec.cli import main
from movierec.metrics.test_rows import PredictedRows, write_lists

ERRORS = np.random.default_rng(0).normal(0, 0.8, 2_000)
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a tested run."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, errors: np.ndarray | None, *, score: float, rows: str = "a", version: int = 0) -> Path:
        folder = Path("lightning_logs") / name / f"version_{version}"
        folder.mkdir(parents=True)
        content = {"test": {"rmse": 0.2}, "data": {"row_sets": {"test": rows}}}
        (folder / "metrics.json").write_text(json.dumps(content))
        if errors is not None:
            user, movie = np.divmod(np.arange(len(errors)), 10)
            PredictedRows(user, movie, np.full(len(errors), 3.0), 3.0 + errors).write(folder)
        of_users = np.random.default_rng(0).uniform(0, 0.5, 200) + score
        write_lists(pd.DataFrame({"ranking": "model", "user_id": range(200), "ndcg@10": of_users}), folder)
        return folder

    return run


def test_runs_are_compared_by_their_ratings_and_by_their_lists(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write("model6", 0.9 * ERRORS, score=0.1)
    write("model1", ERRORS, score=0)
    write("model7", None, score=0.2)  # predicts no stars
    assert main(["compare", "model1", str(folder), "model7"]) == 0
    output = capsys.readouterr().out
    assert "model6/version_0 is better than model1 by 0.080 stars (0.07" in output
    assert "model7 is better than model6/version_0 by 0.100 NDCG@10 (0.100 to 0.100), p 0.0015" in output
    assert "model7 is better than model1 by 0.200 NDCG@10" in output
    assert output.count("stars (0.0") == 1


def test_the_newest_run_of_a_name_is_compared(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("model1", ERRORS, score=0)
    write("model2", 2 * ERRORS, score=0)
    write("model2", ERRORS, score=0, version=1)
    assert main(["compare", "model1", "model2"]) == 0
    assert "model1 and model2: no difference shown (+0.000 to +0.000 stars)" in capsys.readouterr().out


def test_runs_on_other_ratings_are_refused(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("model1", ERRORS, score=0)
    write("model2", ERRORS, score=0, rows="b")
    assert main(["compare", "model1", "model2"]) == 1
    assert "those of model2 are other ones than those of model1" in capsys.readouterr().err


def test_a_run_that_is_missing_or_alone_is_refused(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("model1", ERRORS, score=0)
    assert main(["compare", "model1", "model9"]) == 1
    assert "Expected a tested run at model9, found none." in capsys.readouterr().err
    assert main(["compare", "model1"]) == 1
    assert "at least two runs to compare, got model1." in capsys.readouterr().err
