"""Print the results of `data check`."""

import json
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from movierec.console import Console
from movierec.datasets.check import DataCheck
from movierec.datasets.metadata import Source

DASH = "-"
SIDE_BY_SIDE = 3  # releases that fit 80 columns
FINGERPRINT_DIGITS = 12


def show(check: DataCheck, *, as_json: bool) -> None:
    """Print the results as tables or as JSON."""
    if as_json:
        print(json.dumps({"ok": not check.problems} | asdict(check), indent=2))
    else:
        print_check(check)


def print_check(check: DataCheck) -> None:
    """Print tables of the releases and models, the commands for more models, notes and problems."""
    console = Console()
    console.width = max(console.width, 80)
    console.print(f"Data in {check.root}{' (generated sample)' if check.sample else ''}", soft_wrap=True)
    releases = list(check.releases.items())
    for start in range(0, len(releases), SIDE_BY_SIDE):
        console.print()
        console.print(releases_table(dict(releases[start : start + SIDE_BY_SIDE]), list(check.metadata)))
    if check.models:
        console.print()
        console.print(models_table(check))
    commands = dict.fromkeys(command for model in check.models.values() for command in model["lacks"].values())
    sections = {"To train more of them": commands, "Notes": check.notes, "Problems": check.problems}
    for title, lines in sections.items():
        if lines:
            console.print(f"\n{title}:", *(f"  {line}" for line in lines), sep="\n", soft_wrap=True)


def releases_table(releases: dict[str, dict[str, Any]], sources: list[Source]) -> Table:
    """Make a table of the releases, one per column."""
    table = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("")
    for name in releases:
        table.add_column(f" {name}")
    columns = [facts(release, sources) for release in releases.values()]
    for label in columns[0]:
        table.add_row(label, *(f" {column[label]}" for column in columns))
    return table


def facts(release: dict[str, Any], sources: list[Source]) -> dict[str, str]:
    """List the facts of a release, with the same labels for each."""
    ratings, films = release["ratings"], release["films"]
    state = "incomplete" if release["missing"] else "complete" if release["trainable"] else "damaged"
    listed = {"version": release["version"] or DASH, "state": state}
    of_ratings = {"ratings": "{rows:,}", "users": "{users:,}", "rated films": "{films:,}"}
    of_ratings |= {"stars": "{min_stars:g} to {max_stars:g}", "mean": "{mean_stars:.4f}"}
    listed |= {label: text.format(**ratings) if ratings else DASH for label, text in of_ratings.items()}
    listed["rated films"] += f" of {films['listed']:,}" if films else ""
    for label, name in (("first rating", "first"), ("last rating", "last")):
        listed[label] = (ratings[name] or "unknown").partition("T")[0] if ratings else DASH
    listed["films without links"] = DASH if films is None or films["unlinked"] is None else f"{films['unlinked']:,}"
    for source in sources:
        held = films["coverage"].get(source) if films else None
        for label, kind in ((f"{source}.csv, films | ratings", ""), (f"  {source}, with all fields", "complete_")):
            listed[label] = DASH
            if held:
                of_films = percent(held[f"{kind}films"], ratings["films"])
                listed[label] = f"{of_films} | {percent(held[f'{kind}ratings'], ratings['rows'])}"
    listed["fingerprint"] = (release["fingerprint"] or DASH)[:FINGERPRINT_DIGITS]
    return listed


def percent(part: int, whole: int) -> str:
    """Write a share rounded down, so that 100.0% means all."""
    return f"{1000 * part // whole / 10:.1f}%"


def models_table(check: DataCheck) -> Table:
    """Make a table of the models that can be trained, one per line."""
    table = Table("model", " reads", " can be trained", box=SIMPLE_HEAD, padding=0, show_edge=False)
    for name, model in check.models.items():
        ready = (
            f"yes, on {model['ratings']:,} ratings" if model["ratings"] else f"no: lacks {', '.join(model['lacks'])}"
        )
        table.add_row(name, f" {', '.join((model['release'], *model['sources']))}", f" {ready}")
    return table
