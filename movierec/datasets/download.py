"""Downloading a release of MovieLens: checked, unpacked beside its place, and put there only when it is whole."""

import csv
import errno
import hashlib
import os
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from movierec.console import Console
from movierec.datasets.archive import extract, what_is_in
from movierec.datasets.building import MB, building
from movierec.datasets.catalog import CITATION, SERVER, Release
from movierec.datasets.root import (
    explain_release_folder,
    files_of,
    has_content,
    is_complete,
    is_sample,
    release_of,
    way_to,
)
from movierec.datasets.transfer import Meter, describe_content, get_file
from movierec.errors import ChecksumError, ConfigError, DataFormatError, DownloadError, MissingDataError, MovierecError

ROOM = 7  # times the size of the archive: itself, and what is in it, which is four or five times as large
GROWTH = 10  # times the size in the catalogue that an archive may have
COLUMNS = ({"userId", "movieId", "rating", "timestamp"}, {"movieId", "title", "genres"})


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where archives are taken from.

    Attributes:
        server: The address that `<name>.zip` lies below.
        archive: An archive that is here already, in place of the server's.
        timeout: After how many seconds without a byte a connection counts as broken.
        pause: Seconds before the second attempt.
    """

    server: str = SERVER
    archive: Path | None = None
    timeout: float = 30.0
    pause: float = 1.0

    def __post_init__(self) -> None:
        """Refuse an address that is none.

        Raises:
            ConfigError: The server's is not one of http.
        """
        if not re.match(r"https?://[^/]", self.server):
            raise ConfigError(f"Expected the address of a mirror, such as {SERVER}, got {self.server!r}.")

    def of(self, release: Release) -> str:
        """Say where a release's archive is."""
        return str(self.archive) if self.archive else f"{self.server.rstrip('/')}/{release.name}.zip"


def download_releases(releases: Iterable[Release], root: Path, origin: Origin, *, again: bool = False) -> None:
    """Download what is not there of some releases, and say what was done, on what terms the data are, and whom to cite.

    Args:
        releases: Which.
        root: The data root.
        origin: Where from.
        again: Whether to replace the files of releases that are there.

    Raises:
        MovierecError: As in `download`, for the only one.
        DownloadError: Some of several could not be had; the others are in their places.
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
            f"{len(failed)} of {len(releases)} releases could not be had: {', '.join(failed)}.\n{reasons}"
        )


def download_one(release: Release, root: Path, origin: Origin, *, again: bool) -> bool:
    """Download a release if it is not there, and say what was done; return whether it is new."""
    place = root / release.folder
    if not download(release, root, origin, again=again):
        print(f"{release.name} is in {place} already, with all its files; add --again to replace them.")
        return False
    print(f"{release.name} is in {place} now. It {release.redistribution}; all terms: {terms(place)}")
    if release.links and not has_content(root / release.links) and (owner := release_of(release.links)):
        print(
            f"{release.name} does not say which films of TMDb and IMDb its films are. Models with metadata need "
            f"{owner.name} for that:\n{way_to(root, f'download {owner.name}')}"
        )
    return True


def terms(place: Path) -> Path:
    """Find the file of a release that says on what terms it may be used."""
    return next(iter(sorted(place.glob("README*"))), place)


def download(release: Release, root: Path, origin: Origin, *, again: bool = False) -> bool:
    """Download a release if it is not there, or not all of it.

    Args:
        release: Which.
        root: The data root; files of the release that are there are replaced, and others stay.
        origin: Where from.
        again: Whether to download it even if all of it is there.

    Returns:
        Whether there was anything to do.

    Raises:
        DownloadError: It cannot be had.
        WriteError: It cannot be written.
        ChecksumError: The archive is not the one that was published.
        DataFormatError: The archive is no archive, is not safe to unpack, or does not hold the release.
        MissingDataError: There is no archive where `origin` names one.
        ConfigError: The root is that of a generated sample, which is replaced as a whole when it is generated again, or
            the folder of a release, and not the one that it is in.
    """
    if mistaken := explain_release_folder(root):
        raise ConfigError(mistaken)
    if is_complete(root, release) and not again:
        return False
    if is_sample(root):
        raise ConfigError(f"Expected a data root of its own, found a generated sample in {root}. Choose another root.")
    with building(release.name, root, megabytes=ROOM * release.megabytes) as folder:
        source, place = origin.of(release), root / release.folder
        if place.exists() and not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place))
        archive = local_archive(origin.archive) if origin.archive else fetch_archive(release, folder, origin)
        checksum = release.md5 or published_md5(archive.with_name(f"{archive.name}.md5"), source)
        check_archive(archive, source, checksum)
        extract(archive, folder, folder=release.folder, max_bytes=2 * GROWTH * release.megabytes * MB, source=source)
        check_content(folder, release, source, archive)
        put_in_place(folder / release.folder, place)
    return True


def local_archive(path: Path) -> Path:
    """Return the path of an archive that is here.

    Raises:
        MissingDataError: It is not.
    """
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise MissingDataError(f"Expected a zip archive at {path}, found {what}. Check the path after --from-zip.")
    return path


def fetch_archive(release: Release, folder: Path, origin: Origin) -> Path:
    """Download a release's archive, and beside it its published checksum if there is none in the catalogue."""
    url, path = origin.of(release), folder / f"{release.name}.zip"
    console = Console()
    console.print(f"downloading {release.name} from {url}", soft_wrap=True)
    with Meter(release.name, console) as meter:
        get_file(
            url,
            path,
            max_bytes=GROWTH * release.megabytes * MB,
            meter=meter,
            timeout=origin.timeout,
            pause=origin.pause,
        )
    if release.md5 is None:
        silent = Meter(release.name, Console(quiet=True))
        sidecar = path.with_name(f"{path.name}.md5")
        try:
            get_file(f"{url}.md5", sidecar, max_bytes=MB, meter=silent, timeout=origin.timeout, pause=origin.pause)
        except DownloadError:
            sidecar.unlink(missing_ok=True)
            print(f"The server has no {path.name}.md5; the files inside are checked instead.")
    return path


def published_md5(sidecar: Path, source: str) -> str | None:
    """Read the checksum that lies beside an archive, as GroupLens writes it: `MD5 (x.zip) = hex`."""
    if not sidecar.is_file():
        return None
    found = re.search(r"\b[0-9a-f]{32}\b", sidecar.read_text(encoding="utf-8", errors="replace").lower())
    if found is None:
        print(f"{source}.md5 holds no checksum; the files inside are checked instead.")
    return found[0] if found else None


def check_archive(archive: Path, source: str, checksum: str | None) -> None:
    """Refuse a file that is no archive, or not the one that was published.

    Raises:
        DataFormatError: It is no zip file.
        ChecksumError: Its checksum differs.
    """
    if not zipfile.is_zipfile(archive):
        with archive.open("rb") as file:
            found = describe_content(file.read(1 << 12))
        raise DataFormatError(f"{source}: expected a whole zip archive, got {found}. Get it from elsewhere.")
    with archive.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if checksum not in {None, md5}:
        raise ChecksumError(
            f"{source}: expected the md5 checksum {checksum}, got {md5}. The archive is damaged, or not the one that "
            f"was published, and was not unpacked{what_is_in(archive)}. Get it again, or from elsewhere; if you trust "
            "it, unzip it yourself below the data root, and `data check` tells what differs."
        )


def check_content(root: Path, release: Release, source: str, archive: Path) -> None:
    """Refuse what was unpacked if a release's files are missing or begin otherwise; say if the counts are others.

    Raises:
        DataFormatError: They are.
    """
    if missing := [name for name in files_of(release) if not has_content(root / name)]:
        raise DataFormatError(
            f"{source}: expected {', '.join(missing)} in the archive, with content; found none{what_is_in(archive)}."
        )
    if release.format != "csv":
        return
    for name, columns in zip((release.ratings, release.movies), COLUMNS, strict=True):
        with (root / name).open(encoding="utf-8-sig", errors="replace", newline="") as file:
            header = next(csv.reader(file), [])
        if not columns <= set(header):
            raise DataFormatError(
                f"{source}: expected the columns {', '.join(sorted(columns))} in {name}, got {header}."
            )
    if release.md5 is None and release.num_ratings is not None:
        counts = [count_records(root / name) for name in (release.ratings, release.movies)]
        if counts != [release.num_ratings, release.num_movies]:
            print(
                f"This {release.name} has {counts[0]:,} ratings and {counts[1]:,} films; the one of September 2018 has "
                f"{release.num_ratings:,} and {release.num_movies:,}. Results differ from those measured with that one."
            )


def count_records(path: Path) -> int:
    """Count the records of a csv file, without its header."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return sum(1 for fields in csv.reader(file) if fields) - 1


def put_in_place(new: Path, place: Path) -> None:
    """Move a folder to its place; if there is one, file by file, so that a user's own files stay."""
    try:
        new.rename(place)
    except OSError:
        if not place.is_dir():
            raise
        for file in sorted(path for path in new.rglob("*") if path.is_file()):
            target = place / file.relative_to(new)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
