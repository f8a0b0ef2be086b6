"""Say which models are served, on which data, and how good they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from movierec.datasets.catalog import CITATION, RELEASES
from movierec.metrics.bootstrap import rmse_interval
from movierec.metrics.card import read_card
from movierec.metrics.test_rows import PredictedRows
from movierec.runs import run_of
from movierec.serve.films import FilmService
from movierec.serve.schemas import About, Metric, ServedModel


def describe(service: FilmService, checkpoints: Sequence[Path]) -> About:
    """Describe what is served, with the models in the order of their checkpoints: of the list, and of the stars."""
    recommender, films, facts = service.recommender, service.films, service.facts
    record = recommender.tables.record
    release, is_sample = record["options"]["release"], record["sample"]
    models = [recommender.model, recommender.stars_from]
    years = films.years[films.years > 0].tolist()
    return About(
        models=[
            ServedModel(role=role, name=name_of(path), class_path=model.class_path, **tested(path))
            for role, path, model in zip(("order", "stars"), checkpoints, models, strict=False)
            if model is not None
        ],
        data=release,
        sample=is_sample,
        split=record["options"]["split"],
        licence=licence_of(release, is_sample=is_sample),
        ids="MovieLens" if release in RELEASES and not is_sample else f"{release}{' (sample)' if is_sample else ''}",
        films=len(films),
        genres=films.all_genres,
        languages=facts["language"].value_counts().index.tolist(),
        has_minutes=bool(facts["minutes"].notna().any()),
        years=(min(years, default=0), max(years, default=0)),
        scale=service.scale,
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


def tested(checkpoint: Path) -> dict[str, Any]:
    """Read what a test of the run found: metrics and card; nothing if it was not tested, or this is another model."""
    run = run_of(checkpoint)
    if run is None or checkpoint.name != "best.ckpt":
        return {"metrics": {}, "card": None}
    retrieval: dict[str, Any] = run.read_metrics().get("retrieval", {}).get("model", {})
    metrics = {
        name: Metric(value=retrieval[name], low=low, high=high)
        for name, (low, high) in retrieval.get("intervals", {}).items()
    }
    rows = PredictedRows.read(run.path)
    if rows is not None:
        rmse = rmse_interval([rows])
        metrics["rmse_stars"] = Metric(value=rmse.value, low=rmse.low, high=rmse.high)
    return {"metrics": metrics, "card": read_card(run)}
