"""One table of all runs: what was published, and what each run measured on which rows."""

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

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
SHORT = {
    "training rows": "train",
    "test rows": "test",
    "precision": "prec",
    "rmse_stars": "stars",
    "ndcg@10": "NDCG",
}  # for a terminal of 80 columns
DIGITS = {"r2": 3}
NOTE = """\
R2, MAE, MSE and RMSE are on the unit scale; stars is the RMSE in stars, NDCG is
NDCG@10 per user. Numbers of training rows, which the model was trained on, say
nothing about other ratings: compare models by their test rows.
"""
SAMPLE_NOTE = """\
Runs of sample/ were trained on generated ratings: they show that all works, not
how good a model is.
"""


@dataclass(frozen=True)
class Row:
    """A line of the table: whose numbers, on which rows, and the numbers."""

    name: str
    rows: str
    metrics: dict[str, float | None]
    epochs: int | None
    sample: bool = False

    def cells(self) -> list[str]:
        """Write the line as text; what is unknown is a dash."""
        values = [format_value(name, self.metrics.get(name)) for name in COLUMNS]
        return [self.name, self.rows, *values, "-" if self.epochs is None else str(self.epochs)]


def format_value(name: str, value: float | None) -> str:
    """Write a metric with as many digits as it deserves."""
    return "-" if value is None else f"{value:.{DIGITS.get(name, 4)}f}"


def newest_tested(root: Path) -> dict[str, Run]:
    """Find the newest run of each name that was tested."""
    return {name: run for name, run in find_runs(root) if "test" in run.read_metrics()}


def rows_of(name: str, content: dict[str, Any]) -> Iterator[Row]:
    """List the lines of a run: of the published family, the rows that the report measured come first."""
    epochs = content.get("epoch", -1) + 1
    sample = bool(content.get("data", {}).get("sample"))
    if PUBLISHED_FAMILY in name:
        yield Row(name, "training rows", content.get("train", {}), epochs, sample)
    yield Row(name, "test rows", content["test"], epochs, sample)


def collect(root: Path) -> list[Row]:
    """List the lines of the table: model by model, published, reproduced, held out."""
    runs = newest_tested(root)
    rows = []
    for name in sorted(runs, key=lambda name: (name.split("/")[-1], PUBLISHED_FAMILY not in name, name)):
        model = name.removeprefix(PUBLISHED_FAMILY)
        if name.startswith(PUBLISHED_FAMILY) and model in PUBLISHED:
            metrics: dict[str, float | None] = {**PUBLISHED[model]}
            rows.append(Row(f"report, {model}", "training rows", metrics, None))
        rows += rows_of(name, runs[name].read_metrics())
    return rows


def show(root: Path, form: Format) -> int:
    """Print the table.

    Returns:
        The exit status: 1 when there is no tested run.
    """
    rows = collect(root)
    if not rows:
        print(
            f"movierec: error: Expected tested runs in {root}, found none. Train and test one: "
            "python -m movierec fit --config configs/model1.yaml, then test with the same options.",
            file=sys.stderr,
        )
        return 1
    header = ["run", "measured on", *COLUMNS.values(), "epochs"]
    cells = [row.cells() for row in rows]
    if form == "csv":
        csv.writer(sys.stdout).writerows([header, *cells])
    elif form == "markdown":
        print("\n".join(f"| {' | '.join(line)} |" for line in [header, ["---"] * len(header), *cells]))
    else:
        table = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
        table.add_column("run", overflow="fold", min_width=16)
        table.add_column("rows", no_wrap=True, min_width=5)
        for name, label in COLUMNS.items():
            table.add_column(SHORT.get(name, label), justify="right", no_wrap=True, min_width=6)
        for row in rows:
            name, measured_on, *values, _ = row.cells()
            table.add_row(name, SHORT[measured_on], *values)
        console = Console(highlight=False)
        console.print(table)
        console.print("\n" + NOTE + (SAMPLE_NOTE if any(row.sample for row in rows) else ""), end="")
    return 0
