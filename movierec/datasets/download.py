"""Download a release of MovieLens, check it, and move it to its place only when it is complete."""

import hashlib
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from movierec.datasets.catalog import CITATION, SERVER, Release
from movierec.datasets.file import require_file
from movierec.datasets.meter import Meter
from movierec.datasets.root import (
    explain_release_folder,
    files_of,
    has_content,
    is_complete,
    is_sample,
    release_of,
    way_to,
)
from movierec.datasets.transfer import get_file
from movierec.errors import ChecksumError, ConfigError, DataFormatError


def download_releases(
    releases: Iterable[Release], root: Path, *, server: str = SERVER, archive: Path | None = None, again: bool = False
) -> None:
    """Download missing releases, and print what was done, the terms of the data, and the citation.

    Args:
        releases: The releases.
        root: The data root. Existing files of a release are replaced; others stay.
        server: Address of the folder of `<name>.zip`.
        archive: A local archive of the release to use instead of the server.
        again: Whether to replace releases that are already there.

    Raises:
        ConfigError: The root is a generated sample, or the folder of a release instead of its parent.
        DownloadError: A release cannot be downloaded; those before it are in place.
        ChecksumError: The archive is not the published one.
        DataFormatError: The file is not an archive, is damaged, or does not hold the release.
    """
    if mistaken := explain_release_folder(root):
        raise ConfigError(mistaken)
    if is_sample(root):
        raise ConfigError(f"Expected a data root of its own, found a generated sample in {root}. Choose another root.")
    is_any_new = False
    for release in releases:
        place = root / release.folder
        if is_complete(root, release) and not again:
            print(f"{release.name} is already complete in {place}; add --again to replace it.")
            continue
        install(release, root, server, archive)
        print_terms(release, root)
        is_any_new = True
    if is_any_new:
        print(f"If you publish with these data, cite: {CITATION}")


def install(release: Release, root: Path, server: str, archive: Path | None) -> None:
    """Unpack a release beside its place, check it, and move it there."""
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{release.name}.movierec-", dir=root) as name:
        folder = Path(name)
        if archive:
            require_file(archive, "Check the path after --from-zip.")
        else:
            url, archive = f"{server.rstrip('/')}/{release.name}.zip", folder / f"{release.name}.zip"
            print(f"downloading {release.name} from {url}", flush=True)
            with Meter(release.name, "bytes") as meter:
                get_file(url, archive, meter)
        check_archive(archive, release.md5)
        extract(archive, folder, release)
        put_in_place(folder / release.folder, root / release.folder)


def print_terms(release: Release, root: Path) -> None:
    """Say where a release is, its terms, and what it lacks."""
    place = root / release.folder
    terms = next(iter(sorted(place.glob("README*"))), place)
    print(f"{release.name} is in {place} now. It {release.redistribution}; all terms: {terms}")
    if release.links and not has_content(root / release.links) and (owner := release_of(release.links)):
        print(
            f"{release.name} has no links to TMDb and IMDb. Models with metadata also need "
            f"{owner.name}:\n{way_to(root, f'download {owner.name}')}"
        )


def check_archive(archive: Path, checksum: str | None) -> None:
    """Refuse a file that is not a zip archive, or not the published one."""
    with archive.open("rb") as file:
        start = file.read(20)
        file.seek(0)
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if not zipfile.is_zipfile(archive):
        found = "a web page" if start.lstrip().startswith(b"<") else f"what begins with {start!r}"
        raise DataFormatError(f"{archive.name}: expected a whole zip archive, got {found}. Get it from elsewhere.")
    if checksum not in {None, md5}:
        raise ChecksumError(
            f"{archive.name}: expected the md5 checksum {checksum}, got {md5}. The archive is damaged or not the "
            "published one, and was not unpacked. Get it again, or from elsewhere. If you trust it, unzip it below the "
            "data root yourself; `data check` then shows what differs."
        )


def extract(archive: Path, target: Path, release: Release) -> None:
    """Unpack a release from its archive; zipfile keeps all entries inside the target."""
    try:
        with zipfile.ZipFile(archive) as opened:
            names = opened.namelist()
            opened.extractall(target, [name for name in names if name.startswith(f"{release.folder}/")])
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DataFormatError(f"{archive.name}: a damaged zip archive ({error}). Get it again.") from error
    if missing := [name for name in files_of(release) if not has_content(target / name)]:
        raise DataFormatError(
            f"{archive.name}: expected {', '.join(missing)} in the archive, found none among {', '.join(names[:3])}."
        )


def put_in_place(new: Path, place: Path) -> None:
    """Move a folder to its place; an existing folder keeps the user's own files."""
    for file in sorted(path for path in new.rglob("*") if path.is_file()):
        target = place / file.relative_to(new)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
