"""Cross-validation of two closed-form models on the generated sample."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from movierec.cli import main
from movierec.data import RatingsDataModule
from movierec.data.batches import Batch
from movierec.model_selection.crossval import Over, write_folds

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


def rows_of_folds(over: Over, root: Path, out: Path) -> list[dict[str, Batch]]:
    modules = [
        RatingsDataModule(root=root, cache=False, **yaml.safe_load(overlay.read_text())["data"]["init_args"])
        for overlay in write_folds([("baseline/bias",)], over, 3, root, out)
    ]
    return [module.prepare()[1] for module in modules]


def test_over_users_each_is_held_out_once(sample_root: Path, tmp_path: Path) -> None:
    folds = rows_of_folds("users", sample_root, tmp_path)
    tested = [np.unique(rows["test"].user) for rows in folds]
    assert np.sort(np.concatenate(tested)).tolist() == list(range(300))
    for rows, users in zip(folds, tested, strict=True):
        assert len(users) == 100
        assert not np.isin(users, np.concatenate([rows["train"].user, rows["val"].user])).any()
        assert len(np.unique(rows["val"].user)) == pytest.approx(200 / 9, abs=1)  # fractions .8 and .1 of the others


def test_over_time_each_part_but_the_first_is_tested_by_what_was_before(sample_root: Path, tmp_path: Path) -> None:
    folds = rows_of_folds("time", sample_root, tmp_path)
    sizes = [{part: len(batch.rating) for part, batch in rows.items()} for rows in folds]
    assert [size["test"] for size in sizes] == pytest.approx([5000] * 3, abs=5)  # but for equal times
    assert [size["train"] + size["val"] for size in sizes] == np.cumsum(
        [sizes[0]["train"] + sizes[0]["val"], *(size["test"] for size in sizes[:-1])]
    ).tolist()
    assert sum(sizes[-1].values()) == 20_000
    for rows in folds:
        assert max(rows["train"].day.max(), rows["val"].day.max()) <= rows["test"].day.min()
