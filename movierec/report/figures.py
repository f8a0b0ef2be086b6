"""Draw figures that compare models with published numbers and with each other."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer

from movierec.metrics.published import PUBLISHED, PUBLISHED_METRICS
from movierec.metrics.registry import METRICS
from movierec.metrics.style import BLACK, BLUE, GREY, ORANGE, VERMILLION, Drawing, explain, new_figure, styled
from movierec.report.comparison import compare, describe_test_sets
from movierec.report.results import Measured, letter_test_sets

Values = dict[str, dict[str, float | None]]  # by model and metric
SERIES = {
    "report, training rows": (GREY, "////"),
    "reproduced, training rows": (ORANGE, "////"),
    "reproduced, test rows": (VERMILLION, ""),
}
LONGEST_NAME = 22


def draw_report(measured: Sequence[Measured]) -> dict[str, Drawing]:
    """Draw the figures that compare models; none with a single model.

    Returns:
        The figures by name.
    """
    drawn = {"published": draw_published([one for one in measured if one.is_faithful])}
    for test_set, letter in letter_test_sets(measured).items():
        group = [one for one in measured if one.test_set == test_set]
        drawn[f"differences_{letter}"] = draw_differences(group) if test_set else None
    return {name: drawing for name, drawing in drawn.items() if drawing is not None}


@styled()
def draw_published(reproduced: Sequence[Measured]) -> Drawing | None:
    """Draw bars for each metric and model: published, reproduced, and on test rows; None for fewer than two models."""
    models = sorted({one.model for one in reproduced})
    if len(models) < 2:  # noqa: PLR2004 - nothing to compare
        return None
    means: dict[str, Values] = {
        part: {one.model: {metric: one.mean(part, metric) for metric in PUBLISHED_METRICS} for one in reproduced}
        for part in ("train", "test")
    }
    of_report: Values = {model: dict(PUBLISHED[model]) for model in models}
    series = dict(zip(SERIES, (of_report, means["train"], means["test"]), strict=True))
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


@styled()
def draw_differences(group: Sequence[Measured]) -> Drawing | None:
    """Draw the RMSE of models above that of the best on the same test rows; None if none can be compared."""
    errors = {one.name: error for one in group if (error := one.mean("test", "rmse_stars")) is not None}
    known = sorted((one for one in group if one.name in errors), key=lambda one: errors[one.name])
    found = {one.name: interval for one in known[1:] if (interval := compare(one, known[0])) is not None}
    if not found:
        return None
    best = known[0]
    title = f"RMSE above that of {shorten(best.name)}"
    figure = new_figure(title, 1.4 + 0.33 * len(found))
    axes = figure.subplots()
    value, low, high = np.array(list(found.values())).T
    place = np.arange(len(found))
    axes.errorbar(value, place, xerr=[value - low, high - value], fmt="o", color=BLUE, capsize=2, elinewidth=1)
    axes.axvline(0, color=BLACK, linewidth=0.7)
    axes.set_yticks(place, [f"{shorten(name)}\n{errors[name]:.3f}" for name in found])
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.margins(x=0.1)
    axes.grid(axis="x")
    figure.supxlabel(f"RMSE above {errors[best.name]:.3f} (stars), with 95 % intervals", fontsize=7.5)
    said = ", ".join(f"{name} {one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f})" for name, one in found.items())
    where = next(iter(describe_test_sets([best]).values()))
    return Drawing(
        figure, f"{title}: {where}", f"RMSE in stars less the {errors[best.name]:.3f} of {best.name}: {said}."
    )


def shorten(name: str) -> str:
    """Shorten a name to fit beside an axis."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
