"""The offer to download what is missing, where there is someone to answer."""

import os
import sys
from urllib.parse import urlsplit

from movierec.data import MovieDataModule
from movierec.sources.catalog import SERVER
from movierec.sources.root import is_sample


def accepts_download(data: MovieDataModule) -> bool:
    """Ask whether the releases that are not there shall be downloaded; no if nobody can be asked or all is there."""
    if data.download or not is_attended() or is_sample(data.root) or not (missing := data.missing_releases()):
        return False
    are, it = ("is", "it") if len(missing) == 1 else ("are", "them")
    question = (
        f"{' and '.join(release.name for release in missing)} {are} not in {data.root}. Download {it} from "
        f"{urlsplit(SERVER).hostname} ({sum(release.megabytes for release in missing):.1f} MB)? [y/N] "
    )
    print(question, end="", flush=True)  # input() itself would write it to stderr
    try:
        return input().strip().lower() in {"y", "yes"}
    except EOFError:
        print()
        return False


def is_attended() -> bool:
    """Say whether a person reads what is printed and can answer."""
    automatic = os.environ.get("CI") or os.environ.get("TERM") == "dumb"
    return sys.stdin.isatty() and sys.stdout.isatty() and not automatic
