"""Write the report: one self-contained HTML page, the table as csv, and the figures."""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from movierec import __version__
from movierec.metrics.card import read_card
from movierec.metrics.caveats import newer_columns
from movierec.metrics.registry import LIST_METRICS, METRICS
from movierec.metrics.run_figures import draw_run
from movierec.metrics.style import Drawing, save
from movierec.report.comparison import describe_test_set, say_lists
from movierec.report.figures import draw_report
from movierec.report.lists import Ranked, rank_all
from movierec.report.results import Measured
from movierec.report.summary import read_published, summarise
from movierec.report.table import PUBLISHED_NOTE, SHOWN, Row, csv_text, remarks_of, tabulate
from movierec.runs import Run, replace_text

NUMBERS = ("train", "val", "test", "retrieval", "baselines", "model", "seed")  # in metrics.json; tables show them
CHIEF = ("calibration", "errors_by_film_ratings", "errors_by_user_ratings")  # figures of a run that all should see
Figures = dict[str, "Embedded"]


class Embedded(NamedTuple):
    """A figure inside the page: its description, and its bytes as a data URI."""

    alt: str
    source: str


def write_report(found: Sequence[Measured], left_out: Sequence[str], out: Path) -> Path:
    """Write `index.html`, `table.csv` and `figures/`.

    Args:
        found: The results.
        left_out: Lines about runs that are not in the report.
        out: The folder, made if it is not there.

    Returns:
        The path of the page.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = tabulate(found)
    replace_text(out / "table.csv", csv_text(rows))
    page = out / "index.html"
    replace_text(page, render(found, rows, left_out, out / "figures"))
    return page


def render(found: Sequence[Measured], rows: Sequence[Row], left_out: Sequence[str], folder: Path) -> str:
    """Return the page as HTML, with its figures beside it.

    Args:
        found: The results.
        rows: The lines of the table of results.
        left_out: Lines about runs that are not in the report.
        folder: Where the figures are put.
    """
    environment = Environment(
        loader=PackageLoader("movierec", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    figures = {one.name: embed_all(draw_run(one.runs[0]), folder / one.name) for one in found}
    summaries = summarise(found)
    best = {summary.best.name for summary in summaries}
    is_sample = any(one.sample for one in found)
    return environment.get_template("page.html.j2").render(
        found=found,
        summaries=[(summary, pick(figures[summary.best.name], chief=True)) for summary in summaries],
        published=read_published(found),
        groups=group_rows(rows),
        columns={name: METRICS[name].heading for name in SHOWN},
        has_spread=any(len(one.runs) > 1 for one in found),
        has_sets=any(row.test_set for row in rows),
        published_note=PUBLISHED_NOTE,
        remarks=remarks_of(rows),
        lists=group_lists(found),
        list_columns=[metric.label for metric in LIST_METRICS.values()],
        said_of_lists=[said for one in found if (said := say_lists(one))],
        figures=list(embed_all(draw_report(found), folder).values()),
        details=[
            {
                "measured": one,
                "card": read_card(one.runs[0]),
                "record": record_of(one),
                "figures": pick(figures[one.name], chief=False) if one.name in best else [*figures[one.name].values()],
                "settings": settings_text(one.runs[0]),
            }
            for one in found
        ],
        left_out=left_out,
        credits={source for one in found for source in one.data.get("options", {}).get("sources", []) if not is_sample},
        num_runs=sum(len(one.runs) for one in found),
        is_sample=is_sample,
        version=__version__,
        now=datetime.now().astimezone(),
    )


def group_lists(found: Sequence[Measured]) -> list[tuple[str, list[Ranked]]]:
    """Group the rankings by their test ratings, which are described."""
    described = {one.test_set or "": describe_test_set(one) for one in found}
    ranked: dict[str, list[Ranked]] = {}
    for one in rank_all(found):
        ranked.setdefault(one.test_set or "", []).append(one)
    return [(described[test_set], group) for test_set, group in ranked.items()]


def group_rows(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Group the table's lines: the training rows, then each set of test rows."""
    groups = []
    for (part, letter), group in groupby(rows, key=lambda row: (row.part, row.test_set)):
        heading, lines = "Training rows: published and reproduced", [*group]
        if part == "test":
            which = describe_test_set(next(row.measured for row in lines if row.measured))
            heading = f"Test rows{f' {letter}' if letter else ''}: {which}"
        groups.append((heading, lines))
    return groups


def embed_all(drawings: Mapping[str, Drawing], folder: Path) -> Figures:
    """Save figures and embed them in the page."""
    return {name: embed(drawing, folder, name) for name, drawing in drawings.items()}


def embed(drawing: Drawing, folder: Path, name: str) -> Embedded:
    """Save a figure and return it as a data URI, an image that cannot run scripts or load anything."""
    _, vector = save(drawing, folder, name)
    data = base64.b64encode(vector.read_bytes()).decode("ascii")
    return Embedded(drawing.alt, f"data:image/svg+xml;base64,{data}")


def pick(figures: Figures, *, chief: bool) -> list[Embedded]:
    """List the chief figures of a run, or the others."""
    return [figure for name, figure in figures.items() if (name in CHIEF) == chief]


def record_of(one: Measured) -> str:
    """Write the description of a run from metrics.json: data, seeds, network, times, versions and machine."""
    kept = {name: value for name, value in one.newest.items() if name not in NUMBERS}
    record = {"seeds": one.seeds, **kept, "newer_than_ratings": newer_columns(one.data)}
    return str(yaml.safe_dump(record, sort_keys=False))


def settings_text(run: Run) -> str:
    """Read a run's resolved configuration, replacing invalid bytes; empty if it cannot be read."""
    try:
        return run.config.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
