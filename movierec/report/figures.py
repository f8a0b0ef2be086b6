"""The figures of a report: of all models beside each other, and of one run."""

from collections.abc import Sequence

from movierec.console import printable
from movierec.metrics.curves import draw_curves, read_curves
from movierec.metrics.diagnostic_figures import DRAWN
from movierec.metrics.leak import LEAKING
from movierec.metrics.style import Drawing, save
from movierec.report.bar_figures import draw_bars, draw_held_out
from movierec.report.comparison import Measured
from movierec.report.profile_figures import draw_parallel, draw_radar
from movierec.runs import Run

__all__ = ["Drawing", "Measured", "draw_report", "draw_run", "save"]

LONGEST_NAME = 30  # what fits above a figure, with what else stands there
ABLATION = "ablation/"
COMPARED = {
    "metrics": draw_bars,
    "held_out": draw_held_out,
    "radar": draw_radar,
    "parallel": draw_parallel,
}


def draw_report(measured: Sequence[Measured]) -> dict[str, Drawing]:
    """Draw what compares models.

    Args:
        measured: The configurations; where any of them was measured on real ratings, those on generated ones are
            left out, and beside others, those of `configs/ablation/`, whose four feature sets are a table's matter.

    Returns:
        The figures that can be drawn from what is there, by name.
    """
    real = [one for one in measured if not one.sample] or measured
    models = [one for one in real if not one.name.startswith(ABLATION)] or real
    drawn = {name: draw(models) for name, draw in COMPARED.items()}
    return {name: drawing for name, drawing in drawn.items() if drawing is not None}


def draw_run(run: Run) -> dict[str, Drawing]:
    """Draw a run: its learning curves, and where its test predictions err.

    Returns:
        The figures that can be drawn from what is there, by name: none of the test rows before the run was tested.
    """
    return draw_learning(run) | draw_test(run)


def draw_learning(run: Run) -> dict[str, Drawing]:
    """Draw the learning curves of a run, where it has any."""
    content = run.read_metrics()
    epoch = content.get("epoch")
    statistics = content.get("data", {}).get("options", {}).get("statistics")
    best = None if epoch is None else epoch + 1
    drawing = draw_curves(read_curves(run), about(run), best, leaking=LEAKING.get(statistics, ()))
    return {"learning_curves": drawing} if drawing is not None else {}


def draw_test(run: Run) -> dict[str, Drawing]:
    """Draw where the test predictions of a run err, if it was tested since it was trained."""
    content, tested = run.read_metrics(), run.read_diagnostics()
    if (
        not tested
        or "test" not in content
        or any(content.get(name) != tested.get(name) for name in ("epoch", "checkpoint"))
    ):
        return {}
    rows = f"{about(run)}, {tested['rows']:,} test rows"
    drawn = {name: draw(tested, rows) for name, draw in DRAWN.items()}
    return {name: drawing for name, drawing in drawn.items() if drawing is not None}


def about(run: Run) -> str:
    """Name a run for a title."""
    content = run.read_metrics()
    sample = " (generated sample)" if content.get("data", {}).get("sample") else ""
    name = printable(str(content.get("config", run.path.parent.name)))
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME // 2]}…{name[-LONGEST_NAME // 2 :]}"
    return f"{name}{sample}"
