"""The commands `recommend` and `similar`."""

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from movierec.console import busy, expand_home, printable
from movierec.errors import ConfigError, UnknownIdError

if TYPE_CHECKING:
    from movierec.recommend.recommender import Recommender


def add_recommend(command: argparse.ArgumentParser) -> None:
    """Add the options of `recommend`."""
    who = command.add_mutually_exclusive_group(required=True)
    who.add_argument("--user_id", help="id of a user in the ratings, or `new` for a user without ratings")
    who.add_argument(
        "--ratings",
        type=expand_home,
        metavar="FILE",
        help="a new user's ratings: Letterboxd's zip or ratings.csv, IMDb's ratings, or a csv file with the columns "
        "movieId or title, and rating in stars",
    )
    who.add_argument("--all", action="store_true", help="all users of the ratings; needs --out")
    add = command.add_argument
    add("--include_seen", action="store_true", help="also list films that the user has rated")
    add("--explain", action="store_true", help="show why each film is listed")
    add("--novelty", type=float, default=0.0, metavar="X", help="prefer films of few ratings, from 0 (default) to 1")
    add(
        "--stars_from",
        type=expand_home,
        metavar="FILE",
        help="checkpoint of the model that predicts stars (default: the best one of the newest finished rating run of "
        "the same ratings)",
    )
    add("--out", type=expand_home, metavar="FILE", help="with --all: the file to write, .csv or .parquet")
    add_options(command)
    command.set_defaults(run=recommend)


def add_similar(command: argparse.ArgumentParser) -> None:
    """Add the options of `similar`."""
    command.add_argument("film", metavar="FILM", help="title or id of the film")
    add_options(command)
    command.set_defaults(run=similar)


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of both commands."""
    add = command.add_argument
    add("--top", type=int, default=10, metavar="N", help="number of films (default: 10)")
    add(
        "--ckpt_path",
        type=expand_home,
        metavar="FILE",
        help="checkpoint of the model that orders films (default: the best one of the newest finished run of a list "
        "model, or without any, of a rating model)",
    )
    add("--runs", type=expand_home, default=Path("lightning_logs"), help="folder of the runs")
    add(
        "--genre",
        action="append",
        default=[],
        help="only films of this genre; give it several times for any of several",
    )
    add("--year", type=years, metavar="YEARS", help="only films of a year or a range of years: 1995 or 1990-1999")
    add(
        "--min_ratings",
        type=int,
        metavar="N",
        help="only films with at least N ratings (default: what the model asks for: 20 of a rating model, whose "
        "predictions for films with few ratings are guesses, see docs/recommending.md)",
    )
    add("--exclude", action="append", default=[], metavar="FILM", help="leave out a film, by id or title")
    add("--format", choices=["table", "csv", "json"], default="table", help="output format (default: table)")


def years(text: str) -> tuple[int, int]:
    """Read a year or a range of years: `1995` or `1990-1999`."""
    match = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", text)
    if match is None or (match[2] or match[1]) < match[1]:
        raise argparse.ArgumentTypeError(f"expected a year or two, such as 1995 or 1990-1999; got {text!r}")
    return int(match[1]), int(match[2] or match[1])


def recommend(options: argparse.Namespace) -> int:
    """List the films that a user will rate highest."""
    from movierec.recommend.lists import show

    check(options)
    with busy("loading PyTorch"):
        from movierec.recommend.checkpoints import describe, load
    recommender, checkpoints = load(options.runs, options.ckpt_path, options.stars_from)
    models = describe(recommender, checkpoints)
    notes: list[str] = []
    filters = filters_of(options, recommender, notes) | {"include_seen": options.include_seen}
    filters["novelty"] = options.novelty
    if options.all:
        return recommend_all(options, recommender, filters, [*notes, *models])
    whom = whom_of(options, recommender, notes)
    filters["exclude"] += whom.pop("seen", [])
    frame = recommender.recommend(**whom, top=options.top, explain=options.explain, **filters)
    title = str(options.ratings or ("a new user" if options.user_id == "new" else f"user {options.user_id}"))
    show(frame, title, [*notes, *frame.attrs["notes"], *models], options.format)
    return 0


def check(options: argparse.Namespace) -> None:
    """Refuse contradicting options before the model is read, which takes seconds."""
    check_numbers(options)
    if options.all and (options.out is None or options.explain or options.format != "table"):
        raise ConfigError("Expected --out FILE with --all, and neither --explain nor --format.")
    if not options.all and options.out is not None:
        raise ConfigError("Expected --out with --all only; for one user, redirect --format csv into a file.")
    if options.user_id == "new" and options.explain:
        raise ConfigError("Expected --explain with a user or --ratings; without ratings, nothing is predicted.")


def check_numbers(options: argparse.Namespace) -> None:
    """Refuse numbers that are out of range."""
    if options.top < 1:
        raise ConfigError(f"Expected --top to be at least 1, got {options.top}.")
    if not 0 <= getattr(options, "novelty", 0) <= 1:
        raise ConfigError(f"Expected --novelty from 0 to 1, got {options.novelty}.")
    if (options.min_ratings or 0) < 0:
        raise ConfigError(f"Expected --min_ratings to be at least 0, got {options.min_ratings}.")


def similar(options: argparse.Namespace) -> int:
    """List similar films."""
    from movierec.recommend.lists import show

    check_numbers(options)
    with busy("loading PyTorch"):
        from movierec.recommend.checkpoints import describe, load
    recommender, checkpoints = load(options.runs, options.ckpt_path)
    notes: list[str] = []
    movie_id = find_film(options.film, recommender, notes)
    frame = recommender.similar(movie_id, top=options.top, **filters_of(options, recommender, notes))
    title = recommender.films.titles[recommender.films.row(movie_id)]
    show(frame, f"films like {title}", [*notes, describe(recommender, checkpoints)[0]], options.format)
    return 0


def filters_of(options: argparse.Namespace, recommender: "Recommender", notes: list[str]) -> dict[str, Any]:
    """Collect the filters of the options."""
    filters: dict[str, Any] = {
        "genres": options.genre,
        "years": options.year,
        "exclude": [find_film(name, recommender, notes) for name in options.exclude],
    }
    return filters if options.min_ratings is None else filters | {"min_ratings": options.min_ratings}


def find_film(name: str, recommender: "Recommender", notes: list[str]) -> int:
    """Find the id of a film by id or title, with a note if it was chosen among several."""
    films = recommender.films
    row, note = films.find_id(name), ""
    if row is None:
        row, note = films.find(name)
    elif (called := films.index.find(name)) and row not in called:
        note = f"Read {name} as the id of {films.name(row)}. The film with that title is {films.name(called[0])}."
    if row is None:
        raise UnknownIdError(f"{note} Give the film's id, or its title and year.")
    notes += [note] if note else []
    return int(films.ids[row])


def whom_of(options: argparse.Namespace, recommender: "Recommender", notes: list[str]) -> dict[str, Any]:
    """Return the user's arguments for `Recommender.recommend`, with notes on ratings that cannot be used."""
    if options.ratings is not None:
        from movierec.datasets.exports import is_export
        from movierec.datasets.file import require_file
        from movierec.recommend.ratings_file import read_ratings_file

        content = require_file(options.ratings).read_bytes()
        if is_export(content):
            return export_of(content, recommender, notes)
        ratings, found, days = read_ratings_file(options.ratings, recommender)
        notes += found
        return {"ratings": ratings, "days": days}
    return {} if options.user_id == "new" else {"user_id": options.user_id}


def export_of(content: bytes, recommender: "Recommender", notes: list[str]) -> dict[str, Any]:
    """Read an export of ratings; films that were seen and not rated are left out of the list."""
    from movierec.datasets.exports import read_export
    from movierec.datasets.root import default_root
    from movierec.recommend.matching import match, read_film_facts

    tables = recommender.tables
    export = read_export(content, (tables.min_stars, tables.max_stars))
    found = match(export, recommender.films, read_film_facts(default_root(), recommender.model))
    notes += [*found.notes, *(f"Not found: {film}." for film in found.unmatched)]
    if not found.ratings:
        raise UnknownIdError(" ".join(["None of the rated films is known.", *notes]))
    return {"ratings": found.ratings, "seen": found.seen}


def recommend_all(
    options: argparse.Namespace, recommender: "Recommender", filters: dict[str, Any], notes: list[str]
) -> int:
    """Write the films of all users to a file."""
    from rich.progress import track

    from movierec.console import Console
    from movierec.recommend.output import writer_to

    number = len(recommender.user_ids)
    frames = recommender.recommend_all(top=options.top, **filters)
    console = Console(file=sys.stderr)
    with writer_to(options.out) as write:
        for frame in track(frames, "recommend", total=number, console=console, disable=not console.is_terminal):
            write(frame)
    print(f"Wrote up to {options.top} films for each of {number:,} users to {options.out}")
    print(printable("\n".join(notes)))
    return 0
