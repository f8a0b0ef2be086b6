"""All metrics of a model at once: a radar chart and parallel coordinates, as in the report, with scales on the axes."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.projections.polar import PolarAxes

from movierec.metrics.published import METRICS
from movierec.metrics.style import (
    BLUE,
    GREY,
    MARKERS,
    OF_MODELS,
    ORANGE,
    VERMILLION,
    WIDTH,
    Drawing,
    explain,
    new_figure,
    styled,
)
from movierec.report.comparison import (
    ERRORS,
    LABELS,
    OTHER_ROWS,
    Measured,
    Series,
    in_words,
    list_series,
    model_names,
    of_sample,
    short,
)

ON_RADAR = ("model1", "model5")  # those that the report draws
LINES = {GREY: ":", ORANGE: "--", VERMILLION: "-.", BLUE: "-"}  # the kinds of numbers, also without colour
IN_WORDS = ("r2", "rmse")


class Scale(NamedTuple):
    """The two ends of a metric's axis; `best` is outside, or at the top, also for errors."""

    worst: float
    best: float

    def place(self, value: float) -> float:
        """Place a value between the ends, 0 to 1."""
        return (value - self.worst) / (self.best - self.worst)

    def write(self, value: float) -> str:
        """Write a value with as many digits as the ends have."""
        return f"{value:.2f}" if self.best < self.worst else f"{value:.1f}"


def list_scales(series: Sequence[Series]) -> dict[str, Scale]:
    """Fit an axis to each metric that there are values of, with round ends."""
    scales = {}
    for metric in METRICS:
        values = [value.mean for one in series for (_, name), value in one.values.items() if name == metric]
        if values:
            unit = 0.01 if metric in ERRORS else 0.1
            low = math.floor(min(values) / unit - 1e-9) * unit
            high = math.ceil(max(values) / unit + 1e-9) * unit
            scales[metric] = Scale(high, low) if metric in ERRORS else Scale(low, high)
    return scales


def profile(series: Series, model: str, scales: dict[str, Scale]) -> list[float]:
    """Place a model's values on the axes; NaN where there is none."""
    values = [(series.values.get((model, metric)), scale) for metric, scale in scales.items()]
    return [scale.place(value.mean) if value else math.nan for value, scale in values]


def described(series: Sequence[Series], models: Sequence[str], scales: Iterable[str]) -> str:
    """Write the values of two metrics; the table has them all."""
    return " ".join(in_words(series, models, metric) for metric in IN_WORDS if metric in scales)


@styled()
def draw_radar(measured: Sequence[Measured]) -> Drawing | None:
    """Draw models 1 and 5 over all metrics at once, as the report does, the better the farther out."""
    series = list_series(measured)
    models = [model for model in ON_RADAR if model in model_names(measured)]
    scales = list_scales(series)
    if not models or len(scales) < 3:  # noqa: PLR2004 - two axes make no polygon
        return None
    names = " and ".join(short(model) for model in models)
    title = f"{'Models' if len(models) > 1 else 'Model'} {names}, all metrics{of_sample(measured)}"
    figure = new_figure(title, 3.7, width=WIDTH if len(models) > 1 else 0.6 * WIDTH)
    for place, model in enumerate(models):
        axes = figure.add_subplot(1, len(models), place + 1, projection="polar")
        assert isinstance(axes, PolarAxes)
        draw_polygons(axes, series, model, scales)
    note = "Outside is better on each axis; the numbers are those of the centre and of the rim."
    explain(figure, *figure.axes[0].get_legend_handles_labels(), note)
    return Drawing(figure, title, described(series, models, scales))


def draw_polygons(axes: PolarAxes, series: Sequence[Series], model: str, scales: dict[str, Scale]) -> None:
    """Draw a model's polygons, one for each kind of numbers."""
    angles = np.linspace(0, 2 * np.pi, len(scales), endpoint=False)
    for one in series:
        radius = profile(one, model, scales)
        closed = [*angles, angles[0]], [*radius, radius[0]]
        axes.plot(*closed, LINES[one.colour], color=one.colour, label=one.label, marker="o", markersize=2.5)
    axes.set_theta_offset(np.pi / 2)
    axes.set_theta_direction(-1)
    axes.set_ylim(0, 1)
    axes.set_yticks([0.25, 0.5, 0.75, 1], [])
    axes.set_xticks(angles, [name_axis(metric, scale) for metric, scale in scales.items()])
    for angle, text in zip(angles, axes.get_xticklabels(), strict=True):
        side = round(math.sin(angle), 3)
        text.set_horizontalalignment("center" if side == 0 else "left" if side > 0 else "right")
    axes.tick_params(axis="x", pad=2)
    axes.grid(visible=True, axis="both")
    axes.set_title(f"model {short(model)}", loc="center", pad=12)


def name_axis(metric: str, scale: Scale) -> str:
    """Name an axis, and the values at its ends."""
    return f"{LABELS[metric]}\n{scale.write(scale.worst)} to {scale.write(scale.best)}"


@styled()
def draw_parallel(measured: Sequence[Measured]) -> Drawing | None:
    """Draw each model as a line over all metrics, training rows above held-out rows, on the same axes."""
    series = list_series(measured)
    scales = list_scales(series)
    if len(scales) < 2:  # noqa: PLR2004 - a line needs two axes
        return None
    title = f"All models over all metrics{of_sample(measured)}"
    trained, held_out = [one for one in series if one.hatch], [one for one in series if not one.hatch]
    panels = [(name, some) for name, some in (("training rows", trained), ("held-out test rows", held_out)) if some]
    figure = new_figure(title, 1.1 + 2.1 * len(panels))
    for axes, (name, some) in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
        draw_lines(axes, some, model_names(measured), scales)
        axes.set_title(f"{name}: {name_lines(some)}")
    lines = {str(line.get_label()): line for axes in figure.axes for line in axes.lines}
    named = {name: line for name, line in sorted(lines.items()) if not name.startswith("_")}
    note = f"Up is better on each axis. {OTHER_ROWS}"
    explain(figure, [*named.values()], [*named], note, ncols=5)
    return Drawing(figure, title, described(series, model_names(measured), scales))


def name_lines(series: Sequence[Series]) -> str:
    """Say whose the solid line is, and whose the dashed one."""
    kinds = [one.label.split(",")[0] for one in series]
    return f"{kinds[0]} (dashed) and {kinds[1]} (solid)" if len(kinds) > 1 else kinds[0]


def draw_lines(axes: Axes, series: Sequence[Series], models: Sequence[str], scales: dict[str, Scale]) -> None:
    """Draw the lines of a panel; up is better on each axis."""
    for one in series:
        line = "-" if one is series[-1] else "--"
        for number, model in enumerate(models):
            y = profile(one, model, scales)
            if all(math.isnan(value) for value in y):
                continue
            colour, marker = OF_MODELS[number % len(OF_MODELS)], MARKERS[number % len(MARKERS)]
            name = f"model {short(model)}" if line == "-" else f"_{model}"
            axes.plot(range(len(scales)), y, line, color=colour, marker=marker, label=name, linewidth=1.1)
    axes.set_ylim(-0.08, 1.08)
    axes.set_yticks([])
    axes.set_xticks(range(len(scales)), [LABELS[metric] for metric in scales])
    for x, scale in enumerate(scales.values()):
        axes.axvline(x, color="#BBBBBB", linewidth=0.7, zorder=0, label="_axis")
        write_ends(axes, x, scale)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)


def write_ends(axes: Axes, x: int, scale: Scale) -> None:
    """Write the values at both ends of a metric's axis."""
    small: dict[str, Any] = {"textcoords": "offset points", "fontsize": 6.5, "color": "#555555"}
    axes.annotate(scale.write(scale.best), (x, 1.08), (3, -1), va="top", **small)
    axes.annotate(scale.write(scale.worst), (x, -0.08), (3, 1), va="bottom", **small)
