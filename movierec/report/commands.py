"""Run the command `report`: print the table, write the page."""

import sys
from pathlib import Path
from typing import Literal

from movierec.console import busy, printable
from movierec.errors import CheckpointError
from movierec.report.lists import print_lists, rank_all
from movierec.report.page import write_report
from movierec.report.results import gather
from movierec.report.table import csv_text, markdown, print_table, tabulate

Format = Literal["table", "markdown", "csv"]


def report(root: Path, out: Path, form: Format, *, every: bool) -> int:
    """Print the table of the runs and write the page about them.

    Args:
        root: The folder of the runs.
        out: The folder of the page.
        form: Format of the printed table. With Markdown or csv, standard output holds nothing else.
        every: Whether to show each tested run separately.

    Returns:
        The exit status, 0.

    Raises:
        CheckpointError: There is no tested run.
    """
    with busy("reading the runs"):
        found, left_out = gather(root, every=every)
    if not found:
        reasons = "".join(f"\n  {line}" for line in left_out)
        raise CheckpointError(
            f"Expected tested runs in {root}, found none. Train and test one: "
            f"python -m movierec fit --config configs/model1.yaml, then test with the same options.{reasons}"
        )
    rows = tabulate(found)
    if form == "table":
        if any(one.predicts_stars for one in found):
            print_table(rows, left_out)
        print_lists(rank_all(found))
    else:
        print(printable(markdown(rows) if form == "markdown" else csv_text(rows)), end="")
        print(printable("\n".join(left_out)), end="\n" * bool(left_out), file=sys.stderr)
    with busy("drawing the figures"):
        page = write_report(found, left_out, out)
    print(f"page: {page}", file=sys.stdout if form == "table" else sys.stderr)
    return 0
