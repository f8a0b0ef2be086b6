"""How long the ratings of a release take to read, and how much memory, beside pandas with its defaults.

Each reader is a process of its own that imports no torch; ours also checks what it reads.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from movierec.datasets.catalog import RELEASES
from tests.benchmarks.generated import write_generated

CLOCK = """
import sys, time
from pathlib import Path
{imports}
begun = time.perf_counter()
frame = {read}
seconds = time.perf_counter() - begun
kibibytes = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
print(len(frame), seconds, kibibytes * 1024 / 1e6)
"""
OURS = CLOCK.format(
    imports="from movierec.datasets.catalog import RELEASES\nfrom movierec.datasets.movielens import read_ratings",
    read="read_ratings(Path(sys.argv[1]), RELEASES[sys.argv[2]])",
)
PANDAS = {
    "csv": CLOCK.format(imports="import pandas", read="pandas.read_csv(sys.argv[3])"),
    "double_colon": CLOCK.format(
        imports="import pandas", read="pandas.read_csv(sys.argv[3], sep='::', engine='python', header=None)"
    ),
}


def measure_reading(options: argparse.Namespace) -> Iterator[tuple[str, dict[str, float]]]:
    """Generate a release of each format, of as many ratings as ml-1m and as the options say, and read it."""
    for name, users, movies, ratings in (
        ("ml-1m", 6_040, 3_883, 1_000_209),
        ("ml-32m", *size_like_ml_32m(options.ratings), options.ratings),
    ):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "data")
            write_generated(root, name, num_users=users, num_movies=movies, num_ratings=ratings)
            yield f"{name}, {ratings:,} ratings", measure(root, name, ratings, options.rounds)


def size_like_ml_32m(num_ratings: int) -> tuple[int, int]:
    """Return how many users and films go with so many ratings: those of ml-32m, and fewer for fewer ratings."""
    share = (num_ratings / 32_000_000) ** 0.5
    return max(20, int(200_948 * share)), max(20, int(87_585 * share))


def measure(root: Path, name: str, num_ratings: int, rounds: int) -> dict[str, float]:
    """Read the ratings of a release in turn with pandas.

    Returns:
        Medians over the rounds: seconds, of reading alone, and peak megabytes, of the whole process; and how many
        times ours both of pandas are.
    """
    release = RELEASES[name]
    readers = {"movierec": OURS, "pandas": PANDAS[release.format]}
    found: dict[str, list[tuple[float, float]]] = {reader: [] for reader in readers}
    for _ in range(rounds):
        for reader, code in readers.items():
            command = [sys.executable, "-c", code, str(root), name, str(root / release.ratings)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our code
            rows, seconds, megabytes = map(float, output.split())
            assert rows == num_ratings
            found[reader].append((seconds, megabytes))
    figures = {}
    for index, what in enumerate(("seconds", "peak megabytes")):
        ours, theirs = ([values[index] for values in found[reader]] for reader in readers)
        figures[what] = statistics.median(ours)
        figures[f"{what}, pandas"] = statistics.median(theirs)
        figures[f"{what}, pandas / movierec"] = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    return figures
