"""Check a data root: which releases and metadata it has, whether they are complete, and which models can be trained."""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from movierec.console import quoted
from movierec.datasets.catalog import RELEASES, Release
from movierec.datasets.file import is_absent, sha256
from movierec.datasets.metadata import FILES, OMDB_PEOPLE, READERS, Source, join_fields
from movierec.datasets.movielens import NO_ID, read_links, read_movies, read_ratings
from movierec.datasets.root import explain_release_folder, files_of, is_sample, name_root, way_to
from movierec.errors import ConfigError, MissingDataError, MovierecError

P = ParamSpec("P")
T = TypeVar("T")
LEAST_COVERAGE = 0.9  # of the ratings; whole metadata hold 98 % and more
FEWEST_RATINGS = 6  # of fewer, none is left to validate on when they are split 80/10/10
MODELS: dict[str, tuple[str, tuple[Source, ...]]] = {  # what each reads, as the data modules have it
    "model1": ("ml-latest-small", ()),
    "model2": ("ml-latest-small", ("tmdb",)),
    "model3": ("ml-latest-small", ("omdb",)),
    "model4": ("ml-latest-small", ("tmdb", "omdb")),
    "model5": ("ml-1m", ("tmdb", "omdb")),
}


@dataclass
class DataCheck:
    """The contents of a data root, as plain types.

    Attributes:
        root: The folder.
        sample: Whether it was generated.
        releases: For each release that is there: `version` (by its counts), `missing` files, `sha256` of each file,
            `fingerprint` of all, what `ratings` and `films` hold (None if they cannot be read), and `trainable`.
        metadata: For each source that is there: `rows` and `sha256`; None if the file cannot be read.
        models: For each of the five models: its `release` and `sources`, the number of `ratings` that it would be
            trained and tested on, and what it `lacks`, with the command that helps.
        problems: Faults that prevent training on a release or reading a file.
        notes: Facts worth knowing that are not problems.
    """

    root: str
    sample: bool
    releases: dict[str, dict[str, Any]] = field(default_factory=dict)
    metadata: dict[Source, dict[str, Any]] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def attempt(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Call a reader; if it fails, record its message once as a problem and return None."""
        try:
            return read(*args, **kwargs)
        except MovierecError as error:
            problem = str(error)
        except OSError as error:
            problem = f"{error.filename}: {error.strerror or error}"
        self.problems += [] if problem in self.problems else [problem]
        return None


def check_data(root: Path, names: Sequence[str] = ()) -> DataCheck:
    """Check all files of a data root.

    Args:
        root: The folder.
        names: The releases that should be there; empty checks those that are.

    Raises:
        MissingDataError: There is no such folder.
        ConfigError: It is the folder of a release instead of its parent.
    """
    if not root.is_dir():
        found = "a file" if root.exists() else "none"
        ways = f", or get some: {way_to(root, 'download ml-latest-small')}, or python -m movierec data sample"
        raise MissingDataError(
            f"Expected the data folder {name_root(root)}, found {found}. Name the folder that holds the data"
            f"{'.' if root.exists() else ways}"
        )
    if mistaken := explain_release_folder(root):
        raise ConfigError(mistaken)
    check = DataCheck(str(root), is_sample(root))
    logger, warnings = logging.getLogger("movierec.datasets"), BufferingHandler(capacity=1000)
    logger.addHandler(warnings)
    try:
        fields = read_metadata(root, check)
        for release in find_releases(root, names, check):
            check.releases[release.name] = check_release(root, release, fields, check)
    finally:
        logger.removeHandler(warnings)
    check.notes += dict.fromkeys(record.getMessage() for record in warnings.buffer)
    for model, (release_name, sources) in MODELS.items():
        if not names or release_name in names:
            check.models[model] = check_model(root, model, release_name, sources, check)
    defaults = {release_name for release_name, _ in MODELS.values()}
    check.notes += [
        f"Models can also be trained on {name}: --data.release {name}"
        for name, found in check.releases.items()
        if found["trainable"] and name not in defaults
    ]
    return check


def read_metadata(root: Path, check: DataCheck) -> dict[Source, pd.DataFrame]:
    """Read the existing metadata files."""
    fields: dict[Source, pd.DataFrame] = {}
    for source, name in FILES.items():
        if is_absent(root / name):
            continue
        frame = check.attempt(READERS[source], root)
        check.metadata[source] = {"rows": None, "sha256": None}
        if frame is not None:
            fields[source] = frame
            check.metadata[source] = {"rows": len(frame), "sha256": sha256(root / name)}
    return fields


def find_releases(root: Path, names: Sequence[str], check: DataCheck) -> list[Release]:
    """Find the releases that are there; none, or a missing requested one, is a problem."""
    wanted = [release for release in RELEASES.values() if release.name in (names or RELEASES)]
    there = [release for release in wanted if is_there(root, release)]
    for release in wanted if names else ():
        if release not in there:
            command = way_to(root, f"download {release.name}")
            check.problems.append(f"{root / release.folder}: {release.name} is not there. Get it: {command}")
    if not names and not there:
        check.problems.append(
            f"{root}: expected the folder of a MovieLens release, such as ml-latest-small, found none."
        )
    return there


def is_there(root: Path, release: Release) -> bool:
    """Tell whether a release is there, and not only the links that other releases use."""
    ratings, movies, *others = (not is_absent(root / name) for name in files_of(release))
    return (root / release.folder).is_dir() and (ratings or movies or not any(others))


def check_release(
    root: Path, release: Release, fields: Mapping[Source, pd.DataFrame], check: DataCheck
) -> dict[str, Any]:
    """Read a release's files and count what they hold."""
    missing = [name for name in files_of(release) if is_absent(root / name)]
    command = way_to(root, f"download {release.name}")
    check.problems += [f"{root / name}: no such file. Get it: {command}" for name in missing]

    def read(reader: Callable[[Path, Release], pd.DataFrame], name: str | None) -> pd.DataFrame | None:
        return None if name is None or is_absent(root / name) else check.attempt(reader, root, release)

    rated, movies, links = (
        read(read_ratings, release.ratings), read(read_movies, release.movies), read(read_links, release.links),
    )  # fmt: skip
    hashes = {name: check.attempt(sha256, root / name) for name in files_of(release) if name not in missing}
    is_whole = not missing and None not in hashes.values()
    found: dict[str, Any] = {
        "version": None,
        "missing": missing,
        "sha256": {name: value for name, value in hashes.items() if value},
        "fingerprint": hashlib.sha256(json.dumps(hashes).encode()).hexdigest() if is_whole else None,
        "ratings": None if rated is None else describe_ratings(rated),
        "films": None if rated is None or movies is None else describe_films(movies, rated, links, fields),
        "trainable": False,
    }
    if found["ratings"] and found["films"]:
        judge(root, release, found, check)
    return found


def describe_ratings(ratings: pd.DataFrame) -> dict[str, Any]:
    """Count ratings, users and rated films; the times are None if all are equal."""
    stars, first, last = ratings["stars"], ratings["timestamp"].min(), ratings["timestamp"].max()
    times = [f"{np.datetime64(int(time), 's')}Z" if first < last else None for time in (first, last)]
    return {
        "rows": len(ratings),
        "users": ratings["user_id"].nunique(),
        "films": ratings["movie_id"].nunique(),
        "min_stars": float(stars.min()),
        "max_stars": float(stars.max()),
        "mean_stars": float(stars.mean()),
        "first": times[0],
        "last": times[1],
    }


def describe_films(
    movies: pd.DataFrame, ratings: pd.DataFrame, links: pd.DataFrame | None, fields: Mapping[Source, pd.DataFrame]
) -> dict[str, Any]:
    """Count films: listed, rated but unlisted, without links, and covered by the metadata."""
    counts = ratings["movie_id"].value_counts()
    unlisted = int((~counts.index.isin(movies["movie_id"])).sum())
    found: dict[str, Any] = {"listed": len(movies), "unlisted": unlisted, "unlinked": None, "coverage": {}}
    if links is not None:
        linked = links.loc[(links[["imdb_id", "tmdb_id"]] != NO_ID).all(axis="columns"), "movie_id"]
        found["unlinked"] = int((~movies["movie_id"].isin(linked)).sum())
        for sources in dict.fromkeys(sources for _, sources in MODELS.values() if sources):
            if not set(sources) <= set(fields):
                continue
            covered = cover(movies, links, [fields[source] for source in sources], counts)
            found["coverage"]["+".join(sources)] = covered
    return found


def cover(movies: pd.DataFrame, links: pd.DataFrame, fields: list[pd.DataFrame], counts: pd.Series) -> dict[str, int]:
    """Count the rated films, and their ratings, that metadata cover at all and with all fields.

    A model reads all fields of its metadata sources but the people, and both ids.
    """
    joined = join_fields(movies, links, fields).drop(columns=[*OMDB_PEOPLE.values()], errors="ignore")
    held = np.all([joined[frame.index.name].isin(frame.index) for frame in fields], axis=0)
    complete = held & joined.notna().all(axis="columns").to_numpy()
    ratings = joined["movie_id"].map(counts).fillna(0).to_numpy().astype(np.int64)
    return {
        "films": int((held & (ratings > 0)).sum()),
        "ratings": int(ratings[held].sum()),
        "complete_films": int((complete & (ratings > 0)).sum()),
        "complete_ratings": int(ratings[complete].sum()),
    }


def judge(root: Path, release: Release, found: dict[str, Any], check: DataCheck) -> None:
    """Identify a release's version by its counts, and add problems and notes."""
    ratings, films = found["ratings"], found["films"]
    counts = ratings["rows"], ratings["users"], films["listed"]
    published = (release.version, release.num_ratings, release.num_users, release.num_movies)
    versions = [name for name, *held in (published, *release.earlier) if tuple(held) == counts]
    found["version"] = "generated sample" if check.sample else next(iter(versions), "changed")
    if release.num_ratings is None:
        found["version"] = "unnumbered"
    faults = {
        f"expected each rated film in {release.movies}, found {films['unlisted']:,} missing": films["unlisted"],
        f"expected different ratings, found only {ratings['min_stars']} stars":
            ratings["min_stars"] == ratings["max_stars"],
        f"expected at least {FEWEST_RATINGS} ratings to split, found {ratings['rows']}":
            ratings["rows"] < FEWEST_RATINGS,
    }  # fmt: skip
    again = way_to(root, f"download {release.name} --again")
    check.problems += [
        f"{root / release.ratings}: {fault}. Get it again: {again}" for fault, is_so in faults.items() if is_so
    ]
    found["trainable"] = not any(faults.values())
    if found["version"] == "changed":
        check.notes.append(
            f"{release.name} is not as published: expected {release.num_ratings:,} ratings by {release.num_users:,} "
            "users and {:,} films, found {:,}, {:,} and {:,}.".format(release.num_movies, *counts)
        )
    if ratings["first"] is None:
        check.notes.append(f"{release.name} has no times (all are equal), so `--data.split time` is impossible.")
    for source in FILES:
        held = films["coverage"].get(source)
        if held and held["ratings"] < LEAST_COVERAGE * ratings["rows"]:
            share, command = held["ratings"] / ratings["rows"], way_to(root, f"fetch {source}")
            check.notes.append(
                f"{FILES[source]} has {held['films']:,} of the {ratings['films']:,} rated films of {release.name}, "
                f"with {share:.0%} of the ratings. To fetch more: {command}"
            )


def check_model(root: Path, model: str, name: str, sources: tuple[Source, ...], check: DataCheck) -> dict[str, Any]:
    """Check whether a model can be trained on a release, and list what it lacks."""
    release, links, lacks = check.releases.get(name), RELEASES[name].links, {}
    # A sample is generated as a whole: one command for all models, or a second would undo the first.
    wanted = " ".join(dict.fromkeys(needed for needed, _ in MODELS.values())) if check.sample else name
    if release is None:
        lacks[name] = way_to(root, f"download {wanted}")
    elif not release["trainable"]:
        lacks[f"a complete {name}"] = way_to(root, f"download {wanted}{'' if release['missing'] else ' --again'}")
    elif sources and links and (release["films"] or {}).get("unlinked") is None:
        lacks[links] = way_to(root, f"download {wanted if check.sample else Path(links).parent}")
    for source in sources:
        if check.metadata.get(source, {}).get("rows") is None:
            lacks[source] = way_to(root, f"download {wanted}" if check.sample else f"fetch {source}")
    num_ratings = 0
    if release and not lacks:
        coverage = release["films"]["coverage"]
        num_ratings = coverage["+".join(sources)]["complete_ratings"] if sources else release["ratings"]["rows"]
        if num_ratings < FEWEST_RATINGS:
            at = f"--config configs/{model}.yaml --data.root {quoted([str(root)])}"
            lacks["films with all fields"] = f"python -m movierec fit {at} --data.missing impute"
    return {"release": name, "sources": sources, "ratings": None if lacks else num_ratings, "lacks": lacks}
