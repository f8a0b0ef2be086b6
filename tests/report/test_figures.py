"""The figures: drawn of what is there, left out where there is nothing, and the same bytes each time."""

import itertools
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from torch.utils.tensorboard import SummaryWriter

from movierec.metrics.diagnostic_figures import DRAWN
from movierec.metrics.diagnostics import Background, Rated, diagnose
from movierec.metrics.run_figures import Curve, draw_curves, draw_run, read_curves
from movierec.metrics.style import Drawing, save, styled
from movierec.metrics.test_rows import PredictedRows
from movierec.report.comparison import compare
from movierec.report.figures import draw_report
from movierec.report.results import Measured, family_of
from movierec.runs import Run

OF_TEST = {
    "calibration",
    "errors_by_film_ratings",
    "errors_by_user_ratings",
    "errors_by_genre",
}
METRICS = {
    "r2": 0.3, "mae": 0.15, "mse": 0.04, "rmse": 0.2, "precision": 0.6, "recall": 0.7,
    "rmse_stars": 0.87, "mae_stars": 0.67, "ndcg@10": 0.92,
}  # fmt: skip
GENRES = ["Comedy|Drama", "Film-Noir", "", "(no genres listed)"]


def content(shift: float = 0.0, epochs: int = 50) -> dict[str, Any]:
    parts = {part: {name: value + shift for name, value in METRICS.items()} for part in ("train", "test")}
    return {**parts, "epochs": {"trained": epochs}, "data": {"row_sets": {"test": "ab"}}}


def measured(name: str, *contents: dict[str, Any], sample: bool = False, runs: tuple[Run, ...] = ()) -> Measured:
    return Measured(
        name, name.rsplit("/", maxsplit=1)[-1], family_of(name, sample=sample), sample, runs, contents or (content(),)
    )


def described(folder: Path) -> list[Measured]:
    """Write the test rows of three models, one of which has a long name."""
    found = []
    for place, name in enumerate(("model1", "model2", "mine/" + "with-embeddings-" * 4)):
        run = Run(folder / name / "version_0")
        run.path.mkdir(parents=True)
        errors = np.random.default_rng(0).normal(0, 0.8 + place / 10, 500)
        PredictedRows(np.arange(500) // 10, np.arange(500), np.full(500, 3.0), 3.0 + errors).write(run.path)
        found.append(measured(name, content(place / 10), runs=(run,)))
    return found


def diagnosed(prediction: list[float], rating: list[float]) -> dict[str, Any]:
    size = len(rating)
    rated = Rated(np.arange(size) % 3, np.arange(size) % 4, np.array(prediction), np.array(rating))
    counts = np.array([40, 0, 3]), np.array([0, 1, 300, 9])
    known = Background(0.5, 5.0, *counts, GENRES)
    return diagnose(rated, known)


def many() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    rating = rng.integers(1, 11, 2_000) / 2
    return diagnosed(np.clip(rating / 2 + 1.7 + rng.normal(0, 0.6, 2_000), 0.5, 5).tolist(), rating.tolist())


def write_run(folder: Path, tested: dict[str, Any] | None, *, epochs: int = 3, sample: bool = False) -> Run:
    run = Run(folder / "model1" / "version_0")
    run.path.mkdir(parents=True)
    with SummaryWriter(str(run.path)) as writer:
        for epoch, (part, metric) in itertools.product(range(epochs), itertools.product(("train", "val"), METRICS)):
            writer.add_scalar(f"{part}/{metric}", METRICS[metric] + 0.1 / (epoch + 1), epoch)
    described = {"epoch": 1, "checkpoint": "checkpoints/best.ckpt"}
    metrics = described | {"config": "model1", "data": {"sample": sample}}
    run.write_metrics(metrics | ({"test": METRICS} if tested else {}))
    if tested:
        run.write_diagnostics(described | tested)
    return run


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible()]


def drawn_texts(figure: Figure) -> list[Text]:
    """List the texts that are drawn; axes keep ticks beyond their ends, which are not."""
    axis_list: list[Any] = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    ticks = [tick for axis in axis_list for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())]
    hidden = {id(text) for tick in ticks for text in (tick.label1, tick.label2)}
    hidden -= {id(tick.label1) for axis in axis_list for tick in axis._update_ticks()}  # noqa: SLF001 - knows which
    found = {id(text): text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible()}
    return [text for key, text in found.items() if key not in hidden and text.get_text().strip()]


def overlaps(drawing: Drawing) -> list[tuple[str, str]]:
    """List the texts that lie over each other, by more than the rounding of their boxes, or leave the figure."""
    figure = drawing.figure
    canvas = FigureCanvasAgg(figure)
    with styled():
        canvas.draw()  # type: ignore[no-untyped-call]
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    shown = drawn_texts(figure)
    boxes = {id(text): (text, text.get_window_extent(renderer)) for text in shown}
    page = Bbox.from_extents(-2, -2, *(np.array([figure.get_figwidth(), figure.get_figheight()]) * figure.dpi + 2))
    bad = [(text.get_text(), "the page's edge") for text, box in boxes.values() if not is_inside(box, page)]
    for (one, first), (other, second) in itertools.combinations(boxes.values(), 2):
        if one.get_rotation() % 90 and one.get_rotation() == other.get_rotation():
            continue  # slanted side by side, where their upright boxes meet
        common = Bbox.intersection(first, second)
        if common is not None and min(common.width, common.height) > 1:
            bad.append((one.get_text(), other.get_text()))
    return bad


def is_inside(box: Bbox, page: Bbox) -> bool:
    return bool(box.x0 >= page.x0 and box.y0 >= page.y0 and box.x1 <= page.x1 and box.y1 <= page.y1)


def test_a_report_of_all_models_has_all_figures(tmp_path: Path) -> None:
    assert set(draw_report(described(tmp_path))) == {"differences_A"}


def test_a_tested_run_has_all_figures_and_an_untested_one_its_learning_curves(tmp_path: Path) -> None:
    assert set(draw_run(write_run(tmp_path / "a", many()))) == OF_TEST | {"learning_curves"}
    assert set(draw_run(write_run(tmp_path / "b", None))) == {"learning_curves"}


def test_lists_of_new_users_are_drawn_by_the_number_of_their_ratings(tmp_path: Path) -> None:
    run = write_run(tmp_path, None)
    rankings = {"model": 0.5, "popularity": 0.3, "item_knn": 0.4}
    by_number = {str(number): {name: value + number / 1000 for name, value in rankings.items()} for number in (1, 50)}
    run.write_metrics(run.read_metrics() | {"retrieval": {"new_users": by_number}})
    drawing = draw_run(run)["new_users"]
    assert overlaps(drawing) == []
    assert [line.get_ydata().tolist() for line in drawing.figure.axes[0].get_lines()] == [  # type: ignore[union-attr]
        pytest.approx([0.501, 0.55]),
        pytest.approx([0.301, 0.35]),
        pytest.approx([0.401, 0.45]),
    ]
    assert "the model 0.501, 0.550; popularity 0.301, 0.350" in drawing.alt


def test_diagnostics_of_another_checkpoint_than_the_metrics_are_not_drawn(tmp_path: Path) -> None:
    run = write_run(tmp_path, many())
    run.write_metrics(run.read_metrics() | {"epoch": 2})
    assert set(draw_run(run)) == {"learning_curves"}


def test_a_run_without_events_or_with_damaged_diagnostics_has_no_figure(tmp_path: Path) -> None:
    run = Run(tmp_path / "model1" / "version_0")
    run.path.mkdir(parents=True)
    assert draw_run(run) == {}
    run.write_metrics({"test": METRICS, "epoch": 1})
    (run.path / "diagnostics.json").write_text("{", encoding="utf-8")
    assert draw_run(run) == {}


def test_no_text_of_a_comparison_overlaps_another(tmp_path: Path) -> None:
    drawn = draw_report(described(tmp_path))
    assert {name: found for name, drawing in drawn.items() if (found := overlaps(drawing))} == {}


def test_all_figures_are_as_wide_as_a_phone_shows_without_zooming(tmp_path: Path) -> None:
    drawn = [*draw_report(described(tmp_path)).values(), *draw_run(write_run(tmp_path / "run", many())).values()]
    assert {drawing.figure.get_figwidth() for drawing in drawn} == {3.7}


@pytest.mark.parametrize("sample", [False, True])
def test_no_text_of_a_runs_figure_overlaps_another(sample: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    drawn = draw_run(write_run(tmp_path, many(), sample=sample))
    assert {name: found for name, drawing in drawn.items() if (found := overlaps(drawing))} == {}


def test_models_are_drawn_by_their_difference_to_the_best_of_the_same_test_rows(tmp_path: Path) -> None:
    found = described(tmp_path)
    drawing = draw_report(found)["differences_A"]
    value = compare(found[1], found[0])
    assert value is not None
    assert np.asarray(drawing.figure.axes[0].lines[0].get_xdata())[0] == pytest.approx(value.value)
    assert f"model2 {value.value:+.3f} ({value.low:+.3f} to {value.high:+.3f})" in drawing.alt
    others = replace(found[1], contents=({**content(), "data": {"row_sets": {"test": "cd"}}},))
    assert draw_report([found[0], others]) == {}  # other rows


def test_models_without_their_test_rows_or_errors_are_not_drawn(tmp_path: Path) -> None:
    bare = measured("model3", runs=(Run(tmp_path / "none"),))
    missing = replace(bare, contents=({"test": {"rmse_stars": None}, "data": {"row_sets": {"test": "ab"}}},))
    assert draw_report([*described(tmp_path)[:1], bare, missing]) == {}
    assert draw_report([]) == {}


DEGENERATE = {
    "one rating": ([3.0], [4.0]),
    "constant predictions": ([3.5] * 50, [0.5 * (1 + n % 10) for n in range(50)]),
    "constant ratings": ([0.5 + 4.5 * n / 49 for n in range(50)], [4.0] * 50),
    "right always": ([0.5 * (1 + n % 10) for n in range(50)], [0.5 * (1 + n % 10) for n in range(50)]),
    "some are not numbers": ([math.nan, 3.0, 4.0], [1.0, 2.0, 5.0]),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_predictions_are_drawn_sensibly(case: str) -> None:
    tested = diagnosed(*DEGENERATE[case])
    for name, draw in DRAWN.items():
        drawing = draw(tested, "model1, test rows")
        assert drawing is not None or name == "reliability"
        if drawing is not None:
            assert "nan" not in drawing.alt
            assert overlaps(drawing) == []


def test_no_prediction_at_all_has_no_figure() -> None:
    for tested in (diagnosed([], []), diagnosed([math.nan], [3.0])):
        assert [name for name, draw in DRAWN.items() if draw(tested, "model1") is not None] == []


def test_probabilities_are_drawn_against_what_was_liked_where_a_model_knows_them() -> None:
    reliability = {"stars": 4.0, "count": [10, 30, 60], "probability": [0.15, 0.55, 0.95], "share": [0.1, 0.65, 0.95]}
    drawing = DRAWN["reliability"](diagnosed([3.0], [3.0]) | {"reliability": reliability}, "model6")
    assert drawing is not None
    top, bottom = drawing.figure.axes
    assert top.lines[1].get_xydata() == pytest.approx(np.array([[0.15, 0.1], [0.55, 0.65], [0.95, 0.95]]))
    bars = [(bar.get_x(), bar.get_height()) for bar in bottom.patches if isinstance(bar, Rectangle)]
    assert np.array(bars) == pytest.approx(np.array([[0.1, 0.1], [0.5, 0.3], [0.9, 0.6]]))
    assert "3.5% away" in drawing.alt  # .1 * 5 % + .3 * 10 %
    assert overlaps(drawing) == []


def test_errors_are_drawn_group_by_group_in_their_order() -> None:
    drawing = DRAWN["errors_by_film_ratings"](diagnosed([3.0, 4.0, 1.5], [4.0, 4.0, 3.0]), "model1")
    assert drawing is not None
    shown = [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()]
    assert shown[:2] == ["0: 1", "1: 1"]
    assert drawing.alt == "RMSE by training ratings of the film: from 0.000 stars (1) to 1.500 stars (256+)."


def test_learning_curves_are_those_of_the_events_and_mark_the_epoch_that_is_kept(tmp_path: Path) -> None:
    run = write_run(tmp_path, None)
    curves = read_curves(run)
    assert curves["val/rmse"].epoch == [1, 2, 3]
    assert curves["val/rmse"].value == pytest.approx([0.3, 0.25, 0.2 + 0.1 / 3])
    drawing = draw_run(run)["learning_curves"]
    assert "epoch 2 is kept" in drawing.alt
    assert "training rows, while learning" in texts(drawing.figure)
    kept = drawing.figure.axes[0].lines[-1]
    assert (list(np.asarray(kept.get_xdata())), kept.get_label()) == ([2], "checkpoint that is kept")


def test_curves_of_rows_that_read_their_own_ratings_are_said_to_leak(tmp_path: Path) -> None:
    run = write_run(tmp_path, None)
    for statistics, said in (("per_split", "training rows and validation rows leak"), ("cross_fit", None)):
        run.write_metrics(run.read_metrics() | {"data": {"options": {"statistics": statistics}}})
        found = [text for text in texts(draw_run(run)["learning_curves"].figure) if "leak" in text]
        assert (said is None) == (not found)
        assert said is None or said in found[0].replace("\n", " ")


def test_learning_curves_of_one_epoch_or_of_one_part_are_drawn() -> None:
    for curves in ({"val/rmse": Curve([1], [0.2])}, {"train/r2": Curve([1, 2], [0.2, 0.3])}):
        drawing = draw_curves(curves, "model1", 1)
        assert drawing is not None
        assert overlaps(drawing) == []
    assert draw_curves({}, "model1", None) is None


def test_the_first_epochs_do_not_flatten_a_long_curve() -> None:
    falling = Curve(list(range(1, 31)), [9.0, 2.0, *(0.3 - 0.001 * epoch for epoch in range(28))])
    drawing = draw_curves({"train/rmse": falling, "val/rmse": falling}, "model1", 30)
    assert drawing is not None
    low, high = drawing.figure.axes[0].get_ylim()
    assert low < 0.273
    assert 0.3 < high < 0.31
    assert any("fitted to epoch 3" in text for text in texts(drawing.figure))


def test_values_that_are_no_numbers_are_no_points(tmp_path: Path) -> None:
    run = write_run(tmp_path, None, epochs=1)
    with SummaryWriter(str(run.path)) as writer:
        writer.add_scalar("val/rmse", math.nan, 1)
        writer.add_scalar("val/rmse", 0.1, 2)
    assert read_curves(run)["val/rmse"].epoch == [1, 3]


def test_files_are_the_same_bytes_each_time_and_carry_the_words(tmp_path: Path) -> None:
    found = described(tmp_path)
    drawn = [draw_report(found)["differences_A"] for _ in range(2)]
    first, second = (save(drawing, tmp_path / str(n), "metrics") for n, drawing in enumerate(drawn))
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    svg = first[1].read_text(encoding="utf-8")
    ET.fromstring(svg)  # noqa: S314 - our own file
    assert "dc:date" not in svg
    assert first[0].read_bytes().startswith(b"\x89PNG")


def test_the_users_own_settings_of_matplotlib_change_nothing_and_are_kept(tmp_path: Path) -> None:
    found = described(tmp_path)
    plain = save(draw_report(found)["differences_A"], tmp_path / "plain", "x")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "svg.hashsalt": "other"}):
        own = save(draw_report(found)["differences_A"], tmp_path / "own", "x")
        assert mpl.rcParams["font.size"] == 30
    assert [path.read_bytes() for path in plain] == [path.read_bytes() for path in own]


def test_drawing_leaves_pyplot_alone() -> None:
    code = "import sys, movierec.report.figures as f; f.draw_report([]); print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603 - our own
    assert done.stdout.strip() == "False"
