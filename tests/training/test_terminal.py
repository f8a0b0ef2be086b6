"""What is said of the data before a fit begins, and of its metrics at the end."""

import math
import shutil
from pathlib import Path

import pandas as pd
import pytest

from movierec.data import TMDbDataModule
from movierec.data.tables import Tables
from movierec.training.terminal import print_notes, print_start


@pytest.mark.parametrize(("num_films", "num_warnings"), [(100, 1), (380, 0)])
def test_a_fit_that_leaves_out_most_ratings_warns_and_says_what_to_do(
    num_films: int, num_warnings: int, sample_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(sample_root / "ml-latest-small", tmp_path / "ml-latest-small")
    (tmp_path / "metadata").mkdir()
    films = pd.read_csv(sample_root / "metadata/tmdb.csv", dtype=str, keep_default_na=False)
    films.head(num_films).to_csv(tmp_path / "metadata/tmdb.csv", index=False)
    data = TMDbDataModule(root=tmp_path, cache=False)
    data.setup()
    assert data.tables is not None
    assert (data.tables.record["ratings_left_out"] > 10_000) == num_warnings  # of 20,000
    print_start("model2", data.tables, None, resumed=None)
    output = capsys.readouterr().out
    assert output.count("more than half of the ratings are left out") == num_warnings
    assert output.count("with `python -m movierec data fetch tmdb`, or keep films") == num_warnings


@pytest.mark.parametrize(("spread", "warnings"), [(0.0, 1), (0.0099, 1), (0.0101, 0), (math.nan, 0)])
def test_predictions_that_are_all_alike_are_reported(
    spread: float, warnings: int, tables: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    results = {"test": {"prediction_sd_stars": spread, "rating_sd_stars": 1.0}, "val": {"rmse": 0.2}}
    print_notes(results, ("test", "val"), tables, partial=False)
    output = capsys.readouterr().out
    assert output.count("the network has collapsed, its predictions of the test rows are all alike") == warnings
    assert output.count("warning") == warnings


def test_metrics_are_printed_with_their_scale_and_whether_they_are_of_some_batches(
    tables: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    for partial in (False, True):
        print_notes({}, (), tables, partial=partial)
        output = capsys.readouterr().out
        assert "Unit scale: from 0.5 (0) to 5 stars (1)." in output
        assert "above the training median, 3.5 stars" in output
        assert ("Only some of the batches were measured" in output) == partial
