"""Draw what models gain from more training ratings: errors of stars, and lists."""

from collections.abc import Iterable
from itertools import groupby

import matplotlib as mpl
from matplotlib.axes import Axes

from movierec.metrics.bootstrap import Interval
from movierec.metrics.style import BLACK, BLUE, GREY, ORANGE, VERMILLION, Drawing, explain, new_figure, styled

MODELS = {  # colour and marker
    "baseline/bias": (GREY, "s"),
    "model1": (ORANGE, "v"),
    "model5": (BLACK, "D"),
    "model6_1m": (BLUE, "o"),
    "model7": (VERMILLION, "^"),
}
Curves = dict[str, dict[str, Interval]]  # by model and share


@styled()
def draw_learning_curve(rows: Iterable[list[str]]) -> Drawing:
    """Draw the figure from the rows of the table: model, share, error, difference, NDCG@10, difference."""
    table = sorted(rows, key=lambda row: [*MODELS].index(row[0]))
    title = "Do more ratings help? Shares of MovieLens 1M"
    figure = new_figure(title, 4.6)
    said = []
    panels = {"RMSE in stars (lower is better)": 2, "NDCG@10 of lists (higher is better)": 4}
    for axes, (label, column) in zip(figure.subplots(2, 1, sharex=True), panels.items(), strict=True):
        curves = {
            model: {row[1]: read_interval(row[column]) for row in of_model if row[column] != "-"}
            for model, of_model in groupby(table, key=lambda row: row[0])
        }
        draw_curves(axes, curves, label)
        said.append(f"{label}: {'; '.join(in_words(model, curve) for model, curve in curves.items() if curve)}.")
    axes.set_xlabel("share of the training ratings")
    models = list(dict.fromkeys(row[0] for row in table))
    handles = [mpl.lines.Line2D([], [], color=MODELS[model][0], marker=MODELS[model][1]) for model in models]
    explain(figure, handles, models, "Bars: 95 % intervals over users.", ncols=2)
    return Drawing(figure, title, " ".join(said))


def draw_curves(axes: Axes, curves: Curves, label: str) -> None:
    """Draw a line for each model, with its intervals."""
    for model, curve in curves.items():
        x = [float(share.rstrip("%")) for share in curve]
        bars = [[one.value - one.low for one in curve.values()], [one.high - one.value for one in curve.values()]]
        colour, marker = MODELS[model]
        axes.errorbar(x, [one.value for one in curve.values()], bars, color=colour, marker=marker, capsize=2)
    axes.set_xscale("log")
    axes.set_xticks([3, 10, 30, 100], ["3%", "10%", "30%", "100%"])
    axes.minorticks_off()
    axes.set_title(label, fontsize=7.5)


def read_interval(cell: str) -> Interval:
    """Read `0.9082 (0.9002 to 0.9162)`."""
    value, low, high = (float(number) for number in cell.replace("(", "").replace(")", "").replace("to", "").split())
    return Interval(value, low, high)


def in_words(model: str, curve: dict[str, Interval]) -> str:
    """Describe the values of a model."""
    return f"{model} {', '.join(f'{share} {one.value:g}' for share, one in curve.items())}"
