"""The data root: which folder it is, what of a release is there, and how what is missing can be got."""

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from movierec.sources.catalog import RELEASES, Release

MARKER = "sample.json"  # in a generated root


def default_root() -> Path:
    """Return the data root that the environment variable MOVIEREC_DATA names, else `data`."""
    return Path(os.environ.get("MOVIEREC_DATA") or "data")


def is_sample(root: Path) -> bool:
    """Say whether a data root was generated."""
    return (root / MARKER).is_file()


def files_of(release: Release) -> list[str]:
    """List the files below the root without which a release is not complete."""
    links = [release.links] if release.links and release.links.startswith(f"{release.folder}/") else []
    splits = [name for split in release.splits for name in release.split_files(split)]
    return [release.ratings, release.movies, *links, *splits]


def release_of(name: str) -> Release | None:
    """Find the release that a file below the root belongs to; None for metadata."""
    folder = name.split("/", maxsplit=1)[0]
    return next((release for release in RELEASES.values() if release.folder == folder), None)


def has_content(path: Path) -> bool:
    """Say whether there is a file that is not empty."""
    return path.is_file() and path.stat().st_size > 0


def is_complete(root: Path, release: Release) -> bool:
    """Say whether all files of a release are there."""
    return all(has_content(root / name) for name in files_of(release))


def missing_releases(root: Path, names: Iterable[str]) -> list[Release]:
    """Find the releases that files which are not there belong to, each once."""
    owners = [release_of(name) for name in names if not has_content(root / name)]
    return list({release.name: release for release in owners if release}.values())


def way_to(root: Path, action: str) -> str:
    """Write the command that gets data, `download RELEASE` or `fetch SOURCE`; a sample is generated anew instead."""
    return f"python -m movierec data {'sample' if is_sample(root) else action} --root {shlex.quote(str(root))}"


def how_to_get(root: Path, name: str) -> str:
    """Say how a file below the root can be got."""
    release = release_of(name)
    if is_sample(root):
        chosen = f" --releases {release.name}" if release else ""
        return (
            "The folder holds a generated sample without it; generate another with "
            f"`{way_to(root, '')}{chosen}`, or point --data.root (or the environment variable MOVIEREC_DATA) at "
            "another folder."
        )
    if release is None:
        ways = f"Get it with `{way_to(root, f'fetch {Path(name).stem}')}`; "
    else:
        ways = (
            f"Get it with `{way_to(root, f'download {release.name}')}`, let the command get it with "
            f"`--data.download true`, or unzip {release.url} there by hand; "
        )
    return ways + (
        "point --data.root (or the environment variable MOVIEREC_DATA) at the folder that holds it; "
        "or try the generated sample: `python -m movierec data sample`, then add `--config configs/sample.yaml`."
    )
