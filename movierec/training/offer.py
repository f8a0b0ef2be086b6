"""The offer to download what is missing, where there is someone to answer."""

from urllib.parse import urlsplit

from movierec.console import asks_yes, is_attended
from movierec.data import MovieDataModule
from movierec.datasets.catalog import SERVER
from movierec.datasets.root import explain_release_folder, is_sample


def accepts_download(data: MovieDataModule) -> bool:
    """Ask whether the releases that are not there shall be downloaded; no if nobody can be asked or all is there."""
    if data.download or not is_attended() or is_sample(data.root) or explain_release_folder(data.root):
        return False
    if not (missing := data.missing_releases()):
        return False
    if lacking := data.missing_metadata():
        print(
            f"This also needs {' and '.join(lacking)} in {data.root}, which a download does not bring: "
            "get them afterwards with `data fetch`, with a key of your own."
        )
    are, it = ("is", "it") if len(missing) == 1 else ("are", "them")
    return asks_yes(
        f"{' and '.join(release.name for release in missing)} {are} not in {data.root}. Download {it} from "
        f"{urlsplit(SERVER).hostname} ({sum(release.megabytes for release in missing):.1f} MB)?"
    )
