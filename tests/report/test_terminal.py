"""What is said of the data before a fit begins."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from movierec.data import TMDbDataModule
from movierec.report.terminal import print_start


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
    assert output.count("more than half of the ratings is left out") == num_warnings
    assert output.count("with `python -m movierec data fetch tmdb`, or keep films") == num_warnings
