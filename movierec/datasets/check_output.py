"""What `data check` prints."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from rich.box import SIMPLE_HEAD
from rich.table import Table

from movierec.console import Console
from movierec.datasets.check import DataCheck
from movierec.datasets.metadata import FILES, Source
from movierec.datasets.release import ReleaseCheck

DASH = "-"
SIDE_BY_SIDE = 3  # releases that fit 80 columns
FINGERPRINT_DIGITS = 12


def show(check: DataCheck, *, as_json: bool) -> None:
    """Print what was found in a data root, for people or for programs."""
    if as_json:
        print(json.dumps({"ok": not check.problems} | asdict(check), indent=2))
    else:
        print_check(check)


def print_check(check: DataCheck) -> None:
    """Print tables of the releases and of the models, what to do for the rest, and what is wrong."""
    console = Console()
    console.width = max(console.width, 80)
    console.print(f"Data in {check.root}{' (generated sample)' if check.sample else ''}", soft_wrap=True)
    releases = list(check.releases.values())
    for start in range(0, len(releases), SIDE_BY_SIDE):
        console.print()
        console.print(releases_table(releases[start : start + SIDE_BY_SIDE], list(check.metadata)))
    if check.models:
        console.print()
        console.print(models_table(check))
    commands = dict.fromkeys(command for model in check.models.values() for command in model.lacks.values())
    sections = {
        "Can be trained with another release": [
            f"{', '.join(models)}: --data.release {name}" for name, models in check.others.items()
        ],
        "To train more of them": commands,
        "Notes": check.notes,
        "Problems": check.problems,
    }
    for title, lines in sections.items():
        if lines:
            console.print(f"\n{title}:", *(f"  {line}" for line in lines), sep="\n", soft_wrap=True)


def releases_table(releases: list[ReleaseCheck], sources: list[Source]) -> Table:
    """Lay out what releases hold, a column each."""
    table = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("")
    for release in releases:
        table.add_column(f" {release.name}")
    for lines in zip(*(facts(release, sources) for release in releases), strict=True):
        (label, _), *_ = lines
        table.add_row(label, *(f" {fact}" for _, fact in lines))
    return table


def facts(release: ReleaseCheck, sources: list[Source]) -> Iterator[tuple[str, str]]:
    """List what to show of a release; the same labels for each."""
    ratings, films = release.ratings, release.films
    yield "version", release.version or DASH
    yield "state", state(release)
    yield "ratings", f"{ratings.rows:,}" if ratings else DASH
    yield "users", f"{ratings.users:,}" if ratings else DASH
    listed = f" of {films.listed:,}" if films else ""
    yield "rated films", f"{ratings.films:,}{listed}" if ratings else DASH
    yield "stars", f"{ratings.min_stars:g} to {ratings.max_stars:g}" if ratings else DASH
    yield "mean", f"{ratings.mean_stars:.4f}" if ratings else DASH
    yield "first rating", day(ratings.first) if ratings else DASH
    yield "last rating", day(ratings.last) if ratings else DASH
    yield "films without links", DASH if films is None or films.unlinked is None else f"{films.unlinked:,}"
    for source in sources:
        found, whole = coverage(release, source)
        yield f"{FILES[source].rpartition('/')[2]}, films | ratings", found
        yield "  with all fields", whole
    yield "fingerprint", release.fingerprint[:FINGERPRINT_DIGITS] if release.fingerprint else DASH


def state(release: ReleaseCheck) -> str:
    """Say in a word whether a release is whole."""
    if release.missing:
        return "incomplete"
    return "complete" if release.trainable else "damaged"


def day(time: str | None) -> str:
    """Take the day of an ISO 8601 time."""
    return time.partition("T")[0] if time else "unknown"


def coverage(release: ReleaseCheck, source: Source) -> tuple[str, str]:
    """Write the shares of the rated films, and of the ratings, that have metadata, and that have all fields."""
    ratings, films = release.ratings, release.films
    if ratings is None or films is None or source not in films.coverage:
        return DASH, DASH
    held = films.coverage[source]
    return (
        f"{percent(held.films, ratings.films)} | {percent(held.ratings, ratings.rows)}",
        f"{percent(held.complete_films, ratings.films)} | {percent(held.complete_ratings, ratings.rows)}",
    )


def percent(part: int, whole: int) -> str:
    """Write a share rounded down, so that 100.0% means all."""
    return f"{1000 * part // whole / 10:.1f}%"


def models_table(check: DataCheck) -> Table:
    """Lay out which models can be trained, a line each."""
    table = Table("model", " reads", " can be trained", box=SIMPLE_HEAD, padding=0, show_edge=False)
    for name, model in check.models.items():
        ready = f"yes, on {model.ratings:,} ratings" if model.ratings else f"no: lacks {', '.join(model.lacks)}"
        table.add_row(name, f" {', '.join((model.release, *model.sources))}", f" {ready}")
    return table
