"""Unpacking a zip archive that came from elsewhere: nothing leaves the folder, nothing grows without bound."""

import errno
import lzma
import re
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from pathlib import Path

from movierec.errors import DataFormatError

MAX_ENTRIES = 1000  # the largest release has about thirty
MAX_RATIO = 20  # ratings as text unpack to four or five times their size
# Windows has rules of its own: a backslash is a slash, a colon ends a drive or begins a hidden stream, spaces and
# dots at the end of a name are passed over, and some names are devices, whatever the folder and the suffix.
LEADS_OUT = r"^/|(^|/)[. ]+(/|$)|[\\:\0]|(^|/)(con|prn|aux|nul|com\d|lpt\d)[. ]*(\.[^/]*)?(/|$)"
IS_ENCRYPTED = 0x1  # a bit of the flags of an entry
DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, OverflowError, RuntimeError, struct.error,
    OSError,
)  # fmt: skip


def extract(archive: Path, target: Path, *, folder: str, max_bytes: float, source: str) -> None:
    """Unpack what an archive holds below one of its folders.

    Args:
        archive: The zip file.
        target: The folder to unpack to; the archive's folder comes to lie in it.
        folder: Which of the archive's folders; other entries are left out.
        max_bytes: How much the entries may hold when unpacked.
        source: Where the archive is from, for messages.

    Raises:
        DataFormatError: The archive is no zip file, damaged, encrypted, or holds what no release holds: paths out of
            its folder, links, names that stand twice, too many entries or too much. Nothing is unpacked then, but for
            damage found on the way.
        OSError: The files cannot be written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            max_bytes = min(max_bytes, MAX_RATIO * archive.stat().st_size)
            if reason := why_unsafe(entries, max_bytes):
                raise DataFormatError(f"{source}: {reason}. It is not what GroupLens publishes, and was not unpacked.")
            for entry in entries:
                if entry.filename.startswith(f"{folder}/") and not entry.is_dir():
                    unpack(opened, entry, target / entry.filename)
    except DAMAGE as error:
        is_of_disk = isinstance(error, OSError) and error.errno != errno.EINVAL  # that is of a seek to nowhere
        if isinstance(error, DataFormatError) or is_of_disk:
            raise
        raise DataFormatError(f"{source}: a damaged zip archive ({error}). Get it again.") from error


def what_is_in(archive: Path) -> str:
    """Name the first folders of an archive, as the end of a message; nothing if it cannot be read."""
    try:
        with zipfile.ZipFile(archive) as opened:
            names = [entry.filename for entry in opened.infolist()]
    except DAMAGE:
        return ""
    folders = sorted({name.partition("/")[0] for name in names if "/" in name})
    return f"; it holds {', '.join(repr(f'{folder}/') for folder in folders[:3])}" if folders else ""


def why_unsafe(entries: list[zipfile.ZipInfo], max_bytes: float) -> str | None:
    """Say what speaks against unpacking; None if nothing does."""
    if len(entries) > MAX_ENTRIES:
        return f"expected at most {MAX_ENTRIES} entries, found {len(entries)}"
    if (total := sum(entry.file_size for entry in entries)) > max_bytes:
        return f"expected at most {max_bytes / 1e6:,.1f} MB when unpacked, found {total / 1e6:,.1f} MB"
    # Some file systems do not tell a from A, nor one way to write ä from the other.
    names = Counter(unicodedata.normalize("NFC", entry.filename).casefold() for entry in entries)
    if twice := [name for name, count in names.items() if count > 1]:
        return f"expected each name once, found {twice[0]!r} again"
    return next((f"{reason}: {entry.filename!r}" for entry in entries if (reason := why_unsafe_entry(entry))), None)


def why_unsafe_entry(entry: zipfile.ZipInfo) -> str | None:
    """Say what speaks against unpacking an entry; None if nothing does."""
    if re.search(LEADS_OUT, entry.orig_filename, flags=re.IGNORECASE):
        return "expected a path inside the archive's folder, found one that leads out"
    if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "expected files and folders, found a link or a device"
    if entry.flag_bits & IS_ENCRYPTED:
        return "expected no password, found an encrypted entry"
    return None


def unpack(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """Write an entry to a file; zipfile reads no more than the size it states, and compares its checksum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(entry) as packed, path.open("xb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)
