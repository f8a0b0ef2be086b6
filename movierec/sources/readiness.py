"""Which of the five models can be trained on what is there."""

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from movierec.sources.catalog import RELEASES
from movierec.sources.metadata import Source
from movierec.sources.release import FEWEST_RATINGS, ReleaseCheck
from movierec.sources.root import way_to

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


def check_model(root: Path, model: str, release: ReleaseCheck | None, readable: Collection[Source]) -> ModelCheck:
    """Say whether a model can be trained, and what it lacks.

    Args:
        root: The data root.
        model: One of `MODELS`.
        release: What is there of the release that it learns from.
        readable: The metadata that are there and can be read.
    """
    name, sources = MODELS[model]
    lacks: dict[str, str] = {}
    links = RELEASES[name].links
    if release is None:
        lacks[name] = way_to(root, f"download {name}")
    elif not release.trainable:
        lacks[f"a whole {name}"] = way_to(root, f"download {name}{'' if release.missing else ' --again'}")
    elif sources and links and (release.films is None or release.films.unlinked is None):
        lacks[links] = way_to(root, f"download {Path(links).parent}")
    for source in sources:
        if source not in readable:
            lacks[source] = way_to(root, f"fetch {source}")
    num_ratings = count_usable(release, sources) if release and not lacks else 0
    if not lacks and num_ratings < FEWEST_RATINGS:
        at = f"--config configs/{model}.yaml --data.root {shlex.quote(str(root))}"
        lacks["films with all fields"] = f"python -m movierec fit {at} --data.missing impute"
    return ModelCheck(release=name, sources=sources, ratings=None if lacks else num_ratings, lacks=lacks)


def count_usable(release: ReleaseCheck, sources: tuple[Source, ...]) -> int:
    """Count the ratings of a trainable release that a model with `missing: drop` is trained and tested on."""
    assert release.ratings is not None
    assert release.films is not None
    return release.films.coverage["+".join(sources)].complete_ratings if sources else release.ratings.rows
