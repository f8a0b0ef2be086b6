"""The figures that compare models: what was published, what the same rows give here, and what held-out rows give."""

import math
from collections.abc import Callable, Sequence
from statistics import fmean, stdev
from typing import Any, NamedTuple, Protocol

import numpy as np
from matplotlib.axes import Axes

from movierec.report.published import METRICS, PUBLISHED
from movierec.report.style import (
    BLUE,
    GREY,
    MARKERS,
    OF_MODELS,
    ORANGE,
    VERMILLION,
    WIDTH,
    Drawing,
    new_figure,
    styled,
)

LABELS = {
    "r2": "R²", "mae": "MAE", "mse": "MSE", "rmse": "RMSE", "precision": "precision", "recall": "recall",
    "rmse_stars": "RMSE (stars)", "mae_stars": "MAE (stars)", "ndcg@10": "NDCG@10, per user",
}  # fmt: skip
ERRORS = ("mae", "mse", "rmse", "rmse_stars", "mae_stars")  # the lower the better
HELD_OUT = ("rmse_stars", "mae_stars", "ndcg@10")
ON_RADAR = ("model1", "model5")  # those that the report draws
SCALES = "R² to RMSE are on the unit scale: the lowest training rating is 0, the highest 1."


class Measured(Protocol):
    """What is known of a configuration: the metrics of its runs, one for each seed."""

    @property
    def name(self) -> str:
        """Name of the runs."""

    @property
    def model(self) -> str:
        """Name of the model, the same in both families."""

    @property
    def family(self) -> str:
        """`published`, `described` or `other`."""

    @property
    def sample(self) -> bool:
        """Whether the ratings were generated."""

    @property
    def contents(self) -> Sequence[dict[str, Any]]:
        """The metrics.json of each run, the newest first."""

    def values(self, part: str, metric: str) -> list[float]:
        """Return a metric of each run on a part of the ratings."""


class Value(NamedTuple):
    """The mean of a metric over the seeds, its standard deviation (0 of one seed), and the number of seeds."""

    mean: float
    spread: float
    seeds: int


class Series(NamedTuple):
    """Numbers of one kind, by model and metric.

    Attributes:
        label: What they are, and of which rows.
        colour: The colour of their bars.
        hatch: Of their bars; numbers of training rows are hatched.
        values: By model and metric; what is missing is not there.
    """

    label: str
    colour: str
    hatch: str
    values: dict[tuple[str, str], Value]

    @property
    def seeds(self) -> int:
        """The largest number of seeds of any value."""
        return max((value.seeds for value in self.values.values()), default=0)


def summary(values: Sequence[float | None]) -> Value | None:
    """Summarise a metric over the seeds; None where no run has a number."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return Value(fmean(known), stdev(known) if len(known) > 1 else 0.0, len(known)) if known else None


def collect(measured: Sequence[Measured], part: str, metrics: Sequence[str]) -> dict[tuple[str, str], Value]:
    """Summarise some configurations' metrics of a part of the ratings."""
    found = {(one.model, metric): summary(one.values(part, metric)) for one in measured for metric in metrics}
    return {key: value for key, value in found.items() if value is not None}


def list_series(measured: Sequence[Measured]) -> list[Series]:
    """List what there is to compare; the published numbers stand beside real ratings only."""
    published = [one for one in measured if one.family == "published"]
    others = [one for one in measured if one.family != "published"]
    models = {one.model for one in measured}
    of_report = {
        (model, metric): Value(value, 0.0, 0)
        for model, metrics in PUBLISHED.items()
        for metric, value in metrics.items()
        if model in models and not any(one.sample for one in measured)
    }
    series = [
        Series("report, training rows", GREY, "////", of_report),
        Series("reproduced, training rows", ORANGE, "////", collect(published, "train", METRICS)),
        Series("reproduced, held-out test rows", VERMILLION, "", collect(published, "test", METRICS)),
        Series("without leaks, held-out test rows", BLUE, "", collect(others, "test", METRICS)),
    ]
    return [one for one in series if one.values]


def model_names(measured: Sequence[Measured]) -> list[str]:
    """List the models, each once, in the order of their names."""
    return sorted({one.model for one in measured})


def short(model: str) -> str:
    """Write a model's name below a bar: "model1" as "1"."""
    number = model.removeprefix("model")
    return number if number.isdigit() else model


def note(measured: Sequence[Measured]) -> str:
    """Say of a title that the ratings are invented."""
    return " (generated sample)" if any(one.sample for one in measured) else ""


def error_note(series: Sequence[Series]) -> str:
    """Say what error bars are, where there are any."""
    most = max(one.seeds for one in series)
    return f" Error bars: standard deviation over up to {most} seeds." if most > 1 else ""


@styled()
def draw_bars(measured: Sequence[Measured]) -> Drawing | None:
    """Draw bars for each metric and model: published, reproduced, held-out."""
    series = list_series(measured)
    if not series:
        return None
    title = f"Published, reproduced and held-out metrics{note(measured)}"
    models = model_names(measured)
    figure = new_figure(title, 4.6)
    for axes, metric in zip(figure.subplots(2, 3).flat, METRICS, strict=True):
        draw_panel(axes, series, models, metric)
    handles = [axes for axes in figure.axes[0].containers if hasattr(axes, "patches")]
    figure.legend(handles, [one.label for one in series], loc="outside lower center", ncols=2)
    figure.supxlabel(f"model.  {SCALES}{error_note(series)}", fontsize=7.5)
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
    axes.set_xticks(range(len(models)), [short(model) for model in models])
    axes.tick_params(axis="x", length=0)
    axes.set_title(f"{LABELS[metric]}  ({direction(metric)})")


def direction(metric: str) -> str:
    """Say which way is better."""
    return "lower is better" if metric in ERRORS else "higher is better"


def in_words(series: Sequence[Series], models: Sequence[str], metric: str) -> str:
    """Write all values of a metric."""
    said = []
    for one in series:
        values = [(model, one.values.get((model, metric))) for model in models]
        listed = ", ".join(f"{model} {value.mean:.3f}" for model, value in values if value)
        if listed:
            said.append(f"{one.label}: {listed}")
    return f"{LABELS[metric]}. {'; '.join(said)}."


@styled()
def draw_held_out(measured: Sequence[Measured]) -> Drawing | None:
    """Draw what counts: errors in stars and ranking of the held-out test rows, model by model."""
    families = {
        "without leaks": (BLUE, "o", [one for one in measured if one.family != "published"]),
        "as the notebook ran it": (VERMILLION, "s", [one for one in measured if one.family == "published"]),
    }
    series = [
        Series(label, colour, marker, collect(some, "test", HELD_OUT))
        for label, (colour, marker, some) in families.items()
    ]
    series = [one for one in series if one.values]
    if not series:
        return None
    title = f"Held-out test rows{note(measured)}"
    models = model_names(measured)
    figure = new_figure(title, 2.7)
    panels = figure.subplots(1, len(HELD_OUT))
    for axes, metric in zip(panels, HELD_OUT, strict=True):
        for place, one in enumerate(series):
            draw_dots(axes, one, models, metric, 0.16 * (place - (len(series) - 1) / 2))
        axes.set_xticks(range(len(models)), [short(model) for model in models])
        axes.set_xlim(-0.6, len(models) - 0.4)
        axes.margins(y=0.15)
        axes.set_title(f"{LABELS[metric]}\n({direction(metric)})")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    figure.supxlabel(f"model; models differ in their test rows.{error_note(series)}", fontsize=7.5)
    return Drawing(figure, title, in_words(series, models, "rmse_stars"))


def draw_dots(axes: Axes, series: Series, models: list[str], metric: str, shift: float) -> None:
    """Draw one metric as dots, whose axis need not begin at 0."""
    found = [(place + shift, series.values[model, metric]) for place, model in enumerate(models)
             if (model, metric) in series.values]  # fmt: skip
    x, y = [place for place, _ in found], [value.mean for _, value in found]
    spread = [value.spread or np.nan for _, value in found]
    axes.errorbar(x, y, spread, fmt=series.hatch, color=series.colour, label=series.label, capsize=2, elinewidth=0.8)


class Scale(NamedTuple):
    """The two ends of a metric's axis; `best` is outside, or at the top, also for errors."""

    worst: float
    best: float

    def place(self, value: float) -> float:
        """Place a value between the ends, 0 to 1."""
        return (value - self.worst) / (self.best - self.worst)


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


def line_style(series: Series) -> dict[str, Any]:
    """Tell the kinds of numbers apart: dotted what was published, dashed what was seen in training."""
    line = {GREY: ":", ORANGE: "--", VERMILLION: "-.", BLUE: "-"}[series.colour]
    return {"linestyle": line, "color": series.colour}


@styled()
def draw_radar(measured: Sequence[Measured]) -> Drawing | None:
    """Draw models 1 and 5 over all metrics at once, as the report does, the better the farther out."""
    series = list_series(measured)
    models = [model for model in ON_RADAR if any((model, "r2") in one.values for one in series)]
    scales = list_scales(series)
    if not models or len(scales) < 3:  # noqa: PLR2004 - two axes make no polygon
        return None
    title = f"{' and '.join(f'Model {short(model)}' for model in models)}, all metrics{note(measured)}"
    figure = new_figure(title, 3.6, width=WIDTH if len(models) > 1 else 0.6 * WIDTH)
    grid = figure.subplots(1, len(models), squeeze=False, subplot_kw={"projection": "polar"})
    for axes, model in zip(grid[0], models, strict=True):
        draw_polygons(axes, series, model, scales)
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    figure.supxlabel("Outside is better; the numbers are those of the centre and the rim.", fontsize=7.5)
    return Drawing(figure, title, " ".join(in_words(series, models, metric) for metric in scales))


def draw_polygons(axes: Axes, series: Sequence[Series], model: str, scales: dict[str, Scale]) -> None:
    """Draw a model's polygons, one for each kind of numbers."""
    angles = np.linspace(0, 2 * np.pi, len(scales), endpoint=False)
    for one in series:
        found = [one.values.get((model, metric)) for metric in scales]
        radius = [
            scale.place(value.mean) if value else np.nan for value, scale in zip(found, scales.values(), strict=True)
        ]
        axes.plot(
            [*angles, angles[0]], [*radius, radius[0]], label=one.label, marker="o", markersize=2.5, **line_style(one)
        )
    axes.set_theta_offset(np.pi / 2)  # type: ignore[attr-defined]
    axes.set_theta_direction(-1)  # type: ignore[attr-defined]
    axes.set_ylim(0, 1)
    axes.set_yticks([0.25, 0.5, 0.75, 1], [])
    ends = [f"{LABELS[metric]}\n{scale.worst:.2g} to {scale.best:.2g}" for metric, scale in scales.items()]
    axes.set_xticks(angles, ends)
    axes.tick_params(axis="x", pad=9)
    axes.grid(visible=True, axis="both")
    axes.set_title(f"model {short(model)}", loc="center", pad=14)


@styled()
def draw_parallel(measured: Sequence[Measured]) -> Drawing | None:
    """Draw each model as a line over all metrics, training rows above held-out rows, on the same axes."""
    series = list_series(measured)
    scales = list_scales(series)
    if len(scales) < 2:  # noqa: PLR2004 - a line needs two axes
        return None
    title = f"All models over all metrics{note(measured)}"
    rows: dict[str, Callable[[Series], bool]] = {
        "training rows": lambda one: bool(one.hatch),
        "held-out test rows": lambda one: not one.hatch,
    }
    panels = {label: [one for one in series if chosen(one)] for label, chosen in rows.items()}
    panels = {label: some for label, some in panels.items() if some}
    models = model_names(measured)
    figure = new_figure(title, 0.9 + 2.1 * len(panels))
    for axes, (label, some) in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels.items(), strict=True):
        draw_lines(axes, some, models, scales)
        kinds = (
            " and ".join(
                f"{one.label.split(',')[0]} ({name})" for one, name in zip(some, ("dashed", "solid"), strict=False)
            )
            if len(some) > 1
            else some[0].label.split(",")[0]
        )
        axes.set_title(f"{label}: {kinds}")
    handles = [line for line in figure.axes[-1].lines if not str(line.get_label()).startswith("_")]
    figure.legend(handles, [str(line.get_label()) for line in handles], loc="outside lower center", ncols=5)
    return Drawing(figure, title, " ".join(in_words(series, models, metric) for metric in scales))


def draw_lines(axes: Axes, series: Sequence[Series], models: list[str], scales: dict[str, Scale]) -> None:
    """Draw the lines of a panel; up is better on each axis."""
    place = np.arange(len(scales))
    for one, line in zip(series, ("--", "-") if len(series) > 1 else ("-",), strict=True):
        for number, model in enumerate(models):
            found = [one.values.get((model, metric)) for metric in scales]
            y = [
                scale.place(value.mean) if value else np.nan
                for value, scale in zip(found, scales.values(), strict=True)
            ]
            named = f"model {short(model)}" if one is series[-1] else f"_{model}"
            style = {"color": OF_MODELS[number % len(OF_MODELS)], "marker": MARKERS[number % len(MARKERS)]}
            axes.plot(place, y, line, label=named, linewidth=1.1, **style)  # type: ignore[arg-type]
    axes.set_ylim(-0.08, 1.08)
    axes.set_yticks([])
    axes.set_xticks(place, [f"{LABELS[metric]}" for metric in scales])
    for x, scale in zip(place, scales.values(), strict=True):
        axes.axvline(x, color="#BBBBBB", linewidth=0.7, zorder=0)
        for y, value in ((1.08, scale.best), (-0.08, scale.worst)):
            axes.annotate(
                f"{value:.2g}",
                (x, y),
                (3, -1 if y > 0 else 1),
                textcoords="offset points",
                fontsize=6.5,
                color="#555555",
                va="top" if y > 0 else "bottom",
            )
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
