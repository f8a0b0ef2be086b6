"""How time and memory grow with the number of ratings: `python -m tests.benchmarks.scale`, or `make bench-scale`.

For each size of generated ratings: prepare them, train model 1's network for an epoch with a large batch, test it,
and recommend films to a user; each step is a process of its own. Writes a table as json and a figure. With
`--all_columns`, only prepare them, with all columns of their films: `--sizes 20000000 32000000 --all_columns`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from movierec.runs import replace_text
from tests.benchmarks.generated import write_generated, write_metadata

SIZES = {  # ratings: users, films, as in MovieLens' releases
    100_000: (610, 9_742),
    1_000_000: (6_040, 3_883),
    10_000_000: (70_000, 10_700),
    20_000_000: (138_493, 27_278),
    25_000_000: (162_541, 62_423),
    32_000_000: (200_948, 87_585),
}
DEFAULT_SIZES = [100_000, 1_000_000, 10_000_000, 32_000_000]
CONFIG = "configs/model1.yaml"
FIT = (
    *("--data.batch_size", "16384", "--data.eval_batch_size", "8192", "--trainer.max_epochs", "1"),
    *("--trainer.precision", "bf16-mixed", "--trainer.callbacks", "tests.benchmarks.scale_clock.EpochClock"),
)
PREPARE = "import sys; from pathlib import Path; from movierec.data import RatingsDataModule as Data; "
PREPARE += "Data(root=Path(sys.argv[1])).setup()"
PREPARE_ALL = "import sys; from pathlib import Path; from movierec.data import CombinedDataModule as Data; "
PREPARE_ALL += "columns = [name for name in Data.available_columns if not name.startswith('user_')]; "
PREPARE_ALL += "Data(root=Path(sys.argv[1]), columns=columns, missing='impute', cache=False).setup()"
# A small process between, since a process's maximum is at least the memory of the one that starts it.
WATCH = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
WATCH += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
STEPS = ("prepare", "start again", "fit", "test", "recommend")


def main() -> None:
    """Measure each size, keep the figures, and draw them."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=DEFAULT_SIZES, choices=list(SIZES), help="ratings")
    parser.add_argument("--out", type=Path, default=Path("build/scale.json"), help="where to keep the figures")
    parser.add_argument("--figure", type=Path, default=Path("build/scale.svg"), help="where to draw them")
    parser.add_argument("--all_columns", action="store_true", help="only prepare, with all columns of the films")
    options = parser.parse_args()
    if options.all_columns:
        for size in options.sizes:
            print("{:,} ratings: {:.0f} seconds, {:,.0f} MB".format(size, *prepare_all(size)), flush=True)
        return
    found = {}
    for size in options.sizes:
        found[size] = measure(size)
        print(size, json.dumps(found[size]), flush=True)
    for path in (options.out, options.figure):
        path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(options.out, json.dumps(found, indent=1) + "\n")
    draw(found, options.figure)
    print(f"kept in {options.out} and {options.figure}")


def prepare_all(num_ratings: int) -> tuple[float, float]:
    """Prepare a size with all columns of the films; return seconds and peak megabytes."""
    users, movies = SIZES[num_ratings]
    with tempfile.TemporaryDirectory() as root:
        write_generated(Path(root), "ml-latest-small", num_users=users, num_movies=movies, num_ratings=num_ratings)
        write_metadata(Path(root), movies)
        return run("-c", PREPARE_ALL, root)[:2]


def measure(num_ratings: int) -> dict[str, Any]:
    """Measure one size.

    Returns:
        Seconds and peak megabytes of each step; ratings a second of the training part of the epoch, and of all of it.
    """
    users, movies = SIZES[num_ratings]
    with tempfile.TemporaryDirectory() as folder:
        root = f"{folder}/data"
        write_generated(Path(root), "ml-latest-small", num_users=users, num_movies=movies, num_ratings=num_ratings)
        options = ("--config", CONFIG, "--data.root", root, "--trainer.default_root_dir", folder)
        module = ("-m", "movierec")
        commands = {
            "prepare": ("-c", PREPARE, root),
            "start again": ("-c", PREPARE, root),
            "fit": (*module, "fit", *options, *FIT),
            "test": (*module, "test", *options),
            "recommend": (*module, "recommend", "--user_id", "1", "--runs", f"{folder}/lightning_logs"),
        }
        results = {step: run(*command) for step, command in commands.items()}
        kept = sum(path.stat().st_size for path in Path(root, "prepared").iterdir())
        checkpoint = next(Path(folder).rglob("best.ckpt")).stat().st_size
    clock = json.loads(results["fit"][2].split("epoch ")[1].splitlines()[0])
    return {
        "seconds": {step: round(seconds, 2) for step, (seconds, _, _) in results.items()},
        "megabytes": {step: round(peak) for step, (_, peak, _) in results.items()},
        "prepared megabytes": round(kept / 1e6, 1),
        "checkpoint megabytes": round(checkpoint / 1e6, 1),
        **clock,
    }


def run(*arguments: str) -> tuple[float, float, str]:
    """Run Python as a process of its own; return seconds, peak megabytes, and what it printed."""
    begun = time.time()
    command = [sys.executable, "-c", WATCH, sys.executable, *arguments]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - our own
    seconds = time.time() - begun
    *_, kibibytes = output.split()
    return seconds, int(kibibytes) * 1024 / 1e6, output


def draw(found: dict[int, dict[str, Any]], path: Path) -> None:
    """Draw seconds and peak memory of each step over the number of ratings."""
    mpl.rcParams |= {"svg.hashsalt": "movierec", "font.size": 9}
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    draw_steps(left, found, "seconds", "seconds")
    draw_steps(right, found, "megabytes", "peak resident memory, MB")
    left.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def draw_steps(axes: Axes, found: dict[int, dict[str, Any]], what: str, label: str) -> None:
    """Draw a line for each step on logarithmic axes, each with a mark of its own."""
    sizes = sorted(found)
    for step, marker in zip(STEPS, "sD^vP", strict=True):
        axes.plot(sizes, [found[size][what][step] for size in sizes], marker=marker, label=step)
    axes.set(xscale="log", yscale="log", xlabel="ratings", ylabel=label)
    axes.grid(alpha=0.3)


if __name__ == "__main__":
    main()
