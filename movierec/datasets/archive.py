"""Unpack a zip archive."""

import errno
import lzma
import zipfile
import zlib
from pathlib import Path

from movierec.errors import DataFormatError

DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, RuntimeError, OSError)


def extract(archive: Path, target: Path, *, folder: str, max_bytes: float, source: str) -> None:
    """Unpack what an archive holds below one of its folders; zipfile lets no entry lead out of the target.

    Args:
        archive: The zip file.
        target: The folder to unpack to; the archive's folder comes to lie in it.
        folder: Which of the archive's folders; other entries are left out.
        max_bytes: How much the entries may hold when unpacked.
        source: Where the archive is from, for messages.

    Raises:
        DataFormatError: The archive is no zip file, damaged, encrypted, or holds more than it may.
        OSError: The files cannot be written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if entry.filename.startswith(f"{folder}/")]
            if (total := sum(entry.file_size for entry in entries)) > max_bytes:
                raise DataFormatError(
                    f"{source}: expected at most {max_bytes / 1e6:,.1f} MB when unpacked, found {total / 1e6:,.1f} MB. "
                    "It is not what GroupLens publishes, and was not unpacked."
                )
            opened.extractall(target, entries)
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
