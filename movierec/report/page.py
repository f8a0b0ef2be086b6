"""The report's folder: one HTML page that needs nothing else, the table in two more forms, and the figures."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from movierec import __version__
from movierec.metrics.registry import METRICS
from movierec.metrics.run_figures import draw_run
from movierec.metrics.style import Drawing, save
from movierec.report.facts import facts_of, settings_text
from movierec.report.figures import draw_report
from movierec.report.results import Measured
from movierec.report.summary import advise, read_published
from movierec.report.table import NDCG_NOTE, SHOWN, comparability, csv_text, markdown, tabulate
from movierec.runs import replace_text

SVG_LIMIT = 300_000  # bytes; a larger drawing is embedded as PNG


@dataclass(frozen=True)
class Embedded:
    """A figure inside the page: its title, what it shows in words, and its bytes as a data URI."""

    title: str
    alt: str
    source: str


def write_report(found: Sequence[Measured], left_out: Sequence[str], out: Path) -> Path:
    """Write `index.html`, `table.md`, `table.csv` and `figures/`.

    Args:
        found: What was measured.
        left_out: A line for what is not in the report.
        out: The folder, made if it is not there.

    Returns:
        The path of the page.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = tabulate(found)
    replace_text(out / "table.md", markdown(rows))
    replace_text(out / "table.csv", csv_text(rows))
    page = out / "index.html"
    replace_text(page, render(found, left_out, out / "figures"))
    return page


def render(found: Sequence[Measured], left_out: Sequence[str], folder: Path) -> str:
    """Write the page.

    Args:
        found: What was measured.
        left_out: A line for what is not in the report.
        folder: Where the figures are put.
    """
    environment = Environment(
        loader=PackageLoader("movierec", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rows = tabulate(found)
    real = [one for one in found if not one.sample]
    return environment.get_template("page.html.j2").render(
        found=found,
        advices=advise(found),
        published=read_published(found),
        groups=[list(group) for _, group in groupby(rows, key=lambda row: (row.measured.sample, row.measured.model))],
        columns={name: METRICS[name].heading for name in SHOWN},
        has_published=any(row.kind == "published" for row in rows),
        has_spread=any(len(one.runs) > 1 for one in found),
        has_sets=any(row.test_set for row in rows),
        ndcg_note=NDCG_NOTE,
        comparability=comparability(rows),
        figures=embed_all(draw_report(found), folder),
        details=[detail(one, folder / one.name) for one in found],
        left_out=left_out,
        credits={source for one in real for source in one.data.get("options", {}).get("sources", [])},
        num_runs=sum(len(one.runs) for one in found),
        is_real=bool(real),
        has_sample=len(real) < len(found),
        version=__version__,
        now=datetime.now().astimezone(),
    )


def embed_all(drawings: Mapping[str, Drawing], folder: Path) -> list[Embedded]:
    """Save figures, and put them into the page."""
    return [embed(drawing, folder, name) for name, drawing in drawings.items()]


def embed(drawing: Drawing, folder: Path, name: str) -> Embedded:
    """Save a figure, and put its bytes into a data URI; an image can run no script and load nothing."""
    save(drawing, folder, name)
    path, kind = folder / f"{name}.svg", "svg+xml"
    if path.stat().st_size > SVG_LIMIT:
        path, kind = folder / f"{name}.png", "png"
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return Embedded(drawing.title, drawing.alt, f"data:image/{kind};base64,{data}")


def detail(one: Measured, folder: Path) -> dict[str, Any]:
    """Collect what the page folds away of a configuration; figures and settings are those of its newest run."""
    run = one.runs[0]
    return {
        "measured": one,
        "run": run.path.name,
        "facts": facts_of(one),
        "figures": embed_all(draw_run(run), folder),
        "settings": settings_text(run),
    }
