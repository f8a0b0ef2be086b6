"""Draw where the test predictions of a run are right and where they err."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from movierec.console import printable
from movierec.metrics.style import BLACK, BLUE, GREY, SKY, Drawing, new_figure, show_shares, styled

Diagnostics = dict[str, Any]
FEW = 30  # ratings; a mean of fewer is drawn hollow


def numbers(values: list[float | None]) -> np.ndarray:
    """Return an array, with NaN for None."""
    return np.array(values, dtype=np.float64)


def activity_labels(lower: list[int]) -> list[str]:
    """Name the ranges that begin at 0, 1, 2, 4, 8 and so on."""

    def short(number: int) -> str:
        return f"{number / 1024:g}k" if number >= 1024 else str(number)  # noqa: PLR2004 - bounds are powers of two

    return [str(low) if low <= 1 else f"{short(low)}+" for low in lower]


@styled()
def draw_calibration(content: Diagnostics, about: str) -> Drawing | None:
    """Draw the mean rating against the mean prediction, and the number of predictions."""
    bins = {name: numbers(values) for name, values in content["calibration"].items()}
    some = bins["count"] > 0
    if not some.any():
        return None
    title = f"Predicted against true: {about}"
    figure = new_figure(title, 3.6)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    low, high = bins["lower"][0], bins["upper"][-1]
    top.plot([low, high], [low, high], "--", color=GREY, linewidth=1, label="right on average")
    prediction, rating, count = bins["prediction"][some], bins["rating"][some], bins["count"][some]
    top.plot(prediction, rating, color=BLUE)
    scatter_by_count(top, prediction, rating, count)
    top.set(ylabel="mean rating (stars)", ylim=(low - 0.15, high + 0.15), xlim=(low - 0.15, high + 0.15))
    top.legend(loc="upper left")
    widths = bins["upper"] - bins["lower"]
    bottom.bar(bins["lower"], bins["count"] / bins["count"].sum(), widths, align="edge", color=SKY, edgecolor="white")
    bottom.set(xlabel="prediction (stars)", ylabel="share of\npredictions")
    show_shares(bottom)
    gap = np.abs(rating - prediction) @ count / count.sum()
    alt = (
        f"Predictions from {prediction.min():.2f} to {prediction.max():.2f} stars; the mean rating is {gap:.2f} stars "
        "away from the mean prediction, on average over the predictions."
    )
    return Drawing(figure, title, alt)


@styled()
def draw_reliability(content: Diagnostics, about: str) -> Drawing | None:
    """Draw how often films got 4 stars or more against the probability that the model gave it, if it did."""
    if "reliability" not in content:
        return None
    probability, share, count = (numbers(content["reliability"][name]) for name in ("probability", "share", "count"))
    liked = f"{content['reliability']['stars']:g} stars or more"
    title = f"Probability of {liked}: {about}"
    figure = new_figure(title, 3.6)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    top.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1, label="as often as expected")
    top.plot(probability, share, color=BLUE)
    scatter_by_count(top, probability, share, count)
    top.set(ylabel=f"share of {liked}", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    top.legend(loc="upper left")
    lower = np.minimum(np.floor(10 * probability), 9) / 10
    bottom.bar(lower, count / count.sum(), 0.1, align="edge", color=SKY, edgecolor="white")
    bottom.set(xlabel="probability of the model", ylabel="share of\nratings")
    for axis in (top.xaxis, top.yaxis, bottom.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    gap = np.abs(share - probability) @ count / count.sum()
    alt = f"The share of ratings of {liked} is {gap:.1%} away from its probability, on average."
    return Drawing(figure, title, alt)


def scatter_by_count(axes: Axes, x: np.ndarray, y: np.ndarray, count: np.ndarray) -> None:
    """Draw points, hollow if few ratings support them."""
    for chosen, face, label in ((count >= FEW, BLUE, f"{FEW} ratings or more"), (count < FEW, "white", "fewer")):
        if chosen.any():
            axes.scatter(x[chosen], y[chosen], s=18, facecolor=face, edgecolor=BLUE, label=label, zorder=3)


@styled()
def draw_errors(content: Diagnostics, about: str, *, by: str, groups: str) -> Drawing | None:
    """Draw RMSE and bias of groups of ratings, such as `by_genre`, one below the other."""
    part = content[by]
    count, rmse, bias = (numbers(part[name]) for name in ("count", "rmse", "bias"))
    if not count.any():
        return None
    labels = [printable(name) for name in part["genre"]] if "genre" in part else activity_labels(part["lower"])
    title = f"Errors by {groups}: {about}"
    figure = new_figure(title, 1.1 + 0.17 * len(count))
    panels = figure.subplots(1, 2, sharey=True)
    place = np.arange(len(count))
    for axes, values, label in zip(panels, (rmse, bias), ("RMSE (stars)", "bias (stars)"), strict=True):
        scatter_by_count(axes, values, place, count)
        axes.grid(axis="x")
        axes.set_xlabel(label)
        axes.margins(x=0.12)
        axes.locator_params(axis="x", nbins=3)
    panels[1].axvline(0, color=BLACK, linewidth=0.7)
    names = [f"{label}: {number:,.0f}" for label, number in zip(labels, count, strict=True)]
    panels[0].set_yticks(place, names, parse_math=False)  # a genre is no formula
    panels[0].set_ylim(len(count) - 0.4, -0.6)
    figure.supxlabel(f"Group: number of ratings; hollow if fewer than {FEW}.", fontsize=7.5)
    known = np.flatnonzero(count >= FEW) if (count >= FEW).any() else np.flatnonzero(count)
    order = sorted(known.tolist(), key=lambda group: rmse[group])
    low, high = (f"{rmse[group]:.3f} stars ({labels[group]})" for group in (order[0], order[-1]))
    return Drawing(figure, title, f"RMSE by {groups}: from {low} to {high}.")


DRAWN: dict[str, Callable[[Diagnostics, str], Drawing | None]] = {
    "calibration": draw_calibration,
    "reliability": draw_reliability,
    "errors_by_film_ratings": partial(draw_errors, by="by_movie_ratings", groups="training ratings of the film"),
    "errors_by_user_ratings": partial(draw_errors, by="by_user_ratings", groups="training ratings of the user"),
    "errors_by_genre": partial(draw_errors, by="by_genre", groups="genre"),
}
