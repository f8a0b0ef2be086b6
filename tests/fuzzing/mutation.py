"""Damaged, foreign and careless variants of a small file, by name, the same at each run."""

import gzip
from collections.abc import Iterator, Sequence
from random import Random

BOM = b"\xef\xbb\xbf"
HTML = b"<!DOCTYPE html>\n<html><head><title>503 Service Unavailable</title></head><body>Try again.</body></html>\n"
NOT_UTF_8 = {
    "a latin-1 letter": b"\xe9", "an overlong NUL": b"\xc0\x80", "half a surrogate pair": b"\xed\xa0\x80",
    "a byte beyond unicode": b"\xf5", "half a letter": b"\xe4\xb8",
}  # fmt: skip
CHANGES = (
    "flip", "other byte", "lost byte", "byte twice", "cut", "lost piece", "zeros", "quote", "two quotes", "NUL",
    "carriage return", "line end",
)  # fmt: skip
Variants = Iterator[tuple[str, bytes]]


def damage(valid: bytes, change: str, number: int) -> bytes:
    """Change, cut, add or drop bytes at a place that is drawn."""
    draw = Random(f"{change} {number}")  # noqa: S311 - drawn again the same at each run
    place = draw.randrange(len(valid))
    before, after = valid[:place], valid[place:]
    edits = {  # how many bytes go, and what comes in their place
        "flip": (1, bytes([after[0] ^ 1 << draw.randrange(8)])),
        "other byte": (1, bytes([draw.randrange(256)])),
        "lost byte": (1, b""),
        "byte twice": (0, after[:1]),
        "cut": (len(after), b""),
        "lost piece": (draw.randrange(2, 40), b""),
        "zeros": (16, bytes(16)),
        "quote": (0, b'"'),
        "two quotes": (0, b'""'),
        "NUL": (0, b"\0"),
        "carriage return": (0, b"\r"),
        "line end": (0, b"\n"),
    }
    gone, come = edits[change]
    return before + come + after[gone:]


def saved_otherwise(valid: bytes) -> Variants:
    """Write the same text as other programs might."""
    yield "byte order mark", BOM + valid
    yield "two byte order marks", BOM + BOM + valid
    yield "CRLF", valid.replace(b"\n", b"\r\n")
    yield "byte order mark and CRLF", BOM + valid.replace(b"\n", b"\r\n")
    yield "lone CR", valid.replace(b"\n", b"\r")
    yield "CR CR LF", valid.replace(b"\n", b"\r\r\n")
    yield "no line end at the end", valid.rstrip(b"\n")
    yield "blank lines", b"\n\r\n\n" + valid.replace(b"\n", b"\n\n")
    yield "no lines but the first", valid.split(b"\n")[0] + b"\n"


def foreign(valid: bytes) -> Variants:
    """Put something else in the file's place, or as good as nothing."""
    yield from {
        "nothing": b"", "blank lines": b"\n\r\n\r\r\n", "spaces": b"   \n  ", "NUL": b"\0", "BOM": BOM,
        "zeros": bytes(4096), "a quote": b'"', "a comma": b",\n", "a page that says 503": HTML,
        "compressed": gzip.compress(valid, mtime=0), "an archive's first bytes": b"PK\x03\x04\x14\0\0\0\x08\0" + valid,
        "one endless line": b"a" * 200_000, "commas": b"," * 200_000, "quotes": b'"' * 200_001,
        "JSON": b'{"userId": 1, "movieId": 1}\n',
    }.items()  # fmt: skip
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"):
        yield encoding, valid.decode("latin-1").encode(encoding)
    for number in range(4):
        yield f"noise {number}", noise(number)


def noise(number: int) -> bytes:
    """Draw bytes."""
    return Random(number).randbytes(2_000)  # noqa: S311 - drawn again the same at each run


def not_utf_8(valid: bytes) -> Variants:
    """Put bytes that are no UTF-8 into the second line."""
    at = valid.index(b"\n") + 2
    for name, found in NOT_UTF_8.items():
        yield name, valid[:at] + found + valid[at:]


def rearranged(valid: bytes, mark: bytes) -> Variants:
    """Rearrange the fields and the lines of a file that quotes nothing."""
    lines = [line.split(mark) for line in valid.splitlines()]

    def write(*rows: Sequence[bytes]) -> bytes:
        return b"".join(mark.join(fields) + b"\n" for fields in rows)

    many = [b"other %d" % number for number in range(97)]
    yield "first column last", write(*([*row[1:], row[0]] for row in lines))
    yield "first two names swapped", write([lines[0][1], lines[0][0], *lines[0][2:]], *lines[1:])
    yield "100 columns", write(*([*row, *many] for row in lines))
    yield "100 columns before", write(*([*many, *row] for row in lines))
    for at, column in enumerate(lines[0]):
        yield f"no column {at}", write(*([*row[:at], *row[at + 1 :]] for row in lines))
        yield f"column {at} twice", write(*([*row, row[at]] for row in lines))
        yield f"column {at} in capitals", write([*lines[0][:at], column.upper(), *lines[0][at + 1 :]], *lines[1:])
        yield f"column {at} after a space", write([*lines[0][:at], b" " + column, *lines[0][at + 1 :]], *lines[1:])
    for at in (0, 1, len(lines) // 2, len(lines) - 1):
        row = lines[at]
        for name, changed in {
            "a field more": [*row, b"1"], "an empty field more": [*row, b""], "a field fewer": row[:-1],
            "one field": row[:1], "the first line": lines[0],
        }.items():  # fmt: skip
            yield f"{name} in line {at + 1}", write(*lines[:at], changed, *lines[at + 1 :])
    yield "no first line", write(*lines[1:])
    yield "lines reversed", write(*reversed(lines))
    yield "first line, and lines reversed", write(lines[0], *reversed(lines[1:]))
    yield "every field quoted", b"".join(mark.join(b'"%b"' % field for field in row) + b"\n" for row in lines)
    for other in (b",", b";", b":", b"|", b" ", b"::", b"\t", b", "):
        yield f"{other.decode()!r} between the fields", valid.replace(mark, other)
    yield "marks doubled", valid.replace(mark, mark + mark)


def with_values(valid: bytes, mark: bytes, column: int, texts: Sequence[str]) -> Variants:
    """Write other texts into a field of the third line of a file that quotes nothing."""
    first, second, line, *rest = valid.split(b"\n")
    fields = line.split(mark)
    for text in texts:
        changed = mark.join([*fields[:column], text.encode(), *fields[column + 1 :]])
        yield f"column {column} {text[:30]!r}", b"\n".join([first, second, changed, *rest])
