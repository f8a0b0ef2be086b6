"""Large text files, some megabytes of whole records at a time, and the fields of their lines counted at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

CHUNK_BYTES = 1 << 22  # more no longer fits a core's cache, less makes more calls of the parser
BOM = b"\xef\xbb\xbf"
MAY_ADJOIN = np.isin(np.arange(256), list(b',"\r\n'))  # what stands before and behind a quoted field


class Chunk(NamedTuple):
    """Some consecutive records of a file.

    Attributes:
        start: How many bytes of the file come before.
        text: The records; a byte order mark at the start of the file is left out.
    """

    start: int
    text: bytes


def read_chunks(path: Path, *, quoted: bool) -> Iterator[Chunk]:
    """Read a file chunk by chunk, each of which ends where a line does.

    Args:
        path: The file.
        quoted: Whether fields may be quoted and hold line ends, as those of csv do. Where quotes are not placed as a
            program writes them, only a parser knows where a record ends: all that is left is one chunk then.
    """
    with path.open("rb") as file:
        start = 0
        while text := file.read(CHUNK_BYTES) + file.readline():
            if quoted and b'"' in text:
                text = close_quotes(text, file)
                text = text if is_plainly_quoted(text) else text + file.read()
            yield Chunk(start, text if start else text.removeprefix(BOM))
            start += len(text)


def close_quotes(text: bytes, file: BinaryIO) -> bytes:
    """Read on to the end of the line on which the last quote is closed."""
    lines = [text]
    is_open = text.count(b'"') % 2
    while is_open and (line := file.readline()):
        lines.append(line)
        is_open ^= line.count(b'"') % 2
    return b"".join(lines)


def is_plainly_quoted(text: bytes) -> bool:
    """Say whether quotes begin and end whole fields only, with those inside doubled: then every second one closes."""
    characters = np.frombuffer(b"\n" + text + b"\n", dtype=np.uint8)
    quotes = np.flatnonzero(characters == ord('"'))
    opening, closing = quotes[::2], quotes[1::2]
    if len(opening) != len(closing):
        return False
    return bool(MAY_ADJOIN[characters[opening - 1]].all() and MAY_ADJOIN[characters[closing + 1]].all())


def count_fields(text: bytes) -> npt.NDArray[np.int64]:
    """Count the fields, separated by commas, of each line that is not empty.

    Args:
        text: Whole records, plainly quoted if at all.
    """
    characters = np.frombuffer(text + b"\n", dtype=np.uint8)  # a newline too many is an empty line
    is_end = (characters == ord("\n")) | (characters == ord("\r"))  # between the two of CRLF lies an empty line
    is_mark = is_end | (characters == ord(","))
    if b'"' in text:
        is_quoted = np.cumsum(characters == ord('"'), dtype=np.uint8) % 2 == 1
        is_end &= ~is_quoted
        is_mark &= ~is_quoted
    marks = np.flatnonzero(is_mark)
    ends = np.flatnonzero(is_end[marks])
    num_fields = np.diff(ends, prepend=-1)
    num_characters = np.diff(marks[ends], prepend=-1) - 1
    return num_fields[num_characters > 0]


def has_equal_lines(text: bytes, num_fields: int) -> bool:
    """Say whether each record has so many fields; False also where only a parser knows, and for lines of spaces."""
    if b'"' in text and not is_plainly_quoted(text):
        return False
    return bool((count_fields(text) == num_fields).all())


def count_lines(text: bytes) -> int:
    """Count the line ends: LF, CRLF or CR."""
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")


def first_line(path: Path, chunk: Chunk) -> int:
    """Return the number of a chunk's first line."""
    with path.open("rb") as file:
        left, number = chunk.start, 1
        while text := file.read(min(left, CHUNK_BYTES)):
            left -= len(text)
            number += count_lines(text + file.readline(left))
            left = chunk.start - file.tell()
    return number
