"""Read the ratings that people export from Letterboxd and IMDb, and csv files like them."""

import csv
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from movierec.errors import DataFormatError

MOST_BYTES, MOST_ROWS = 20_000_000, 200_000
MOST_STARS, MOST_POINTS = 5, 10  # of a film at Letterboxd, and at IMDb
SECONDS_A_DAY = 86_400
COLUMNS = {  # what files call them, in lower case
    "movie_id": ("movieid", "movie_id"),
    "imdb_id": ("const",),
    "title": ("title", "name"),
    "original_title": ("original title",),
    "year": ("year",),
    "stars": ("your rating", "rating", "stars"),
    "day": ("date rated", "timestamp", "date"),
    "type": ("title type",),
    "user": ("userid", "user_id"),
}
NO_FILMS = {
    "tvseries", "tvminiseries", "tvepisode", "tvpilot", "podcastseries", "podcastepisode", "videogame", "musicvideo",
}  # fmt: skip


class RatedFilm(NamedTuple):
    """A film of an export.

    Attributes:
        titles: Its title, and its original title if that is known.
        year: Its year.
        stars: On the scale asked for; None if it was seen and not rated.
        movie_id: Its id in the ratings of the model.
        imdb_id: The number of its id at IMDb.
        day: Days since 1970 of the rating; -1 if unknown.
    """

    titles: tuple[str, ...]
    year: int | None
    stars: float | None
    movie_id: str | None
    imdb_id: int | None
    day: int

    def __str__(self) -> str:
        name = (self.titles or (f"film {self.movie_id or self.imdb_id}",))[0]
        return f"{name} ({self.year})" if self.year else name


class Export(NamedTuple):
    """The films of an export, oldest rating first, and notes on what was left out."""

    films: list[RatedFilm]
    notes: list[str]


def is_export(content: bytes) -> bool:
    """Tell whether a file is an export, and not a csv file with the column movieId or title."""
    header = next(iter(content[:2000].splitlines()), b"").decode(errors="replace")
    names = {name.strip(' "\ufeff').casefold() for name in header.split(",")}
    return content.startswith(b"PK") or bool(names & {"const", "name"}) or ";" in header


def read_export(content: bytes, scale: tuple[float, float]) -> Export:
    """Read Letterboxd's zip file or its ratings.csv, IMDb's ratings, or a csv file with movieId or title, and rating.

    Columns may be separated by commas, semicolons or tabs, and numbers may have decimal commas. Series and games are
    left out. Letterboxd's ratings end at 5 and IMDb's at 10; other files have the model's scale, or end at 10.

    Args:
        content: The file.
        scale: The least and the most stars that a model knows. Ratings are read as such.

    Raises:
        DataFormatError: The file is none of these, too large, damaged, or of several users.
    """
    if not content.startswith(b"PK"):
        return read_text(decode(content), scale)
    parts = unzip(content)
    if "ratings.csv" not in parts:
        raise DataFormatError(
            "Expected ratings.csv in the zip file, found none. Export your data from Letterboxd again."
        )
    rated = read_text(decode(parts["ratings.csv"]), scale)
    watched = read_text(decode(parts["watched.csv"]), scale) if "watched.csv" in parts else Export([], [])
    return Export([film._replace(day=-1) for film in watched.films] + rated.films, rated.notes)


def unzip(content: bytes) -> dict[str, bytes]:
    """Read ratings.csv and watched.csv of a zip file, at its top or in one folder, by name; nothing is written."""
    parts = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                *folders, name = entry.filename.split("/")
                is_current = folders not in (["deleted"], ["orphaned"]) and len(folders) <= 1
                if name in ("ratings.csv", "watched.csv") and is_current:
                    with archive.open(entry) as file:
                        parts[name] = file.read(MOST_BYTES + 1)
                    check_size(parts[name])
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError) as error:
        raise DataFormatError(f"Expected a zip file that can be read: {error}. Export it again.") from error
    return parts


def check_size(content: bytes) -> None:
    """Refuse a file that is too large."""
    if len(content) > MOST_BYTES:
        raise DataFormatError(f"Expected at most {MOST_BYTES // 1_000_000} MB. Remove what is not your ratings.")


def decode(content: bytes) -> str:
    """Decode UTF-8, or else Windows' Western European encoding, in which older exports are."""
    check_size(content)
    if b"\0" in content:
        raise DataFormatError(
            "Expected a csv or zip file, found bytes that are no UTF-8 text. Save it as csv, in UTF-8."
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def read_text(text: str, scale: tuple[float, float]) -> Export:
    """Read the rows of a csv file; see `read_export`."""
    header_line = text.lstrip().partition("\n")[0]
    separator = max(",;\t", key=header_line.count)
    reader = csv.reader(io.StringIO(text.lstrip(), newline=""), delimiter=separator)
    rows = records(reader)
    header = [name.strip().casefold() for name in next(rows, [])]
    places = {ours: header.index(name) for ours, names in COLUMNS.items() for name in names[::-1] if name in header}
    if not places.keys() & {"movie_id", "imdb_id", "title"} or not {"stars", "day"} & places.keys():
        raise DataFormatError(
            f"Expected columns such as Name, Year, Rating (Letterboxd), Const, Your Rating (IMDb), or movieId, rating; "
            f"found {', '.join(header)[:200]!r}."
        )
    lines = [{name: row[place].strip() for name, place in places.items()} for row in rows if len(row) == len(header)]
    if len({line["user"] for line in lines if "user" in line}) > 1:
        raise DataFormatError(
            "Expected the ratings of one user, found those of several. Keep the lines of one of them."
        )
    export = collect(lines, scale)
    best = max((film.stars for film in export.films if film.stars is not None), default=0.0)
    is_points = "your rating" in header
    if best <= scale[1] and not (is_points or "name" in header):
        return to_scale(export, scale[1], scale)
    return to_scale(export, MOST_POINTS if is_points or best > MOST_STARS else MOST_STARS, scale)


def records(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Read the rows that are not empty, if they are not too many."""
    try:
        for number, row in enumerate(reader):
            if number > MOST_ROWS:
                raise DataFormatError(f"Expected at most {MOST_ROWS:,} rows. Remove what is not your ratings.")
            if row:
                yield row
    except csv.Error as error:
        raise DataFormatError(f"Expected csv: {error}. Correct the file, or export it again.") from error


def collect(lines: list[dict[str, str]], scale: tuple[float, float]) -> Export:
    """Turn lines into films, oldest rating first, and count what is left out."""
    low, most = scale[0], max(MOST_POINTS, scale[1])
    left_out: Counter[str] = Counter()
    films = []
    for line in lines:
        stars = number(line.get("stars", ""))
        if line.get("type", "").casefold().replace(" ", "") in NO_FILMS:
            left_out["Series, episodes and games"] += 1
        elif line.get("stars") and (stars is None or stars > most or (stars <= 0 and stars < low)):
            left_out[f"Ratings that are no number up to {most:g}"] += 1
        else:
            films.append(film_of(line, stars))
    notes = [f"{what} left out: {count}." for what, count in left_out.items()]
    return Export(sorted(films, key=lambda film: film.day), notes)


def to_scale(export: Export, most: float, scale: tuple[float, float]) -> Export:
    """Read ratings that end at `most` as stars of a scale."""
    films, notes, (low, high) = export.films, export.notes, scale
    if most != high:
        films = [film._replace(stars=film.stars and film.stars * high / most) for film in films]
        notes = [*notes, f"Ratings up to {most:g} were read as stars up to {high:g}."]
    if below := sum(film.stars is not None and film.stars < low for film in films):
        films = [film._replace(stars=film.stars and max(film.stars, low)) for film in films]
        notes = [*notes, f"Ratings raised to {low:g}, the model's lowest: {below}."]
    return Export(films, notes)


def film_of(line: dict[str, str], stars: float | None) -> RatedFilm:
    """Read one line."""
    titles = tuple(filter(None, dict.fromkeys([line.get("title", ""), line.get("original_title", "")])))
    year, imdb_id = number(line.get("year", "")), number(line.get("imdb_id", "").removeprefix("tt"))
    whole = [None if value is None else int(value) for value in (year, imdb_id)]
    movie_id = line.get("movie_id", "").removesuffix(".0") or None  # pandas writes 1.0
    return RatedFilm(titles, whole[0], stars, movie_id, whole[1], day_of(line.get("day", "")))


def number(text: str) -> float | None:
    """Read a number, with a decimal point or comma; None if it is none."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if abs(value) < 2**53 else None  # neither infinite nor NaN


def day_of(text: str) -> int:
    """Read days since 1970 from a date or from seconds; -1 if it is neither."""
    seconds = number(text)
    if seconds is not None:
        return int(seconds // SECONDS_A_DAY)
    try:
        return (date.fromisoformat(text[:10]) - date(1970, 1, 1)).days
    except ValueError:
        return -1
