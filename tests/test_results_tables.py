"""The tables of docs/results.md."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from movierec.metrics.published import PUBLISHED
from movierec.metrics.test_rows import PredictedRows
from movierec.report.results import gather
from tools.published_figure import draw_published
from tools.results_tables import PAGE, TABLES, fill_in, rebuilt

METRICS = {"r2": 0.3, "mae": 0.15, "mse": 0.037, "rmse": 0.19, "precision": 0.6, "recall": 0.7, "ndcg@10": 0.9}


def write_run(root: Path, name: str, seed: int, rmse_stars: float, **content: Any) -> None:
    folder = root / name / f"version_{seed}"
    folder.mkdir(parents=True)
    data = {"sample": False, "row_sets": {"test": "ab"}, "rows": {"train": 8000, "val": 1000, "test": 1000}}
    measured = METRICS | {"rmse_stars": rmse_stars, "mae_stars": 0.7}
    whole = {"config": name, "seed": seed, "data": data, "train": measured, "test": measured, "inputs": 28}
    whole |= {"weights": 51_000, "epochs": {"trained": 40 + seed, "planned": 50}}
    (folder / "metrics.json").write_text(json.dumps(whole | content), encoding="utf-8")


@pytest.fixture
def page(tmp_path: Path) -> list[str]:
    """The lines of a page with all tables, filled in from a few runs."""
    write_run(tmp_path, "published/model1", 1, 0.8, train=METRICS | {"r2": PUBLISHED["model1"]["r2"] + 0.01})
    for seed, rmse in ((1, 0.8), (2, 0.9)):
        ranked = {"users": 1234.0, "recall@10": rmse, "ndcg@10": 0.2, "map@10": 0.1, "coverage": 0.3, "novelty": 2.0}
        write_run(tmp_path, "model1", seed, rmse, retrieval={"model": ranked})
    write_run(tmp_path, "ablation/genres", 1, 0.85)
    write_run(tmp_path, "same_rows/model6", 1, 0.8)
    empty = "\n".join(f"text of {name}\n<!-- table {name} -->\nold\n<!-- end -->\n" for name in TABLES)
    return fill_in(empty, {one.name: one for one in gather(tmp_path)[0]}).splitlines()


def test_means_and_standard_deviations_are_over_seeds(page: list[str]) -> None:
    line = next(line for line in page if line.startswith("| model1 | test 1,000 |"))
    assert "| 0.8500 ± 0.0707 |" in line  # of 0.8 and 0.9
    assert line.endswith("| 2 | 41 to 42 of 50 |")


def test_the_published_numbers_stand_beside_ours_of_training_rows(page: list[str]) -> None:
    assert any(line.startswith(f"| model1 | {PUBLISHED['model1']['r2'] + 0.01:.3f} (+0.010) |") for line in page)
    assert any(line.startswith("| report, model1 | train | 0.445 |") for line in page)


def test_lists_and_feature_sets_are_tables_too(page: list[str]) -> None:
    assert "| model1 | 1,234 | the model | 0.850 ± 0.071 | 0.200 | 0.100 | 0.300 | 2.000 | - |" in page
    assert "| genres alone | 0.300 | 0.8500 | 1 |" in page
    assert "| model1 | 1, 2 | 41 to 42 of 50 | 28 | 51,000 |" in page


def test_models_are_compared_on_the_same_rows_with_an_interval(tmp_path: Path) -> None:
    ids, rating = np.arange(20), np.full(20, 4.0)
    for name, error in ("baseline/bias", 1.0), ("model6", 0.5):
        write_run(tmp_path, f"same_rows/{name}", 1, error)
        PredictedRows(ids, ids, rating, rating - error).write(tmp_path / "same_rows" / name / "version_1")
    write_run(tmp_path, "same_rows/model1", 1, 0.9)  # without its test rows
    page = "<!-- table same rows -->\n<!-- end -->"
    lines = fill_in(page, {one.name: one for one in gather(tmp_path)[0]}).splitlines()
    assert lines[1:2] + lines[3:-1] == [
        "| model | reads | R2 | RMSE (stars) | RMSE less that of bias | RMSE less that of model6 | epochs |",
        "| baseline/bias | ratings | 0.300 | 1.0000 | - | +0.5000 (+0.5000 to +0.5000) | 41 of 50 |",
        "| model1 | ratings, genres | 0.300 | 0.9000 | ? | ? | 41 of 50 |",
        "| model6 | ratings, genres | 0.300 | 0.5000 | -0.5000 (-0.5000 to -0.5000) | - | 41 of 50 |",
    ]


def test_hand_written_text_stays_and_a_table_without_runs_too(page: list[str]) -> None:
    assert "text of lists" in page
    assert "old" not in page
    untouched = "a\n<!-- table ablation -->\nold\n<!-- end -->\nb"
    assert fill_in(untouched, {}) == untouched


def test_without_runs_no_table_changes() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert fill_in(text, {}) == text


def test_the_figure_is_drawn_from_the_table_of_all_metrics() -> None:
    page = PAGE.read_text(encoding="utf-8")
    train, test = rebuilt(page, "train"), rebuilt(page, "test")
    assert list(train) == list(test) == list(PUBLISHED)
    assert (train["model1"]["r2"], test["model1"]["r2"], test["model1"]["rmse_stars"]) == (0.443, -0.108, 1.1456)
    drawing = draw_published(train, test)
    assert "report, training rows: model1 0.445, model2 0.470" in drawing.alt
    heights = [patch.get_height() for patch in drawing.figure.axes[0].containers[-1].patches]  # type: ignore[attr-defined]
    assert heights == [test[model]["r2"] for model in PUBLISHED]
    assert drawing.alt in page
    bars = [container.patches[0] for container in drawing.figure.axes[0].containers if hasattr(container, "patches")]
    looks = {(to_hex(bar.get_facecolor()), bar.get_hatch()) for bar in bars}
    assert len(looks) == 3


def test_the_page_has_each_table_once() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [text.count(f"<!-- table {name} -->\n") for name in TABLES] == [1] * len(TABLES)
