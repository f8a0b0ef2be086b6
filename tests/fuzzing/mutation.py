"""Damaged, foreign and careless variants of a small file, each with a name and, where that is certain, its outcome.

Every variant is the same at each run: what is random is drawn from a generator seeded by the variant's name.
"""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

import pytest

Outcome = Literal["read", "refused", "either"]  # `read`: with the numbers of the file that it was made of

BOM = b"\xef\xbb\xbf"
HTML = b"<!DOCTYPE html>\n<html><head><title>503 Service Unavailable</title></head><body>Try again.</body></html>\n"
NOT_UTF_8 = {
    "a latin-1 letter": b"\xe9",
    "an overlong NUL": b"\xc0\x80",
    "half a surrogate pair": b"\xed\xa0\x80",
    "a byte beyond unicode": b"\xf5",
    "half a letter": b"\xe4\xb8",
}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A file to read.

    Attributes:
        name: What was done to it.
        content: Its bytes.
        outcome: What must become of it; `either` where only the reference can tell.
        line: The line that the error must name, where it is certain.
    """

    name: str
    content: bytes
    outcome: Outcome = "either"
    line: int | None = None


def params(variants: Iterator[Variant]) -> list[object]:
    """Make parameters of variants, each once."""
    return [pytest.param(variant, id=variant.name) for variant in {found.content: found for found in variants}.values()]


CHANGES = (
    "flip", "other byte", "lost byte", "byte twice", "cut", "lost piece", "zeros", "quote", "two quotes", "NUL",
    "carriage return", "line end",
)  # fmt: skip


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


def damaged(valid: bytes, *, times: int = 4) -> Iterator[Variant]:
    """Damage a file in each way several times."""
    for change in CHANGES:
        for number in range(times):
            yield Variant(name=f"{change} {number}", content=damage(valid, change, number))


def reencoded(valid: bytes) -> Iterator[Variant]:
    """Write the same text as other programs might."""
    text = valid.decode()
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"):
        yield Variant(name=encoding, content=text.encode(encoding), outcome="refused")
    yield Variant(name="two byte order marks", content=BOM + BOM + valid)
    for name, content in {
        "byte order mark": BOM + valid,
        "CRLF": valid.replace(b"\n", b"\r\n"),
        "lone CR": valid.replace(b"\n", b"\r"),
        "CR CR LF": valid.replace(b"\n", b"\r\r\n"),
        "CRLF in every second line": b"".join(
            line.replace(b"\n", b"\r\n") if number % 2 else line
            for number, line in enumerate(valid.splitlines(keepends=True))
        ),
        "byte order mark and CRLF": BOM + valid.replace(b"\n", b"\r\n"),
        "no line end at the end": valid.rstrip(b"\n"),
        "blank lines at the end": valid + b"\n\n\n",
        "blank lines at the start": b"\n\r\n\n" + valid,
        "blank lines between": valid.replace(b"\n", b"\n\n"),
    }.items():
        yield Variant(name=name, content=content, outcome="read")


def empty(header: bytes = b"") -> Iterator[Variant]:
    """Leave nothing, or as good as nothing."""
    nothing = {"nothing": b"", "a line end": b"\n", "blank lines": b"\n\r\n\r\r\n", "spaces": b"   \n  ", "NUL": b"\0"}
    nothing |= {"a byte order mark": BOM, "kilobytes of zeros": bytes(4096), "a quote": b'"', "a comma": b",\n"}
    if header:
        nothing |= {
            "header": header,
            "header without line end": header.rstrip(b"\n"),
            "header and blanks": header * 1 + b"\n \n",
        }
    for name, content in nothing.items():
        yield Variant(name=f"only {name}", content=content, outcome="refused")


def foreign(valid: bytes) -> Iterator[Variant]:
    """Put something else in the file's place."""
    yield Variant(name="a page that says 503", content=HTML, outcome="refused")
    yield Variant(name="compressed", content=gzip.compress(valid, mtime=0), outcome="refused")
    yield Variant(name="an archive's first bytes", content=b"PK\x03\x04\x14\0\0\0\x08\0" + valid, outcome="refused")
    yield Variant(name="one endless line", content=b"a" * 200_000, outcome="refused")
    yield Variant(name="200,000 commas", content=b"," * 200_000, outcome="refused")
    yield Variant(name="200,000 quotes", content=b'"' * 200_001, outcome="refused")
    yield Variant(name="JSON", content=b'{"userId": 1, "movieId": 1}\n', outcome="refused")
    for number in range(4):
        yield Variant(name=f"noise {number}", content=noise(number), outcome="refused")


def noise(number: int) -> bytes:
    """Draw bytes."""
    return Random(number).randbytes(2_000)  # noqa: S311 - drawn again the same at each run


def not_utf_8(valid: bytes, place: bytes) -> Iterator[Variant]:
    """Put bytes that are no UTF-8 behind a place of the text."""
    at = valid.index(place) + len(place)
    for name, found in NOT_UTF_8.items():
        content = valid[:at] + found + valid[at:]
        yield Variant(name=name, content=content, outcome="refused", line=valid[:at].count(b"\n") + 1)


def tabular(valid: bytes) -> Iterator[Variant]:
    """Rearrange the columns and the rows of a csv file that quotes nothing."""
    header, *rows = [line.split(",") for line in valid.decode().splitlines()]

    def write(*lines: Sequence[str]) -> bytes:
        return "".join(",".join(fields) + "\n" for fields in lines).encode()

    for first, second in [(0, 1), (0, len(header) - 1), (1, len(header) - 1)]:
        order = list(range(len(header)))
        order[first], order[second] = second, first
        moved = [[fields[at] for at in order] for fields in (header, *rows)]
        what = f"columns {header[first]} and {header[second]}"
        yield Variant(name=f"{what} swapped", content=write(*moved), outcome="read")
        yield Variant(name=f"names of {what} swapped", content=write(moved[0], *rows))
    for at, name in enumerate(header):
        without = [fields[:at] + fields[at + 1 :] for fields in (header, *rows)]
        yield Variant(name=f"no column {name}", content=write(*without), outcome="refused", line=1)
        yield Variant(name=f"no name {name}", content=write(without[0], *rows), outcome="refused")
        twice = write([*header, name], *[[*fields, "7"] for fields in rows])
        yield Variant(name=f"column {name} twice", content=twice, outcome="refused", line=1)
        renamed = [*header[:at], name.upper(), *header[at + 1 :]]
        yield Variant(name=f"{name} in capitals", content=write(renamed, *rows), outcome="refused", line=1)
        spaced = [*header[:at], f" {name}", *header[at + 1 :]]
        yield Variant(name=f"{name} after a space", content=write(spaced, *rows), outcome="refused", line=1)
    many = [f"other {number}" for number in range(100 - len(header))]
    yield Variant(name="100 columns", content=write([*header, *many], *([*row, *many] for row in rows)), outcome="read")
    yield Variant(
        name="100 columns before", content=write([*many, *header], *([*many, *row] for row in rows)), outcome="read"
    )
    for at in (0, len(rows) // 2, len(rows) - 1):
        for name, line in {
            "100 fields": [*rows[at], *many],
            "a field more": [*rows[at], "1"],
            "an empty field more": [*rows[at], ""],
            "a field fewer": rows[at][:-1],
            "one field": rows[at][:1],
        }.items():
            content = write(header, *rows[:at], line, *rows[at + 1 :])
            yield Variant(name=f"{name} in row {at}", content=content, outcome="refused", line=at + 2)
    yield Variant(name="no header", content=write(*rows), outcome="refused", line=1)
    yield Variant(name="header twice", content=write(header, header, *rows), outcome="refused", line=2)
    yield Variant(name="header at the end", content=write(*rows, header), outcome="refused", line=1)
    yield Variant(name="rows reversed", content=write(header, *reversed(rows)))
    yield Variant(
        name="every field quoted",
        content=valid.replace(b",", b'","').replace(b"\n", b'"\n"')[:-1].join([b'"', b""]),
        outcome="read",
    )
    for name, mark in {"semicolons": b";", "tabs": b"\t", "bars": b"|", "comma and space": b", "}.items():
        yield Variant(name=name, content=valid.replace(b",", mark), outcome="refused", line=1)


def lines_of_fields(valid: bytes, mark: bytes) -> Iterator[Variant]:
    """Rearrange the fields and the lines of a file without a header."""
    lines = [line.split(mark) for line in valid.splitlines()]

    def write(*rows: Sequence[bytes]) -> bytes:
        return b"".join(mark.join(fields) + b"\n" for fields in rows)

    for first, second in [(0, 1), (0, 2), (1, 2)]:
        order = list(range(len(lines[0])))
        order[first], order[second] = second, first
        yield Variant(
            name=f"fields {first} and {second} swapped", content=write(*([row[at] for at in order] for row in lines))
        )
    for at in (0, len(lines) // 2, len(lines) - 1):
        for name, line in {
            "100 fields": [*lines[at], *[b"7"] * 96],
            "a field more": [*lines[at], b"1"],
            "an empty field more": [*lines[at], b""],
            "a field fewer": lines[at][:-1],
            "one field": lines[at][:1],
            "a header": [b"UserID", b"MovieID", b"Rating", b"Timestamp"][: len(lines[at])],
        }.items():
            content = write(*lines[:at], line, *lines[at + 1 :])
            yield Variant(name=f"{name} in line {at + 1}", content=content, outcome="refused", line=at + 1)
    yield Variant(name="lines reversed", content=write(*reversed(lines)))
    for other in (b",", b";", b":", b"|", b" ", b"::", b"\t"):
        if other != mark:
            name = f"{other.decode()!r} between the fields"
            yield Variant(name=name, content=valid.replace(mark, other), outcome="refused", line=1)
    yield Variant(name="marks doubled", content=valid.replace(mark, mark + mark), outcome="refused", line=1)
    yield Variant(name="half a mark more", content=valid.replace(mark, mark + mark[:1]))


def with_values(
    valid: bytes, column: int, values: dict[str, Outcome], *, name: str, row: int, mark: bytes = b","
) -> Iterator[Variant]:
    """Write other values into one field.

    Args:
        valid: The file, which quotes nothing.
        column: The field's place in its line.
        values: What to write, and what becomes of it.
        name: The field's name.
        row: The line, counted from 0.
        mark: What stands between the fields.
    """
    lines = valid.split(b"\n")
    for value, outcome in values.items():
        fields = lines[row].split(mark)
        fields[column] = value.encode()
        content = b"\n".join([*lines[:row], mark.join(fields), *lines[row + 1 :]])
        shown = value if len(value) < 40 else f"{value[:20]}... ({len(value)} characters)"
        line = row + 1 if outcome == "refused" else None
        yield Variant(name=f"{name} {shown!r}", content=content, outcome=outcome, line=line)
