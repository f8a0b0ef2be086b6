"""Reading the files once more, slowly and in plain Python, to compare with; what it cannot read is a `ValueError`."""

import math
import re
from typing import Any

LARGEST_ID = 2**53
UNKNOWN = {
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
}  # fmt: skip  # what pandas documents to take for missing


def text_of(content: bytes) -> str:
    """Decode UTF-8, with or without a byte order mark."""
    return content.decode("utf-8-sig")


def lines_of(text: str) -> list[str]:
    """Part a text at LF, CRLF and CR, and nowhere else."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def csv_records(content: bytes) -> list[list[str]]:
    """Part csv into records of fields, character by character, as RFC 4180 has it; blank lines are none.

    What stands behind a closing quote belongs to the field, and a quote within an unquoted field is a letter, as in
    most programs.
    """
    records: list[list[str]] = []
    record, field, state = [], "", "start"
    for letter in text_of(content) + "\n":
        if state == "quoted" and letter == '"':
            state = "closed"
        elif state == "quoted":
            field += letter
        elif state == "closed" and letter == '"':
            field, state = field + '"', "quoted"
        elif state == "start" and letter == '"':
            state = "quoted"
        elif letter in ",\n\r":
            record, field, state = [*record, field], "", "start"
            if letter != ",":
                if len(record) > 1 or record[0].strip():
                    records.append(record)
                record = []
        else:
            field, state = field + letter, "field"
    if state == "quoted":
        raise ValueError("a quote is not closed")
    return records


def csv_columns(content: bytes, names: list[str]) -> list[list[str]]:
    """Pick columns out of csv, in the order of the names: a list a row."""
    header, *rows = csv_records(content) or [[]]
    if any(header.count(name) != 1 for name in names) or any(len(row) != len(header) for row in rows):
        raise ValueError(header)
    return [[row[header.index(name)] for name in names] for row in rows]


def whole(text: str) -> int:
    """Read a whole number, which may be written as 5.0 or 1e3."""
    if re.fullmatch(r"[ \t]*[+-]?[0-9]+[ \t]*", text):
        return int(text)
    number = real(text)
    if not math.isfinite(number) or number != int(number):
        raise ValueError(text)
    return int(number)


def id_of(text: str) -> int:
    """Read an id."""
    number = whole(text)
    if not 0 <= number <= LARGEST_ID:
        raise ValueError(text)
    return number


def real(text: str) -> float:
    """Read a number."""
    if not re.fullmatch(
        r"[ \t]*[+-]?([0-9]+\.?[0-9]*([eE][+-]?[0-9]+)?|\.[0-9]+([eE][+-]?[0-9]+)?|inf(inity)?|nan)[ \t]*",
        text,
        re.IGNORECASE,
    ):
        raise ValueError(text)
    return float(text)


def checked_ratings(rows: list[tuple[int, int, float, int]], lowest: float) -> list[tuple[int, int, float, int]]:
    """Refuse what no ratings are."""
    pairs = [row[:2] for row in rows]
    if not rows or len(set(pairs)) < len(pairs) or not all(lowest <= stars <= 5 for _, _, stars, _ in rows):
        raise ValueError(rows)
    return rows


def csv_ratings(content: bytes) -> list[tuple[int, int, float, int]]:
    """Read ratings.csv."""
    rows = csv_columns(content, ["userId", "movieId", "rating", "timestamp"])
    return checked_ratings([(id_of(u), id_of(m), real(r), id_of(t)) for u, m, r, t in rows], 0.5)


def line_ratings(content: bytes, mark: str) -> list[tuple[int, int, float, int]]:
    """Read ratings.dat or u.data."""
    rows = [line.split(mark) for line in lines_of(text_of(content)) if line.strip()]
    return checked_ratings([(id_of(u), id_of(m), real(r), id_of(t)) for u, m, r, t in rows], 1.0)


def checked_films(rows: list[tuple[int, str, list[str]]]) -> list[tuple[int, str, list[str]]]:
    """Refuse what no films are."""
    ids = [row[0] for row in rows]
    if not rows or len(set(ids)) < len(ids):
        raise ValueError(rows)
    return rows


def csv_films(content: bytes) -> list[tuple[int, str, list[str]]]:
    """Read movies.csv."""
    rows = csv_columns(content, ["movieId", "title", "genres"])
    return checked_films([(id_of(m), title, (genres or "(no genres listed)").split("|")) for m, title, genres in rows])


def line_films(content: bytes, encoding: str) -> list[tuple[int, str, list[str]]]:
    """Read movies.dat."""
    films = []
    for line in lines_of(content.decode(encoding)):
        if line.strip(" \t\n\r\x0b\f"):
            movie_id, title, genres = line.split("::")
            films.append((id_of(movie_id), title, (genres or "(no genres listed)").split("|")))
    return checked_films(films)


def csv_links(content: bytes) -> list[tuple[int, int | None, int | None]]:
    """Read links.csv: the first row of each film."""
    links: dict[int, tuple[int | None, int | None]] = {}
    for movie_id, imdb, tmdb in csv_columns(content, ["movieId", "imdbId", "tmdbId"]):
        links.setdefault(
            id_of(movie_id),
            (None if imdb in UNKNOWN else id_of(imdb.removeprefix("tt")), None if tmdb in UNKNOWN else id_of(tmdb)),
        )
    return [(movie_id, *ids) for movie_id, ids in links.items()]
