"""Tabulate the metrics of recommendations, beside rankings that do not depend on the user."""

from collections.abc import Iterable
from statistics import fmean, stdev
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from movierec.console import Console
from movierec.metrics.registry import LIST_METRICS
from movierec.report.results import Measured

RANKINGS = {"model": "the model", "popularity": "popularity", "item_knn": "item-kNN"}


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
    ranked = [
        Ranked(
            one.name,
            int(values_of(one, ranking, "users")[0]),
            words,
            [spread(one, ranking, metric) for metric in LIST_METRICS],
            one.test_set,
        )
        for one in measured
        for ranking, words in RANKINGS.items()
        if values_of(one, ranking, "users")
    ]
    last = {(one.ranking, one.test_set, *one.values): one.model for one in ranked}
    own = RANKINGS["model"]
    return [one for one in ranked if one.ranking == own or last[one.ranking, one.test_set, *one.values] == one.model]


def print_lists(ranked: Iterable[Ranked]) -> None:
    """Print a table of the rankings."""
    table = Table(
        "run", "ranked by", title="Lists among all films that a user has not rated", box=SIMPLE_HEAD, padding=0
    )
    for metric in LIST_METRICS.values():
        table.add_column(metric.short or metric.label, justify="right")
    for one in ranked:
        table.add_row(*map(Text, [one.model, one.ranking, *one.values]))
    console = Console()
    console.width = max(console.width, 80)
    console.print(table)


def values_of(one: Measured, ranking: str, metric: str) -> list[float]:
    """List a metric of a ranking over the runs that have it."""
    found = [content.get("retrieval", {}).get(ranking, {}).get(metric) for content in one.contents]
    return [value for value in found if value is not None]


def spread(one: Measured, ranking: str, metric: str) -> str:
    """Write the mean of a metric, and its standard deviation over several seeds."""
    values = values_of(one, ranking, metric)
    if not values:
        return "-"
    sd = stdev(values) if len(values) > 1 else 0.0
    return f"{fmean(values):.3f}" + (f" ± {sd:.3f}" if sd else "")
