"""What is there of a release: its files, what they hold, and whether a model can learn from it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from movierec.datasets.catalog import Release, Version
from movierec.datasets.content import Films, Ratings, describe_films, describe_ratings
from movierec.datasets.file import is_absent, sha256
from movierec.datasets.findings import Findings
from movierec.datasets.metadata import FILES, Source
from movierec.datasets.movielens import read_links, read_movies, read_ratings
from movierec.datasets.root import files_of, is_sample, way_to

CHANGED = "changed"
LEAST_COVERAGE = 0.9  # of the ratings; whole metadata hold 98 % and more
FEWEST_RATINGS = 6  # of fewer, none is left to validate on when they are split 80/10/10


@dataclass(frozen=True, kw_only=True)
class ReleaseCheck:
    """What is there of a release.

    Attributes:
        name: The release.
        version: Which state of it this is, by its counts; None if they are not known.
        missing: Its files that are not there.
        sha256: The hash of each of its files that is there.
        fingerprint: One hash of those; None if a file is missing.
        ratings: None if they cannot be read.
        films: None if they, or the ratings, cannot be read.
        trainable: Whether a model that needs no metadata can be trained on it.
    """

    name: str
    version: str | None
    missing: list[str]
    sha256: dict[str, str]
    fingerprint: str | None
    ratings: Ratings | None
    films: Films | None
    trainable: bool


def is_there(root: Path, release: Release) -> bool:
    """Say whether a release's folder is there, and not only for the links that other releases take from it."""
    ratings, movies, *others = (not is_absent(root / name) for name in files_of(release))
    return (root / release.folder).is_dir() and (ratings or movies or not any(others))


def check_release(
    root: Path, release: Release, fields: Mapping[Source, pd.DataFrame], findings: Findings
) -> ReleaseCheck:
    """Read a release's files and count what they hold.

    Args:
        root: The data root.
        release: The release.
        fields: What `read_tmdb` and `read_omdb` read, so far as it is there.
        findings: Where problems and notes go.
    """
    missing = [name for name in files_of(release) if is_absent(root / name)]
    command = way_to(root, f"download {release.name}")
    findings.problems += [f"{root / name}: no such file. Get it: {command}" for name in missing]
    rated, movies, links = read_files(root, release, findings)
    ratings = None if rated is None else describe_ratings(rated)
    films = None if rated is None or movies is None else describe_films(movies, rated, links, fields)
    version, trainable = None, False
    if ratings and films:
        version = "generated sample" if is_sample(root) else name_version(release, ratings, films)
        faults = find_faults(release, ratings, films)
        again = way_to(root, f"download {release.name} --again")
        findings.problems += [f"{root / release.ratings}: {fault}. Get it again: {again}" for fault in faults]
        findings.notes += find_oddities(release, ratings, films, version) + find_gaps(root, release, ratings, films)
        trainable = not faults
    hashes = {name: findings.attempt(sha256, root / name) for name in files_of(release) if name not in missing}
    known = {name: value for name, value in hashes.items() if value}
    return ReleaseCheck(
        name=release.name,
        version=version,
        missing=missing,
        sha256=known,
        fingerprint=hash_all(known) if len(known) == len(files_of(release)) else None,
        ratings=ratings,
        films=films,
        trainable=trainable,
    )


def hash_all(hashes: dict[str, str]) -> str:
    """Make one hash of those of several files."""
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()


def read_files(
    root: Path, release: Release, findings: Findings
) -> tuple[pd.DataFrame | None, pd.DataFrame | None, pd.DataFrame | None]:
    """Read a release's ratings, films and links, each of them if it is there and can be read."""

    def read(reader: Callable[[Path, Release], pd.DataFrame], name: str | None) -> pd.DataFrame | None:
        return None if name is None or is_absent(root / name) else findings.attempt(reader, root, release)

    return read(read_ratings, release.ratings), read(read_movies, release.movies), read(read_links, release.links)


def name_version(release: Release, ratings: Ratings, films: Films) -> str:
    """Tell by the counts which state of a release this is; `changed` if it is none that was published."""
    if release.num_ratings is None:
        return "unnumbered"
    published = Version(release.version, release.num_ratings, release.num_users or 0, release.num_movies or 0)
    counts = (ratings.rows, ratings.users, films.listed)
    return next((name for name, *held in (published, *release.earlier) if tuple(held) == counts), CHANGED)


def find_faults(release: Release, ratings: Ratings, films: Films) -> list[str]:
    """Say why ratings and films that can be read cannot be learnt from."""
    faults = []
    if films.unlisted:
        faults.append(f"expected each rated film in {release.movies}, found {films.unlisted:,} that are not")
    if ratings.min_stars == ratings.max_stars:
        faults.append(f"expected ratings that differ, found {ratings.min_stars} stars alone")
    if ratings.rows < FEWEST_RATINGS:
        faults.append(f"expected at least {FEWEST_RATINGS} ratings to split, found {ratings.rows}")
    return faults


def find_oddities(release: Release, ratings: Ratings, films: Films, version: str) -> list[str]:
    """Say what is worth knowing of ratings and films that can be learnt from."""
    oddities = []
    if version == CHANGED:
        oddities.append(
            f"{release.name} is not as published: expected {release.num_ratings:,} ratings by {release.num_users:,} "
            f"users and {release.num_movies:,} films, found {ratings.rows:,}, {ratings.users:,} and {films.listed:,}."
        )
    if ratings.first is None:
        oddities.append(f"{release.name} has no times (all are equal): `--data.split time` is impossible.")
    return oddities


def find_gaps(root: Path, release: Release, ratings: Ratings, films: Films) -> list[str]:
    """Say which metadata hold so little that their fetch was stopped, or was one of another release's films."""
    return [
        f"{FILES[source]} has {held.films:,} of the {ratings.films:,} rated films of {release.name}, with "
        f"{held.ratings / ratings.rows:.0%} of the ratings. To go on: {way_to(root, f'fetch {source}')}"
        for source in FILES
        if (held := films.coverage.get(source)) and held.ratings < LEAST_COVERAGE * ratings.rows
    ]
