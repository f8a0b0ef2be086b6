"""One table of all runs: what was published, and what each run measured on which rows."""

import csv
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from movierec.errors import CheckpointError
from movierec.report.published import PUBLISHED, PUBLISHED_FAMILY
from movierec.runs import Run, find_runs

Format = Literal["table", "markdown", "csv"]
COLUMNS = {
    "r2": "R2",
    "mae": "MAE",
    "mse": "MSE",
    "rmse": "RMSE",
    "precision": "precision",
    "recall": "recall",
    "rmse_stars": "RMSE (stars)",
    "ndcg@10": "NDCG@10",
}
SHORT = {"precision": "prec", "rmse_stars": "stars", "ndcg@10": "NDCG"}  # for a terminal of 80 columns
LONG_ONLY = ("mse",)  # the RMSE says the same
DIGITS = {"r2": 3}
DASH = "-"
NOTE = """\
R2, MAE and RMSE are on the unit scale; stars is the RMSE in stars, NDCG is
NDCG@10 per user. Numbers of train rows say nothing about other ratings: the
model has seen them. Compare models by their test rows, and only where those are
the same ratings.
"""
SAMPLE_NOTE = "* Trained on generated ratings: that shows that all works, not how good a model is.\n"


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        name: Whose numbers they are.
        part: The part of the ratings they were measured on, `train` or `test`.
        size: Number of ratings in that part, where it is known.
        metrics: The numbers.
        epoch: The epoch of the checkpoint, and how many were trained.
        sample: Whether the ratings were generated.
    """

    name: str
    part: str
    size: int | None
    metrics: dict[str, float | None]
    epoch: str = DASH
    sample: bool = False

    def label(self) -> str:
        """Write whose numbers they are; an asterisk marks generated ratings."""
        return f"{self.name} *" if self.sample else self.name

    def rows(self) -> str:
        """Write which ratings were measured, and how many."""
        return self.part if self.size is None else f"{self.part} {self.size:,}"

    def values(self, columns: Iterable[str]) -> list[str]:
        """Write some of the metrics."""
        return [format_value(name, self.metrics.get(name)) for name in columns]


def format_value(name: str, value: float | None) -> str:
    """Write a metric with as many digits as it deserves."""
    return DASH if value is None else f"{value:.{DIGITS.get(name, 4)}f}"


def newest_tested(root: Path) -> dict[str, Run]:
    """Find the newest run of each name that was tested."""
    return {name: run for name, run in find_runs(root) if "test" in run.read_metrics()}


def rows_of(name: str, content: dict[str, Any]) -> Iterator[Row]:
    """List the lines of a run: of the published family, the rows that the report measured come first."""
    data = content.get("data", {})
    trained = content.get("epochs", {}).get("trained")
    epoch = f"{content['epoch'] + 1} of {trained}" if trained else DASH
    for part in ("train", "test") if PUBLISHED_FAMILY in name else ("test",):
        size = data.get("rows", {}).get(part)
        yield Row(name, part, size, content.get(part, {}), epoch, bool(data.get("sample")))


def collect(root: Path) -> list[Row]:
    """List the lines of the table: model by model, published, reproduced, held out."""
    runs = newest_tested(root)
    rows = []
    for name in sorted(runs, key=lambda name: (name.split("/")[-1], PUBLISHED_FAMILY not in name, name)):
        model = name.removeprefix(PUBLISHED_FAMILY)
        if name.startswith(PUBLISHED_FAMILY) and model in PUBLISHED:
            metrics: dict[str, float | None] = {**PUBLISHED[model]}
            rows.append(Row(f"report, {model}", "train", None, metrics))
        rows += rows_of(name, runs[name].read_metrics())
    return rows


def show(root: Path, form: Format) -> int:
    """Print the table.

    Returns:
        The exit status, 0.

    Raises:
        CheckpointError: There is no tested run.
    """
    rows = collect(root)
    if not rows:
        raise CheckpointError(
            f"Expected tested runs in {root}, found none. Train and test one: "
            "python -m movierec fit --config configs/model1.yaml, then test with the same options."
        )
    if form == "table":
        print_table(rows, untested(root))
        return 0
    header = ["run", "rows", *COLUMNS.values(), "epoch"]
    cells = [[row.label(), row.rows(), *row.values(COLUMNS), row.epoch] for row in rows]
    if form == "csv":
        csv.writer(sys.stdout, lineterminator="\n").writerows([header, *cells])
    else:
        print("\n".join(f"| {' | '.join(line)} |" for line in [header, ["---"] * len(header), *cells]))
    return 0


def untested(root: Path) -> list[str]:
    """List the runs that were trained, and not tested since."""
    return [
        f"{name}/{run.path.name}"
        for name, run in find_runs(root)
        if run.has_checkpoint and "test" not in run.read_metrics()
    ]


def print_table(rows: list[Row], left_out: list[str]) -> None:
    """Print the table for a terminal of 80 columns or more."""
    shown = {name: SHORT.get(name, label) for name, label in COLUMNS.items() if name not in LONG_ONLY}
    table = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("run", overflow="fold", min_width=8)
    table.add_column("rows", no_wrap=True)
    for label in shown.values():
        table.add_column(label, justify="right", no_wrap=True, min_width=6)
    for row in rows:
        table.add_row(row.label(), row.rows(), *row.values(shown))
    console = Console(highlight=False)
    console.width = max(console.width, 80)  # below, the names of the runs would go
    console.print(table)
    notes = NOTE + (SAMPLE_NOTE if any(row.sample for row in rows) else "")
    if left_out:
        notes += f"Not tested yet, so not shown: {', '.join(left_out)}.\n"
    console.print(f"\n{notes}", end="", soft_wrap=True)
