"""Metrics of the models side by side: as bars where 0 means something, and as dots where it does not."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer

from movierec.metrics.published import PUBLISHED_METRICS
from movierec.metrics.registry import METRICS
from movierec.metrics.style import BLUE, VERMILLION, Drawing, explain, new_figure, styled
from movierec.report.comparison import (
    OTHER_ROWS,
    SCALES,
    Series,
    collect,
    direction,
    error_note,
    in_words,
    list_series,
    model_names,
    name_others,
    of_sample,
    short,
)
from movierec.report.results import Measured

HELD_OUT = ("rmse_stars", "mae_stars", "ndcg@10")
LONG_NAME = 3


@styled()
def draw_bars(measured: Sequence[Measured]) -> Drawing | None:
    """Draw bars for each metric and model: published, reproduced, held-out."""
    series = list_series(measured)
    if not series:
        return None
    title = f"Published, reproduced and held-out metrics{of_sample(measured)}"
    models = model_names(measured)
    figure = new_figure(title, 4.6)
    for axes, metric in zip(figure.subplots(2, 3).flat, PUBLISHED_METRICS, strict=True):
        draw_panel(axes, series, models, metric)
    handles = [bars.patches[0] for bars in figure.axes[0].containers if isinstance(bars, BarContainer)]
    explain(figure, handles, [one.label for one in series], f"{SCALES}{error_note(series)}")
    return Drawing(figure, title, in_words(series, models, "r2"))


def draw_panel(axes: Axes, series: Sequence[Series], models: list[str], metric: str) -> None:
    """Draw one metric's bars, side by side for each model."""
    width = 0.84 / len(series)
    for place, one in enumerate(series):
        values = [one.values.get((model, metric)) for model in models]
        x = np.arange(len(models)) + (place - (len(series) - 1) / 2) * width
        height = [value.mean if value else np.nan for value in values]
        spread = [value.spread if value and value.spread else np.nan for value in values]
        bars = {"color": one.colour, "hatch": one.hatch, "edgecolor": "white", "linewidth": 0}
        axes.bar(x, height, width, yerr=spread, error_kw={"elinewidth": 0.8, "capsize": 1.2}, **bars)  # type: ignore[arg-type]
    axes.axhline(0, color="black", linewidth=0.7)
    name_models(axes, models)
    axes.tick_params(axis="x", length=0)
    axes.set_title(f"{METRICS[metric].heading} ({direction(metric)})")
    axes.set_xlabel("model")


@styled()
def draw_held_out(measured: Sequence[Measured]) -> Drawing | None:
    """Draw what counts: errors in stars and ranking of the held-out test rows, model by model."""
    others = [one for one in measured if one.family != "published"]
    families = {
        name_others(others): (BLUE, "o", others),
        "as the notebook ran it": (VERMILLION, "s", [one for one in measured if one.family == "published"]),
    }
    series = [
        Series(label, colour, marker, collect(some, "test", HELD_OUT))
        for label, (colour, marker, some) in families.items()
    ]
    series = [one for one in series if one.values]
    if not series:
        return None
    title = f"Held-out test rows{of_sample(measured)}"
    models = model_names(measured)
    figure = new_figure(title, 2.7)
    panels = figure.subplots(1, len(HELD_OUT))
    for axes, metric in zip(panels, HELD_OUT, strict=True):
        for place, one in enumerate(series):
            draw_dots(axes, one, models, metric, 0.16 * (place - (len(series) - 1) / 2))
        name_models(axes, models)
        axes.set_xlim(-0.6, len(models) - 0.4)
        axes.margins(y=0.15)
        axes.set_title(f"{METRICS[metric].heading}\n({direction(metric)})")
        axes.set_xlabel("model")
    handles, labels = panels[0].get_legend_handles_labels()
    explain(figure, handles, labels, f"{OTHER_ROWS}{error_note(series)}")
    return Drawing(figure, title, in_words(series, models, "rmse_stars"))


def draw_dots(axes: Axes, series: Series, models: list[str], metric: str, shift: float) -> None:
    """Draw one metric as dots, whose axis need not begin at 0."""
    found = [(place + shift, series.values[model, metric]) for place, model in enumerate(models)
             if (model, metric) in series.values]  # fmt: skip
    x, y = [place for place, _ in found], [value.mean for _, value in found]
    spread = [value.spread or np.nan for _, value in found]
    axes.errorbar(x, y, spread, fmt=series.hatch, color=series.colour, label=series.label, capsize=2, elinewidth=0.8)


def name_models(axes: Axes, models: Sequence[str]) -> None:
    """Write the models below their places, slanted where their names are long."""
    names = [short(model) for model in models]
    slanted = max(map(len, names)) > LONG_NAME
    axes.set_xticks(range(len(names)), names, rotation=25 if slanted else 0, ha="right" if slanted else "center")
