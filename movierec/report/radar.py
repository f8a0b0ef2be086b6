"""All metrics of a model at once: a radar chart, as in the published report, with scales on the axes."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.projections.polar import PolarAxes

from movierec.metrics.published import PUBLISHED_METRICS
from movierec.metrics.registry import METRICS
from movierec.metrics.style import (
    BLUE,
    GREY,
    ORANGE,
    VERMILLION,
    WIDTH,
    Drawing,
    explain,
    new_figure,
    styled,
)
from movierec.report.comparison import (
    Series,
    in_words,
    list_series,
    model_names,
    of_sample,
    short,
)
from movierec.report.results import Measured

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
    for metric in PUBLISHED_METRICS:
        values = [value.mean for one in series for (_, name), value in one.values.items() if name == metric]
        if values:
            is_error = METRICS[metric].direction == "min"
            unit = 0.01 if is_error else 0.1
            low = math.floor(min(values) / unit - 1e-9) * unit
            high = math.ceil(max(values) / unit + 1e-9) * unit
            scales[metric] = Scale(high, low) if is_error else Scale(low, high)
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
    return f"{METRICS[metric].label}\n{scale.write(scale.worst)} to {scale.write(scale.best)}"
