"""Cross-validate configurations: no rating is tested twice, nor by a model that was trained on it."""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal

import numpy as np
import pandas as pd
import yaml
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from movierec.console import Console, printable
from movierec.data.split import folds
from movierec.datasets.movielens import read_ratings
from movierec.errors import ConfigError
from movierec.metrics.bootstrap import mean_interval, rmse_interval
from movierec.metrics.comparison import ERROR, FOUND, compare_lists, compare_ratings
from movierec.metrics.test_rows import PredictedRows
from movierec.model_selection.compare import print_comparisons, scores_of
from movierec.model_selection.reproduce import Job, find_run, reproduce, resolve
from movierec.runs import ROOT, Run
from movierec.training.cli import ExperimentCLI
from movierec.training.commands import arguments_of
from movierec.training.config import run_name, split_configs

SEED = 123  # decides the folds
Configs = tuple[str, ...]
Over = Literal["ratings", "users", "time"]


def crossval(
    models: Sequence[Configs], *, num_folds: int, root: Path | None, out: Path, over: Over = "ratings"
) -> list[str]:
    """Train and test configurations on the same folds, and print how good they are; finished folds are not repeated.

    Args:
        models: Each a configuration and its overlays.
        num_folds: How many parts are tested, one after another.
        root: The data root; by default, what the configurations say.
        out: Folder of the folds and the runs.
        over: `ratings` are dealt into folds at random; or `users`, of each of whom a share of the ratings is known when
            the others are tested (`data.history_share`); or `time` is cut into one part more, of as many ratings each,
            and all but the first part are tested by models that were trained on what was before.

    Returns:
        The sentence of each comparison.

    Raises:
        ConfigError: There are fewer than two folds, two configurations are the same, or read other releases.
        MovierecError: A fold failed; the message has been printed.
    """
    if num_folds < 2:  # noqa: PLR2004 - nothing would be left to train on
        raise ConfigError(f"Expected --folds of 2 or more, got {num_folds}.")
    names = [run_name(list(split_configs(arguments_of(configs, {}))[1].values())) for configs in models]
    if len(set(names)) < len(names):
        raise ConfigError(f"Expected configurations of different names, got {' and '.join(names)}.")
    overlays = write_folds(models, over, num_folds, root, out)
    jobs = {
        name: [
            resolve(f"{name}/fold_{number}", (*configs, str(overlay)), {}, root)
            for number, overlay in enumerate(overlays, start=1)
        ]
        for name, configs in zip(names, models, strict=True)
    }
    failed = reproduce([job for fold in zip(*jobs.values(), strict=True) for job in fold], out / ROOT)
    if failed:
        missing = ", ".join(job.name for job in failed)
        raise ConfigError(f"Expected all folds to be trained; {missing} failed, as said above.")
    return report({printable(name): [find(job, out) for job in of_model] for name, of_model in jobs.items()})


def find(job: Job, out: Path) -> Run:
    """Find the finished run of a fold."""
    run = find_run(job, out / ROOT)
    assert run is not None
    return run


def write_folds(models: Sequence[Configs], over: Over, num_folds: int, root: Path | None, out: Path) -> list[Path]:
    """Write an overlay for each fold, which says what is tested.

    Returns:
        The overlays.

    Raises:
        ConfigError: The configurations read other releases.
    """
    data = [
        ExperimentCLI("fit", split_configs(arguments_of(configs, {"data.root": root}))[0]).datamodule
        for configs in models
    ]
    options, place = data[0].options, data[0].root
    if {(one.options.release, one.root) for one in data} != {(options.release, place)}:
        raise ConfigError("Expected configurations of one release in one folder: both are tested on the same ratings.")
    ratings = read_ratings(place, options.find_release(place))
    folder = out / "folds" / f"{options.release}_{over}_{num_folds}"
    folder.mkdir(parents=True, exist_ok=True)
    validate = options.fractions[1] / sum(options.fractions[:2])
    if over == "ratings":
        found = over_ratings(ratings, num_folds, folder)
    else:
        found = (over_users if over == "users" else over_time)(ratings, num_folds, validate)
    overlays = []
    for number, of_data in enumerate(found, start=1):
        overlays.append(folder / f"fold_{number}.yaml")
        overlays[-1].write_text(yaml.safe_dump({"data": {"init_args": of_data}}), encoding="utf-8")
    return overlays


def over_ratings(ratings: pd.DataFrame, num_folds: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Deal the ratings into folds, and write the pairs of each to a file."""
    fold = folds(len(ratings), num_folds, SEED)
    pairs = ratings[["user_id", "movie_id"]].set_axis(["userId", "movieId"], axis="columns")
    for number in range(num_folds):
        path = folder / f"fold_{number + 1}.csv"
        pairs[fold == number].to_csv(path, index=False)
        yield {"split": "file", "test_pairs": str(path.resolve())}


def over_users(ratings: pd.DataFrame, num_folds: int, validate: float) -> Iterator[dict[str, Any]]:
    """Hold out a fold of the users in turn."""
    number = ratings["user_id"].nunique()
    ends = [number * fold // num_folds for fold in range(num_folds + 1)]
    for start, end in pairwise(ends):
        fractions = shares(number - (end - start), number, validate)
        yield {"split": "users", "seed": SEED, "user_offset": number - end, "fractions": fractions}


def over_time(ratings: pd.DataFrame, num_folds: int, validate: float) -> Iterator[dict[str, Any]]:
    """Test each part of the time but the first, and leave out what came later."""
    times = np.sort(ratings["timestamp"].to_numpy())
    last = times[[len(times) * part // (num_folds + 1) - 1 for part in range(1, num_folds + 2)]]
    for (_, before), (until, number) in pairwise(zip(last, np.searchsorted(times, last, side="right"), strict=True)):
        yield {"split": "time", "until": int(until), "fractions": shares(int(before), int(number), validate)}


def shares(num_others: int, number: int, validate: float) -> list[float]:
    """Compute `data.fractions` that test all but some, and validate on a share of these."""
    others = num_others / number
    return [others * (1 - validate), others * validate, 1 - others]


def report(runs: dict[str, list[Run]]) -> list[str]:
    """Print the metrics over the folds, and compare the models on all ratings together."""
    rows = {name: pooled for name, of_folds in runs.items() if (pooled := pool_rows(of_folds))}
    scores = scores_of(runs)
    table = Table(
        "model", "metric", "mean ± sd of folds", "95 %", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False
    )
    for name, of_folds in runs.items():
        contents = [run.read_metrics() for run in of_folds]
        errors = [one["test"]["rmse_stars"] for one in contents if one.get("test")]
        found = [one["retrieval"]["model"][FOUND.name] for one in contents if one.get("retrieval")]
        error_interval = rmse_interval([rows[name]]) if name in rows else None
        ndcg_interval = mean_interval(scores[name]) if name in scores else None
        for metric, values, interval in ((ERROR, errors, error_interval), (FOUND, found, ndcg_interval)):
            if len(values) > 1:
                span = f"{interval.low:.4f} to {interval.high:.4f}" if interval else "-"
                mean = f"{fmean(values):.4f} ± {stdev(values):.4f}"
                table.add_row(*map(Text, [name, metric.heading, mean, span]))
    Console().print(table)
    return print_comparisons(
        [
            *compare_ratings(combinations(rows, 2), {name: [one] for name, one in rows.items()}),
            *compare_lists(combinations(scores, 2), scores),
        ]
    )


def pool_rows(runs: Sequence[Run]) -> PredictedRows | None:
    """Put the predictions of all folds together; None if a fold has none."""
    parts = [PredictedRows.read(run.path) for run in runs]
    known = [part for part in parts if part is not None]
    return PredictedRows.sorted(*map(np.concatenate, zip(*known, strict=True))) if len(known) == len(runs) else None
