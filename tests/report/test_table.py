"""The table of all runs, in its three forms."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from movierec.errors import CheckpointError
from movierec.report.published import PUBLISHED, published_row
from movierec.report.table import Format, collect, format_value, show

TRAIN = {"r2": 0.44519, "mae": 0.12168, "mse": 0.02626, "rmse": 0.16206, "rmse_stars": 0.81234, "ndcg@10": 0.90123}
TEST = {"r2": -0.11149, "mae": 0.17, "mse": 0.05, "rmse": 0.22361, "precision": 0.5, "recall": 0.75}


def write_run(root: Path, name: str, version: int = 0, **content: Any) -> None:
    folder = root / name / f"version_{version}"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(content), encoding="utf-8")


def printed(root: Path, form: Format, capsys: pytest.CaptureFixture[str]) -> str:
    assert show(root, form) == 0
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


def test_published_runs_stand_below_the_report_training_rows_first(tmp_path: Path) -> None:
    content: dict[str, Any] = {
        "epoch": 49,
        "epochs": {"trained": 50, "planned": 50},
        "data": {"rows": {"train": 8000, "test": 1000}},
    }
    write_run(tmp_path, "published/model1", train=TRAIN, test=TEST, **content)
    lines = [(row.name, row.rows(), row.epoch) for row in collect(tmp_path)]
    assert lines == [
        ("report, model1", "train", "-"),
        ("published/model1", "train 8,000", "50 of 50"),
        ("published/model1", "test 1,000", "50 of 50"),
    ]


def test_the_line_of_the_report_holds_the_published_numbers(tmp_path: Path) -> None:
    write_run(tmp_path, "published/model4", epoch=0, test=TEST)
    metrics = collect(tmp_path)[0].metrics
    assert metrics == {
        "r2": 0.4629, "mae": 0.1223, "mse": 0.0253, "rmse": 0.1589, "precision": 0.6534, "recall": 0.9150,
    }  # fmt: skip


@pytest.mark.parametrize("model", PUBLISHED)
def test_published_errors_agree_with_each_other(model: str) -> None:
    row = published_row(f"published/{model}")
    assert row is not None
    assert row["rmse"] ** 2 == pytest.approx(row["mse"], abs=1e-4)
    assert published_row(model) is None


def test_a_described_run_shows_its_test_rows_alone(tmp_path: Path) -> None:
    write_run(tmp_path, "model1", epoch=12, epochs={"trained": 50}, train=TRAIN, test=TEST)
    assert [(row.name, row.rows(), row.epoch) for row in collect(tmp_path)] == [("model1", "test", "13 of 50")]


def test_models_stand_in_order_and_both_families_of_a_model_together(tmp_path: Path) -> None:
    for name in ("published/model2", "model2", "model1"):
        write_run(tmp_path, name, test=TEST)
    names = list(dict.fromkeys(row.name for row in collect(tmp_path)))
    assert names == ["model1", "report, model2", "published/model2", "model2"]


def test_the_newest_tested_run_of_a_name_counts(tmp_path: Path) -> None:
    write_run(tmp_path, "model1", 9, test={"r2": 0.1})
    write_run(tmp_path, "model1", 10, test={"r2": 0.2})
    write_run(tmp_path, "model1", 11, val={"r2": 0.9})
    assert [row.metrics for row in collect(tmp_path)] == [{"r2": 0.2}]


def test_a_run_on_the_sample_says_so_and_has_no_report_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path, "sample/published/model1", data={"sample": True}, train=TRAIN, test=TEST)
    assert {row.name for row in collect(tmp_path)} == {"sample/published/model1"}
    assert "* Trained on generated ratings" in printed(tmp_path, "table", capsys)


def test_csv_is_read_back_by_a_csv_reader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path, "published/model1", epoch=49, train=TRAIN, test=TEST | {"mse": None})
    rows = list(csv.DictReader(io.StringIO(printed(tmp_path, "csv", capsys))))
    assert rows[0]["run"] == "report, model1"
    assert rows[2] == {
        "run": "published/model1", "rows": "test", "R2": "-0.111", "MAE": "0.1700", "MSE": "-",
        "RMSE": "0.2236", "precision": "0.5000", "recall": "0.7500", "RMSE (stars)": "-", "NDCG@10": "-",
        "epoch": "-",
    }  # fmt: skip


def test_markdown_is_a_table_of_equally_many_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path, "model1", epoch=12, test=TEST)
    lines = printed(tmp_path, "markdown", capsys).splitlines()
    assert {line.count("|") for line in lines} == {12}
    assert lines[1].replace(" ", "") == "|---" * 11 + "|"
    assert lines[2] == "| model1 | test | -0.111 | 0.1700 | 0.0500 | 0.2236 | 0.5000 | 0.7500 | - | - | - |"


@pytest.mark.parametrize("columns", [80, 200])
def test_no_number_is_cut_off_in_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = {"train": 600_000, "test": 200_000}
    write_run(tmp_path, "published/model1", epoch=49, data={"rows": rows}, train=TRAIN, test=TEST)
    text = printed(tmp_path, "table", capsys)
    assert "…" not in text
    for number in ("0.445", "0.1217", "0.1621", "0.6199", "0.9309", "-0.111", "0.2236", "0.8123", "0.9012"):
        assert number in text


def test_the_table_says_what_training_rows_are_worth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path, "published/model1", epoch=49, train=TRAIN, test=TEST)
    text = " ".join(printed(tmp_path, "table", capsys).split())
    assert "Numbers of train rows say nothing about other ratings" in text
    assert "generated" not in text


@pytest.mark.parametrize("form", ["table", "markdown", "csv"])
def test_no_tested_run_is_an_error_that_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: Format
) -> None:
    write_run(tmp_path, "model1", val={"r2": 0.9})
    (tmp_path / "model1" / "version_1").mkdir()
    (tmp_path / "model1" / "version_1" / "metrics.json").write_text('{"test": {"r2": 0.')
    with pytest.raises(CheckpointError, match="python -m movierec fit") as caught:
        show(tmp_path, form)
    assert str(tmp_path) in str(caught.value)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("r2", 0.44519, "0.445"), ("rmse", 0.16206, "0.1621"), ("mae", 1, "1.0000"), ("mse", None, "-")],
)
def test_a_metric_is_written_with_the_digits_it_deserves(name: str, value: float | None, text: str) -> None:
    assert format_value(name, value) == text
