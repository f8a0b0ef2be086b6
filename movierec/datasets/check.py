"""What is in a data root: which releases and metadata, whether they are whole, and which models can learn from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from movierec.datasets.catalog import RELEASES, Release
from movierec.datasets.file import is_absent, sha256
from movierec.datasets.findings import Findings
from movierec.datasets.metadata import FILES, READERS, Source
from movierec.datasets.readiness import MODELS, ModelCheck, check_model, find_others
from movierec.datasets.release import ReleaseCheck, check_release, is_there
from movierec.datasets.root import explain_release_folder, is_sample, name_root, way_to
from movierec.errors import ConfigError, MissingDataError


@dataclass(frozen=True, kw_only=True)
class MetadataCheck:
    """What is there of a metadata file.

    Attributes:
        rows: Films that it holds; None if it cannot be read.
        duplicates: Further rows of the same films, which are passed over.
        sha256: Its hash; None if it cannot be read.
    """

    rows: int | None
    duplicates: int | None
    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class DataCheck:
    """What is in a data root.

    Attributes:
        root: The folder.
        sample: Whether it was generated.
        releases: Those that are there, by name.
        metadata: The metadata files that are there, by source.
        models: The five models, or those of the releases asked for.
        others: Models that can be trained with `--data.release NAME`, by NAME, where that is news.
        problems: What keeps a release from being trained on, or a file from being read.
        notes: What is worth knowing.
    """

    root: str
    sample: bool
    releases: dict[str, ReleaseCheck]
    metadata: dict[Source, MetadataCheck]
    models: dict[str, ModelCheck]
    others: dict[str, list[str]]
    problems: list[str]
    notes: list[str]


def check_data(root: Path, names: Sequence[str] = ()) -> DataCheck:
    """Look at all that is in a data root, file by file.

    Args:
        root: The folder.
        names: The releases to look at, which should be there; by default those that are.

    Raises:
        MissingDataError: There is no such folder.
        ConfigError: It is the folder of a release, and not the one that it is in.
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
    findings = Findings()
    with findings.note_warnings():
        there = find_releases(root, names, findings)
        sources = [source for source in FILES if not is_absent(root / FILES[source])]
        read = {source: findings.attempt(READERS[source], root) for source in sources}
        fields = {source: frame for source, frame in read.items() if frame is not None}
        releases = {release.name: check_release(root, release, fields, findings) for release in there}
    models = {
        model: check_model(root, model, release, releases.get(release), fields)
        for model, (release, _) in MODELS.items()
        if not names or release in names
    }
    return DataCheck(
        root=str(root),
        sample=is_sample(root),
        releases=releases,
        metadata={source: check_metadata(root / FILES[source], fields.get(source)) for source in sources},
        models=models,
        others=find_others(root, releases, models, fields),
        problems=findings.problems,
        notes=findings.notes,
    )


def find_releases(root: Path, names: Sequence[str], findings: Findings) -> list[Release]:
    """Find the releases that are there; it is a problem if there are none, or not those asked for."""
    wanted = [release for release in RELEASES.values() if release.name in (names or RELEASES)]
    there = [release for release in wanted if is_there(root, release)]
    if names:
        missing = [release for release in wanted if release not in there]
        command = way_to(root, f"download {' '.join(release.name for release in missing)}")
        findings.problems += [
            f"{root / release.folder}: {release.name} is not there. Get it: {command}" for release in missing
        ]
    elif not there:
        findings.problems.append(
            f"{root}: expected the folder of a MovieLens release, such as ml-latest-small, found none."
        )
    return there


def check_metadata(path: Path, fields: pd.DataFrame | None) -> MetadataCheck:
    """Count the rows of a metadata file that may have been read."""
    if fields is None:
        return MetadataCheck(rows=None, duplicates=None, sha256=None)
    num_rows = len(pd.read_csv(path, usecols=[0], dtype="str", encoding="utf-8-sig"))
    return MetadataCheck(rows=len(fields), duplicates=num_rows - len(fields), sha256=sha256(path))
