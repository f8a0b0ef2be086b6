"""Draw bars for each metric and model: published, rebuilt on training rows, and on test rows."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer

from movierec.metrics.published import PUBLISHED, PUBLISHED_METRICS
from movierec.metrics.registry import METRICS
from movierec.metrics.style import GREY, ORANGE, VERMILLION, Drawing, explain, new_figure, styled

Values = dict[str, dict[str, float]]  # by model and metric
SERIES = {
    "report, training rows": (GREY, "////"),
    "reproduced, training rows": (ORANGE, "////"),
    "reproduced, test rows": (VERMILLION, ""),
}


@styled()
def draw_published(train: Values, test: Values) -> Drawing:
    """Draw the figure.

    Args:
        train: Metrics of the rebuilt models on their training rows.
        test: The same on test rows.
    """
    models = sorted(train)
    series = dict(zip(SERIES, ({model: PUBLISHED[model] for model in models}, train, test), strict=True))
    title = "Published, reproduced, and on test rows"
    figure = new_figure(title, 5.6)
    for axes, metric in zip(figure.subplots(3, 2).flat, PUBLISHED_METRICS, strict=True):
        draw_bars(axes, series, models, metric)
    handles = [bars.patches[0] for bars in figure.axes[0].containers if isinstance(bars, BarContainer)]
    note = "R2 to RMSE are on the unit scale: the lowest training rating is 0, the highest 1."
    explain(figure, handles, list(series), note)
    return Drawing(figure, title, in_words(series, "r2"))


def draw_bars(axes: Axes, series: dict[str, Values], models: Sequence[str], metric: str) -> None:
    """Draw one metric's bars, side by side for each model."""
    width = 0.84 / len(series)
    for place, (label, values) in enumerate(series.items()):
        colour, hatch = SERIES[label]
        x = np.arange(len(models)) + (place - (len(series) - 1) / 2) * width
        height = np.array([values[model][metric] for model in models], dtype=np.float64)
        axes.bar(x, height, width, color=colour, hatch=hatch, edgecolor="white", linewidth=0)
    axes.axhline(0, color="black", linewidth=0.7)
    axes.set_xticks(range(len(models)), [model.removeprefix("model") for model in models])
    axes.tick_params(axis="x", length=0)
    arrow = "lower" if METRICS[metric].direction == "min" else "higher"
    axes.set_title(f"{METRICS[metric].heading} ({arrow} is better)", fontsize=7)
    axes.locator_params(axis="y", nbins=4)
    axes.set_xlabel("model")


def in_words(series: dict[str, Values], metric: str) -> str:
    """Describe all values of a metric."""
    said = [
        f"{label}: {', '.join(f'{model} {METRICS[metric].format(values[metric])}' for model, values in models.items())}"
        for label, models in series.items()
    ]
    return f"{METRICS[metric].full_label}. {'; '.join(said)}."
