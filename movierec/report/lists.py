"""Tabulate the metrics of recommendations, beside rankings that do not depend on the user."""

from collections.abc import Iterable, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from movierec.console import Console
from movierec.metrics.registry import LIST_METRICS, RANKINGS
from movierec.report.results import Measured
from movierec.report.table import break_name


class Ranked(NamedTuple):
    """The metrics of one ranking of all films.

    Attributes:
        model: Name of the configuration.
        users: Number of measured users.
        ranking: Description of the ranking.
        values: For each of LIST_METRICS, the mean over the seeds, with the standard deviation for several.
        test_set: Hash of the test ratings; only rankings with the same hash may be compared.
    """

    model: str
    users: int
    ranking: str
    values: list[str]
    test_set: str | None


def rank_all(measured: Iterable[Measured]) -> list[Ranked]:
    """List the rankings of all models; those that do not depend on the user once per set of test rows."""
    ranked = []
    for one in measured:
        for ranking, words in RANKINGS.items():
            measures = (content.get("retrieval", {}).get(ranking, {}) for content in one.contents)
            if found := [measure for measure in measures if measure.get("users")]:
                known = [[run[name] for run in found if run.get(name) is not None] for name in LIST_METRICS]
                values = [write_mean(numbers) for numbers in known]
                ranked.append(Ranked(one.name, int(found[0]["users"]), words, values, one.test_set))
    last = {(one.ranking, one.test_set, *one.values): one.model for one in ranked}
    own = RANKINGS["model"]
    return [one for one in ranked if one.ranking == own or last[one.ranking, one.test_set, *one.values] == one.model]


def print_lists(ranked: Iterable[Ranked]) -> None:
    """Print a table of the rankings."""
    table = Table(title="Lists among all films that a user has not rated", box=SIMPLE_HEAD, padding=0)
    table.add_column("run", overflow="fold")
    table.add_column("ranked by", no_wrap=True)
    for metric in LIST_METRICS.values():
        table.add_column(metric.short or metric.label, justify="right")
    for one in ranked:
        table.add_row(*map(Text, [break_name(one.model), one.ranking, *one.values]))
    console = Console()
    console.width = max(console.width, 80)
    console.print(table)


def write_mean(values: Sequence[float], digits: int = 3) -> str:
    """Write a mean, and the standard deviation where values differ."""
    if not values:
        return "-"
    sd = stdev(values) if len(values) > 1 else 0.0
    return f"{fmean(values):.{digits}f}" + (f" ± {sd:.{digits}f}" if sd else "")
