"""Say which models are served, on which data, and how good they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from movierec.datasets.catalog import CITATION, RELEASES
from movierec.datasets.titles import year_of
from movierec.metrics.bootstrap import rmse_interval
from movierec.metrics.test_rows import PredictedRows
from movierec.recommend.recommender import Recommender
from movierec.runs import run_of
from movierec.serve.schemas import About, Metric, ServedModel


def describe(recommender: Recommender, checkpoints: Sequence[Path]) -> About:
    """Describe the models of a recommender, in the order of their checkpoints: that of the list, and of the stars."""
    tables, films = recommender.tables, recommender.films
    options, is_sample = tables.record["options"], tables.record["sample"]
    models = [recommender.model, recommender.stars_from]
    years = [year for title in films.titles if (year := year_of(title))]
    return About(
        models=[
            ServedModel(role=role, name=name_of(path), class_path=model.class_path, metrics=measured(path))
            for role, path, model in zip(("order", "stars"), checkpoints, models, strict=False)
            if model is not None
        ],
        data=options["release"],
        sample=is_sample,
        split=options["split"],
        licence=licence_of(options["release"], is_sample=is_sample),
        films=len(films),
        genres=films.all_genres,
        years=(min(years, default=0), max(years, default=0)),
        scale=(tables.min_stars, tables.max_stars),
    )


def licence_of(release: str, *, is_sample: bool) -> str:
    """Say under which terms the ratings are."""
    if is_sample or release not in RELEASES:
        return "generated" if is_sample else "your own ratings"
    return f"{RELEASES[release].redistribution}. {CITATION}"


def name_of(checkpoint: Path) -> str:
    """Name a model by its run, or else by its file."""
    run = run_of(checkpoint)
    return checkpoint.name if run is None else f"{run.path.parent.name}, version {run.version}"


def measured(checkpoint: Path) -> dict[str, Metric]:
    """Read what a test of the run measured; empty if it was not tested, or its measurements are of another model."""
    run = run_of(checkpoint)
    if run is None or checkpoint.name != "best.ckpt":
        return {}
    retrieval: dict[str, Any] = run.read_metrics().get("retrieval", {}).get("model", {})
    found = {}
    for name, (low, high) in retrieval.get("intervals", {}).items():
        found[name] = Metric(value=retrieval[name], low=low, high=high)
    rows = PredictedRows.read(run.path)
    if rows is not None:
        rmse = rmse_interval([rows])
        found["rmse_stars"] = Metric(value=rmse.value, low=rmse.low, high=rmse.high)
    return found
