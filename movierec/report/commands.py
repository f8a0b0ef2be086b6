"""The command `report`."""

import argparse
from pathlib import Path

from movierec.console import busy, expand_home
from movierec.errors import CheckpointError


def add_report(command: argparse.ArgumentParser) -> None:
    """Add the options of `report`."""
    command.description = (
        "Show the newest tested runs of each configuration, averaged over their seeds, beside the "
        "published numbers. Write a page (index.html), the table (table.csv) and the figures."
    )
    add = command.add_argument
    add("--runs", type=expand_home, default=Path("lightning_logs"), help="folder of the runs")
    add("--out", type=expand_home, default=Path("report"), help="folder to write the page to")
    add("--all", action="store_true", dest="every", help="show each tested run by itself")
    command.set_defaults(run=show_report)


def show_report(options: argparse.Namespace) -> int:
    """Print the table of all runs, and write the page about them."""
    with busy("loading Matplotlib"):
        from movierec.report.lists import print_lists, rank_all
        from movierec.report.page import write_report
        from movierec.report.results import gather
        from movierec.report.table import print_table, tabulate

    with busy("reading the runs"):
        found, left_out = gather(options.runs, every=options.every)
    if not found:
        reasons = "".join(f"\n  {line}" for line in left_out)
        raise CheckpointError(
            f"Expected tested runs in {options.runs}, found none. Train and test one: "
            f"python -m movierec fit --config configs/model1.yaml, then test with the same options.{reasons}"
        )
    if any(one.predicts_stars for one in found):
        print_table(tabulate(found), left_out)
    print_lists(rank_all(found))
    with busy("drawing the figures"):
        page = write_report(found, left_out, options.out)
    print(f"page: {page}")
    return 0
