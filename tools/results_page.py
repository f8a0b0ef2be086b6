"""Write docs/results.md and the README's table from the tested runs: `python -m tools.results_page`.

What stands below the line `<!-- by hand -->` of docs/results.md is kept as it is.
"""

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from jinja2 import Environment, StrictUndefined

from movierec.console import duration
from movierec.metrics.caveats import NEWER, newer_columns
from movierec.metrics.published import PUBLISHED, PUBLISHED_FAMILY, PUBLISHED_METRICS
from movierec.metrics.registry import LIST_METRICS, METRICS
from movierec.metrics.style import save
from movierec.report.difference import CLEAR, Comparison, compare
from movierec.report.figures import draw_report
from movierec.report.results import Measured, gather
from movierec.report.table import SHOWN
from movierec.runs import replace_text
from tools.rankings import beaten, rank_all

TOLERANCE = {"r2": 0.02, "mae": 0.005, "mse": 0.002, "rmse": 0.005, "precision": 0.05, "recall": 0.05}
BY_HAND = "<!-- by hand -->"
START, END = "<!-- results -->", "<!-- end of results -->"
ABLATION = {
    "ablation/genres": "genres alone",
    "ablation/tmdb": "and TMDb",
    "ablation/imdb": "and IMDb",
    "ablation/both": "and both",
}
Tables = dict[str, Measured]


def write_story(measured: Sequence[Measured], out: Path, *, command: str) -> Path:
    """Write results.md and its figures.

    Args:
        measured: What was measured.
        out: The folder.
        command: What reproduces it.

    Returns:
        The file that was written.
    """
    out.mkdir(parents=True, exist_ok=True)
    figures = draw_report(measured)
    for name, drawing in figures.items():
        save(drawing, out, name)
    path = out / "results.md"
    kept = path.read_text(encoding="utf-8").partition(BY_HAND)[2] if path.is_file() else "\n"
    replace_text(path, f"{tell(measured, figures=figures, command=command)}\n{BY_HAND}{kept}")
    return path


def tell(measured: Sequence[Measured], *, figures: dict[str, Any], command: str) -> str:
    """Fill in the template."""
    known = complete(measured)
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown, of our own numbers
    )  # fmt: skip
    environment.filters |= {"number": number, "signed": signed, "spread": spread, "epochs": epochs, "early": early}
    environment.globals |= {"mean": mean, "unseen": unseen, "against": against}
    template = environment.from_string(Path(__file__).with_suffix(".md.j2").read_text(encoding="utf-8"))
    names = (*PUBLISHED, *(PUBLISHED_FAMILY + name for name in PUBLISHED), *ABLATION)
    shown = [known[name] for name in names if name in known]
    published = {name: known[PUBLISHED_FAMILY + name] for name in PUBLISHED if PUBLISHED_FAMILY + name in known}
    described = {name: known[name] for name in PUBLISHED if name in known}
    return template.render(
        date=today(),
        report=PUBLISHED,
        metrics={name: METRICS[name].heading for name in PUBLISHED_METRICS},
        tolerance=TOLERANCE,
        clear=CLEAR,
        shown=shown,
        sample=any(found.sample for found in shown),
        published=published,
        described=described,
        total=len(published) * len(PUBLISHED_METRICS),
        outside=outside_tolerance(published),
        falls=sum(mean(found, "test", "r2") < mean(found, "train", "r2") for found in published.values()),
        negative=any(mean(found, "test", "r2") < 0 for found in published.values()),
        rankings=rank_all(described),
        ranking_metrics=[metric.label for metric in LIST_METRICS.values()],
        min_ratings=max((content.get("retrieval", {}).get("min_ratings", 0) for content in contents(shown)), default=0),
        beaten=beaten(described),
        newer=[found.name for found in shown if newer_columns(found.data)],
        newer_names=NEWER,
        test_sets=len({found.test_set for found in described.values()}),
        ablation={ABLATION[name]: known[name] for name in ABLATION if name in known},
        comparisons=comparisons(known),
        same=len({known[name].test_set for name in ABLATION if name in known} - {None}) == 1,
        table=results_table(measured),
        figures=figures,
        command=command,
        machines=machines(shown),
        versions=sorted({", ".join(f"{k} {v}" for k, v in c["versions"].items()) for c in contents(shown)}),
        duration=duration(sum(sum(content["seconds"].values()) for content in contents(shown))),
    )


def today() -> dt.date:
    """Return the date, in UTC."""
    return dt.datetime.now(tz=dt.UTC).date()


def complete(measured: Sequence[Measured]) -> Tables:
    """Keep the configurations whose runs have all of the report's metrics, by name."""
    return {
        found.name: found
        for found in measured
        if all(found.values(part, metric) for part in ("train", "test") for metric in PUBLISHED_METRICS)
    }


def mean(measured: Measured, part: str, metric: str) -> float:
    """Average a metric that is there."""
    return fmean(measured.values(part, metric))


def contents(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """List the metrics.json of all runs."""
    return [content for found in measured for content in found.contents]


def machines(measured: Sequence[Measured]) -> list[str]:
    """List the machines that the runs were measured on."""
    found = [content["hardware"] for content in contents(measured) if "hardware" in content]
    return sorted({"{cpu}, {cores} cores, {memory_gb} GB of memory, on {accelerator}".format(**one) for one in found})


def outside_tolerance(published: Tables) -> list[tuple[str, str, float]]:
    """List the published numbers that do not come out: model, metric, and the difference."""
    differences = [
        (name, metric, mean(found, "train", metric) - PUBLISHED[name][metric])
        for name, found in published.items()
        for metric in PUBLISHED_METRICS
    ]
    return [(name, metric, value) for name, metric, value in differences if abs(value) > TOLERANCE[metric]]


def comparisons(known: Tables) -> dict[str, Comparison]:
    """Compare each feature set with the genres alone."""
    first, *others = ABLATION
    return {ABLATION[name]: compare(known[name], known[first]) for name in others if name in known and first in known}


def number(value: float, metric: str) -> str:
    """Write a metric with as many digits as it deserves."""
    return METRICS[metric].format(value)


def signed(value: float, metric: str) -> str:
    """Write a difference of a metric."""
    return METRICS[metric].format(value, sign=True)


def spread(measured: Measured, metric: str, part: str = "test") -> str:
    """Write the mean of a metric, and its standard deviation where several seeds show one."""
    if not measured.values(part, metric):
        return "-"
    sd = measured.sd(part, metric)
    return number(mean(measured, part, metric), metric) + (f" ± {number(sd, metric)}" if sd is not None else "")


def epochs(measured: Measured) -> str:
    """Write how many epochs the runs had, of how many; fewer where a fit stopped early."""
    trained = [content["epochs"]["trained"] for content in measured.contents if "epochs" in content]
    planned = [content["epochs"]["planned"] for content in measured.contents if "epochs" in content]
    if not trained:
        return "-"
    few, many = min(trained), max(trained)
    return f"{few if few == many else f'{few} to {many}'} of {max(planned)}"


def early(measured: Measured) -> int:
    """Count the runs whose fit was stopped before its last epoch."""
    return sum(content.get("end") == "early" for content in measured.contents)


def unseen(found: Tables) -> str:
    """Write the range of R2 on test rows."""
    values = [mean(one, "test", "r2") for one in found.values()]
    return f"{number(min(values), 'r2')} to {number(max(values), 'r2')}"


def against(described: Measured, published: Measured) -> str:
    """Say whether a described model is beyond the notebook's, whose single run is taken to vary as much."""
    sd = described.sd("test", "r2")
    gain = mean(described, "test", "r2") - mean(published, "test", "r2")
    if sd is None:
        return "one seed each, which cannot tell"
    if abs(gain) <= CLEAR * sd * math.sqrt(1 + 1 / len(described.contents)):
        return "no clear difference"
    return "clearly higher" if gain > 0 else "clearly lower"


def results_table(measured: Sequence[Measured]) -> str:
    """Write the Markdown table of the report's numbers and ours."""
    known = complete(measured)
    lines = [["run", "rows", *(METRICS[name].heading for name in SHOWN), "seeds", "epochs"]]
    lines.append(["---"] * len(lines[0]))
    for name, row in PUBLISHED.items():
        reported = [number(row[metric], metric) if metric in row else "-" for metric in SHOWN]
        lines.append([f"report, {name}", "train", *reported, "-", "-"])
        for run, part in ((PUBLISHED_FAMILY + name, "train"), (PUBLISHED_FAMILY + name, "test"), (name, "test")):
            if run in known:
                lines.append(line(known[run], part))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def line(measured: Measured, part: str) -> list[str]:
    """List the cells of a configuration's line."""
    rows = measured.contents[0]["data"]["rows"][part]
    values = [spread(measured, metric, part) for metric in SHOWN]
    return [measured.name, f"{part} {rows:,}", *values, str(len(measured.contents)), epochs(measured)]


def replace_table(readme: Path, measured: Sequence[Measured]) -> bool:
    """Replace what stands between the two markers of a README.

    Returns:
        Whether there are markers, and the table is there now.
    """
    if not readme.is_file():
        return False
    before, start, rest = readme.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not end:
        return False
    caption = (
        f"Measured on {today()} by `make reproduce`; [docs/results.md](docs/results.md) tells how, and what follows "
        "from it. Means over seeds, ± the standard deviation. `report` is what was published, `published/` our run of "
        "what the report's notebook did, the other lines the models as the report describes them."
    )
    replace_text(readme, f"{before}{start}\n{caption}\n\n{results_table(measured)}\n{end}{after}")
    return True


def main() -> None:
    """Write the page, its figures and the README's table from the runs of `reproduce`."""
    measured, left_out = gather(Path("lightning_logs"))
    print(*left_out, sep="\n")
    print(
        write_story([one for one in measured if not one.sample], Path("docs"), command="python -m movierec reproduce")
    )
    replace_table(Path("README.md"), measured)


if __name__ == "__main__":
    main()
