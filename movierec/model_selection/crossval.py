"""Cross-validate configurations: each rating is tested once, by a model that was not trained on it."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pandas as pd
import yaml
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from movierec.console import Console, printable
from movierec.data.split import folds
from movierec.datasets.catalog import RELEASES
from movierec.datasets.movielens import read_ratings
from movierec.errors import ConfigError
from movierec.metrics.bootstrap import mean_interval, rmse_interval
from movierec.metrics.comparison import ERROR, FOUND, compare_lists, compare_ratings
from movierec.metrics.test_rows import PredictedRows, read_lists
from movierec.model_selection.compare import write_interval
from movierec.model_selection.reproduce import Job, find_run, reproduce, resolve
from movierec.runs import ROOT, Run
from movierec.training.cli import ExperimentCLI
from movierec.training.commands import arguments_of
from movierec.training.config import run_name, split_configs

SEED = 123  # decides the folds
Configs = tuple[str, ...]


def crossval(models: Sequence[Configs], *, num_folds: int, root: Path | None, out: Path) -> list[str]:
    """Train and test configurations on the same folds, and print how good they are; finished folds are not repeated.

    Args:
        models: Each a configuration and its overlays.
        num_folds: How many parts the ratings are dealt into at random; each part is tested once.
        root: The data root; by default, what the configurations say.
        out: Folder of the folds and the runs.

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
    overlays = write_folds(models, num_folds, root, out)
    jobs = {
        name: [
            job
            for number, overlay in enumerate(overlays, start=1)
            for job in resolve(f"{name}/fold_{number}", (*configs, str(overlay)), (), root)
        ]
        for name, configs in zip(names, models, strict=True)
    }
    failed = reproduce([job for fold in zip(*jobs.values(), strict=True) for job in fold], out / ROOT)
    if failed:
        raise ConfigError(f"Expected all folds to be trained; {', '.join(map(str, failed))} failed, as said above.")
    return report({printable(name): [find(job, out) for job in of_model] for name, of_model in jobs.items()})


def find(job: Job, out: Path) -> Run:
    """Find the finished run of a fold."""
    run = find_run(job, out / ROOT)
    assert run is not None
    return run


def write_folds(models: Sequence[Configs], num_folds: int, root: Path | None, out: Path) -> list[Path]:
    """Write the test pairs of each fold, and an overlay that tests on them.

    Returns:
        The overlays.

    Raises:
        ConfigError: The configurations read other releases.
    """
    data = [
        ExperimentCLI("fit", split_configs(arguments_of(configs, {"data.root": root}))[0]).datamodule
        for configs in models
    ]
    (release, place), *others = {(one.options.release, one.root) for one in data}
    if others:
        raise ConfigError("Expected configurations of one release in one folder: both are tested on the same ratings.")
    ratings = read_ratings(place, RELEASES[release])
    fold = folds(len(ratings), num_folds, SEED)
    folder = out / "folds" / f"{release}_{num_folds}"
    folder.mkdir(parents=True, exist_ok=True)
    pairs = ratings[["user_id", "movie_id"]].set_axis(["userId", "movieId"], axis="columns")
    overlays = []
    for number in range(num_folds):
        path = folder / f"fold_{number + 1}.csv"
        pairs[fold == number].to_csv(path, index=False)
        overlays.append(path.with_suffix(".yaml"))
        options = {"split": "file", "test_pairs": str(path.resolve())}
        overlays[-1].write_text(yaml.safe_dump({"data": {"init_args": options}}), encoding="utf-8")
    return overlays


def report(runs: dict[str, list[Run]]) -> list[str]:
    """Print the metrics over the folds, and compare the models on all ratings together."""
    rows = {name: pooled for name, of_folds in runs.items() if (pooled := pool_rows(of_folds))}
    scores = pool_scores(runs)
    table = Table("model", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for metric in (ERROR, FOUND):
        table.add_column(f"{metric.heading} ± sd of folds, 95 %", justify="right")
    for name, of_folds in runs.items():
        contents = [run.read_metrics() for run in of_folds]
        errors = [one["test"]["rmse_stars"] for one in contents if one.get("test")]
        found = [one["retrieval"]["model"][FOUND.name] for one in contents if one.get("retrieval")]
        spans = (
            write_interval(rmse_interval([rows[name]]) if name in rows else None),
            write_interval(mean_interval(scores[name]) if name in scores else None),
        )
        cells = [
            f"{fmean(values):.4f} ± {stdev(values):.4f} {span[span.find('(') :]}" if len(values) > 1 else "-"
            for values, span in zip((errors, found), spans, strict=True)
        ]
        table.add_row(*map(Text, [name, *cells]))
    Console().print(table)
    pairs = [(one, other) for place, one in enumerate(runs) for other in list(runs)[place + 1 :]]
    said = [
        *compare_ratings(
            [pair for pair in pairs if {*pair} <= rows.keys()], {name: [one] for name, one in rows.items()}
        ),
        *compare_lists([pair for pair in pairs if {*pair} <= scores.keys()], scores),
    ]
    sentences = [f"{one}, p {one.p:.4f}" for one in said]
    print("", *sentences, sep="\n")
    return sentences


def pool_rows(runs: Sequence[Run]) -> PredictedRows | None:
    """Put the predictions of all folds together; None if a fold has none."""
    parts = [PredictedRows.read(run.path) for run in runs]
    known = [part for part in parts if part is not None]
    return PredictedRows.sorted(*map(np.concatenate, zip(*known, strict=True))) if len(known) == len(runs) else None


def pool_scores(runs: dict[str, list[Run]]) -> dict[str, np.ndarray]:
    """Average each user's NDCG@10 over the folds, for the users that all models have."""
    columns = {}
    for name, of_folds in runs.items():
        tables = [read_lists(run.path) for run in of_folds]
        known = [table[table["ranking"] == "model"] for table in tables if table is not None]
        if len(known) == len(of_folds):
            columns[name] = pd.concat(known).groupby("user_id")[FOUND.name].mean()
    if not columns:
        return {}
    table = pd.concat(columns, axis="columns", join="inner")
    return {str(name): table[name].to_numpy() for name in table}
