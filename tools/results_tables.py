"""Write the tables of docs/results.md from the tested runs, and draw its figures from the tables.

    python -m tools.results_tables [--runs lightning_logs]

A table stands between `<!-- table NAME -->` and `<!-- end -->`; all other text of the page is written by hand. A row
appears when its run is tested.
"""

import argparse
import re
import statistics
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any

from movierec.metrics.bootstrap import Interval, compare_scores
from movierec.metrics.published import PUBLISHED, PUBLISHED_FAMILY, PUBLISHED_METRICS
from movierec.metrics.registry import METRICS, RANKINGS
from movierec.metrics.style import save
from movierec.metrics.test_rows import read_lists
from movierec.report.comparison import compare, error_interval
from movierec.report.lists import write_mean
from movierec.report.results import Measured, gather
from movierec.runs import replace_text
from tools.learning_curve_figure import draw_learning_curve
from tools.published_figure import Values, draw_published

PAGE = Path("docs/results.md")
BIAS, FOUND = "baseline/bias", "ndcg@10"
READS = {  # the models of ratings, in the order of the tables
    BIAS: "ratings",
    "model1": "genres",
    "model2": "genres, TMDb",
    "model3": "genres, IMDb",
    "model4": "genres, TMDb, IMDb",
    "model5": "genres, TMDb, IMDb",
    "model6": "genres, times",
    "model6_1m": "genres, users, times",
    "model6_combined": "genres, TMDb, IMDb, times",
    "model6_large": "genres, users, TMDb, IMDb, times",
}
LISTS = ("model7", "model8", "model8_blend")
SPLITS = ("", "split_124/", "split_125/")
SHARES = {"3%": "share_0.03/", "10%": "share_0.1/", "30%": "share_0.3/", "100%": ""}
Runs = Mapping[str, Measured]
Rows = list[list[str]]


def stars(runs: Runs, *, place: str) -> Rows:
    """Compare the errors of predicted stars with those of the bias model, on the same test ratings."""
    known = {name: found for name in READS if (found := runs.get(place + name))}
    if BIAS not in known:
        return [[]]
    bias = known[BIAS]
    heading = f"RMSE in stars, {bias.size('test'):,} test ratings"
    rows = [["model", "reads", "R2", heading, "difference to the bias model", "RMSE of three splits"]]
    mean = bias.newest["baselines"]["mean"]
    rows.append(["always the mean", "-", f"{round(mean['r2'], 3) + 0:.3f}", f"{mean['rmse_stars']:.4f}", "-", "-"])
    for name, found in known.items():
        r2, difference = write_mean(found.values("test", "r2")), None if found is bias else compare(found, bias)
        error, against = write(error_interval(found), digits=4), write(difference, digits=4, sign="+")
        rows.append([name, READS[name], r2, error, against, over_splits(runs, place + name, rmse, 4)])
    return rows


def lists(runs: Runs, *, place: str) -> Rows:
    """Compare lists with those of item-kNN, for the same users."""
    tested = [runs[place + name] for name in (*LISTS, *READS) if place + name in runs]
    known = [found for found in tested if found.newest.get("retrieval")]
    rankings = [("popularity", found) for found in known[:1]] + [("item_knn", found) for found in known[:1]]
    rows, users = [], "NDCG@10"
    for ranking, found in [*rankings, *(("model", found) for found in known)]:
        measured = found.newest["retrieval"][ranking]
        cells = [write(Interval(measured[name], *measured["intervals"][name])) for name in ("recall@10", FOUND)]
        difference = write(compare_rankings(found, found, ranking, "item_knn"), sign="+")
        name = found.name.removeprefix(place) if ranking == "model" else RANKINGS[ranking]
        splits = over_splits(runs, found.name, partial(ndcg, ranking=ranking))
        rows.append([name, *cells, difference, f"{measured['coverage']:.3f}", splits])
        users = f"NDCG@10, {measured['users']:,.0f} users"
    heading = ["model", "recall@10", users, "difference to item-kNN", "coverage", "NDCG@10 of three splits"]
    return [heading, *rows]


def learning_curve(runs: Runs) -> Rows:
    """List each model's test errors and lists by the share of the training ratings that it saw."""
    rows = [["model", "share", "RMSE in stars", "change", "NDCG@10 of lists", "change"]]
    for model in (BIAS, "model1", "model5", "model6_1m", "model7"):
        before: Measured | None = None
        for share, place in SHARES.items():
            if found := runs.get(f"ml-1m/{place}same_rows/{model}"):
                measured = found.newest["retrieval"]["model"]
                ndcg = Interval(measured[FOUND], *measured["intervals"][FOUND])
                row = [model, share, write(error_interval(found), digits=4), "-", write(ndcg), "-"]
                if before:
                    row[3] = write(compare(found, before), digits=4, sign="+")
                    row[5] = write(compare_rankings(found, before), sign="+")
                rows.append(row)
                before = found
    return rows


def published(runs: Runs, *, part: str) -> Rows:
    """List the metrics of the models as the notebook ran them; of training rows, less the published."""
    rows = [["model", *(METRICS[name].heading for name in PUBLISHED_METRICS)]]
    for model, numbers in PUBLISHED.items():
        if found := runs.get(PUBLISHED_FAMILY + model):
            means = {name: statistics.fmean(found.values(part, name)) for name in PUBLISHED_METRICS}
            less = {name: METRICS[name].format(means[name] - numbers[name], sign=True) for name in means}
            cells = (METRICS[name].format(means[name]) + f" ({less[name]})" * (part == "train") for name in means)
            rows.append([model, *cells])
    return rows


TABLES: dict[str, Callable[[Runs], Rows]] = {
    "small stars": partial(stars, place="same_rows/"),
    "small lists": partial(lists, place="same_rows/"),
    "1M stars": partial(stars, place="ml-1m/same_rows/"),
    "1M lists": partial(lists, place="ml-1m/same_rows/"),
    "small stars by time": partial(stars, place="time/same_rows/"),
    "small lists by time": partial(lists, place="time/same_rows/"),
    "1M stars by time": partial(stars, place="ml-1m/time/same_rows/"),
    "1M lists by time": partial(lists, place="ml-1m/time/same_rows/"),
    "learning curve": learning_curve,
    "training rows": partial(published, part="train"),
    "test rows": partial(published, part="test"),
}


def rmse(content: dict[str, Any]) -> float:
    """Return the test error of a run."""
    return float(content["test"]["rmse_stars"])


def ndcg(content: dict[str, Any], *, ranking: str) -> float:
    """Return the NDCG@10 of the lists of a run, or of a simple ranking for the same users."""
    return float(content["retrieval"][ranking][FOUND])


def over_splits(runs: Runs, name: str, number: Callable[[dict[str, Any]], float], digits: int = 3) -> str:
    """Write the mean and the standard deviation of a number over the splits; a dash without all three."""
    values = [number(found.newest) for split in SPLITS if (found := runs.get(split + name))]
    return write_mean(values, digits) if len(values) == len(SPLITS) else "-"


def compare_rankings(one: Measured, other: Measured, ranking: str = "model", against: str = "model") -> Interval | None:
    """Compare the NDCG@10 of two rankings, paired by user; None if they are the same, or of other users."""
    tables = [read_lists(found.runs[0].path) for found in (one, other)]
    scores = [
        table[table["ranking"] == name].set_index("user_id")[FOUND].sort_index()
        for table, name in zip(tables, (ranking, against), strict=True)
        if table is not None
    ]
    if (one, ranking) == (other, against) or len(scores) < len(tables) or not scores[0].index.equals(scores[1].index):
        return None
    return compare_scores(scores[0].to_numpy(), scores[1].to_numpy())


def write(found: Interval | None, *, digits: int = 3, sign: str = "") -> str:
    """Write a number and its 95 % interval; a dash if there is none."""
    if found is None:
        return "-"
    value, low, high = (f"{number:{sign}.{digits}f}" for number in found)
    return f"{value} ({low} to {high})"


def fill_in(page: str, runs: Runs) -> str:
    """Replace the tables of a page, without columns of dashes; one of which nothing was measured stays as it is."""

    def replace(found: re.Match[str]) -> str:
        heading, *rows = TABLES[found[1]](runs)
        if not rows:
            return found[0]
        kept = [any(row[place] != "-" for row in rows) for place in range(len(heading))]
        table = [[*compress(row, kept)] for row in (heading, ["---"] * len(heading), *rows)]
        lines = [f"| {' | '.join(row)} |" for row in table]
        return "\n".join([f"<!-- table {found[1]} -->", *lines, "<!-- end -->"])

    return re.sub(r"<!-- table ([\w ]+) -->\n.*?<!-- end -->", replace, page, flags=re.DOTALL)


def read_table(page: str, name: str) -> Iterator[list[str]]:
    """Yield the cells of each row of a table, without its heading."""
    (table,) = re.findall(rf"<!-- table {name} -->\n(.*?)<!-- end -->", page, flags=re.DOTALL)
    for line in table.splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("| ").split("|")]


def rebuilt(page: str, part: str) -> Values:
    """Read the metrics of the models as the notebook ran them, on `training` or `test` rows, from the page's table."""
    return {
        model: {name: float(cell.split()[0]) for name, cell in zip(PUBLISHED_METRICS, cells, strict=True)}
        for model, *cells in read_table(page, f"{part} rows")
    }


def main() -> None:
    """Fill in docs/results.md from the runs on real data, and draw its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("lightning_logs"))
    measured, left_out = gather(parser.parse_args().runs)
    print(*left_out, sep="\n")
    page = fill_in(PAGE.read_text(encoding="utf-8"), {one.name: one for one in measured if not one.sample})
    drawings = {
        "published": draw_published(rebuilt(page, "training"), rebuilt(page, "test")),
        "learning_curve": draw_learning_curve(read_table(page, "learning curve")),
    }
    for name, drawing in drawings.items():
        bitmap, vector = save(drawing, PAGE.parent, name)
        bitmap.unlink()
        page = re.sub(rf"!\[[^]]*\]\({vector.name}\)", f"![{drawing.alt}]({vector.name})", page)
    replace_text(PAGE, page)


if __name__ == "__main__":
    main()
