"""Run the command `report`: print the table, write the page."""

from pathlib import Path

from movierec.console import busy
from movierec.errors import CheckpointError
from movierec.report.lists import print_lists, rank_all
from movierec.report.page import write_report
from movierec.report.results import gather
from movierec.report.table import print_table, tabulate


def report(root: Path, out: Path, *, every: bool) -> int:
    """Print the table of the runs, or of `every` tested one, write the page about them, and return the status, 0."""
    with busy("reading the runs"):
        found, left_out = gather(root, every=every)
    if not found:
        reasons = "".join(f"\n  {line}" for line in left_out)
        raise CheckpointError(
            f"Expected tested runs in {root}, found none. Train and test one: "
            f"python -m movierec fit --config configs/model1.yaml, then test with the same options.{reasons}"
        )
    if any(one.predicts_stars for one in found):
        print_table(tabulate(found), left_out)
    print_lists(rank_all(found))
    with busy("drawing the figures"):
        page = write_report(found, left_out, out)
    print(f"page: {page}")
    return 0
