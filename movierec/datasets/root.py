"""Find the data root, check which releases it holds, and say how to get missing data."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from movierec.console import expand_home, quoted
from movierec.datasets.catalog import RELEASES, Release

MARKER = "sample.json"  # in a generated root
VARIABLE = "MOVIEREC_DATA"


def default_root() -> Path:
    """Return the data root: the environment variable MOVIEREC_DATA, or `data`."""
    return expand_home(os.environ.get(VARIABLE) or "data")


def name_root(root: Path) -> str:
    """Name a data root, and whether the environment variable chose it."""
    return f"{root} (from {VARIABLE})" if os.environ.get(VARIABLE) and root == default_root() else str(root)


def is_sample(root: Path) -> bool:
    """Tell whether a data root holds a generated sample."""
    return (root / MARKER).is_file()


def files_of(release: Release) -> list[str]:
    """List the files, relative to the root, that a complete release has."""
    links = [release.links] if release.links and release.links.startswith(f"{release.folder}/") else []
    splits = [name for split in release.splits for name in release.split_files(split)]
    return [release.ratings, release.movies, *links, *splits]


def release_of(name: str) -> Release | None:
    """Find the release that a file below the root belongs to; None for metadata."""
    folder = name.split("/", maxsplit=1)[0]
    return next((release for release in RELEASES.values() if release.folder == folder), None)


def has_content(path: Path) -> bool:
    """Tell whether a file exists and is not empty."""
    return path.is_file() and path.stat().st_size > 0


def is_complete(root: Path, release: Release) -> bool:
    """Tell whether all files of a release are there."""
    return all(has_content(root / name) for name in files_of(release))


def missing_releases(root: Path, names: Iterable[str]) -> list[Release]:
    """Find the releases of missing files, each once."""
    owners = [release_of(name) for name in names if not has_content(root / name)]
    return list({release.name: release for release in owners if release}.values())


def whole_releases(root: Path) -> list[str]:
    """List the releases whose files are all there."""
    return [release.name for release in RELEASES.values() if is_complete(root, release)]


def explain_release_folder(root: Path) -> str:
    """If the root is the folder of a release, say which folder to name instead; otherwise empty."""
    place = root.absolute()
    for release in RELEASES.values():
        if place.name == release.folder and any((place.parent / name).is_file() for name in files_of(release)):
            parent = root.parent if root.name == release.folder else place.parent
            return f"{root} is the folder of {release.name} itself. Name the one that it is in: {parent}"
    return ""


def way_to(root: Path, action: str) -> str:
    """Write the command that gets data, `download RELEASE` or `fetch SOURCE`, or generates the sample again."""
    names = [word for word in action.split() if word in RELEASES]
    if is_sample(root):
        if any(RELEASES[name].splits for name in names):  # are not generated, and belong in no sample
            return f"python -m movierec data {action} --root data"
        return way_to_sample(root, names)
    return f"python -m movierec data {action} --root {quoted([str(root)])}"


def way_to_sample(root: Path, names: Iterable[str]) -> str:
    """Write the command that generates the same sample again, with more releases."""
    try:
        made = json.loads((root / MARKER).read_text(encoding="utf-8"))
    except ValueError:
        made = {}
    numbers = {name: made.get(f"num_{name}") for name in ("users", "movies", "ratings")} | {"seed": made.get("seed")}
    releases = " ".join(dict.fromkeys([*made.get("releases", []), *names]))
    return (
        f"python -m movierec data sample --root {quoted([str(root)])}"
        + "".join(f" --{name} {value}" for name, value in numbers.items() if value is not None)
        + (f" --releases {releases}" if releases else "")
    )


def how_to_get(root: Path, name: str) -> str:
    """Say how to get a file below the root."""
    if mistaken := explain_release_folder(root):
        return mistaken
    release = release_of(name)
    elsewhere = f"point --data.root (or the environment variable {VARIABLE}) at"
    action = f"download {release.name}" if release else f"fetch {Path(name).stem}"
    others = whole_releases(root) if release and name in {release.ratings, release.movies} else []
    ways = f"The folder has {', '.join(others)}: train on that with `--data.release {others[0]}`. " if others else ""
    if is_sample(root) and release and release.splits:
        return (
            f"{ways}A generated sample has no {release.name}. Get it with `{way_to(root, action)}`, and name that root."
        )
    if is_sample(root):
        return (
            f"{ways}The folder holds a generated sample without it. Generate the sample again, including it, with "
            f"`{way_to(root, action)}`, or {elsewhere} another folder."
        )
    ways += f"Get it with `{way_to(root, action)}`"
    if release:
        ways += f", let the command get it with `--data.download true`, or unzip {release.url} there by hand"
    return (
        f"{ways}; {elsewhere} the folder that holds it; "
        "or try the generated sample: `python -m movierec data sample`, then add `--config configs/sample.yaml`."
    )
