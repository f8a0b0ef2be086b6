"""Draw the learning curves of a run, from TensorBoard's events, and its test errors."""

import logging
import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from movierec.console import printable
from movierec.metrics.caveats import LEAKING
from movierec.metrics.diagnostic_figures import DRAWN
from movierec.metrics.registry import RANKINGS
from movierec.metrics.style import BLACK, BLUE, ORANGE, Drawing, explain, new_figure, styled
from movierec.runs import Run

CURVES = {"rmse": "RMSE (unit scale)", "r2": "R²"}
LONG, SETTLED = 10, 3  # a fit of so many epochs is drawn from this one on
LONGEST_NAME = 30  # what fits above a figure, with what else stands there
SERIES = {
    "train": ("training rows, while learning", ORANGE, "--"),
    "val": ("validation rows", BLUE, "-"),
}


class Curve(NamedTuple):
    """A metric over the epochs, counted from 1; values that are not finite are left out."""

    epoch: list[int]
    value: list[float]


def read_curves(run: Run) -> dict[str, Curve]:
    """Read the metrics of each epoch of a fit, by their names in TensorBoard, such as `val/rmse`."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: PLC0415 - takes a second

    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it warns of the curves that a resumed fit replaced
    only_scalars = {"scalars": 0, "images": 1, "tensors": 1, "histograms": 1, "compressedHistograms": 1, "audio": 1}
    events = EventAccumulator(str(run.path), size_guidance=only_scalars).Reload()
    wanted = {f"{part}/{metric}" for part in SERIES for metric in CURVES} & set(events.Tags()["scalars"])
    curves = {}
    for name in sorted(wanted):
        points = {event.step + 1: event.value for event in events.Scalars(name) if math.isfinite(event.value)}
        if points:
            curves[name] = Curve(sorted(points), [points[epoch] for epoch in sorted(points)])
    return curves


@styled()
def draw_curves(
    curves: dict[str, Curve], about: str, best: int | None, *, leaking: Sequence[str] = ()
) -> Drawing | None:
    """Draw training against validation, epoch by epoch, with the best epoch marked; None without curves.

    `leaking` are the parts whose statistics contain their own ratings; the figure says so.
    """
    if not curves:
        return None
    title = f"Learning curves: {about}"
    figure = new_figure(title, 4.6)
    metrics = [metric for metric in CURVES if any(name.endswith(f"/{metric}") for name in curves)]
    for axes, metric in zip(figure.subplots(len(metrics), 1, squeeze=False)[:, 0], metrics, strict=True):
        draw_metric(axes, curves, metric, best)
        axes.set(title=CURVES[metric], xlabel="epoch")
    fitted = max(curve.epoch[-1] for curve in curves.values()) >= LONG
    note = f"The axes are fitted to epoch {SETTLED} and later. " if fitted else ""
    if leaking:
        parts = " and ".join(SERIES[part][0].split(",")[0] for part in leaking)
        note += f"The numbers of {parts} leak: the statistics that these read hold their own ratings."
    explain(figure, *figure.axes[0].get_legend_handles_labels(), note)
    said = [f"{name} from {curve.value[0]:.4f} to {curve.value[-1]:.4f}" for name, curve in curves.items()]
    kept = f"; epoch {best} is kept" if best else ""
    epochs = max(curve.epoch[-1] for curve in curves.values())
    return Drawing(figure, title, f"Over {epochs} epochs: {', '.join(said)}{kept}.")


def draw_metric(axes: Axes, curves: dict[str, Curve], metric: str, best: int | None) -> None:
    """Draw a metric's curves into a panel, and mark the best epoch."""
    for part, (label, colour, line) in SERIES.items():
        curve = curves.get(f"{part}/{metric}", Curve([], []))
        marker = "o" if len(curve.epoch) == 1 else None
        axes.plot(curve.epoch, curve.value, line, color=colour, label=label, marker=marker)
    kept = dict(zip(*curves.get(f"val/{metric}", Curve([], [])), strict=True))
    if best in kept:
        axes.plot(best, kept[best], "D", color=BLACK, label="checkpoint that is kept", zorder=3, linestyle="none")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    epochs = [epoch for curve in curves.values() for epoch in curve.epoch]
    spare = max(0.5, 0.03 * (max(epochs) - min(epochs)))
    axes.set_xlim(min(epochs) - spare, max(epochs) + spare)
    if max(epochs) >= LONG:
        fit_height(axes, [curve for name, curve in curves.items() if name.endswith(f"/{metric}")])


def fit_height(axes: Axes, curves: list[Curve]) -> None:
    """Scale the axis to the epochs after the first few, which would compress the rest."""
    settled = [value for curve in curves for epoch, value in zip(*curve, strict=True) if epoch >= SETTLED]
    if settled and (spare := 0.08 * (max(settled) - min(settled))):
        axes.set_ylim(min(settled) - spare, max(settled) + spare)


def draw_run(run: Run) -> dict[str, Drawing]:
    """Draw the learning curves of a run and, after a test, its test errors, by name."""
    return draw_learning(run) | draw_test(run)


def draw_learning(run: Run) -> dict[str, Drawing]:
    """Draw the learning curves of a run, if it has any."""
    content = run.read_metrics()
    epoch = content.get("epoch")
    statistics = content.get("data", {}).get("options", {}).get("statistics")
    best = None if epoch is None else epoch + 1
    drawing = draw_curves(read_curves(run), about(run), best, leaking=LEAKING.get(statistics, ()))
    return {"learning_curves": drawing} if drawing is not None else {}


def draw_test(run: Run) -> dict[str, Drawing]:
    """Draw the test errors and the lists of new users of a run, if it was tested after its training."""
    return draw_errors(run) | draw_new_users(run)


def draw_errors(run: Run) -> dict[str, Drawing]:
    """Draw the errors of the test predictions."""
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


@styled()
def draw_new_users(run: Run) -> dict[str, Drawing]:
    """Draw the lists of held-out users against the number of their ratings that are known, if users were held out."""
    by_number = run.read_metrics().get("retrieval", {}).get("new_users")
    if not by_number:
        return {}
    title = f"Lists of new users: {about(run)}"
    figure = new_figure(title, 3.0)
    axes = figure.subplots()
    numbers = [int(number) for number in by_number]
    said = []
    for (ranking, words), colour, line in zip(RANKINGS.items(), (BLUE, BLACK, ORANGE), ("-", ":", "--"), strict=True):
        values = [found[ranking] for found in by_number.values()]
        axes.plot(numbers, values, line, marker="o", color=colour, label=words)
        said.append(f"{words} {', '.join(f'{value:.3f}' for value in values)}")
    axes.set_xscale("log")
    axes.set_xticks(numbers, map(str, numbers))
    axes.set_xticks([], minor=True)
    axes.set(xlabel="known ratings", ylabel="NDCG@10")
    explain(figure, *axes.get_legend_handles_labels(), ncols=3)
    alt = f"NDCG@10 after {', '.join(map(str, numbers))} ratings: {'; '.join(said)}."
    return {"new_users": Drawing(figure, title, alt)}


def about(run: Run) -> str:
    """Name a run for a title."""
    content = run.read_metrics()
    sample = " (generated sample)" if content.get("data", {}).get("sample") else ""
    name = printable(str(content.get("config", run.path.parent.name)))
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME // 2]}…{name[-LONGEST_NAME // 2 :]}"
    return f"{name}{sample}"
