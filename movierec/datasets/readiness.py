"""Which of the five models can be trained on what is there."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from movierec.console import quoted
from movierec.datasets.catalog import RELEASES
from movierec.datasets.metadata import Source
from movierec.datasets.release import FEWEST_RATINGS, ReleaseCheck
from movierec.datasets.root import is_sample, way_to

MODELS: dict[str, tuple[str, tuple[Source, ...]]] = {  # what each reads, as the data modules have it
    "model1": ("ml-latest-small", ()),
    "model2": ("ml-latest-small", ("tmdb",)),
    "model3": ("ml-latest-small", ("omdb",)),
    "model4": ("ml-latest-small", ("tmdb", "omdb")),
    "model5": ("ml-1m", ("tmdb", "omdb")),
}


@dataclass(frozen=True, kw_only=True)
class ModelCheck:
    """Whether a model can be trained.

    Attributes:
        release: The release that it learns from.
        sources: The metadata that it reads.
        ratings: How many ratings it would be trained and tested on; None if it cannot be.
        lacks: What keeps it from being trained, and the command that helps; empty if it is ready.
    """

    release: str
    sources: tuple[Source, ...]
    ratings: int | None
    lacks: dict[str, str]


def check_model(
    root: Path, model: str, name: str, release: ReleaseCheck | None, readable: Collection[Source]
) -> ModelCheck:
    """Say whether a model can be trained, and what it lacks.

    Args:
        root: The data root.
        model: One of `MODELS`.
        name: The release that it is to learn from, by default or by `--data.release`.
        release: What is there of that release.
        readable: The metadata that are there and can be read.
    """
    sources = MODELS[model][1]
    lacks: dict[str, str] = {}
    links = RELEASES[name].links
    # A sample is generated as a whole: one command for all models, or a second would undo the first.
    wanted = " ".join(dict.fromkeys(needed for needed, _ in MODELS.values())) if is_sample(root) else name
    if release is None:
        lacks[name] = way_to(root, f"download {wanted}")
    elif not release.trainable:
        lacks[f"a whole {name}"] = way_to(root, f"download {wanted}{'' if release.missing else ' --again'}")
    elif sources and links and (release.films is None or release.films.unlinked is None):
        lacks[links] = way_to(root, f"download {wanted if is_sample(root) else Path(links).parent}")
    for source in sources:
        if source not in readable:
            lacks[source] = way_to(root, f"download {wanted}" if is_sample(root) else f"fetch {source}")
    num_ratings = count_usable(release, sources) if release and not lacks else 0
    if not lacks and num_ratings < FEWEST_RATINGS:
        at = f"--config configs/{model}.yaml --data.root {quoted([str(root)])}"
        lacks["films with all fields"] = f"python -m movierec fit {at} --data.missing impute"
    return ModelCheck(release=name, sources=sources, ratings=None if lacks else num_ratings, lacks=lacks)


def find_others(
    root: Path, releases: Mapping[str, ReleaseCheck], models: Mapping[str, ModelCheck], readable: Collection[Source]
) -> dict[str, list[str]]:
    """Find what can be trained with `--data.release NAME`, by NAME, beyond what can be trained without.

    Args:
        root: The data root.
        releases: What is there of the releases that are there.
        models: What the models lack.
        readable: The metadata that are there and can be read.
    """
    defaults = {name for name, _ in MODELS.values()}
    others = {
        name: [
            model
            for model, (default, sources) in MODELS.items()
            if default == "ml-latest-small"  # model5 is model4 on another release
            and name != default
            and (name not in defaults or (model in models and models[model].lacks))
            and (RELEASES[name].links or not sources)
            and not check_model(root, model, name, release, readable).lacks
        ]
        for name, release in releases.items()
    }
    return {name: found for name, found in others.items() if found}


def count_usable(release: ReleaseCheck, sources: tuple[Source, ...]) -> int:
    """Count the ratings of a trainable release that a model with `missing: drop` is trained and tested on."""
    assert release.ratings is not None
    assert release.films is not None
    return release.films.coverage["+".join(sources)].complete_ratings if sources else release.ratings.rows
