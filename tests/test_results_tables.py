"""The tables of docs/results.md."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from movierec.metrics.published import PUBLISHED
from movierec.metrics.test_rows import PredictedRows, write_lists
from movierec.model_selection.reproduce import experiments
from movierec.report.results import gather
from tools.learning_curve_figure import draw_learning_curve
from tools.published_figure import draw_published
from tools.results_tables import LISTS, PAGE, READS, SHARES, SPLITS, TABLES, fill_in, read_table, rebuilt

METRICS = {"r2": 0.3, "mae": 0.15, "mse": 0.037, "rmse": 0.19, "precision": 0.6, "recall": 0.7, "ndcg@10": 0.9}
USERS = np.arange(20)


def write_run(root: Path, name: str, error: float | None = None, ndcg: float = 0.2, **content: Any) -> None:
    """Write a tested run, whose test ratings are all of 4 stars, and predicted too low by the error."""
    folder = root / name / "version_0"
    folder.mkdir(parents=True)
    ranking = {"recall@10": 0.1, "coverage": 0.3, "users": 20.0}
    lists = {"model": ndcg, "popularity": 0.1, "item_knn": 0.25}
    whole = {"config": name, "seed": 123, "data": {"sample": False, "rows": {"test": 1000}}}
    whole["retrieval"] = {
        one: ranking | {"ndcg@10": value, "intervals": {"recall@10": [0.05, 0.2], "ndcg@10": [value, value]}}
        for one, value in lists.items()
    }
    write_lists(
        pd.DataFrame(
            [{"ranking": one, "user_id": user, "ndcg@10": value} for one, value in lists.items() for user in USERS]
        ),
        folder,
    )
    if error is not None:
        whole["test"] = METRICS | {"rmse_stars": error}
        whole["baselines"] = {"mean": {"r2": 0.0, "rmse_stars": 1.5}}
        rating = np.full(20, 4.0)
        PredictedRows(USERS, USERS, rating, rating - error).write(folder)
    (folder / "metrics.json").write_text(json.dumps(whole | content), encoding="utf-8")


def filled(root: Path, table: str) -> list[str]:
    """The lines of a table, filled in from the runs, without the line below its heading."""
    page = fill_in(f"<!-- table {table} -->\nold\n<!-- end -->", {one.name: one for one in gather(root)[0]})
    lines = page.splitlines()
    return [lines[1], *lines[3:-1]]


def test_errors_stand_beside_those_of_the_bias_model_with_an_interval(tmp_path: Path) -> None:
    write_run(tmp_path, "same_rows/model6", 0.5)
    write_run(tmp_path, "same_rows/baseline/bias", 1.0)
    for seed, error in ((124, 0.6), (125, 0.7)):
        write_run(tmp_path, f"split_{seed}/same_rows/model6", error)
    heading, *lines = filled(tmp_path, "small stars")
    less = "-0.5000 (-0.5000 to -0.5000)"
    assert "RMSE in stars, 1,000 test ratings" in heading
    assert lines == [
        "| always the mean | - | 0.000 | 1.5000 | - | - |",
        "| baseline/bias | ratings | 0.300 | 1.0000 (1.0000 to 1.0000) | - | - |",
        f"| model6 | genres, times | 0.300 | 0.5000 (0.5000 to 0.5000) | {less} | 0.6000 ± 0.1000 |",
    ]


def test_lists_stand_beside_popularity_and_item_knn_for_the_same_users(tmp_path: Path) -> None:
    write_run(tmp_path, "ml-1m/same_rows/model7", ndcg=0.35)
    found = "0.100 (0.050 to 0.200)"
    assert filled(tmp_path, "1M lists") == [
        "| model | recall@10 | NDCG@10, 20 users | difference to item-kNN | coverage |",
        f"| popularity | {found} | 0.100 (0.100 to 0.100) | -0.150 (-0.150 to -0.150) | 0.300 |",
        f"| item-kNN | {found} | 0.250 (0.250 to 0.250) | - | 0.300 |",
        f"| model7 | {found} | 0.350 (0.350 to 0.350) | +0.100 (+0.100 to +0.100) | 0.300 |",
    ]


def test_each_share_of_the_ratings_is_compared_with_the_one_before(tmp_path: Path) -> None:
    write_run(tmp_path, "ml-1m/share_0.1/same_rows/model1", 1.0, 0.2)
    write_run(tmp_path, "ml-1m/same_rows/model1", 0.75, 0.3)
    first, second = filled(tmp_path, "learning curve")[1:]
    assert first == "| model1 | 10% | 1.0000 (1.0000 to 1.0000) | - | 0.200 (0.200 to 0.200) | - |"
    assert second.startswith("| model1 | 100% | 0.7500 (0.7500 to 0.7500) | -0.2500 (-0.2500 to -0.2500) |")
    assert second.endswith("| 0.300 (0.300 to 0.300) | +0.100 (+0.100 to +0.100) |")


def test_the_published_numbers_stand_beside_ours_of_training_rows(tmp_path: Path) -> None:
    write_run(tmp_path, "published/model1", 0.8, train=METRICS | {"r2": PUBLISHED["model1"]["r2"] + 0.01})
    (_, line) = filled(tmp_path, "training rows")
    assert line.startswith(f"| model1 | {PUBLISHED['model1']['r2'] + 0.01:.3f} (+0.010) |")
    assert filled(tmp_path, "test rows")[1].startswith("| model1 | 0.300 | 0.1500 | 0.0370 |")


def test_reproduce_makes_all_runs_of_the_tables() -> None:
    known = experiments()
    small = [name for name in (*READS, *LISTS) if name not in ("model5", "model6_1m", "model6_large")]
    assert {f"{before}same_rows/{name}" for name in small for before in ("", "time/")} <= known.keys()
    assert {
        f"{split}same_rows/{name}" for name in ("baseline/bias", "model6", *LISTS) for split in SPLITS
    } <= known.keys()
    curve = {
        f"ml-1m/{share}same_rows/{name}" for name in ("model1", "model5", "model6_1m") for share in SHARES.values()
    }
    assert curve <= known.keys()


def test_hand_written_text_stays_and_a_table_without_runs_too() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert fill_in(text, {}) == text


def test_the_page_has_each_table_once() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [text.count(f"<!-- table {name} -->\n") for name in TABLES] == [1] * len(TABLES)


def test_the_published_figure_is_drawn_from_the_tables() -> None:
    page = PAGE.read_text(encoding="utf-8")
    train, test = rebuilt(page, "training"), rebuilt(page, "test")
    assert list(train) == list(test) == list(PUBLISHED)
    assert (train["model1"]["r2"], test["model1"]["r2"], test["model1"]["rmse"]) == (0.443, -0.108, 0.2292)
    drawing = draw_published(train, test)
    assert "report, training rows: model1 0.445, model2 0.470" in drawing.alt
    heights = [patch.get_height() for patch in drawing.figure.axes[0].containers[-1].patches]  # type: ignore[attr-defined]
    assert heights == [test[model]["r2"] for model in PUBLISHED]
    assert drawing.alt in page
    bars = [container.patches[0] for container in drawing.figure.axes[0].containers if hasattr(container, "patches")]
    looks = {(to_hex(bar.get_facecolor()), bar.get_hatch()) for bar in bars}
    assert len(looks) == 3


def test_the_learning_curve_is_drawn_from_its_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    drawing = draw_learning_curve(read_table(page, "learning curve"))
    assert drawing.alt in page
    errors, lists = drawing.figure.axes
    (bias,) = (one for one in read_table(page, "learning curve") if one[:2] == ["baseline/bias", "3%"])
    assert errors.lines[0].get_xydata()[0] == pytest.approx([3, float(bias[2].split()[0])])  # type: ignore[index]
    assert lists.lines[0].get_xydata()[0] == pytest.approx([3, float(bias[4].split()[0])])  # type: ignore[index]
