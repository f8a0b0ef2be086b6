"""Check a data root: which releases and metadata it has, and which models can be trained on them."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table

from movierec.console import Console, quoted
from movierec.datasets.catalog import RELEASES, Release
from movierec.datasets.metadata import FILES, OMDB_PEOPLE, OMDB_STORY, READERS, TMDB_STORY, Source, join_fields
from movierec.datasets.movielens import read_links, read_movies, read_ratings
from movierec.datasets.own_check import describe_own
from movierec.datasets.own_ratings import find_file, own_releases
from movierec.datasets.root import explain_release_folder, files_of, is_sample, name_root, release_of, way_to
from movierec.errors import ConfigError, MissingDataError, MovierecError

T = TypeVar("T")
LEAST_COVERAGE = 0.9  # of the ratings; whole metadata hold 98 % and more
FEWEST_RATINGS = 6  # of fewer, none is left to validate on when they are split 80/10/10
MODELS: dict[str, tuple[str, tuple[Source, ...]]] = {  # what each reads, as the data modules have it
    "model1, 6, 7, 8": ("ml-latest-small", ()),
    "model2": ("ml-latest-small", ("tmdb",)),
    "model3": ("ml-latest-small", ("omdb",)),
    "model4": ("ml-latest-small", ("tmdb", "omdb")),
    "model5": ("ml-1m", ("tmdb", "omdb")),
    "model6_1m": ("ml-1m", ()),
}


@dataclass
class ReleaseCheck:
    """What a release holds.

    Attributes:
        counts: Ratings, users, rated films and listed films; empty if they cannot be read.
        stars: The lowest and the highest rating.
        covered: For each source, the share of the ratings of which it has the film.
        usable: The number of ratings whose films have all fields of some sources.
        is_trainable: Whether a model that reads no metadata can be trained on it.
    """

    counts: dict[str, int] = field(default_factory=dict)
    stars: tuple[float, float] | None = None
    covered: dict[Source, float] = field(default_factory=dict)
    usable: dict[tuple[Source, ...], int] = field(default_factory=dict)
    is_trainable: bool = False


@dataclass
class DataCheck:
    """The contents of a data root.

    Attributes:
        root: The folder.
        releases: The releases that are there.
        metadata: The sources that can be read.
        models: For each row of `MODELS`, the number of ratings that it would be trained and tested on, or the
            command that gets each thing that it lacks.
        own: What was understood of each folder or file of the user's own ratings, in lines.
        problems: Faults that prevent training on a release or reading a file.
        notes: Facts worth knowing that are not problems.
    """

    root: Path
    releases: dict[str, ReleaseCheck] = field(default_factory=dict)
    metadata: dict[Source, pd.DataFrame] = field(default_factory=dict)
    models: dict[str, int | dict[str, str]] = field(default_factory=dict)
    own: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def attempt(self, read: Callable[..., T], *args: object) -> T | None:
        """Call a reader; if it fails, record its message once as a problem and return None."""
        try:
            return read(*args)
        except MovierecError as error:
            problem = str(error)
        except OSError as error:
            problem = f"{error.filename}: {error.strerror or error}"
        self.problems += [] if problem in self.problems else [problem]
        return None


def check_data(root: Path, columns_map: Mapping[str, str] | None = None) -> DataCheck:
    """Check all files of a data root, or one folder or file of a user's own ratings.

    Args:
        root: The folder, or the file.
        columns_map: What columns are called in a user's own files.

    Raises:
        MissingDataError: There is no such folder.
        ConfigError: It is the folder of a release instead of its parent.
    """
    name = root.absolute().name
    if root.is_file() or (find_file(root.parent, root.name, "ratings", "rating") and not release_of(name)):
        check = DataCheck(root.parent)
        check.own[name] = check.attempt(describe_own, root.parent, name, columns_map) or []
        return check
    if not root.is_dir():
        raise MissingDataError(
            f"Expected the data folder {name_root(root)}, found none. Name the folder that holds the data, or get "
            f"some: {way_to(root, 'download ml-latest-small')}, or python -m movierec data sample"
        )
    if mistaken := explain_release_folder(root):
        raise ConfigError(mistaken)
    check = DataCheck(root)
    logger, warnings = logging.getLogger("movierec.datasets"), BufferingHandler(capacity=1000)
    logger.addHandler(warnings)
    try:
        read_all(check, columns_map)
    finally:
        logger.removeHandler(warnings)
    check.notes += dict.fromkeys(record.getMessage() for record in warnings.buffer)
    check.models = {model: check_model(model, *needs, check) for model, needs in MODELS.items()}
    return check


def read_all(check: DataCheck, columns_map: Mapping[str, str] | None) -> None:
    """Read the metadata and the releases that are there."""
    root = check.root
    for source, name in FILES.items():
        if (root / name).is_file() and (frame := check.attempt(READERS[source], root)) is not None:
            check.metadata[source] = frame
    for release in RELEASES.values():
        if any((root / name).is_file() for name in (release.ratings, release.movies)):  # not the links alone
            check.releases[release.name] = check_release(release, check)
    for name in own_releases(root):
        check.own[name] = check.attempt(describe_own, root, name, columns_map) or []
    if not check.releases and not check.own:
        check.problems.append(
            f"{root}: expected the folder of a MovieLens release, such as ml-latest-small, found none."
        )


def check_release(release: Release, check: DataCheck) -> ReleaseCheck:
    """Read a release's files and count what they hold."""
    root, found = check.root, ReleaseCheck()
    missing = [name for name in files_of(release) if not (root / name).is_file()]
    command = way_to(root, f"download {release.name}")
    check.problems += [f"{root / name}: no such file. Get it: {command}" for name in missing]
    if release.ratings in missing or release.movies in missing:
        return found
    ratings, movies = check.attempt(read_ratings, root, release), check.attempt(read_movies, root, release)
    if ratings is None or movies is None:
        return found
    rated = ratings["movie_id"].value_counts()
    found.stars = float(ratings["stars"].min()), float(ratings["stars"].max())
    found.counts = {
        "ratings": len(ratings), "users": ratings["user_id"].nunique(), "rated": len(rated), "films": len(movies),
    }  # fmt: skip
    found.is_trainable = judge(release, found, int((~rated.index.isin(movies["movie_id"])).sum()), check)
    if release.links and (root / release.links).is_file():
        links = check.attempt(read_links, root, release)
        if links is not None:
            cover(release, found, movies.merge(links, on="movie_id", how="left"), rated, check)
    return found


def judge(release: Release, found: ReleaseCheck, num_unlisted: int, check: DataCheck) -> bool:
    """Tell whether a release can be trained on, and add problems and notes."""
    if num_unlisted:
        check.problems.append(
            f"{check.root / release.ratings}: expected each rated film in {release.movies}, found {num_unlisted:,} "
            f"missing. Get it again: {way_to(check.root, f'download {release.name} --again')}"
        )
    counts = found.counts["ratings"], found.counts["users"], found.counts["films"]
    published = {(release.num_ratings, release.num_users, release.num_movies), *release.earlier}
    if release.num_ratings and counts not in published and not is_sample(check.root):
        check.notes.append(
            f"{release.name} is not as published: expected {release.num_ratings:,} ratings by {release.num_users:,} "
            "users and {:,} films, found {:,}, {:,} and {:,}.".format(release.num_movies, *counts)
        )
    return not num_unlisted and counts[0] >= FEWEST_RATINGS


def cover(release: Release, found: ReleaseCheck, movies: pd.DataFrame, rated: pd.Series, check: DataCheck) -> None:
    """Count the ratings whose films metadata have at all, and with all that a model reads of them.

    A model reads all fields of its metadata sources but people and texts, and both ids.
    """
    listed, links = movies[["movie_id", "title"]], movies[["movie_id", "imdb_id", "tmdb_id"]]
    ratings = movies["movie_id"].map(rated).fillna(0).to_numpy()
    for sources in dict.fromkeys(sources for _, sources in MODELS.values() if sources):
        if not set(sources) <= set(check.metadata):
            continue
        fields = [check.metadata[source] for source in sources]
        optional = [*OMDB_PEOPLE.values(), *TMDB_STORY.values(), *OMDB_STORY.values()]
        joined = join_fields(listed, links, fields).drop(columns=optional, errors="ignore")
        is_held = np.all([joined[frame.index.name].isin(frame.index) for frame in fields], axis=0)
        is_complete = is_held & joined.notna().all(axis="columns").to_numpy()
        found.usable[sources] = int(ratings[is_complete].sum())
        if len(sources) == 1:
            found.covered[sources[0]] = share = ratings[is_held].sum() / ratings.sum()
            if share < LEAST_COVERAGE:
                check.notes.append(
                    f"{FILES[sources[0]]} has the films of {share:.0%} of the ratings of {release.name}. To "
                    f"fetch more: {way_to(check.root, f'fetch {sources[0]}')}"
                )


def check_model(model: str, name: str, sources: tuple[Source, ...], check: DataCheck) -> int | dict[str, str]:
    """Count the ratings that a model can be trained on, or list what it lacks with the commands that help."""
    root, release, links = check.root, check.releases.get(name), RELEASES[name].links
    lacks = {}
    if release is None:
        lacks[name] = way_to(root, f"download {name}")
    elif not release.is_trainable:
        lacks[f"a complete {name}"] = way_to(root, f"download {name} --again")
    elif sources and links and not (root / links).is_file():
        lacks[links] = way_to(root, f"download {Path(links).parent}")
    lacks |= {source: way_to(root, f"fetch {source}") for source in sources if source not in check.metadata}
    if lacks or release is None:
        return lacks
    num_ratings = release.usable.get(sources, 0) if sources else release.counts["ratings"]
    if num_ratings < FEWEST_RATINGS:
        at = f"--config configs/{model}.yaml --data.root {quoted([str(root)])}"
        return {"films with all fields": f"python -m movierec fit {at} --data.missing impute"}
    return num_ratings


def print_check(check: DataCheck) -> None:
    """Print tables of the releases and models, the commands for more models, notes and problems."""
    console = Console()
    console.width = max(console.width, 80)
    console.print(f"Data in {check.root}{' (generated sample)' if is_sample(check.root) else ''}", soft_wrap=True)
    releases = table("release", "ratings", "users", "rated films", "stars", *FILES)
    for name, found in check.releases.items():
        if found.counts and found.stars:
            counts = "{ratings:,} {users:,}".format(**found.counts).split()
            films = "{rated:,} of {films:,}".format(**found.counts)
            shares = [f"{found.covered[source]:.1%}" if source in found.covered else "-" for source in FILES]
            releases.add_row(name, *counts, films, "{:g}-{:g}".format(*found.stars), *shares)
        else:
            releases.add_row(name, "cannot be read")
    models = table("model", "reads", "can be trained")
    for model, ready in check.models.items():
        release, sources = MODELS[model]
        answer = f"yes, on {ready:,} ratings" if isinstance(ready, int) else f"no: lacks {', '.join(ready)}"
        models.add_row(model, ", ".join([release, *sources]), answer)
    for name, lines in check.own.items():
        console.print(f"\n{name}:", *(f"  {line}" for line in lines), sep="\n", soft_wrap=True)
    if check.releases or not check.own:
        console.print("", releases, "tmdb, omdb: of how many ratings the metadata have the film.\n", models, sep="\n")
    print_sections(check, console)


def print_sections(check: DataCheck, console: Console) -> None:
    """Print the commands for more models, notes and problems."""
    lacking = [ready for ready in check.models.values() if isinstance(ready, dict)]
    commands = dict.fromkeys(command for lacks in lacking for command in lacks.values())
    sections = {
        "To train more of them": {} if check.own and not check.releases else commands,
        "Notes": check.notes,
        "Problems": check.problems,
    }
    for title, lines in sections.items():
        if lines:
            console.print(f"\n{title}:", *(f"  {line}" for line in lines), sep="\n", soft_wrap=True)


def table(*headings: str) -> Table:
    """Start a table with a column for each heading."""
    return Table(*headings, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
