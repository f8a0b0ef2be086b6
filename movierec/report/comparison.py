"""Compare configurations, and describe what is unusual about their runs."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from movierec.data.split import REFIT
from movierec.metrics.bootstrap import Interval, compare_scores, rmse_interval
from movierec.metrics.caveats import describe_constant, is_constant
from movierec.metrics.comparison import Comparison, compare_ratings, correct, read_rows
from movierec.metrics.registry import LIST_METRICS
from movierec.metrics.test_rows import read_lists
from movierec.report.results import Measured

BEST = "checkpoints/best.ckpt"
ENDS = {
    "interrupted": "its fit was interrupted",
    "diverged": "its fit diverged: the loss was not finite",
    "early": "a callback ended its fit early",
}
FOUND = "recall@10"  # by which lists are compared


def error_interval(one: Measured) -> Interval | None:
    """Compute the RMSE in stars and its interval over the test users; None if a test kept no rows."""
    rows = read_rows(folders(one))
    return rmse_interval(rows) if rows else None


def compare(one: Measured, other: Measured) -> Interval | None:
    """Compute the difference of RMSE in stars; None unless both kept the same test rows."""
    found = compare_rows(folders(one), folders(other))
    return found.difference if found else None


def folders(one: Measured) -> tuple[Path, ...]:
    """List the folders of the runs."""
    return tuple(run.path for run in one.runs)


@cache
def compare_rows(one: tuple[Path, ...], other: tuple[Path, ...]) -> Comparison | None:
    """Compare the runs of two configurations."""
    rows, others = read_rows(one), read_rows(other)
    if not rows or not others or not rows[0].same_rows(others[0]):
        return None
    return compare_ratings([("one", "other")], {"one": rows, "other": others})[0]


def say_differences(best: Measured, others: Sequence[Measured]) -> list[str]:
    """Say of each other configuration whether the best one is better; empty where they cannot be compared."""
    found = {
        other.name: result._replace(one=best.name, other=other.name)
        for other in others
        if (result := compare_rows(folders(best), folders(other)))
    }
    said = {one.other: str(one) for one in correct(found.values())}
    return [said.get(other.name, "") for other in others]


def say_lists(one: Measured) -> str:
    """Say whether a model's lists find more liked films than popularity does; empty if no scores were kept."""
    tables = [table for run in one.runs if (table := read_lists(run.path)) is not None]
    if not tables or any(FOUND not in table for table in tables):
        return ""
    scores = pd.concat(tables).pivot_table(index="user_id", columns="ranking", values=FOUND).dropna()
    if len(scores) == 0 or not {"model", "popularity"} <= set(scores):
        return ""
    found = compare_scores(scores["model"].to_numpy(), scores["popularity"].to_numpy())
    label, span = LIST_METRICS[FOUND].label, f"({found.low:+.3f} to {found.high:+.3f})"
    if not found.is_clear:
        return f"The lists of {one.name} and the most rated films: no difference of {label} shown {span}."
    verdict = "more" if found.value > 0 else "less"
    return f"The lists of {one.name} find {verdict} than the most rated films: {found.value:+.3f} {label} {span}."


def remarks_on(one: Measured) -> list[str]:
    """List what is unusual about the runs of a configuration, with the names if there are several runs."""
    found: dict[str, list[str]] = {}
    for run, content in zip(one.runs, one.contents, strict=True):
        for text in unusual(content):
            found.setdefault(text, []).append(run.path.name)
    return [text if len(one.runs) == 1 else f"{', '.join(names)}: {text}" for text, names in found.items()]


def unusual(content: dict[str, Any]) -> Iterator[str]:
    """Yield what is unusual about a run, from its metrics.json; older versions recorded less."""
    epochs, end = content.get("epochs", {}), content.get("end")
    if how := ENDS.get(str(end)):
        yield f"{how}, after {epochs.get('trained')} of {epochs.get('planned')} epochs"
    elif end is None and "code" in content:
        yield "its fit was killed, or was still running when it was tested"
    for name, limit in content.get("limits", {}).items():
        yield f"it was trained with {name} {limit}, not with all ratings"
    if refit := content.get("refit"):
        yield f"refit: trained again on {REFIT[refit]}, for as many epochs as validation had chosen"
    if content.get("checkpoint", BEST) != BEST:
        yield f"it was measured at {content['checkpoint']}, not at its best epoch"
    if is_constant(content.get("test", {})):
        yield describe_constant(content["test"], "test rows")


def describe_test_set(one: Measured) -> str:
    """Describe the test ratings of a configuration by release, split and left-out ratings."""
    if one.test_set is None:
        return "unrecorded ratings; test again to compare"
    options, left_out = one.data.get("options", {}), one.data.get("ratings_left_out")
    shares = "/".join(f"{100 * share:g}" for share in options.get("fractions", []))
    facts = [
        str(options.get("release", "")) + (" (generated sample)" if one.sample else ""),
        f"split {options.get('split')} {shares}, seed {options.get('seed')}",
        "half stars cut off" if options.get("whole_stars") else "",
        f"{left_out:,} ratings of all parts left out for missing metadata" if left_out else "",
        f"rows {one.data['row_sets']['test'][:8]}",
    ]
    return ", ".join(filter(None, facts))
