"""Compare tested runs: which one predicts ratings better, and which one makes better lists."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from movierec.console import Console, printable
from movierec.errors import ConfigError
from movierec.metrics.bootstrap import Interval, mean_interval, rmse_interval
from movierec.metrics.comparison import (
    ERROR,
    FOUND,
    Comparison,
    compare_lists,
    compare_ratings,
    read_rows,
    test_set_of,
)
from movierec.metrics.registry import Metric
from movierec.metrics.test_rows import PredictedRows, read_lists
from movierec.runs import ROOT, Run, find_runs


def compare_runs(names: Sequence[str], root: Path) -> list[str]:
    """Print the errors of tested runs with their intervals, and say which of them differ.

    Args:
        names: Folders of runs, or names below the folder of all runs, for the newest tested run of each.
        root: The folder of all runs.

    Returns:
        A sentence for each pair of runs and metric.
    """
    runs = {printable(label(name)): find_tested(name, root) for name in names}
    if len(runs) < 2:  # noqa: PLR2004 - a comparison takes two
        raise ConfigError(f"Expected at least two runs to compare, got {', '.join(runs)}.")
    check_same_ratings(runs)
    rows = rows_of(runs)
    scores = scores_of({name: [run] for name, run in runs.items()})
    errors = {name: rmse_interval(found) for name, found in rows.items()}
    found = {name: mean_interval(values) for name, values in scores.items()}
    print_intervals(list(runs), {ERROR: errors, FOUND: found})
    return print_comparisons(
        [
            *compare_ratings(combinations(sorted(rows, key=lambda name: errors[name].value), 2), rows),
            *compare_lists(combinations(sorted(scores, key=lambda name: -found[name].value), 2), scores),
        ]
    )


def label(name: str) -> str:
    """Name a run by its path below the folder of all runs."""
    parts = Path(name).parts
    return "/".join(parts[parts.index(ROOT) + 1 :] if ROOT in parts[:-1] else parts)


def find_tested(name: str, root: Path) -> Run:
    """Find a run by its folder, or the newest tested run of a name."""
    candidates = [Run(Path(name)), *(run for known, run in reversed(list(find_runs(root))) if known == label(name))]
    for run in candidates:
        content = run.read_metrics()
        if content.get("test") or content.get("retrieval"):
            return run
    trained = next((run for run in candidates if run.config.is_file()), None)
    advice = (
        f"Test it: python -m movierec test --config {trained.config.as_posix()}"
        if trained
        else f"Name a folder such as {root}/model1/version_0, or a name such as model1."
    )
    raise ConfigError(f"Expected a tested run at {name}, found none. {advice}")


def check_same_ratings(runs: Mapping[str, Run]) -> None:
    """Refuse runs that were tested on other ratings than the first."""
    (first, expected), *others = [(name, test_set_of(run.read_metrics().get("data", {}))) for name, run in runs.items()]
    for name, found in others:
        if found is None or found != expected:
            raise ConfigError(
                f"Expected runs tested on the same ratings; those of {name} are other ones than those of {first}. "
                "Give both the same release, split, fractions and data.seed. Where metadata are missing, "
                "add --config configs/same_rows.yaml to both."
            )


def rows_of(runs: Mapping[str, Run]) -> dict[str, list[PredictedRows]]:
    """Read the predicted test ratings of the runs that predict stars."""
    return {name: rows for name, run in runs.items() if (rows := read_rows((run.path,)))}


def scores_of(models: Mapping[str, Sequence[Run]]) -> dict[str, np.ndarray]:
    """Average the NDCG@10 of each user's list over a model's runs, for the users that all models with lists have."""
    columns = {}
    for name, runs in models.items():
        tables = [table for run in runs if (table := read_lists(run.path)) is not None and FOUND.name in table]
        if len(tables) == len(runs):
            lists = pd.concat(tables)
            columns[name] = lists[lists["ranking"] == "model"].groupby("user_id")[FOUND.name].mean()
    table = pd.concat(columns, axis="columns", join="inner") if columns else pd.DataFrame()
    return {name: table[name].to_numpy() for name in columns} if len(table) else {}


def print_intervals(names: Sequence[str], measured: Mapping[Metric, Mapping[str, Interval]]) -> None:
    """Print a table of the runs with a column for each metric."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("run", overflow="fold")
    for metric in measured:
        table.add_column(f"{metric.heading}, 95 %", justify="right")
    for name in names:
        cells = [write_interval(found.get(name)) for found in measured.values()]
        table.add_row(*map(Text, [name, *cells]))
    Console().print(table)


def print_comparisons(found: Iterable[Comparison]) -> list[str]:
    """Print a sentence for each comparison, with its p-value, and return the sentences."""
    sentences = [f"{one}, p {one.p:.4f}" for one in found]
    print("", *sentences, sep="\n")
    return sentences


def write_interval(found: Interval | None) -> str:
    """Write a value with its interval; a dash for None."""
    return "-" if found is None else f"{found.value:.4f} ({found.low:.4f} to {found.high:.4f})"
