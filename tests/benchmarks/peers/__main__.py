"""Other libraries beside our models, on the same rows: `python -m tests.benchmarks.peers`, or `make bench-peers`.

Each is a script that reads the files of `data export-split` and writes predictions of the test ratings, or lists of ten
films; all are measured here by the same code. Ratings: a random tenth is tested, a twentieth of the others validates;
what needs no validation ratings is trained on them, too. Lists: split 80/10/10. Seconds are of the whole process, on
one thread; of a search, of the chosen settings.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from movierec.data import RatingsDataModule
from movierec.data.export import export_split
from movierec.metrics.bootstrap import mean_interval, rmse_interval
from movierec.metrics.test_rows import PredictedRows
from movierec.metrics.topn import compare, list_targets
from movierec.model_selection.compare import write_interval
from tests.benchmarks.accuracy import LARGE, LISTS, SMALL, write_pairs

ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "LK", "RAYON")} | {"TQDM_DISABLE": "1"}
DEFAULT = "default options"


@dataclass(frozen=True)
class Peer:
    """A model of a library.

    Attributes:
        name: The library and the model.
        script: The script beside this file.
        settings: What the script takes; of several, those with the best lists of the validation ratings.
        source: Where the settings are from, if they are not chosen among several.
    """

    name: str
    script: str
    settings: tuple[dict[str, Any], ...]
    source: str = DEFAULT


def own(name: str, release: str, *configs: str, **options: Any) -> Peer:
    """Describe a model of ours."""
    settings = {"configs": configs, "data.release": release, **options}
    return Peer(name, "own", (settings,), ", ".join(f"configs/{config}.yaml" for config in configs))


def rating_peers(release: str) -> list[Peer]:
    """List the models that predict stars."""
    factors, networks = ("model6_1m", (1, 5)) if release == LARGE else ("model6", (1, 2, 3, 4))
    alone = {"data.columns": [], "data.side_information": True, "model.time_periods": 0}
    example = "its examples/ml-1m-regression.py without times; 200 iterations, where that has 512"
    return [
        *(
            Peer(f"Surprise, {name}", "surprise", ({"algorithm": name},), f"{DEFAULT}, as in its README")
            for name in ("BaselineOnly", "SVD", "SVDpp")
        ),
        Peer("myFM", "myfm", ({"rank": 32, "iterations": 200},), example),
        Peer("LightGBM, inputs of model 1", "lightgbm", ({"release": release},), f"{DEFAULT}, trees by validation"),
        own("bias model", release, "baseline/bias"),
        *(own(f"model {one}", release, f"model{one}", "patience", **{"data.missing": "impute"}) for one in networks),
        own("model 6, ratings alone", release, factors, **alone),
        own("model 6", release, factors),
    ]


def list_peers(release: str) -> list[Peer]:
    """List the models that make lists."""
    batches = {"data.batch_size": 256} if release == LARGE else {}
    of_als = tuple({"factors": factors, "alpha": alpha} for factors in (16, 32, 64, 128) for alpha in (1, 5))
    ease = {"scorer": "EASEScorer"}
    of_ease = tuple({**ease, "regularization": l2, "least": least} for l2 in (100, 500) for least in (0, 4))
    return [
        Peer("implicit, ALS", "implicit", ({"bm25": 5},), "its examples/movielens.py"),
        Peer("implicit, ALS", "implicit", of_als),
        Peer("LensKit, item-kNN", "lenskit", ({"scorer": "ItemKNNScorer", "feedback": "implicit", "least": 0},)),
        Peer("LensKit, EASE", "lenskit", of_ease),
        own("model 7", release, "model7"),
        own("model 8", release, "model8", **batches),
        own("model 8 blend", release, "model8_blend", **batches),
    ]


def main() -> None:
    """Measure, and print two tables for each release."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers", description=__doc__)
    parser.add_argument("--release", nargs="+", default=[SMALL, LARGE], choices=[SMALL, LARGE])
    parser.add_argument("--only", nargs="+", default=[""], metavar="TEXT", help="models with these in their names")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for release in chosen.release:
            for of_lists in (False, True):
                bench = Bench(release, Path(folder), of_lists=of_lists)
                print(f"\n{release}, {bench.size}\n\n{bench.heading}", flush=True)
                for peer in (list_peers if of_lists else rating_peers)(release):
                    if any(text in peer.name for text in chosen.only):
                        print(bench.measure(peer), flush=True)


class Bench:
    """Measure models on a split.

    Args:
        release: Of MovieLens.
        folder: Files are written to it.
        of_lists: Measure lists, or else predicted stars.
    """

    def __init__(self, release: str, folder: Path, *, of_lists: bool) -> None:
        self.folder, self.of_lists = folder / f"{release}-{'lists' if of_lists else 'ratings'}", of_lists
        split = LISTS if of_lists else write_pairs(release, folder)
        options: dict[str, Any] = {name.removeprefix("data."): value for name, value in split.items()}
        data = RatingsDataModule(release=release, **options)
        self.size = f"{export_split(data, self.folder)['test']:,} test ratings"
        self.tables, self.rows = data.prepare()
        heads = ["recall@10, 95 %", "NDCG@10, 95 %"] if of_lists else ["RMSE, 95 %"]
        heads = ["model", "settings", *heads, "seconds", "of the processor"]
        self.heading = "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads)))

    def measure(self, peer: Peer) -> str:
        """Measure a model, and return a row of the table."""
        best, source = peer.settings[0], peer.source
        if len(peer.settings) > 1:
            found = [self.lists(self.run(peer, one, "val")[0], "val")[:, 1].mean() for one in peer.settings]
            best = peer.settings[int(np.argmax(found))]
            source = f"{json.dumps(best)}, chosen on validation among {len(found)}"
        result, *seconds = self.run(peer, best, "test")
        if self.of_lists:
            measured = [mean_interval(column) for column in self.lists(result, "test").T]
        else:
            measured = [rmse_interval([self.predicted(result)])]
        return f"| {' | '.join([peer.name, source, *map(write_interval, measured), *map('{:.0f}'.format, seconds)])} |"

    def run(self, peer: Peer, settings: dict[str, Any], part: str) -> tuple[pd.DataFrame, float, float]:
        """Run a script; return what it wrote, the seconds that it took, and those of the processor."""
        python = sys.executable if peer.script == "own" else f".venv-peers-{peer.script}/bin/python"
        out = self.folder / "out.csv"
        command = [python, "-m", f"tests.benchmarks.peers.{peer.script}", str(self.folder), str(out), part]
        begun, of_processor = time.perf_counter(), of_children()
        subprocess.run(  # noqa: S603 - our own
            [*command, json.dumps(settings)], check=True, env=os.environ | ONE_THREAD, stdout=subprocess.DEVNULL
        )
        return pd.read_csv(out), time.perf_counter() - begun, of_children() - of_processor

    def predicted(self, result: pd.DataFrame) -> PredictedRows:
        """Match predictions with the test ratings, each of which must have one."""
        pairs = ["userId", "movieId"]
        test = pd.read_csv(self.folder / "test.csv").merge(result[[*pairs, "prediction"]], on=pairs, validate="1:1")
        assert len(test) == len(self.rows["test"].rating)
        clipped = test["prediction"].clip(self.tables.min_stars, self.tables.max_stars)
        columns = (test[name].to_numpy() for name in (*pairs, "rating"))
        return PredictedRows.sorted(*columns, clipped.to_numpy())

    def lists(self, result: pd.DataFrame, part: str) -> np.ndarray:
        """Compute the recall@10 and NDCG@10 of each user who likes a film of a part: [num_users, 2]."""
        of_users = result.groupby("userId")["movieId"].agg(np.array)
        ids, found = self.tables.movie_ids.numpy(), []
        for target in list_targets(self.tables, self.rows, part):
            listed = of_users.get(target.user_id, np.empty(0))
            assert not np.isin(listed, ids[target.seen]).any()
            found.append(compare(listed, ids[target.liked])[:2])
        return np.array(found)


def of_children() -> float:
    """Seconds of the processor of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
