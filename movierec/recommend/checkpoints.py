"""Choose and read the models of `recommend`, `similar` and `serve`: those that are named, or of the newest runs."""

from pathlib import Path
from typing import Any

from movierec.console import busy, quoted
from movierec.errors import CheckpointError
from movierec.models.model import RatingModel
from movierec.recommend.recommender import Recommender, read_rating_model
from movierec.runs import existing_checkpoint, find_runs


def load(root: Path, path: Path | None, stars_from: Path | None = None) -> tuple[Recommender, list[Path]]:
    """Read the model that orders films, and if that predicts no stars, the one that does, if any.

    Args:
        root: The folder of the runs.
        path: Checkpoint of the first. Default: that of the newest finished run of a list model, or without any, of a
            rating model.
        stars_from: Checkpoint of the second. Default: that of the newest finished rating run of the same ratings.

    Returns:
        The recommender, and the checkpoint of each of its models.
    """
    runs = finished_runs(root)
    path = newest_checkpoint(root, runs) if path is None else existing_checkpoint(path)
    with busy("reading the model"):
        recommender = Recommender.from_checkpoint(path)
        if isinstance(recommender.model, RatingModel):
            return recommender, [path]
        same = ratings_of(recommender.tables.record)
        fitting = [one for one, metrics in runs.items() if not is_list(metrics) and ratings_of(metrics["data"]) == same]
        if (chosen := stars_from or next(reversed(fitting), None)) is None:
            return recommender, [path]
        stars_path = existing_checkpoint(chosen)
        recommender.stars_from = read_rating_model(stars_path)
        return recommender, [path, stars_path]


def finished_runs(root: Path) -> dict[Path, dict[str, Any]]:
    """List metrics.json of the runs that were trained to their end or tested, by best.ckpt, the oldest first."""
    runs = {run.checkpoints / "best.ckpt": run.read_metrics() for _, run in find_runs(root)}
    ended = [path for path, metrics in runs.items() if metrics.get("end") in ("planned", "early") or "test" in metrics]
    return {path: runs[path] for path in sorted(filter(Path.is_file, ended), key=lambda path: path.stat().st_mtime)}


def is_list(metrics: dict[str, Any]) -> bool:
    """Tell whether a run is of a model that orders films, and predicts no stars."""
    return "rmse" not in metrics.get("val", {}) and "rmse" not in metrics.get("test", {})


def ratings_of(record: dict[str, Any]) -> tuple[str, bool]:
    """Name the ratings that a run read."""
    return record["options"]["release"], record["sample"]


def newest_checkpoint(root: Path, runs: dict[Path, dict[str, Any]]) -> Path:
    """Choose the newest finished run of a list model, or without any, of a rating model."""
    if runs:
        return ([path for path, metrics in runs.items() if is_list(metrics)] or list(runs))[-1]
    unfinished = [path for _, run in find_runs(root) if (path := run.checkpoints / "best.ckpt").is_file()]
    if unfinished:
        newest = max(unfinished, key=lambda path: path.stat().st_mtime)
        raise CheckpointError(
            f"Expected a run in {root} whose training has ended, found none. To use an unfinished one: "
            f"--ckpt_path {quoted([str(newest)])}"
        )
    raise CheckpointError(
        f"Expected a trained run in {root}, found none. Train one, with `python -m movierec fit "
        "--config configs/model7.yaml`, or name a file with --ckpt_path."
    )


def describe(recommender: Recommender, checkpoints: list[Path]) -> list[str]:
    """Name each model and its training data, in a line."""
    lines = []
    models = {"model": recommender.model, "stars": recommender.stars_from}
    for path, (what, model) in zip(checkpoints, models.items(), strict=False):
        assert model is not None
        record = model.tables.record
        sample = " (generated sample)" if record["sample"] else ""
        lines.append(f"{what}: {path}, trained on {record['options']['release']}{sample}")
    return lines
