"""How near models come to the best published results: `python -m tests.benchmarks.accuracy`, or `make bench-accuracy`.

Each row fits a configuration, refits it on training and validation ratings, tests it, and compares the RMSE of the test
ratings with a bar; rows of lists compare recall@10 and NDCG@10 without a refit. Reads ml-latest-small, ml-1m and
metadata below MOVIEREC_DATA. The bars are of one split, whose standard error is 0.002 stars on ml-1m and 0.006 on
ml-latest-small.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

import movierec
from movierec.datasets.catalog import RELEASES
from movierec.datasets.movielens import read_ratings
from movierec.datasets.root import default_root
from movierec.metrics.caveats import NEWER
from movierec.runs import newest_run

SMALL, LARGE = "ml-latest-small", "ml-1m"
ALONE = {"data.columns": [], "data.side_information": True}
NO_TIMES = {"model.time_periods": 0}
YEARS = {"data.side_information": True}  # with genres, they are all that the ratings' own files tell of films
BY_TIME = {"data.split": "time", "data.fractions": [0.8, 0.1, 0.1]}
LISTS = {"data.split": "random", "data.seed": 0}
LARGE_LISTS = {**LISTS, "data.release": LARGE}
SHARES = [0.855, 0.045, 0.1]  # a tenth is tested, and a twentieth of the others validates
HELD_OUT = "ml-1m, users held out of training"
GAP = 0.006  # stars that they may lose


@dataclass(frozen=True)
class Row:
    """A configuration to measure, and what it should reach.

    Attributes:
        name: The ratings and what is read.
        config: The configuration.
        release: Whose ratings it reads.
        options: Other options. Without `data.split` among them, the test ratings are those of `write_pairs`.
        bar: What the RMSE of the test ratings should be at most, stars; None reports it alone.
        minutes: What fit and refit should take at most, and of lists the processor.
        lists: What the metrics of the lists should be at least; None reports one alone. A row with them is not
            refitted, and has no RMSE.
    """

    name: str
    config: str
    release: str
    options: Mapping[str, Any] = field(default_factory=dict)
    bar: float | None = None
    minutes: float | None = None
    lists: Mapping[str, float | None] = field(default_factory=dict)


ROWS = (
    Row("small, ratings alone, no times", "model6", SMALL, {**ALONE, **NO_TIMES}, 0.8060, 2),
    Row("small, all columns and times", "model6_combined", SMALL, {}, 0.7690, 3),
    Row("small, all columns but votes, and times", "model6_combined", SMALL, {"data.exclude_columns": NEWER}),
    Row("small by time, genres and years", "model6", SMALL, {**NO_TIMES, **BY_TIME, **YEARS}, 1.045),
    Row("small by time, all columns", "model6_combined", SMALL, {**NO_TIMES, **BY_TIME}, 1.010),
    Row("ml-1m, ratings alone, no times", "model6_1m", LARGE, {**ALONE, **NO_TIMES}, 0.8180, 4),
    Row("ml-1m, genres and demographics, no times", "model6_1m", LARGE, NO_TIMES, 0.8168, 4),
    Row("ml-1m, all columns, no times", "model6_large", LARGE, {"model.rank": 32, **NO_TIMES}, 0.8168, 4),
    Row("ml-1m, all columns and times", "model6_large", LARGE, {"model.rank": 32, "model.time_periods": 8}, 0.8142, 6),
    Row("ml-1m, all columns and times, rank 64", "model6_large", LARGE, {}, 0.8130, 10),
    Row("ml-1m by time, genres and demographics", "model6_1m", LARGE, {**NO_TIMES, **BY_TIME}, 0.880),
    Row("lists, small, popularity", "baseline/popularity", SMALL, LISTS, lists={"recall@10": None, "ndcg@10": None}),
    Row("lists, small, model 7", "model7", SMALL, LISTS, lists={"recall@10": 0.232, "ndcg@10": 0.246}),
    Row("lists, small, blend", "model8_blend", SMALL, LISTS, lists={"recall@10": 0.235, "ndcg@10": 0.251}),
    Row(
        "lists, ml-1m, popularity",
        "baseline/popularity",
        LARGE,
        LARGE_LISTS,
        lists={"recall@10": None, "ndcg@10": None},
    ),
    Row("lists, ml-1m, model 7", "model7", LARGE, LARGE_LISTS, None, 1 / 3, {"recall@10": 0.256, "ndcg@10": 0.301}),
    Row(
        *("lists, ml-1m, blend", "model8_blend", LARGE, {**LARGE_LISTS, "data.batch_size": 256}, None, 2.5),
        {"recall@10": 0.263, "ndcg@10": 0.306},
    ),
)


def main() -> int:
    """Measure the rows, and return the exit status: 1 if one does not reach its bars."""
    names = [*(row.name for row in ROWS), HELD_OUT]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.accuracy", description=__doc__)
    parser.add_argument("--only", nargs="+", default=names, choices=names, metavar="NAME", help=" | ".join(names))
    parser.add_argument("--splits", type=int, default=0, help="also give the mean over so many random splits")
    chosen = parser.parse_args()
    passed = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        passed += [bench.measure(row, splits=chosen.splits) for row in ROWS if row.name in chosen.only]
        if HELD_OUT in chosen.only:
            passed.append(bench.measure_held_out())
    return 0 if all(passed) else 1


def write_pairs(release: str, folder: Path) -> dict[str, Any]:
    """Write the pairs to test and to validate on, and return the options of the split.

    Of a permutation of the ratings in the order of their file, the first tenth is tested, and a twentieth of the others
    validates.
    """
    ratings = read_ratings(default_root(), RELEASES[release])
    test, rest = np.split(np.random.default_rng(0).permutation(len(ratings)), [len(ratings) // 10])
    options: dict[str, Any] = {"data.split": "file"}
    for name, rows in ("test_pairs", test), ("val_pairs", rest[: int(len(rest) * 0.05)]):
        options[f"data.{name}"] = folder / f"{release}-{name}.csv"
        ratings.iloc[rows][["user_id", "movie_id"]].to_csv(options[f"data.{name}"], index=False)
    return options


class Bench:
    """Fit and test in a folder.

    Args:
        folder: Runs and files of pairs are written to it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.splits = {release: write_pairs(release, folder) for release in (SMALL, LARGE)}

    def measure(self, row: Row, *, splits: int) -> bool:
        """Measure a row, print it, and tell whether it reaches its bars."""
        own_split = "data.split" in row.options
        pairs = {} if own_split else self.splits[row.release]
        found, minutes, of_processor = self.run(row, {**row.options, **pairs})
        if row.lists:
            measured = found["retrieval"]["model"]
            verdicts = [
                judge(f"{name} {measured[name]:.4f}", measured[name], bar, is_high=True)
                for name, bar in row.lists.items()
            ]
        else:
            verdicts = [judge(f"{rmse_of(found):.4f}", rmse_of(found), row.bar, is_high=False)]
        taken = of_processor if row.lists else minutes
        verdicts.append(judge(f"{taken:.2f} minutes", taken, row.minutes, is_high=False))
        notes = [f"of the processor {of_processor:.2f}"]
        if "baselines" in found:
            notes.append(f"bias model {found['baselines']['bias']['rmse_stars']:.4f}")
        if splits and not own_split:
            random = ({"data.seed": seed, "data.fractions": SHARES} for seed in range(splits))
            values = [rmse_of(self.run(row, {**row.options, **options})[0]) for options in random]
            notes.append(f"mean of {splits} random splits {fmean(values):.4f}")
        print(f"{row.name}: {', '.join([*(text for text, _ in verdicts), *notes])}", flush=True)
        return all(is_good for _, is_good in verdicts)

    def measure_held_out(self) -> bool:
        """Compare a tenth of the users, scored by a model that they did not train, with one that they did train."""
        row = Row(HELD_OUT, "model6_1m", LARGE, NO_TIMES)
        split = {"data.split": "users", "data.fractions": SHARES, "data.history_share": 0.9}
        alone = rmse_of(self.run(row, {**NO_TIMES, **split})[0])
        tested = pd.read_parquet(newest_run(self.folder / "lightning_logs", row.config).path / "test_rows.parquet")
        tested.to_csv(self.folder / "tested.csv", index=False)
        split = {"data.split": "file", "data.fractions": SHARES, "data.test_pairs": self.folder / "tested.csv"}
        trained = rmse_of(self.run(row, {**NO_TIMES, **split})[0])
        text, is_good = judge(f"{alone - trained:.4f} worse", alone - trained, GAP, is_high=False)
        print(f"{HELD_OUT}: {alone:.4f}, trained in {trained:.4f}: {text}", flush=True)
        return is_good

    def run(self, row: Row, options: Mapping[str, Any]) -> tuple[dict[str, Any], float, float]:
        """Fit, refit and test; return what `movierec.test` returns, and the minutes of fit and refit.

        The second number of minutes is the processor's, which does not depend on what else the machine does.
        """
        place = {"trainer.default_root_dir": self.folder, "trainer.enable_progress_bar": False}
        begun, of_processor = time.perf_counter(), time.process_time()
        movierec.fit(row.config, options={**options, **place, "refit": None if row.lists else "train_val"})
        minutes = (time.perf_counter() - begun) / 60, (time.process_time() - of_processor) / 60
        run = newest_run(self.folder / "lightning_logs", row.config)
        found = movierec.test(run.config, options={} if row.lists else {"ranking_users": 0})
        return found, *minutes


def rmse_of(found: Any) -> float:
    """Find the RMSE of the test ratings, stars, in what `movierec.test` returns."""
    return float(found["test"]["rmse_stars"])


def judge(text: str, value: float, bar: float | None, *, is_high: bool) -> tuple[str, bool]:
    """Write whether a value reaches a bar, if there is one, and tell whether it does."""
    if bar is None:
        return text, True
    is_good = value >= bar if is_high else value <= bar
    return f"{text} ({'pass' if is_good else 'FAIL'}: at {'least' if is_high else 'most'} {bar:g})", is_good


if __name__ == "__main__":
    sys.exit(main())
