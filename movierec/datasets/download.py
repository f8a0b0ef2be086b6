"""Download a release of MovieLens, check it, and move it to its place only when it is complete."""

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from movierec.datasets.building import MB, building
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
from movierec.errors import ChecksumError, ConfigError, DataFormatError, DownloadError, MovierecError

ROOM = 7  # times the size of the archive: itself, and what is in it, which is four or five times as large
GROWTH = 20  # times the size in the catalogue that an archive may have when unpacked; some releases still grow


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The source of archives.

    Attributes:
        server: Address of the folder of `<name>.zip`.
        archive: A local archive to use instead of the server.
    """

    server: str = SERVER
    archive: Path | None = None


def download_releases(releases: Iterable[Release], root: Path, origin: Origin, *, again: bool = False) -> None:
    """Download missing releases, and print what was done, the terms of the data, and the citation.

    Args:
        releases: The releases.
        root: The data root.
        origin: The source of the archives.
        again: Whether to replace releases that are already there.

    Raises:
        MovierecError: As in `download`, for a single release.
        DownloadError: Some of several could not be downloaded; the others are in place.
    """
    releases, failed, installed = list(releases), dict[str, MovierecError](), False
    for release in releases:
        try:
            installed |= download_one(release, root, origin, again=again)
        except MovierecError as error:
            if len(releases) == 1:
                raise
            failed[release.name] = error
    if installed:
        print(f"If you publish with these data, cite: {CITATION}")
    if failed:
        reasons = "\n".join(dict.fromkeys(map(str, failed.values())))  # the same root may be wrong for all
        raise DownloadError(
            f"{len(failed)} of {len(releases)} releases could not be downloaded: {', '.join(failed)}.\n{reasons}"
        )


def download_one(release: Release, root: Path, origin: Origin, *, again: bool) -> bool:
    """Download a release if it is missing, print what was done, and return whether it is new."""
    place = root / release.folder
    if not download(release, root, origin, again=again):
        print(f"{release.name} is already complete in {place}; add --again to replace it.")
        return False
    terms = next(iter(sorted(place.glob("README*"))), place)
    print(f"{release.name} is in {place} now. It {release.redistribution}; all terms: {terms}")
    if release.links and not has_content(root / release.links) and (owner := release_of(release.links)):
        print(
            f"{release.name} has no links to TMDb and IMDb. Models with metadata also need "
            f"{owner.name}:\n{way_to(root, f'download {owner.name}')}"
        )
    return True


def download(release: Release, root: Path, origin: Origin, *, again: bool = False) -> bool:
    """Download a release if it is missing or incomplete.

    Args:
        release: The release.
        root: The data root. Existing files of the release are replaced; others stay.
        origin: The source of the archive.
        again: Whether to download it even if it is complete.

    Returns:
        Whether it was downloaded.

    Raises:
        DownloadError: It cannot be downloaded.
        WriteError: It cannot be written.
        ChecksumError: The archive is not the published one.
        DataFormatError: The file is not an archive, is damaged, or does not hold the release.
        MissingDataError: The archive that `origin` names is missing.
        ConfigError: The root is a generated sample, which is replaced as a whole when it is generated again, or it is
            the folder of a release instead of its parent.
    """
    if mistaken := explain_release_folder(root):
        raise ConfigError(mistaken)
    if is_complete(root, release) and not again:
        return False
    if is_sample(root):
        raise ConfigError(f"Expected a data root of its own, found a generated sample in {root}. Choose another root.")
    with building(release.name, root, megabytes=ROOM * release.megabytes) as folder:
        if origin.archive:
            archive = require_file(origin.archive, "Check the path after --from-zip.")
        else:
            archive = fetch_archive(release, folder, f"{origin.server.rstrip('/')}/{release.name}.zip")
        check_archive(archive, release.md5 or published_md5(archive))
        extract(archive, folder, release)
        put_in_place(folder / release.folder, root / release.folder)
    return True


def fetch_archive(release: Release, folder: Path, url: str) -> Path:
    """Download a release's archive, and its published checksum if the catalogue has none."""
    path = folder / f"{release.name}.zip"
    print(f"downloading {release.name} from {url}", flush=True)
    with Meter(release.name, "MB") as meter:
        get_file(url, path, meter)
        if release.md5 is None:
            try:
                get_file(f"{url}.md5", path.with_name(f"{path.name}.md5"), meter)
            except DownloadError:
                path.with_name(f"{path.name}.md5").unlink(missing_ok=True)
    return path


def published_md5(archive: Path) -> str | None:
    """Read the checksum file beside an archive, in the format of GroupLens: `MD5 (x.zip) = hex`."""
    sidecar = archive.with_name(f"{archive.name}.md5")
    text = sidecar.read_text(encoding="utf-8", errors="replace") if sidecar.is_file() else ""
    found = re.search(r"\b[0-9a-f]{32}\b", text.lower())
    if found is None:
        print(f"There is no checksum in {sidecar.name}; only the files inside are checked.")
    return found[0] if found else None


def check_archive(archive: Path, checksum: str | None) -> None:
    """Refuse a file that is not a zip archive, or not the published one.

    Raises:
        DataFormatError: It is not a zip file.
        ChecksumError: Its checksum differs.
    """
    if not zipfile.is_zipfile(archive):
        with archive.open("rb") as file:
            found = describe_content(file.read(1 << 12))
        raise DataFormatError(f"{archive.name}: expected a whole zip archive, got {found}. Get it from elsewhere.")
    with archive.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if checksum not in {None, md5}:
        raise ChecksumError(
            f"{archive.name}: expected the md5 checksum {checksum}, got {md5}. The archive is damaged or not the "
            "published one, and was not unpacked. Get it again, or from elsewhere. If you trust it, unzip it below the "
            "data root yourself; `data check` then shows what differs."
        )


def describe_content(start: bytes) -> str:
    """Describe the content of a wrong file, from its first bytes."""
    if re.match(rb"\s*(<!doctype html|<html|<head|<\?xml|<!--)", start, flags=re.IGNORECASE):
        title = re.search(rb"<title[^>]*>\s*([^<]{1,80})", start, flags=re.IGNORECASE)
        return f"a web page, {title[1].decode(errors='replace').strip()!r}" if title else "a web page"
    return f"what begins with {start[:20]!r}" if start else "an empty file"


def extract(archive: Path, target: Path, release: Release) -> None:
    """Unpack a release from its archive; zipfile keeps all entries inside the target.

    Raises:
        DataFormatError: The archive is damaged or encrypted, or holds far more or less than the release.
        OSError: The files cannot be written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if entry.filename.startswith(f"{release.folder}/")]
            if (total := sum(entry.file_size for entry in entries) / MB) > GROWTH * release.megabytes:
                raise DataFormatError(
                    f"{archive.name}: expected at most {GROWTH * release.megabytes:,.1f} MB when unpacked, found "
                    f"{total:,.1f} MB. It is not what GroupLens publishes, and was not unpacked."
                )
            opened.extractall(target, entries)
            folders = {name.partition("/")[0] for name in opened.namelist() if "/" in name}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DataFormatError(f"{archive.name}: a damaged zip archive ({error}). Get it again.") from error
    if missing := [name for name in files_of(release) if not has_content(target / name)]:
        holds = ", ".join(f"{name}/" for name in sorted(folders)[:3])
        raise DataFormatError(
            f"{archive.name}: expected {', '.join(missing)} in the archive, with content; found none; it holds {holds}."
        )


def put_in_place(new: Path, place: Path) -> None:
    """Move a folder to its place; an existing folder keeps the user's own files."""
    try:
        new.rename(place)
    except OSError:
        for file in sorted(path for path in new.rglob("*") if path.is_file()):
            target = place / file.relative_to(new)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
