"""How long a sweep of model 6 takes: `python -m tests.benchmarks.sweeps`; a part of `make bench-accuracy`.

Over ranks on ml-1m, beside an iteration of myFM with the same relations where its virtual environment is there; and
over numbers of generated ratings at rank 32, with the memory of the whole process.
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from movierec.data import RatingsDataModule
from tests.benchmarks.accuracy import judge
from tests.benchmarks.generated import write_generated
from tests.benchmarks.scale import SIZES, run

MYFM = Path(".venv-peers-myfm/bin/python")
RANK, LARGEST = 32, 32_000_000
FASTER, SECONDS, GIGABYTES = 3, 90, 10  # the bars: times as fast as myFM at RANK; of a sweep over LARGEST ratings
OPTIONS = (
    *("--data.columns=[]", "--data.side_information=true", "--model.time_periods=0"),
    *("--model.burn_in=0", "--model.keep_every=1000", "--checkpoint.monitor=null", "--trainer.max_epochs=6"),
    *("--trainer.limit_train_batches=1", "--trainer.limit_val_batches=0", "--trainer.enable_progress_bar=false"),
    *("--trainer.callbacks", "tests.benchmarks.sweep_clock.SweepClock"),
)


def main() -> None:
    """Measure and print the seconds of a sweep."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.sweeps", description=__doc__)
    parser.add_argument("--ranks", type=int, nargs="*", default=[8, 16, 32, 64])
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES), choices=list(SIZES), help="ratings")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for rank in options.ranks:
            print(f"ml-1m, rank {rank}: {compare(rank, Path(folder))}", flush=True)
    for size in options.sizes:
        print(f"{size:,} generated ratings, rank {RANK}: {measure(size)}", flush=True)


def compare(rank: int, folder: Path) -> str:
    """Describe a sweep over the training ratings of ml-1m beside an iteration of myFM."""
    seconds, _ = sweep("model6_1m", rank, folder)
    if not MYFM.is_file():
        return f"{seconds:.2f} s a sweep"
    module = RatingsDataModule(release="ml-1m")
    tables, rows = module.prepare()
    train = rows["train"]
    stars = tables.to_stars(train.rating)
    np.savez(folder / "train.npz", user=train.user, film=train.movie, stars=stars)
    command = [str(MYFM), "tests/benchmarks/myfm_clock.py", str(folder / "train.npz"), str(rank)]
    quiet = {**os.environ, "TQDM_DISABLE": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=quiet)  # noqa: S603 - our own
    other = float(done.stdout)
    ratio = other / seconds
    text, _ = judge(f"{ratio:.1f} times as fast", ratio, FASTER if rank == RANK else None, is_high=True)
    return f"{seconds:.2f} s a sweep, {other:.2f} s an iteration of myFM: {text}"


def measure(num_ratings: int) -> str:
    """Describe a sweep over generated ratings."""
    users, movies = SIZES[num_ratings]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "data")
        write_generated(root, "ml-latest-small", num_users=users, num_movies=movies, num_ratings=num_ratings)
        seconds, gigabytes = sweep("model6", RANK, Path(folder), "--data.root", str(root))
    bars = (SECONDS, GIGABYTES) if num_ratings == LARGEST else (None, None)
    texts = (f"{seconds:.2f} s a sweep", f"{gigabytes:.1f} GB")
    found = zip(texts, (seconds, gigabytes), bars, strict=True)
    return ", ".join(judge(text, value, bar, is_high=False)[0] for text, value, bar in found)


def sweep(config: str, rank: int, folder: Path, *options: str) -> tuple[float, float]:
    """Fit in a process of its own; return the median seconds of a sweep, and the process's peak gigabytes."""
    place = (f"--model.rank={rank}", f"--trainer.default_root_dir={folder}")
    _, megabytes, output = run(
        "-m", "movierec", "fit", "--config", f"configs/{config}.yaml", *OPTIONS, *place, *options
    )
    line = next(line for line in output.splitlines() if line.startswith("sweeps "))
    return median(json.loads(line.removeprefix("sweeps "))[1:]), megabytes / 1000


if __name__ == "__main__":
    main()
