"""Draw where the test predictions of a run are right and where they err."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movierec.console import printable
from movierec.metrics.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    SHADES,
    SKY,
    VERMILLION,
    Drawing,
    explain,
    new_figure,
    show_shares,
    styled,
)

Diagnostics = dict[str, Any]
FEW = 30  # ratings; a mean of fewer is drawn hollow
MOST_LEVELS_WRITTEN = 12
MOST_LABELS = 9  # side by side in half a page
DARK = 0.5


class Group(NamedTuple):
    """Errors by group: labels and values, NaN where unknown."""

    label: list[str]
    number: np.ndarray
    rmse: np.ndarray
    bias: np.ndarray

    @property
    def known(self) -> bool:
        """Whether any group has errors."""
        return bool(len(self.number)) and bool(self.number.any())

    def enough(self) -> list[int]:
        """List the groups with enough ratings to matter; if none has, those with any."""
        many = np.flatnonzero(self.number >= FEW)
        return (many if len(many) else np.flatnonzero(self.number)).tolist()


def numbers(values: list[float | None]) -> np.ndarray:
    """Return an array, with NaN for None."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def group_of(content: dict[str, list[Any]], label: list[str]) -> Group:
    """Read a group of errors from diagnostics.json."""
    return Group(
        [printable(text) for text in label],
        numbers(content["count"]),
        numbers(content["rmse"]),
        numbers(content["bias"]),
    )


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
    top.set_aspect("auto")
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


def scatter_by_count(axes: Axes, x: np.ndarray, y: np.ndarray, count: np.ndarray) -> None:
    """Draw points, hollow if few ratings support them."""
    for chosen, face, label in ((count >= FEW, BLUE, f"{FEW} ratings or more"), (count < FEW, "white", "fewer")):
        if chosen.any():
            axes.scatter(x[chosen], y[chosen], s=18, facecolor=face, edgecolor=BLUE, label=label, zorder=3)


def explain_hollow(figure: Figure, *groups: Group) -> None:
    """Explain hollow points, if there are any."""
    if any(((group.number > 0) & (group.number < FEW)).any() for group in groups):
        figure.supxlabel(f"Hollow points: fewer than {FEW} ratings.", fontsize=7.5)


@styled()
def draw_distribution(content: Diagnostics, about: str) -> Drawing | None:
    """Draw the distributions of the ratings and the predictions."""
    edges = numbers(content["distribution"]["edges"])
    predictions, ratings = (numbers(content["distribution"][name]) for name in ("predictions", "ratings"))
    if not ratings.any():
        return None
    title = f"Ratings and predictions: {about}"
    figure = new_figure(title, 2.9)
    axes = figure.subplots()
    levels = numbers(content["confusion"]["stars"])
    step = levels[1] - levels[0]
    middles = (edges[:-1] + edges[1:]) / 2
    given = ratings > 0
    bars = axes.bar(middles[given], ratings[given] / ratings.sum(), 0.9 * step, color=SKY)
    line = axes.stairs(predictions / predictions.sum() * step / (edges[1] - edges[0]), edges, color=VERMILLION)
    line.set_linewidth(1.4)
    axes.set(xlabel="stars", ylabel=f"share per {name_step(step)}", xticks=levels)
    show_shares(axes)
    explain(figure, [bars.patches[0], line], ["ratings", "predictions"], ncols=2)
    (mean_p, sd_p), (mean_r, sd_r) = (moments(middles, weight) for weight in (predictions, ratings))
    alt = (
        f"Predictions have a mean of {mean_p:.2f} stars and a standard deviation of {sd_p:.2f}; ratings "
        f"{mean_r:.2f} and {sd_r:.2f}."
    )
    return Drawing(figure, title, alt)


def name_step(step: float) -> str:
    """Name the step from one level of the rating scale to the next."""
    return "star" if step == 1 else "half star"


def moments(values: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Compute the mean and the standard deviation of weighted values."""
    mean = values @ weight / weight.sum()
    return float(mean), float(np.sqrt((values - mean) ** 2 @ weight / weight.sum()))


@styled()
def draw_confusion(content: Diagnostics, about: str) -> Drawing | None:
    """Draw the confusion of ratings and predictions, as shares of the ratings of each level."""
    levels, count = content["confusion"]["stars"], np.array(content["confusion"]["count"], dtype=np.float64)
    rows = count.sum(axis=1, keepdims=True)
    if not rows.any():
        return None
    title = f"Predictions rounded to the scale: {about}"
    share = np.divide(count, rows, out=np.full_like(count, np.nan), where=rows > 0)
    figure = new_figure(title, 4.3)
    axes = figure.subplots()
    image = axes.imshow(np.ma.masked_invalid(share), cmap=SHADES, vmin=0, origin="lower", aspect="auto")
    figure.colorbar(image, ax=axes, label="share of the ratings in the row", format="{x:.0%}", pad=0.02)
    names = [f"{stars:g}" for stars in levels]
    totals = [f"{name}\n{int(total):,}" for name, total in zip(names, rows[:, 0], strict=True)]
    axes.set(xlabel="prediction, rounded (stars)", ylabel="rating (stars), and how many", yticks=range(len(names)))
    axes.set_xticks(range(len(names)), names)
    axes.set_yticklabels(totals, fontsize=7)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    if len(levels) <= MOST_LEVELS_WRITTEN:
        write_shares(axes, share)
    within = sum(np.trace(count, offset) for offset in (-1, 0, 1)) / count.sum()
    alt = (
        f"{np.trace(count) / count.sum():.0%} of the predictions round to the rating, {within:.0%} are at most a "
        f"{name_step(levels[1] - levels[0])} away."
    )
    return Drawing(figure, title, alt)


def write_shares(axes: Axes, share: np.ndarray) -> None:
    """Write the share into each cell of at least half a percent."""
    most = np.nanmax(share)
    for (row, column), value in np.ndenumerate(share):
        if value >= 0.005:  # noqa: PLR2004 - less is written as 0
            colour = "white" if value < DARK * most else "black"
            axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", color=colour, fontsize=7)


@styled()
def draw_activity(content: Diagnostics, about: str, *, whose: str = "film") -> Drawing | None:
    """Draw errors by the number of training ratings of the film or the user."""
    part = content["by_movie_ratings" if whose == "film" else "by_user_ratings"]
    group = group_of(part, activity_labels(part["lower"]))
    if not group.known:
        return None
    title = f"Errors by number of the {whose}'s ratings: {about}"
    figure = new_figure(title, 3.6)
    panels = figure.subplots(3, 1, sharex=True, height_ratios=[2, 2, 1.2])
    draw_group(panels, group)
    panels[-1].set_xlabel(f"training ratings of the {whose}")
    for axes, label in zip(panels, ("RMSE (stars)", "bias (stars)", "share of\nratings"), strict=True):
        axes.set_ylabel(label)
    explain_hollow(figure, group)
    first, last = group.enough()[0], group.enough()[-1]
    said = f"{group.rmse[first]:.3f} stars at {group.label[first]}, {group.rmse[last]:.3f} at {group.label[last]}"
    return Drawing(figure, title, f"RMSE by training ratings of the {whose}: {said}.")


def draw_group(column: Any, group: Group) -> None:
    """Draw RMSE, bias and share of the ratings in three panels, one below the other."""
    place = np.arange(len(group.label))
    for axes, values in ((column[0], group.rmse), (column[1], group.bias)):
        axes.plot(place, values, color=BLUE, zorder=2)
        scatter_by_count(axes, place, values, group.number)
    column[1].axhline(0, color=BLACK, linewidth=0.7)
    column[2].bar(place, group.number / group.number.sum(), color=SKY)
    every = 1 + len(place) // MOST_LABELS
    column[2].set_xticks(place[::every], group.label[::every])
    show_shares(column[2])


@styled()
def draw_genres(content: Diagnostics, about: str) -> Drawing | None:
    """Draw errors by genre, the most frequent at the top."""
    group = group_of(content["by_genre"], content["by_genre"]["genre"])
    if not group.known:
        return None
    title = f"Errors by genre: {about}"
    size = len(group.label)
    figure = new_figure(title, 1.1 + 0.17 * size)
    panels = figure.subplots(1, 2, sharey=True)
    place = np.arange(size)
    for axes, values, label in zip(panels, (group.rmse, group.bias), ("RMSE (stars)", "bias (stars)"), strict=True):
        scatter_by_count(axes, values, place, group.number)
        axes.grid(axis="x")
        axes.set_xlabel(label)
        axes.margins(x=0.12)
        axes.locator_params(axis="x", nbins=3)
    panels[1].axvline(0, color=BLACK, linewidth=0.7)
    names = [f"{name} {number:,.0f}" for name, number in zip(group.label, group.number, strict=True)]
    panels[0].set_yticks(place, names, parse_math=False)  # a genre is no formula
    panels[0].set_ylim(size - 0.4, -0.6)
    explain_hollow(figure, group)
    order = sorted(group.enough(), key=lambda genre: group.rmse[genre])
    alt = (
        f"RMSE from {group.rmse[order[0]]:.3f} stars ({group.label[order[0]]}) to {group.rmse[order[-1]]:.3f} "
        f"({group.label[order[-1]]}) over {len(order)} genres."
    )
    return Drawing(figure, title, alt)


@styled()
def draw_precision_recall(content: Diagnostics, about: str) -> Drawing | None:
    """Draw precision against recall of "rated above the training median"."""
    points = {name: numbers(values) for name, values in content["precision_recall"].items()}
    if not len(points["recall"]):
        return None
    title = f"Rated above the training median: {about}"
    figure = new_figure(title, 3.1)
    axes = figure.subplots()
    axes.plot(points["recall"], points["precision"], color=BLUE, marker="o" if len(points["recall"]) == 1 else None)
    base = points["precision"][np.argmax(points["recall"])]
    axes.axhline(base, linestyle="--", color=GREY, linewidth=1)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.04))
    axes.text(0.02, base + 0.015, f"all chosen: {base:.0%}", color="#555555", fontsize=7.5, va="bottom")
    half = points["precision"][np.argmin(np.abs(points["recall"] - 0.5))]
    axes.plot(0.5, half, "D", color=ORANGE, markeredgecolor=BLACK, markeredgewidth=0.6, zorder=3)
    axes.annotate(f"half found: {half:.0%}", (0.5, half), (6, 6), textcoords="offset points", fontsize=7.5)
    return Drawing(figure, title, f"Precision is {half:.0%} at a recall of 50%, and {base:.0%} when all are chosen.")


DRAWN: dict[str, Callable[[Diagnostics, str], Drawing | None]] = {
    "calibration": draw_calibration,
    "distribution": draw_distribution,
    "confusion": draw_confusion,
    "errors_by_film_ratings": draw_activity,
    "errors_by_user_ratings": partial(draw_activity, whose="user"),
    "errors_by_genre": draw_genres,
    "precision_recall": draw_precision_recall,
}
