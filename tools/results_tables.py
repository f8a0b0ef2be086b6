"""Write the tables of docs/results.md from the tested runs, and draw its figure from the tables.

    python -m tools.results_tables

A table stands between `<!-- table NAME -->` and `<!-- end -->`; all other text of the page is written by hand.
"""

import re
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from movierec.metrics.bootstrap import Interval
from movierec.metrics.published import PUBLISHED, PUBLISHED_FAMILY, PUBLISHED_METRICS
from movierec.metrics.registry import LIST_METRICS, METRICS, RANKINGS
from movierec.metrics.style import save
from movierec.report.comparison import compare
from movierec.report.lists import write_mean
from movierec.report.results import Measured, gather
from movierec.report.table import SHOWN
from movierec.runs import replace_text
from tools.published_figure import Values, draw_published

PAGE = Path("docs/results.md")
ABLATION = {"genres": "genres alone", "tmdb": "and TMDb", "imdb": "and IMDb", "both": "and both"}
SAME_ROWS = {
    "baseline/bias": "ratings",
    "model1": "ratings, genres",
    "model2": "and TMDb",
    "model3": "and IMDb",
    "model4": "and both",
    "model6": "ratings, genres",
    "model6_combined": "and TMDb, IMDb",
}
Runs = Mapping[str, Measured]
Rows = list[list[str]]


def training_rows(runs: Runs) -> Rows:
    """Compare the published numbers with ours, both of training rows."""
    rows = [["model", *(METRICS[name].heading for name in PUBLISHED_METRICS)]]
    for model, published in PUBLISHED.items():
        if found := runs.get(PUBLISHED_FAMILY + model):
            means = {name: statistics.fmean(found.values("train", name)) for name in PUBLISHED_METRICS}
            differences = {name: METRICS[name].format(means[name] - published[name], sign=True) for name in means}
            rows.append([model, *(f"{METRICS[name].format(means[name])} ({differences[name]})" for name in means)])
    return rows


def all_metrics(runs: Runs) -> Rows:
    """List the report's numbers, our run of its notebook, and the models without leaks."""
    rows = [["run", "rows", *(METRICS[name].heading for name in SHOWN), "seeds", "epochs"]]
    for model, published in PUBLISHED.items():
        if model not in runs and PUBLISHED_FAMILY + model not in runs:
            continue
        own = [METRICS[name].format(published.get(name)) for name in SHOWN]
        rows.append([f"report, {model}", "train", *own, "-", "-"])
        rebuilt = PUBLISHED_FAMILY + model
        for name, part in ((rebuilt, "train"), (rebuilt, "test"), (model, "test")):
            if found := runs.get(name):
                values = [write_mean(found.values(part, metric), METRICS[metric].digits) for metric in SHOWN]
                size = found.newest["data"]["rows"][part]
                rows.append([name, f"{part} {size:,}", *values, str(len(found.contents)), write_epochs(found)])
    return rows


def lists(runs: Runs) -> Rows:
    """List how well each model's ten films, and two simple rankings, find the films that users like."""
    rows = [["model", "users", "ranked by", *(metric.label for metric in LIST_METRICS.values())]]
    for model in PUBLISHED:
        for ranking, words in RANKINGS.items():
            contents = runs[model].contents if model in runs else ()
            if measured := [found for content in contents if (found := content.get("retrieval", {}).get(ranking))]:
                values = [write_mean([one[name] for one in measured if name in one]) for name in LIST_METRICS]
                rows.append([model, f"{measured[0]['users']:,.0f}", words, *values])
    return rows


def ablation(runs: Runs) -> Rows:
    """List one network on four feature sets, with the same ratings in each part."""
    rows = [["reads", "R2", "RMSE (stars)", "seeds"]]
    for name, words in ABLATION.items():
        if found := runs.get(f"ablation/{name}"):
            values = [
                write_mean(found.values("test", metric), METRICS[metric].digits) for metric in ("r2", "rmse_stars")
            ]
            rows.append([words, *values, str(len(found.contents))])
    return rows


def same_rows(runs: Runs) -> Rows:
    """Compare all models of ml-latest-small on the same test ratings with the bias model and with model 6."""
    known = {name: found for name in SAME_ROWS if (found := runs.get(f"same_rows/{name}"))}
    others = [known[name] for name in ("baseline/bias", "model6") if name in known]
    rows = [
        ["model", "reads", "R2", "RMSE (stars)", *(f"RMSE less that of {other.model}" for other in others), "epochs"]
    ]
    for name, found in known.items():
        values = [write_mean(found.values("test", metric), METRICS[metric].digits) for metric in ("r2", "rmse_stars")]
        differences = ["-" if other is found else write_interval(compare(found, other)) for other in others]
        rows.append([name, SAME_ROWS[name], *values, *differences, write_epochs(found)])
    return rows


def settings(runs: Runs) -> Rows:
    """List what was trained: seeds, epochs, sizes."""
    names = [*PUBLISHED, *(PUBLISHED_FAMILY + model for model in PUBLISHED), *(f"ablation/{name}" for name in ABLATION)]
    rows = [["configuration", "seeds", "epochs", "inputs", "weights"]]
    for name in names:
        if found := runs.get(name):
            seeds = ", ".join(sorted(str(seed) for seed in found.seeds))
            rows.append([name, seeds, write_epochs(found), str(found.newest["inputs"]), f"{found.newest['weights']:,}"])
    return rows


TABLES: dict[str, Callable[[Runs], Rows]] = {
    "training rows": training_rows,
    "all metrics": all_metrics,
    "lists": lists,
    "ablation": ablation,
    "same rows": same_rows,
    "settings": settings,
}


def write_interval(found: Interval | None) -> str:
    """Write a difference and its 95 % interval; `?` where the rows differ."""
    return "?" if found is None else f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


def write_epochs(found: Measured) -> str:
    """Write how many epochs the runs had, of how many; fewer where a fit stopped early."""
    epochs: list[dict[str, Any]] = [content["epochs"] for content in found.contents]
    few, many = min(one["trained"] for one in epochs), max(one["trained"] for one in epochs)
    refit = ", refit" if any(content.get("refit") for content in found.contents) else ""
    return f"{few if few == many else f'{few} to {many}'} of {max(one['planned'] for one in epochs)}{refit}"


def fill_in(page: str, runs: Runs) -> str:
    """Replace the tables of a page; a table of which nothing was measured stays as it is."""

    def replace(found: re.Match[str]) -> str:
        heading, *rows = TABLES[found[1]](runs)
        if not rows:
            return found[0]
        lines = [f"| {' | '.join(cells)} |" for cells in (heading, ["---"] * len(heading), *rows)]
        return "\n".join([f"<!-- table {found[1]} -->", *lines, "<!-- end -->"])

    return re.sub(r"<!-- table ([\w ]+) -->\n.*?<!-- end -->", replace, page, flags=re.DOTALL)


def rebuilt(page: str, part: str) -> Values:
    """Read the metrics of the models as the notebook ran them, on `train` or `test` rows, from the page's table."""
    (table,) = re.findall(r"<!-- table all metrics -->\n(.*?)<!-- end -->", page, flags=re.DOTALL)
    found = {}
    for line in table.splitlines():
        run, rows, *numbers = (cell.strip() for cell in line.strip("| ").split("|"))
        if run.startswith(PUBLISHED_FAMILY) and rows.startswith(part):
            found[run.removeprefix(PUBLISHED_FAMILY)] = dict(zip(SHOWN, map(float, numbers), strict=False))
    return found


def main() -> None:
    """Fill in docs/results.md from the runs on real data, and draw its figure."""
    measured, left_out = gather(Path("lightning_logs"))
    print(*left_out, sep="\n")
    real = [one for one in measured if not one.sample]
    page = fill_in(PAGE.read_text(encoding="utf-8"), {one.name: one for one in real})
    replace_text(PAGE, page)
    bitmap, _ = save(draw_published(rebuilt(page, "train"), rebuilt(page, "test")), PAGE.parent, "published")
    bitmap.unlink()


if __name__ == "__main__":
    main()
