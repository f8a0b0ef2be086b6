"""Print the start and the results of fit, validate, test and predict."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

from movierec.console import Console, duration
from movierec.data.split import REFIT
from movierec.data.tables import Tables
from movierec.metrics.caveats import LEAKING, describe_constant, is_constant
from movierec.metrics.published import published_row
from movierec.metrics.registry import BASELINES, LIST_METRICS, METRICS, RANKINGS
from movierec.models.checkpoint import read_checkpoint
from movierec.runs import Run
from movierec.training.base_rating_task import BaseRatingTask
from movierec.training.base_task import BaseTask

NAMES = {"train": "training rows", "val": "validation rows", "test": "test rows"}


def print_start(name: str, tables: Tables, run: Run | None, *, resumed: Path | None) -> None:
    """Print the model, the data and the folder of the logs."""
    record = tables.record
    rows = record["rows"]
    sample = " (generated sample)" if record["sample"] else ""
    left_out = f", {record['ratings_left_out']:,} left out for missing metadata" if record["ratings_left_out"] else ""
    known = record["ratings_of_histories"]
    histories = f", {known:,} to know held-out users by" if known else ""
    out = Console()
    out.say(f"{name} on {record['options']['release']}{sample}", style="bold")
    out.say(
        f"  {record['ratings']:,} ratings by {record['users']:,} users of {record['movies']:,} films{left_out}: "
        f"{rows['train']:,} to train, {rows['val']:,} to validate, {rows['test']:,} to test{histories}; "
        f"{tables.width} inputs",
    )
    if record["ratings_left_out"] > record["ratings"]:
        fetches = " and ".join(f"`python -m movierec data fetch {source}`" for source in record["options"]["sources"])
        out.say(
            f"  warning: more than half of the ratings are left out; fetch the metadata with {fetches}, or keep films "
            "that lack metadata with --data.missing impute",
            style="yellow",
        )
    if record["leaks"]:
        out.say(f"  leaks that the options allow: {'; '.join(record['leaks'])}", style="yellow")
    if resumed is not None:
        out.say(f"  going on from {resumed}")
    out.say(f"  logging to {run.path}" if run else "  logging nothing")


def print_fit(
    run: Run | None, path: Path | None, tables: Tables, next_command: str, *, fit: dict[str, Any], partial: bool
) -> None:
    """Print the validation metrics of the best checkpoint, its path, and the next command."""
    out = Console()
    if path is None:
        last = run.checkpoints / "last.ckpt" if run else None
        kept = f"the last epoch is in {last}" if last and last.is_file() else "nothing was saved"
        out.say(f"Done. No epoch was chosen as the best, and {kept}.")
        return
    best = read_checkpoint(path)
    if "seconds" in fit:
        epochs, took = fit["epochs"]["trained"], duration(fit["seconds"]["fit"])
        out.say(f"Trained {epochs} epoch{'s' * (epochs != 1)} in {took}; epoch {best['epoch'] + 1} is the best.")
    if "val" in best["metrics"]:
        print_validated(best["metrics"], tables, f"epoch {best['epoch'] + 1}", partial=partial)
    if refit := best["run"].get("refit"):
        out.say(f"Refit: best.ckpt has then trained on {REFIT[refit]}, for as many epochs.")
    out.print(f"checkpoint: {path}", soft_wrap=True)
    if run is not None:
        out.print(f"run:        {run.path}", soft_wrap=True)
        out.print(f"next:       {next_command}\n            tensorboard --logdir {run.root}", soft_wrap=True)


def print_validation(task: BaseTask, checkpoint: Path | None, *, partial: bool) -> None:
    """Print the validation metrics of a checkpoint."""
    print_validated(task.results, task.tables, f"epoch {task.stored_epoch + 1}", partial=partial)
    Console().print(f"checkpoint: {checkpoint}", soft_wrap=True)


def print_validated(results: dict[str, dict[str, float]], tables: Tables, title: str, *, partial: bool) -> None:
    """Print the validation metrics of a model of ratings, or of lists."""
    if "rmse" in results["val"]:
        Console().print(metrics_table(results, ("val",), tables, title, partial=partial))
        print_notes(results, ("val",), tables, partial=partial)
        return
    table = Table("lists", title=title, title_justify="left")
    table.add_column(NAMES["val"], justify="right")
    for name, metric in LIST_METRICS.items():
        if f"list_{name}" in results["val"]:
            table.add_row(metric.label, metric.format(results["val"][f"list_{name}"]))
    Console().print(table)


def print_test(
    name: str,
    task: BaseTask,
    checkpoint: Path | None,
    run: Run | None,
    *,
    found: dict[str, dict[str, Any]],
    partial: bool,
) -> None:
    """Print the metrics of a checkpoint on all parts of the ratings, and the published ones, if any."""
    out = Console()
    title = f"{name}, epoch {task.stored_epoch + 1}"
    if isinstance(task, BaseRatingTask):
        published = None if task.tables.record["sample"] else published_row(name)
        parts = ("test", "val", "train")
        out.print(metrics_table(task.results, parts, task.tables, title, partial=partial, published=published))
        out.say("Only the test rows were neither trained on nor used to choose an epoch.")
        if any(part_label(part, task.tables).endswith("*") for part in NAMES):
            out.say("* The statistics of these rows contain their own ratings, so the numbers leak.")
        print_notes(task.results, parts, task.tables, partial=partial)
    else:
        out.say(title)
    if "baselines" in found:
        out.say(describe_baselines(found))
    if "range_coverage" in found.get("test", {}):
        out.say(describe_range(found["test"], task.tables.liked_stars))
    if "retrieval" in found:
        print_retrieval(found["retrieval"], task.tables)
    out.print(f"checkpoint: {checkpoint}", soft_wrap=True)
    if run is not None and not partial:
        out.print(f"metrics:    {run.path / 'metrics.json'}\nnext:       python -m movierec report", soft_wrap=True)


def describe_baselines(found: dict[str, dict[str, Any]]) -> str:
    """Compare the RMSE of a model with those of the baselines."""
    errors = {"this model": found["test"]} | {text: found["baselines"][name] for name, text in BASELINES.items()}
    listed = ", ".join(f"{name} {metrics['rmse_stars']:.4f}" for name, metrics in errors.items())
    return f"RMSE of the test rows, stars: {listed}."


def describe_range(measured: dict[str, float], liked_stars: float) -> str:
    """Say how honest a model's range and its probability of liked films are."""
    return (
        f"80 % range: {measured['range_coverage']:.1%} of the test ratings lie in it, "
        f"{measured['range_probability']:.1%} should (more than 80 %, as stars come in steps). The probability of "
        f"{liked_stars:g} stars or more is off by "
        f"{measured['liked_ece']:.3f}; negative log likelihood of the stars: {measured['level_nll']:.3f}."
    )


def print_notes(results: dict[str, dict[str, float]], parts: Sequence[str], tables: Tables, *, partial: bool) -> None:
    """Explain the scale of the metrics, and warn of partial measurements and collapsed networks."""
    out = Console()
    threshold = tables.to_stars(torch.tensor(tables.threshold)).item()
    out.say(
        f"Unit scale: from {tables.min_stars:g} (0) to {tables.max_stars:g} stars (1). Precision to AUROC: of ratings "
        f"above the training median, {threshold:g} stars.",
    )
    if partial:
        out.say("Only some of the batches were measured, so these are not the metrics of the run.", style="yellow")
    constant = [part for part in parts if is_constant(results[part])]
    if constant:
        first, *others = constant
        also = f", and so are those of the {' and the '.join(NAMES[part] for part in others)}" if others else ""
        out.say(
            f"warning: the network has collapsed, {describe_constant(results[first], NAMES[first])}{also}. Try a lower "
            "--model.optimizer.lr, or --model.network.activation gelu.",
            style="yellow",
        )


def print_retrieval(retrieval: dict[str, Any], tables: Tables) -> None:
    """Print the metrics of the lists, beside those of the baselines."""
    rankings = {name: retrieval[name] for name in RANKINGS if name in retrieval}
    users = int(rankings["model"]["users"])
    table = Table("ranked by", title=f"lists of {users:,} users", title_justify="left")
    for metric in LIST_METRICS.values():
        table.add_column(metric.label, justify="right")
    for ranking, values in rankings.items():
        table.add_row(RANKINGS[ranking], *(metric.format(values[name]) for name, metric in LIST_METRICS.items()))
    out = Console()
    out.print(table)
    ranked = f"films with at least {number} ratings" if (number := retrieval["min_ratings"]) else "all films it knows"
    out.say(f"Counted are test films of at least {tables.liked_stars:g} stars; the model ranks {ranked}.")
    if "new_users" in retrieval:
        table = Table(
            "NDCG@10, ranked by", title="held-out users of whom so many ratings are known", title_justify="left"
        )
        for number in retrieval["new_users"]:
            table.add_column(str(number), justify="right")
        for ranking, words in RANKINGS.items():
            table.add_row(words, *(f"{values[ranking]:.4f}" for values in retrieval["new_users"].values()))
        out.print(table)


def part_label(part: str, tables: Tables) -> str:
    """Name a part of the ratings; an asterisk marks parts whose statistics contain their own ratings."""
    options = tables.record["options"]
    name = NAMES[part]
    if options["refit"]:
        name = {"train": "refit rows", "val": f"{name}\nbefore the refit"}.get(part, name)
    return name + ("*" if part in LEAKING.get(options["statistics"], ()) else "")


def metrics_table(
    results: dict[str, dict[str, float]],
    parts: Sequence[str],
    tables: Tables,
    title: str,
    *,
    partial: bool,
    published: dict[str, float] | None = None,
) -> Table:
    """Make a table of metrics, one a line, with a column for each part of the ratings."""
    table = Table("metric", title=title, title_justify="left")
    for part in parts:
        size = f"{'some of ' if partial else ''}{tables.record['rows'][part]:,}"
        table.add_column(f"{part_label(part, tables)}\n{size}", justify="right")
    if published:
        table.add_column("published,\ntraining rows*", justify="right")
    for name, metric in METRICS.items():
        if name == "loss":
            continue
        values = [metric.format(results[part].get(name)) for part in parts]
        if published:
            values.append(metric.format(published[name]) if name in published else "")
        table.add_row(metric.full_label, *values)
    return table
