"""What the films that the models recommend are worth, beside rankings that need no network."""

from collections.abc import Mapping
from statistics import fmean, stdev
from typing import NamedTuple

from movierec.metrics.registry import LIST_METRICS
from movierec.report.results import Measured

RANKINGS = {"model": "the model", "popularity": "the number of ratings", "film_mean": "the mean rating"}
FIRST = "recall@10"  # by which the rankings are compared


class Ranked(NamedTuple):
    """How well one ranking of all films finds what users went on to like.

    Attributes:
        model: Name of the configuration.
        users: How many users it was measured on.
        ranking: What the films are ranked by, in words.
        values: Of each metric, the mean over the seeds, with the standard deviation if there are several.
    """

    model: str
    users: int
    ranking: str
    values: list[str]


def rank_all(measured: Mapping[str, Measured]) -> list[Ranked]:
    """List the rankings of the models whose test has measured them."""
    return [
        Ranked(
            name, int(values_of(found, ranking, "users")[0]), words, [spread(found, ranking, m) for m in LIST_METRICS]
        )
        for name, found in measured.items()
        for ranking, words in RANKINGS.items()
        if values_of(found, ranking, FIRST)
    ]


def values_in(measured: Measured, ranking: str) -> list[str]:
    """Write all metrics of a ranking."""
    return [spread(measured, ranking, metric) for metric in LIST_METRICS]


def beaten(measured: Mapping[str, Measured]) -> list[str]:
    """Name the models whose films are liked less often than the most rated ones."""
    return [
        name
        for name, found in measured.items()
        if (own := values_of(found, "model", FIRST)) and fmean(own) < fmean(values_of(found, "popularity", FIRST))
    ]


def values_of(measured: Measured, ranking: str, metric: str) -> list[float]:
    """List a metric of a ranking, of the runs that have it."""
    found = [content.get("retrieval", {}).get(ranking, {}).get(metric) for content in measured.contents]
    return [value for value in found if value is not None]


def spread(measured: Measured, ranking: str, metric: str) -> str:
    """Write the mean of a metric; its standard deviation where the seeds make one."""
    values = values_of(measured, ranking, metric)
    sd = stdev(values) if len(values) > 1 else 0.0
    return f"{fmean(values):.3f}" + (f" ± {sd:.3f}" if sd else "")
