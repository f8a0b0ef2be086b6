"""The commands `recommend` and `similar`."""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from movierec.console import CONTROL, printable
from movierec.errors import CheckpointError, ConfigError, UnknownIdError

if TYPE_CHECKING:
    import pandas as pd

    from movierec.recommend.recommender import Recommender

FORMATS = ["table", "csv", "json"]
LABELS = {"rank": "", "title": "film", "num_ratings": "ratings", "from_film_ratings": "ratings", "own_stars": "own"}


def add_recommend(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `recommend`."""
    command = commands.add_parser("recommend", help="list the films that a user will rate highest")
    who = command.add_mutually_exclusive_group(required=True)
    who.add_argument("--user_id", help="a user of the ratings, or `new`: one of whom nothing is known")
    who.add_argument(
        "--ratings",
        type=Path,
        metavar="FILE",
        help="a new user's ratings: a csv file with the columns movieId or title, and rating, in stars",
    )
    who.add_argument("--all", action="store_true", help="all users of the ratings, into the file that --out names")
    command.add_argument("--include_seen", action="store_true", help="list films that the user has rated, too")
    command.add_argument("--explain", action="store_true", help="show what moved each prediction")
    command.add_argument("--out", type=Path, metavar="FILE", help="with --all: the file, .csv or .parquet")
    add_options(command)
    command.set_defaults(run=recommend)


def add_similar(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `similar`."""
    command = commands.add_parser("similar", help="list the films that a network takes for similar ones")
    command.add_argument("--movie_id", required=True, metavar="FILM", help="id or title of the film")
    add_options(command)
    command.set_defaults(run=similar)


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what both commands understand."""
    command.add_argument("--top", type=int, default=10, metavar="N", help="number of films (default: 10)")
    command.add_argument(
        "--ckpt_path", type=Path, metavar="FILE", help="checkpoint of the model (default: the newest run's best)"
    )
    command.add_argument("--runs", type=Path, default=Path("lightning_logs"), help="folder of the runs")
    command.add_argument(
        "--genre", action="append", default=[], help="films of this genre only; give it twice for films of either"
    )
    command.add_argument("--year", type=years, metavar="YEARS", help="films of a year or of several: 1995 or 1990-1999")
    command.add_argument(
        "--min_ratings",
        type=int,
        metavar="N",
        help="films of at least so many ratings: a prediction for a film of two ratings is a guess, and few of those "
        "are films that a user goes on to like (default: 20, measured in docs/recommending.md)",
    )
    command.add_argument(
        "--exclude", action="append", default=[], metavar="FILM", help="leave out a film, by id or title"
    )
    command.add_argument("--format", choices=FORMATS, default="table", help="how to show them (default: table)")


def years(text: str) -> tuple[int, int]:
    """Read `1995` or `1990-1999`."""
    match = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", text)
    if match is None or (match[2] or match[1]) < match[1]:
        raise argparse.ArgumentTypeError(f"expected a year or two, such as 1995 or 1990-1999; got {text!r}")
    return int(match[1]), int(match[2] or match[1])


def recommend(options: argparse.Namespace) -> int:
    """List the films that a user will rate highest.

    Raises:
        ConfigError: Options contradict each other, or name no user.
    """
    check(options)
    path, recommender = load(options)
    filters = filters_of(options, recommender) | {"include_seen": options.include_seen}
    if options.all:
        return recommend_all(options, recommender, filters, path)
    whom, notes = whom_of(options, recommender)
    frame = recommender.recommend(**whom, top=options.top, explain=options.explain, **filters)
    title = (
        "a new user"
        if options.user_id == "new"
        else f"user {options.user_id}"
        if options.user_id
        else str(options.ratings)
    )
    show(frame, title, [*notes, *frame.attrs["notes"], name_model(path, recommender)], options.format)
    return 0


def check(options: argparse.Namespace) -> None:
    """Refuse what cannot be done before the seconds that it takes to read a model.

    Raises:
        ConfigError: Options contradict each other, or name no user.
    """
    if options.top < 1:
        raise ConfigError(f"Expected --top to be at least 1, got {options.top}.")
    if options.all and (options.out is None or options.explain or options.format != "table"):
        raise ConfigError("Expected --out FILE with --all, and neither --explain nor --format.")
    if not options.all and options.out is not None:
        raise ConfigError("Expected --out with --all only; for one user, redirect --format csv into a file.")
    if options.user_id not in (None, "new") and not re.fullmatch(r"-?\d+", options.user_id):
        raise ConfigError(f"Expected --user_id to be a whole number or `new`, got {options.user_id!r}.")
    if options.user_id == "new" and options.explain:
        raise ConfigError("Expected --explain with a user or --ratings: of a new user, nothing is predicted.")


def similar(options: argparse.Namespace) -> int:
    """List similar films.

    Raises:
        ConfigError: No film is to be listed.
    """
    if options.top < 1:
        raise ConfigError(f"Expected --top to be at least 1, got {options.top}.")
    path, recommender = load(options)
    movie_id = film(options.movie_id, recommender)
    frame = recommender.similar(movie_id, top=options.top, **filters_of(options, recommender))
    title = recommender.films.titles[recommender.films.row(movie_id)]
    show(frame, f"films like {title}", [name_model(path, recommender)], options.format)
    return 0


def load(options: argparse.Namespace) -> tuple[Path, "Recommender"]:
    """Read the checkpoint that the options mean.

    Raises:
        CheckpointError: There is none.
    """
    from movierec.recommend.recommender import Recommender
    from movierec.runs import existing_checkpoint, find_runs

    if options.ckpt_path is not None:
        path = existing_checkpoint(options.ckpt_path)
    else:
        found = [run.checkpoints / "best.ckpt" for _, run in find_runs(options.runs)]
        found = [path for path in found if path.is_file()]
        if not found:
            raise CheckpointError(
                f"Expected a trained run in {options.runs}, found none. Train one, with `python -m movierec fit "
                "--config configs/model1.yaml`, or name a file with --ckpt_path."
            )
        path = max(found, key=lambda path: path.stat().st_mtime)
    return path, Recommender.from_checkpoint(path)


def filters_of(options: argparse.Namespace, recommender: "Recommender") -> dict[str, Any]:
    """Collect the filters that were asked for."""
    filters: dict[str, Any] = {
        "genres": options.genre,
        "years": options.year,
        "exclude": [film(name, recommender) for name in options.exclude],
    }
    return filters if options.min_ratings is None else filters | {"min_ratings": options.min_ratings}


def film(name: str, recommender: "Recommender") -> int:
    """Find a film by id or title.

    Raises:
        UnknownIdError: There is no such film, or there are several; the message lists them.
    """
    from movierec.recommend.titles import TitleIndex

    ids = recommender.films.ids
    if name.isdecimal() and int(name) in set(ids.tolist()):
        return int(name)
    index = TitleIndex(recommender.films.titles)
    found = index.find(name)
    if len(found) == 1:
        return int(ids[found[0]])
    candidates = ", ".join(f"{index.titles[row]} (id {ids[row]})" for row in found or index.suggest(name))
    if found:
        raise UnknownIdError(f"Several films are called {name!r}: {candidates}. Give the year, or the id.")
    hint = f" Did you mean: {candidates}?" if candidates else ""
    raise UnknownIdError(f"No film is called {name!r}.{hint} Give an id, or a title as MovieLens writes it.")


def whom_of(options: argparse.Namespace, recommender: "Recommender") -> tuple[dict[str, Any], list[str]]:
    """Say whom to recommend to, and what of their ratings could not be used."""
    if options.ratings is not None:
        from movierec.recommend.ratings_file import read_ratings_file

        ratings, notes = read_ratings_file(options.ratings, recommender)
        return {"ratings": ratings}, notes
    return ({} if options.user_id == "new" else {"user_id": int(options.user_id)}), []


def recommend_all(options: argparse.Namespace, recommender: "Recommender", filters: dict[str, Any], path: Path) -> int:
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
    print(printable(name_model(path, recommender)))
    return 0


def name_model(path: Path, recommender: "Recommender") -> str:
    """Say which model speaks, and what it has learnt from."""
    record = recommender.tables.record
    return (
        f"model: {path}, trained on {record['options']['release']}{' (generated sample)' if record['sample'] else ''}"
    )


def show(frame: "pd.DataFrame", title: str, notes: list[str], form: str) -> None:
    """Print films in one of the formats; what is not data goes to the standard error then."""
    if form == "table":
        print_table(frame, title)
    elif form == "csv":
        from movierec.recommend.output import write_csv

        write_csv(frame, sys.stdout, header=True)
    else:
        films = json.loads(frame.to_json(orient="records", double_precision=4))
        print(escaped(json.dumps({"notes": notes, "films": films}, indent=1, ensure_ascii=False)))
        return
    for note in notes:
        print(printable(note), file=sys.stdout if form == "table" else sys.stderr)


def escaped(content: str) -> str:
    """Escape in JSON the control characters that it allows, but a terminal obeys."""
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", content)


def print_table(frame: "pd.DataFrame", title: str) -> None:
    """Print films as a table."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from movierec.console import Console

    hidden = ["movie_id", "year", "average", "prediction"]
    if "average" in frame:  # an explanation takes the room of what else there is to say
        hidden += ["genres", "num_ratings"]
    shown = frame.drop(columns=hidden, errors="ignore")
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for name in shown:
        label = LABELS.get(str(name), str(name).removeprefix("from_").replace("_", " "))
        is_text = name in ("title", "genres")
        table.add_column(label, justify="left" if is_text else "right", no_wrap=not is_text)
    for row in shown.to_dict("records"):
        table.add_row(*(cell(str(name), value) for name, value in row.items()))
    console = Console()
    console.print(table)
    if "average" in frame and len(frame):
        console.print(
            f"An average user gives an average film {frame['average'].iloc[0]:.2f} stars; what is added to that makes "
            "the prediction, which is then cut to the scale.",
            soft_wrap=True,
        )


def cell(name: str, value: Any) -> str:
    """Write a value of a table."""
    if name == "genres":
        return str(value).replace("|", ", ")
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    if value != value:  # noqa: PLR0124 - NaN
        return ""
    return f"{value:+.2f}" if name.startswith("from_") else f"{value:.2f}"
