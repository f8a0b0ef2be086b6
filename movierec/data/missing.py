"""Find the files that are read and not there, and download those of releases."""

from pathlib import Path

from movierec.data.options import Options, file_names
from movierec.datasets.catalog import Release
from movierec.datasets.metadata import FILES
from movierec.datasets.root import is_sample, way_to
from movierec.datasets.root import missing_releases as releases_of
from movierec.errors import MissingDataError


def missing_releases(root: Path, options: Options) -> list[Release]:
    """Find the releases with files that are read and not there."""
    options.check(root)
    return releases_of(root, file_names(root, options))


def missing_metadata(root: Path, options: Options) -> list[str]:
    """List the files of metadata that are read and not there; a download does not bring them."""
    return [FILES[source] for source in options.sources if not (root / FILES[source]).is_file()]


def download_missing(root: Path, options: Options) -> None:
    """Download the releases that are read and not there, unless metadata are missing, too.

    Raises:
        MissingDataError: Metadata are missing; the message names the commands that get all.
    """
    if not (missing := missing_releases(root, options)):
        return
    if (lacking := missing_metadata(root, options)) and not is_sample(root):
        names = " ".join(release.name for release in missing)
        actions = [f"download {names}", *(f"fetch {Path(name).stem}" for name in lacking)]
        raise MissingDataError(
            f"Expected {' and '.join(lacking)} in {root}, found none; a download does not bring metadata. "
            f"Get all in turn: {'; '.join(way_to(root, action) for action in actions)}"
        )
    from movierec.datasets.download import download_releases  # noqa: PLC0415 - slow, and rarely needed

    download_releases(missing, root)
