"""The table of all results, in its three forms."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from movierec.metrics.published import PUBLISHED, published_row
from movierec.metrics.registry import METRICS
from movierec.report.results import gather
from movierec.report.table import Row, csv_text, print_table, tabulate

WriteRun = Callable[..., Path]


def table(runs: Path) -> list[Row]:
    return tabulate(gather(runs)[0])


def measured_rows(runs: Path) -> list[Row]:
    return [row for row in table(runs) if row.measured and row.part == "test"]


def printed(runs: Path, capsys: pytest.CaptureFixture[str]) -> str:
    found, lines = gather(runs)
    print_table(tabulate(found), lines)
    return capsys.readouterr().out


def test_the_published_numbers_always_stand_in_the_table_as_those_of_training_rows(
    runs: Path, write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run("model1")
    rows = table(runs)
    assert [(row.name, row.rows) for row in rows] == [
        *((f"report, {model}", "train") for model in PUBLISHED),
        ("model1", "test 1,000"),
    ]
    assert "Lines named report are those of the published report, measured on its training rows" in printed(
        runs, capsys
    )


def test_reproductions_stand_below_the_report_and_their_test_rows_with_the_others(
    runs: Path, write_run: WriteRun
) -> None:
    write_run("published/model1")
    assert [(row.name, row.rows, row.epoch) for row in table(runs) if "model1" in row.name or row.measured] == [
        ("report, model1", "train", "-"),
        ("published/model1", "train 8,000", "12 of 50"),
        ("published/model1", "test 1,000", "12 of 50"),
    ]


def test_the_line_of_the_report_holds_the_published_numbers_in_stars_too(runs: Path, write_run: WriteRun) -> None:
    write_run("model1")
    assert table(runs)[3].means == pytest.approx({
        "r2": 0.4629, "mae": 0.1223, "mse": 0.0253, "rmse": 0.1589, "precision": 0.6534, "recall": 0.9150,
        "mae_stars": 0.6115, "rmse_stars": 0.7945, "ndcg@10": 1.0,
    })  # fmt: skip


def test_baselines_stand_before_the_models_of_their_test_rows(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", baselines={"mean": {"rmse_stars": 1.04}, "bias": {"r2": 0.3, "rmse_stars": 0.87}})
    write_run("model2", data={"ratings": 9_000})
    rows = [(row.name, row.rows, row.value("rmse_stars")) for row in table(runs) if row.part == "test"]
    assert rows == [
        ("baseline, mean", "test 1,000 A", "1.0400"),
        ("baseline, bias", "test 1,000 A", "0.8700"),
        ("model1", "test 1,000 A", "0.8000"),
        ("model2", "test 1,000 B", "0.8000"),
    ]


@pytest.mark.parametrize("model", PUBLISHED)
def test_published_errors_agree_with_each_other(model: str) -> None:
    row = published_row(f"published/{model}")
    assert row is not None
    assert row["rmse"] ** 2 == pytest.approx(row["mse"], abs=1e-4)
    assert published_row(model) is None


def test_several_seeds_show_mean_and_deviation_and_the_span_of_epochs(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", 0, seed=1, error=0.80, epoch=9)
    write_run("model1", 1, seed=2, error=0.82, epoch=11)
    (row,) = measured_rows(runs)
    assert (row.value("rmse_stars"), row.spread("rmse_stars"), row.epoch) == ("0.8100", "±0.0141", "10-12 of 50")


def test_different_test_ratings_get_different_letters_and_equal_ones_none(runs: Path, write_run: WriteRun) -> None:
    write_run("model1")
    write_run("model2")
    assert [row.rows for row in measured_rows(runs)] == ["test 1,000", "test 1,000"]
    write_run("model3", data={"ratings": 9_000})
    assert [row.rows for row in measured_rows(runs)] == ["test 1,000 A", "test 1,000 A", "test 1,000 B"]


def test_a_run_on_the_sample_says_so(runs: Path, write_run: WriteRun, capsys: pytest.CaptureFixture[str]) -> None:
    write_run("sample/published/model1", data={"sample": True})
    assert [row.label for row in table(runs)][1:3] == ["sample/published/model1 *", "report, model2"]
    assert "* Trained on generated ratings" in printed(runs, capsys)


def test_csv_is_read_back_with_numbers_that_are_numbers(runs: Path, write_run: WriteRun) -> None:
    write_run("published/model1", test={"r2": -0.111494, "mae": 0.17, "mse": None})
    rows = list(csv.DictReader(io.StringIO(csv_text(table(runs)))))
    del rows[2:6]  # the other published ones
    assert [(row["run"], row["kind"], row["rows"]) for row in rows] == [
        ("report, model1", "published", "train"),
        ("published/model1", "measured", "train"),
        ("published/model1", "measured", "test"),
    ]
    assert rows[2]["r2"] == "-0.111494"
    assert rows[2]["mse"] == rows[2]["r2_sd"] == ""
    assert rows[2] | {"seeds": "1", "num_rows": "1000", "generated": "no", "epoch": "12 of 50"} == rows[2]


def test_a_run_named_like_a_formula_is_a_text_in_the_csv(runs: Path, write_run: WriteRun) -> None:
    write_run("=1+1")
    (row,) = csv.DictReader(io.StringIO(csv_text(measured_rows(runs))))
    assert row["run"] == "'=1+1"


def test_a_name_is_no_markup_in_the_terminal(
    runs: Path, write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run("<b>|[red]x")
    assert "<b>|[red]x" in printed(runs, capsys)


@pytest.mark.parametrize("columns", [80, 200])
def test_no_number_is_cut_off_in_the_table(
    runs: Path,
    write_run: WriteRun,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = {"train": 600_000, "test": 200_000}
    for seed in (1, 2):
        write_run("published/model1", seed, seed=seed, error=0.8123 + seed / 10, data={"rows": rows})
    write_run("model1", data={"rows": rows})
    text = printed(runs, capsys)
    assert "…" not in text
    for number in ("0.445", "0.1217", "0.1621", "0.6199", "0.9309", "1.0000", "0.9623", "±0.0707", "0.9012"):
        assert number in text
    assert max(map(len, text.split("\n\n")[0].splitlines())) <= columns


def test_the_table_says_what_its_numbers_are_worth(
    runs: Path, write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run("published/model1")
    text = " ".join(printed(runs, capsys).split())
    assert "Numbers of train rows say nothing about other ratings" in text
    assert "its NDCG@10 of 1.0000 ranked each rating alone, against itself." in text
    assert "generated" not in text
    assert "±" not in text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("r2", 0.44519, "0.445"), ("rmse", 0.16206, "0.1621"), ("mae", 1, "1.0000"), ("mse", None, "-")],
)
def test_a_metric_is_written_with_the_digits_it_deserves(name: str, value: float | None, text: str) -> None:
    assert METRICS[name].format(value) == text


def test_the_letters_of_test_ratings_are_explained(
    runs: Path, write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"ml-100k/u.data": "aa"}
    write_run("model1", data={"row_sets": {"test": "abcdefghij"}, "files": files}, options={"release": "ml-100k"})
    write_run("model3", data={"row_sets": {"test": "klm"}, "ratings_left_out": 1_000}, options={"whole_stars": True})
    write_run("model4", data={"row_sets": {}})
    text = printed(runs, capsys)
    for line in (
        "A: ml-100k, split random 80/10/10, seed 123, rows abcdefgh.",
        "B: ml-latest-small, split random 80/10/10, seed 123, half stars cut off, 1,000 ratings of all parts left out",
        "?: unrecorded ratings; test again to compare.",
    ):
        assert f"\n{line}" in text


def test_a_letter_is_explained_by_the_ratings_of_its_lines_when_a_reproduction_stands_above_them(
    runs: Path, write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run("baseline/bias", options={"seed": 7})
    write_run("published/model1")
    assert [(row.name, row.test_set) for row in measured_rows(runs)] == [
        ("baseline/bias", "A"),
        ("published/model1", "B"),
    ]
    text = printed(runs, capsys)
    assert "\nA: ml-latest-small, split random 80/10/10, seed 7, rows" in text
    assert "\nB: ml-latest-small, split random 80/10/10, seed 123, rows" in text


def test_the_same_test_ratings_need_no_explanation(
    runs: Path, write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run("model1")
    write_run("model2")
    assert "split random" not in printed(runs, capsys)


@pytest.mark.parametrize(
    ("changed", "remark"),
    [
        (
            {"end": "interrupted", "epochs": {"trained": 3, "planned": 50}},
            "its fit was interrupted, after 3 of 50 epochs",
        ),
        (
            {"end": "diverged", "epochs": {"trained": 3, "planned": 50}},
            "its fit diverged: the loss was not finite, after 3 of 50 epochs",
        ),
        (
            {"end": "early", "epochs": {"trained": 9, "planned": 50}},
            "a callback ended its fit early, after 9 of 50 epochs",
        ),
        ({"code": None}, ""),
        ({"code": {"revision": "ab", "dirty": False}}, "its fit was killed, or was still running when it was tested"),
        ({"limits": {"limit_train_batches": 0.5}}, "it was trained with limit_train_batches 0.5, not with all ratings"),
        (
            {"checkpoint": "checkpoints/last.ckpt"},
            "it was measured at checkpoints/last.ckpt, not at its best epoch",
        ),
        (
            {"test": {"r2": 0.0, "prediction_sd_stars": 0.0099, "rating_sd_stars": 1.0}},
            (
                "its predictions of the test rows are all alike: their standard deviation is 0.0099 stars, that of "
                "the ratings 1.0000"
            ),
        ),
        ({"test": {"r2": 0.0, "prediction_sd_stars": 0.01, "rating_sd_stars": 1.0}}, ""),
        ({"end": "planned", "checkpoint": "checkpoints/best.ckpt", "code": {"revision": "ab", "dirty": False}}, ""),
    ],
)
def test_a_run_that_cannot_be_compared_is_marked_and_the_mark_explained(
    runs: Path, write_run: WriteRun, capsys: pytest.CaptureFixture[str], changed: dict[str, Any], remark: str
) -> None:
    write_run("model1", **changed)
    text = printed(runs, capsys)
    (row,) = measured_rows(runs)
    assert row.label == ("model1 ‡" if remark else "model1")
    assert (f"‡ model1: {remark}." in text) == bool(remark)
    (line,) = csv.DictReader(io.StringIO(csv_text([row])))
    assert line["remarks"] == remark


def test_of_several_runs_the_marked_ones_are_named(runs: Path, write_run: WriteRun) -> None:
    for seed in (1, 2, 3):
        end = "planned" if seed == 2 else "early"
        write_run("model1", seed, seed=seed, end=end, epochs={"trained": 9, "planned": 50})
    (row,) = measured_rows(runs)
    assert row.remarks == ["version_3, version_1: a callback ended its fit early, after 9 of 50 epochs"]
