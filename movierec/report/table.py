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
DIGITS = {"r2": 3}
NOTE = (
    "R2, MAE, MSE and RMSE are on the unit scale. Training rows are rows that the model was trained on: their numbers "
    "say nothing about other ratings. Published is what the report printed, which was measured on training rows."
)


@dataclass(frozen=True)
class Row:
    """A line of the table: whose numbers, on which rows, and the numbers."""

    name: str
    rows: str
    metrics: dict[str, float | None]
    epochs: int | None

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
    label = f"{name} (generated sample)" if content.get("data", {}).get("sample") else name
    if PUBLISHED_FAMILY in f"{name}":
        yield Row(label, "training rows", content.get("train", {}), epochs)
    yield Row(label, "test rows", content["test"], epochs)


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
        table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, caption=NOTE, caption_justify="left")
        for name in header:
            table.add_column(name, overflow="fold", min_width=6 if name in COLUMNS.values() else None)
        for line in cells:
            table.add_row(*line)
        Console().print(table)
    return 0
