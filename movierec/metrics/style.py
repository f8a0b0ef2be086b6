"""Style all figures: phone width, colour-blind safe, and the same bytes each time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

WIDTH = 3.7  # inches: read on a phone without zooming, two side by side on an A4 page
TITLE_CHARACTERS, NOTE_CHARACTERS = 12, 16  # in an inch, about
DPI = 200
# Okabe and Ito, "Color Universal Design", 2008: told apart by readers with any kind of colour blindness.
BLACK, ORANGE, SKY = "#000000", "#E69F00", "#56B4E9"
BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#8C8C8C"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "text.parse_math": False,  # a name with dollars in it is no formula
    "lines.markersize": 4,
    "hatch.linewidth": 0.6,
    "figure.constrained_layout.h_pad": 0.06,  # inches
    "figure.titlesize": 9.5,
    "svg.hashsalt": "movierec",  # else each file has other ids
}


@dataclass(frozen=True)
class Drawing:
    """A figure and its description.

    Attributes:
        figure: The figure.
        title: The title.
        alt: Its content in numbers, as alternative text.
    """

    figure: Figure
    title: str
    alt: str


@contextmanager
def styled() -> Iterator[None]:
    """Draw in our style, independent of the user's matplotlib settings; also a decorator."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def new_figure(title: str, height: float) -> Figure:
    """Create a figure of the usual width and a height in inches, without the global state of pyplot."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    lines = wrap(title, int(TITLE_CHARACTERS * WIDTH))
    figure.suptitle("\n".join(lines), x=0.01, ha="left")
    return figure


def explain(
    figure: Figure, handles: Sequence[Artist], labels: Sequence[str], note: str = "", *, ncols: int = 1
) -> None:
    """Put the legend and notes below the panels."""
    lines = wrap(note, int(NOTE_CHARACTERS * figure.get_figwidth())) or [""]
    legend = figure.legend(handles, labels, loc="outside lower center", ncols=ncols, title="\n".join(lines))
    legend.get_title().set(fontsize=7.5, multialignment="center")


@styled()
def save(drawing: Drawing, folder: Path, name: str) -> tuple[Path, Path]:
    """Write a drawing as PNG and as SVG, and return their paths; the same drawing gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    bitmap, vector = folder / f"{name}.png", folder / f"{name}.svg"
    drawing.figure.savefig(bitmap, dpi=DPI, metadata={"Software": None, "Description": drawing.alt})
    described = {"Date": None, "Creator": None, "Title": drawing.title, "Description": drawing.alt}
    drawing.figure.savefig(vector, metadata=described)
    return bitmap, vector


def show_shares(axes: Axes) -> None:
    """Label the y axis in percent."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}%"))
