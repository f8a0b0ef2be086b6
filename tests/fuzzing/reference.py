"""Read the files once more, slowly and in plain Python, to compare with; what cannot be read is a `ValueError`."""

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tests.fuzzing import world

LARGEST_ID = 2**53
GENRES = [
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
]  # fmt: skip
FIELD = re.compile(r'(?:"((?:[^"]|"")*)"(?!")([^,\r\n]*)|(?!")([^,\r\n]*))(,|\r\n|\r|\n)')
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*(e[+-]?[0-9]+)?|\.[0-9]+(e[+-]?[0-9]+)?|inf(inity)?|nan)", re.IGNORECASE)
MINUTES = re.compile(r"(?:([0-9]{1,4}) ?h)? ?(?:([0-9]{1,9}|[0-9]{1,3}(?:,[0-9]{3}){1,2}) ?min)?")
Rows = list[tuple[int, list[str]]]


class LineError(ValueError):
    """A line cannot be read."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


def decoded(content: bytes, encoding: str) -> str:
    """Decode a file."""
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise LineError(content[: error.start].count(b"\n") + 1) from error


def csv_records(content: bytes) -> Rows:
    """Part csv into records, as RFC 4180 has it, with the line each begins on; empty lines are none.

    What stands behind a closing quote belongs to the field, and a quote within an unquoted field is a letter, as in
    most programs; where one quote is too many, it is the first such field.
    """
    text = decoded(content, "utf-8-sig") + "\n"
    records: Rows = []
    record: list[str] = []
    line, start, at = 1, 0, 0
    while at < len(text):
        found = FIELD.match(text, at)
        if found is None:  # a quote is not closed
            raise LineError(line)
        quoted, behind, plain, end = found.groups()
        if behind and text.count('"') % 2:
            raise LineError(line)
        record.append(plain if quoted is None else quoted.replace('""', '"') + behind)
        at = found.end()
        if end != ",":
            records += [(line, record)] if record != [""] else []
            line, start, record = line + len(re.findall(r"\r\n|\r|\n", text[start:at])), at, []
    return records


def csv_rows(content: bytes, *names: str) -> Rows:
    """Pick columns out of csv; a row of too many or too few fields has none."""
    records = csv_records(content)
    if not records:
        raise ValueError("the file is empty")
    (line, header), *rows = records
    if any(header.count(name) != 1 for name in names):
        raise LineError(line)
    places = [header.index(name) for name in names]
    return [(line, [row[at] for at in places] if len(row) == len(header) else []) for line, row in rows]


def lines_of(content: bytes, mark: str, encoding: str = "latin-1") -> Rows:
    """Part the lines that are not empty at a mark."""
    if not content.strip():
        raise ValueError("the file is empty")
    lines = enumerate(content.splitlines(), start=1)
    return [(number, decoded(line, encoding).split(mark)) for number, line in lines if line]


def film_lines(content: bytes, mark: str) -> Rows:
    """Part lines in UTF-8, or else in Latin-1."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return lines_of(content, mark)
    return lines_of(content, mark, "utf-8-sig")


def parsed(rows: Rows, parse: Callable[..., Any]) -> list[Any]:
    """Parse each row; the first that cannot be parsed is named."""
    found = []
    for line, fields in rows:
        try:
            found.append(parse(*fields))
        except (ValueError, TypeError) as error:  # no such value, or not so many
            raise LineError(line) from error
    return found


def first_of_each(rows: Iterable[Sequence[Any]]) -> dict[Any, list[Any]]:
    """Keep the first row of each id."""
    found: dict[Any, list[Any]] = {}
    for key, *fields in rows:
        found.setdefault(key, fields)
    return found


def id_of(text: str) -> int:
    """Read an id."""
    if not re.fullmatch(r"[ \t]*[0-9]+[ \t]*", text) or int(text) > LARGEST_ID:
        raise ValueError(text)
    return int(text)


def linked_id(text: str) -> int:
    """Read the id of a film at IMDb or TMDb, which may be written as tt0114709 or as 862.0; -1 if it is unknown."""
    found = re.fullmatch(r"(?:tt)?([0-9]{1,18})(?:\.0*)?", text)
    if text and not found:
        raise ValueError(text)
    return id_of(found[1]) if found else -1


def real(text: str) -> float | None:
    """Read a number; None if it is unknown."""
    if text and not NUMBER.fullmatch(text.strip(" \t")):
        raise ValueError(text)
    number = float(text or "nan")
    return None if math.isnan(number) else number


def ratings(rows: Rows, lowest: float) -> list[tuple[int, int, float | None, int]]:
    """Read ratings."""
    found = parsed(rows, lambda user, film, stars, time: (id_of(user), id_of(film), real(stars), id_of(time)))
    if not all(stars is not None and lowest <= stars <= 5 for _, _, stars, _ in found):
        raise ValueError("a rating is outside the scale")
    if len({row[:2] for row in found}) < len(found) or not found:
        raise ValueError("a film is rated twice, or none is")
    return found


def one_line(text: str) -> str:
    """Replace what ends lines or commands a terminal by spaces."""
    return "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in text)


def film(movie_id: str, title: str, genres: str) -> tuple[int, str, list[str]]:
    """Read a film."""
    if genres.strip().startswith("["):
        raise ValueError(genres)
    listed = [genre.strip() for genre in one_line(genres).replace(",", "|").split("|")]
    return id_of(movie_id), one_line(title), [genre for genre in listed if genre]


def film_with_flags(movie_id: str, title: str, *rest: str) -> tuple[int, str, list[str]]:
    """Read a film of u.item: two dates, an address and a flag for each genre follow its title."""
    flags = rest[3:]
    if len(flags) != len(GENRES) or set(flags) - {"0", "1"}:
        raise ValueError(flags)
    return film(movie_id, title, "|".join(genre for genre, flag in zip(GENRES, flags, strict=True) if flag == "1"))


def films(rows: Rows, parse: Callable[..., Any] = film) -> list[tuple[int, str, list[str]]]:
    """Read films."""
    found = parsed(rows, parse)
    if len({row[0] for row in found}) < len(found) or not found:
        raise ValueError("a film is listed twice, or none is")
    times: dict[str, int] = {}
    for genre in (genre for row in found for genre in row[2]):
        times[genre] = times.get(genre, 0) + 1
    for row in found:
        usual = [
            max((other for other in times if same(other, genre)), key=lambda other: times[other]) for genre in row[2]
        ]
        row[2][:] = sorted(set(usual), key=usual.index) or ["(no genres listed)"]
    return found


def same(one: str, other: str) -> bool:
    """Say whether two genres differ in the case of their letters at most."""
    return one.casefold() == other.casefold()


def links(content: bytes) -> dict[int, list[int]]:
    """Read links.csv."""
    rows = csv_rows(content, "movieId", "imdbId", "tmdbId")
    parsed(rows, lambda movie_id, _imdb, _tmdb: id_of(movie_id))
    return first_of_each([[int(movie_id), linked_id(imdb), linked_id(tmdb)] for _, (movie_id, imdb, tmdb) in rows])


def year(text: str) -> float | None:
    """Find the first four digits that stand together."""
    return next((float(run) for run in re.findall(r"[0-9]+", text) if len(run) == 4), None)


def listed(text: str) -> list[str] | None:
    """Part a list at its commas."""
    if text.strip().startswith("["):
        raise ValueError(text)
    return [part.strip() for part in text.split(",") if part.strip()] if text else None


def tmdb(content: bytes) -> dict[int, list[Any]]:
    """Read tmdb.csv."""
    numbers = ["vote_average", "vote_count", "budget", "revenue", "runtime"]
    rows = csv_rows(content, "tmdbId", *numbers, "release_date", "original_language", "origin_country")

    def parse(film: str, *fields: str) -> list[Any]:
        *found, date, language, countries = fields
        return [id_of(film), *map(real, found), year(date), language or None, listed(countries)]

    found = parsed(rows, parse)
    if not all(0 <= number <= LARGEST_ID for row in found for number in row[1:6] if number is not None):
        raise ValueError("a number is below 0 or beyond 2^53")
    if any((row[1] or 0) > 10 for row in found):
        raise ValueError("an average is beyond 10")
    return first_of_each(found)


def amount(text: str, largest: float = LARGEST_ID) -> float | None:
    """Read what OMDb writes for a number; anything else is unknown."""
    digits = re.sub("[^0-9,. ]", "", text).strip(", ").replace(" ", ",").split(".")[0].split(",")
    if len(digits) > 1 and not (1 <= len(digits[0]) <= 3 and all(len(part) == 3 for part in digits[1:])):
        raise ValueError(text)
    try:
        number = real(re.sub("[$, ]", "", text))
    except ValueError:
        return None
    if number is not None and not 0 <= number <= largest:
        raise ValueError(text)
    return number


def minutes(text: str) -> float | None:
    """Read `1 h 30 min`."""
    match = MINUTES.fullmatch(text.strip())
    if not match or not any(match.groups()):
        return None
    return 60.0 * int(match[1] or 0) + int((match[2] or "0").replace(",", ""))


def omdb(content: bytes) -> dict[int, list[Any]]:
    """Read omdb.csv."""
    parsers: dict[str, Callable[[str], Any]] = {
        "BoxOffice": amount, "Metascore": lambda text: amount(text, 100), "Released": year, "Runtime": minutes,
        "imdbRating": lambda text: amount(text, 10), "imdbVotes": amount, "Country": lambda text: text or None,
        "Language": listed,
    }  # fmt: skip

    def parse(film: str, *fields: str) -> list[Any]:
        read = [parse("" if text == "N/A" else text) for parse, text in zip(parsers.values(), fields, strict=True)]
        return [linked_id(film), *read[:6], read[6], listed(read[6] or ""), read[7]]

    found = parsed(csv_rows(content, "imdbID", *parsers), parse)
    if any(row[0] < 0 for row in found):
        raise ValueError("an id is missing")
    return first_of_each(found)


def pairs(content: bytes) -> list[tuple[int, int]]:
    """Read pairs of the small world's users and films."""
    found = parsed(csv_rows(content, "userId", "movieId"), lambda user, film: (id_of(user), id_of(film)))
    if not found or not all(user in world.USERS and film in world.FILMS for user, film in found):
        raise ValueError("a user or a film is unknown")
    return found


def own_ratings(content: bytes) -> dict[int, float]:
    """Read what a new user gives the small world's films; films that are unknown, and those without stars, are none."""
    rows = parsed(csv_rows(content, "movieId", "rating"), lambda film, stars: (id_of(film), real(stars)))
    if not all(stars is None or 0.5 <= stars <= 5 for _, stars in rows):
        raise ValueError("a rating is outside the scale")
    given = [(film, stars) for film, stars in rows if film in world.FILMS and stars is not None]
    if not given or len(dict(given)) < len(given):
        raise ValueError("no film is known, or one is rated twice")
    return dict(given)
