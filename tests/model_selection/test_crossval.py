"""Cross-validation of two closed-form models on the generated sample."""

from pathlib import Path

import pandas as pd
import pytest

from movierec.cli import main

RUNS = Path("crossval/lightning_logs")
COMMAND = ["crossval", "--config", "baseline/bias", "--config", "one.yaml", "--folds", "2"]
ONE = "trainer: {max_epochs: 1, enable_progress_bar: false}\n"


@pytest.mark.slow
def test_each_rating_is_tested_once_by_both_and_a_second_call_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.yaml").write_text(ONE)
    command = [*COMMAND, "--root", str(sample_root), "--against", "baseline/popularity", "--against", "one.yaml"]
    assert main(command) == 0
    output = capsys.readouterr().out
    assert "one/baseline/popularity is better than one/baseline/bias by 0." in output
    assert "NDCG@10 (0." in output
    ratings = pd.read_csv(sample_root / "ml-latest-small/ratings.csv")
    tested = [pd.read_parquet(RUNS / f"one/baseline/bias/fold_{n}/version_0/test_rows.parquet") for n in (1, 2)]
    assert abs(len(tested[0]) - len(tested[1])) <= 1
    found = pd.concat(tested).sort_values(["user_id", "movie_id"])
    expected = ratings.sort_values(["userId", "movieId"])
    assert found["movie_id"].tolist() == expected["movieId"].tolist()
    assert found["rating"].tolist() == expected["rating"].tolist()
    error = (found["prediction"] - found["rating"]).pow(2).mean() ** 0.5
    assert f"{error:.3f}" in output  # the mean over folds of equal size is about that of all ratings

    assert main(command) == 0
    assert capsys.readouterr().out.count("done before") == 4


def test_other_releases_and_single_folds_are_refused(
    sample_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["crossval", "--config", "model1", "--folds", "1"]) == 1
    assert "--folds of 2 or more, got 1" in capsys.readouterr().err
    assert main(["crossval", "--config", "model1", "--against", "model6_1m", "--root", str(sample_root)]) == 1
    assert "one release" in capsys.readouterr().err
