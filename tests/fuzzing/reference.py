"""Reading the files once more, slowly and in plain Python, to compare with; what it cannot read is a `ValueError`."""

import math
import re
import unicodedata
from typing import Any

from tests.fuzzing import world

LARGEST_ID = 2**53
GENRES = [
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
]  # fmt: skip
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
    record: list[str] = []
    field, state = "", "start"
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
    return [(film, one_line(title), [one_line(genre) for genre in genres]) for film, title, genres in rows]


def one_line(text: str) -> str:
    """Replace what ends lines or commands a terminal by spaces."""
    return "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in text)


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


def bar_films(content: bytes) -> list[tuple[int, str, list[str]]]:
    """Read u.item."""
    films = []
    for line in lines_of(content.decode("latin-1")):
        if line.strip(" \t\n\r\x0b\f"):
            movie_id, title, _, _, _, *flags = line.split("|")
            if len(flags) != len(GENRES) or set(flags) - {"0", "1"}:
                raise ValueError(line)
            held = [genre for genre, flag in zip(GENRES, flags, strict=True) if flag == "1"]
            films.append((id_of(movie_id), title, held or ["(no genres listed)"]))
    return checked_films(films)


def csv_pairs(content: bytes) -> list[tuple[int, int]]:
    """Read pairs of the small world's users and films."""
    names = ["user_id", "movie_id"] if "user_id" in text_of(content) else ["userId", "movieId"]
    rows = [(id_of(user), id_of(film)) for user, film in csv_columns(content, names)]
    if not rows or not all(user in world.USERS and film in world.FILMS for user, film in rows):
        raise ValueError(rows)
    return rows


def csv_own_ratings(content: bytes) -> dict[int, float]:
    """Read what a new user gives the small world's films; films that are unknown, and those without stars, are none."""
    ratings: dict[int, float] = {}
    for film, stars in csv_columns(content, ["movieId", "rating"]):
        given = real(stars or "nan")
        if not (math.isnan(given) or 0.5 <= given <= 5) or (id_of(film) in ratings and not math.isnan(given)):
            raise ValueError(film, stars)
        if id_of(film) in world.FILMS and not math.isnan(given):
            ratings[id_of(film)] = given
    if not ratings:
        raise ValueError("no film is known")
    return ratings


def known(number: float) -> float | None:
    """Take NaN for nothing."""
    return None if math.isnan(number) else number


def year(text: str) -> float | None:
    """Find the first four digits that stand together."""
    runs = [run for run in re.findall(r"[0-9]+", text) if len(run) == 4]
    return float(runs[0]) if runs else None


def listed(text: str) -> list[str] | None:
    """Part a list at its commas."""
    return [part.strip() for part in text.split(",") if part.strip()] if text else None


def csv_tmdb(content: bytes) -> dict[int, list[Any]]:
    """Read tmdb.csv: the first row of each film."""
    films: dict[int, list[Any]] = {}
    names = ["vote_average", "vote_count", "budget", "revenue", "runtime"]
    others = ["release_date", "original_language", "origin_country"]
    for film, *fields in csv_columns(content, ["tmdbId", *names, *others]):
        numbers = [known(real(field or "nan")) for field in fields[:5]]
        if any(abs(number) > LARGEST_ID for number in numbers if number is not None):
            raise ValueError(fields)
        date, language, countries = fields[5:]
        films.setdefault(id_of(film), [*numbers, year(date), language or None, listed(countries)])
    return films


def amount(text: str) -> float | None:
    """Read what OMDb writes for a number; anything else is nothing."""
    try:
        number = real(re.sub("[$, ]", "", text))
    except ValueError:
        return None
    return number if abs(number) <= LARGEST_ID else None


def minutes(text: str) -> float | None:
    """Read `1 h 30 min`."""
    match = re.fullmatch(r"(?:([0-9]{1,4}) ?h)? ?(?:([0-9][0-9,]{0,8}) ?min)?", text.strip())
    if not match or not any(match.groups()):
        return None
    return 60.0 * int(match[1] or 0) + int((match[2] or "0").replace(",", ""))


def csv_omdb(content: bytes) -> dict[int, list[Any]]:
    """Read omdb.csv: the first row of each film."""
    films: dict[int, list[Any]] = {}
    names = [
        "imdbID", "BoxOffice", "Metascore", "Released", "Runtime", "imdbRating", "imdbVotes", "Country", "Language",
    ]  # fmt: skip
    for film, *fields in csv_columns(content, names):
        box, score, released, runtime, rating, votes, country, language = (
            "" if text == "N/A" else text for text in fields
        )
        row = [
            amount(box), amount(score), year(released), minutes(runtime), amount(rating), amount(votes),
            country or None, listed(country), listed(language),
        ]  # fmt: skip
        films.setdefault(id_of(film.removeprefix("tt")), row)
    return films
