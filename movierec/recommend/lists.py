"""Print lists of films: tables for people, csv and JSON for programs."""

import json
import math
import sys
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.measure import Measurement
from rich.table import Table

from movierec.console import CONTROL, Console, printable
from movierec.datasets.movielens import NO_GENRES
from movierec.recommend.output import write_csv

WIDEST = 10_000  # columns of a table, more than any needs
LABELS = {
    "rank": "",
    "title": "film",
    "because": "because you rated",
    "num_ratings": "ratings",
    "from_film_ratings": "ratings",
    "own_stars": "own",
}


def show(frame: pd.DataFrame, title: str, notes: list[str], form: str) -> None:
    """Print films in a format; with csv, the notes go to standard error."""
    if form == "table":
        print_table(frame, title)
    elif form == "csv":
        write_csv(frame, sys.stdout, header=True)
    else:
        films = json.loads(frame.to_json(orient="records", double_precision=4))
        print(escaped(json.dumps({"notes": notes, "films": films}, indent=1, ensure_ascii=False)))
        return
    for note in notes:
        print(printable(note), file=sys.stdout if form == "table" else sys.stderr)


def escaped(content: str) -> str:
    """Escape control characters that JSON allows but a terminal obeys."""
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", content)


def print_table(frame: pd.DataFrame, title: str) -> None:
    """Print films as a table."""
    hidden = ["movie_id", "year", "average", "prediction"]
    if "average" in frame:  # an explanation takes the room of what else there is to say
        hidden += ["genres", "num_ratings"]
    if "genres" in frame and (frame["genres"] == NO_GENRES).all():
        hidden.append("genres")
    if "because" in frame:
        hidden += [str(name) for name in frame if str(name).startswith("from_")]
    shown = with_range(frame).drop(columns=hidden, errors="ignore")
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for name in shown:
        label = LABELS.get(str(name), str(name).removeprefix("from_").replace("_", " "))
        is_text = name in ("title", "genres", "because")
        table.add_column(label, justify="left" if is_text else "right", no_wrap=not is_text)
    for row in shown.to_dict("records"):
        table.add_row(*(cell(str(name), value) for name, value in row.items()))
    console = Console()
    needed = Measurement.get(console, console.options.update(max_width=WIDEST), table)
    # A file or a pipe gets each film on one line; a terminal that is too narrow parts the lines itself.
    console.width = max(console.width, needed.minimum) if console.is_terminal else needed.maximum
    console.print(title, soft_wrap=True)
    console.print(table)
    if "low" in frame:
        console.print("In brackets: the range in which the model expects 8 of 10 such ratings.", soft_wrap=True)
    if "average" in frame and "because" not in frame and len(frame):
        console.print(
            f"An average user gives an average film {frame['average'].iloc[0]:.2f} stars. The columns add up to the "
            "prediction, which is then clipped to the scale.",
            soft_wrap=True,
        )


def with_range(frame: pd.DataFrame) -> pd.DataFrame:
    """Write stars as `4.2 (3.5 to 5)` where the range is known."""
    if "low" not in frame:
        return frame
    columns = zip(frame["stars"], frame["low"], frame["high"], strict=True)
    written = ["" if math.isnan(stars) else f"{stars:.1f} ({low:g} to {high:g})" for stars, low, high in columns]
    return frame.assign(stars=written).drop(columns=["low", "high", "p_liked"])


def cell(name: str, value: Any) -> str:
    """Format a value of a table."""
    if name == "genres":
        return str(value).replace("|", ", ")
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    if math.isnan(value):
        return ""
    return f"{value:+.2f}" if name.startswith("from_") else f"{value:.2f}"
