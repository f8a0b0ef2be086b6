"""Measure speed and memory against references in the same run: `python -m tests.benchmarks`, or `make bench`.

On the data that MOVIEREC_DATA names if it has both releases, else on generated ratings of the same numbers; `fetch` and
`reading` always generate theirs.
"""

import argparse
import json
import platform
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from movierec.datasets.catalog import RELEASES
from movierec.datasets.root import default_root, is_sample
from movierec.datasets.sample import DEFAULT_RELEASES, SampleSize, write_sample
from movierec.runs import replace_text
from movierec.training.config import find_config
from tests.benchmarks import reading, start, training

BASELINE = Path(__file__).with_name("baseline.json")
SMALL = SampleSize(num_users=610, num_movies=9_742, num_ratings=100_836, releases=("ml-latest-small",))
LARGE = SampleSize(num_users=6_040, num_movies=3_883, num_ratings=1_000_209, releases=("ml-1m",))
BFLOAT16 = ("--trainer.precision", "bf16-mixed")
TRAININGS: dict[str, tuple[str, tuple[str, ...]]] = {
    **{f"model{number}": (f"model{number}", ()) for number in range(1, 6)},
    **{f"model{number}, bf16-mixed": (f"model{number}", BFLOAT16) for number in (3, 4, 5)},
}


def main() -> None:
    """Measure what is asked for, print it beside the baseline, and keep it as json."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=list(GROUPS),
        default=["training", "start", "memory"],
        help="which groups to measure",
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the median counts")
    parser.add_argument("--batches", type=int, default=120, help="training batches of an epoch, at most")
    parser.add_argument("--ratings", type=int, default=32_000_000, help="ratings of the csv file of `reading`")
    parser.add_argument("--ckpt_path", type=Path, help="checkpoint of `recommending` (default: one trained for it)")
    parser.add_argument("--out", type=Path, default=Path("build/benchmark.json"), help="where to keep the figures")
    parser.add_argument("--baseline", type=Path, default=BASELINE, help="earlier figures to compare with")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # Lightning's, about our own limits
    with data_roots() as (small, large):
        found: dict[str, Any] = {"machine": machine(), "data": "generated" if is_sample(small) else "published"}
        for group in options.only:
            found[group] = {}
            for name, figures in GROUPS[group](small, large, options):
                found[group][name] = figures
                print(f"{group}: {name}", flush=True)
    baseline = json.loads(options.baseline.read_text(encoding="utf-8")) if options.baseline.is_file() else {}
    for group in options.only:
        show(group, found[group], baseline.get(group, {}))
    if of_roots := [group for group in options.only if group not in GENERATING]:
        print(f"data of {', '.join(of_roots)}: {found['data']} (baseline: {baseline.get('data', 'none')})")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    replace_text(options.out, json.dumps(found, indent=1) + "\n")
    print(f"kept in {options.out}")


@contextmanager
def data_roots() -> Iterator[tuple[Path, Path]]:
    """Find the roots of a release of 100 thousand and one of a million ratings, or generate them for a while."""
    root = default_root()
    if all((root / release.ratings).is_file() for release in (RELEASES[name] for name in DEFAULT_RELEASES)):
        yield root, root
        return
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small"), Path(folder, "large")
        write_sample(small, SMALL)
        write_sample(large, LARGE)
        yield small, large


def machine() -> dict[str, Any]:
    """Describe what the figures were measured on."""
    cpu = next((line.split(":")[1].strip() for line in cpu_lines() if line.startswith("model name")), "unknown")
    return {
        "cpu": cpu,
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def cpu_lines() -> list[str]:
    """Read what Linux knows of the processor."""
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def root_of(config: str, small: Path, large: Path) -> Path:
    """Choose the data of a model: the fifth one learns a million ratings."""
    return large if config == "model5" else small


def measure_training(small: Path, large: Path, options: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    """Measure how fast each model trains."""
    for name, (config, extra) in TRAININGS.items():
        path, root = str(find_config(config)), root_of(config, small, large)
        yield name, training.measure(path, root=root, rounds=options.rounds, batches=options.batches, options=extra)


def measure_start(small: Path, large: Path, options: argparse.Namespace) -> Iterator[tuple[str, dict[str, float]]]:
    """Measure how long each model takes to its first step."""
    for number in range(1, 6):
        config = f"model{number}"
        yield (
            config,
            start.measure_start(str(find_config(config)), root=root_of(config, small, large), rounds=options.rounds),
        )


def measure_memory(small: Path, large: Path, options: argparse.Namespace) -> Iterator[tuple[str, dict[str, float]]]:
    """Measure the memory that model 5 needs, over several epochs."""
    config = str(find_config("model5"))
    yield "model5", start.measure_memory(config, root=large, epochs=6, batches=options.batches)


def measure_ablation(small: Path, large: Path, options: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    """Measure what each optimisation gains."""
    from movierec.data import Combined1MDataModule, IMDbDataModule, RatingsDataModule
    from movierec.models import MLP
    from tests.benchmarks import ablation

    wide, narrow = [2048, 512, 256, 64, 16], [256, 128, 64, 32]
    for name, module, root, hidden, dropout in (
        ("model1", RatingsDataModule, small, narrow, [0.2, 0.2, 0.0, 0.0]),
        ("model3", IMDbDataModule, small, wide, [0.2, 0.2, 0.2, 0.0, 0.0]),
        ("model5", Combined1MDataModule, large, wide, [0.2, 0.2, 0.2, 0.0, 0.0]),
    ):
        data = module(root=root)
        network = MLP(data.prepare()[0], hidden=hidden, dropout=dropout)
        yield name, ablation.measure(data, network, hidden=hidden, rounds=options.rounds, steps=20)


def measure_fetch(small: Path, large: Path, options: argparse.Namespace) -> Iterator[tuple[str, dict[str, float]]]:
    """Measure how near a fetch comes to the rate that TMDb allows."""
    from tests.benchmarks import fetch

    yield "tmdb, 40 a second", fetch.measure(num_films=2_000, rate=40.0)


def measure_recommending(
    small: Path, large: Path, options: argparse.Namespace
) -> Iterator[tuple[str, dict[str, float]]]:
    """Measure how fast model 5 recommends."""
    from tests.benchmarks import recommending

    return recommending.measure(str(find_config("model5")), root=large, options=options)


def measure_reading(small: Path, large: Path, options: argparse.Namespace) -> Iterator[tuple[str, dict[str, float]]]:
    """Measure how fast ratings are read, always on generated ones."""
    return reading.measure_reading(options)


GROUPS = {
    "training": measure_training,
    "start": measure_start,
    "memory": measure_memory,
    "ablation": measure_ablation,
    "fetch": measure_fetch,
    "reading": measure_reading,
    "recommending": measure_recommending,
}
GENERATING = {"fetch", "reading"}  # their data, whatever there is


def show(group: str, found: dict[str, Any], baseline: dict[str, Any]) -> None:
    """Print a table of figures, each beside that of the baseline."""
    columns = list(found)
    table = Table(title=group, title_justify="left")
    table.add_column("figure (baseline)")
    for name in columns:
        table.add_column(name, justify="right")
    for figure in dict.fromkeys(figure for values in found.values() for figure in flat(values)):
        cells = []
        for name in columns:
            now, before = flat(found[name]).get(figure), flat(baseline.get(name, {})).get(figure)
            cells.append("" if now is None else number(now) + (f" ({number(before)})" if before is not None else ""))
        table.add_row(figure, *cells)
    Console(width=max(120, 34 + 20 * len(columns))).print(table)


def flat(figures: dict[str, Any]) -> dict[str, float]:
    """Write nested figures as one level: "ratings a second, bare"."""
    return {
        f"{name}, {inner}" if inner else name: value
        for name, values in figures.items()
        for inner, value in (values.items() if isinstance(values, dict) else [("", values)])
    }


def number(value: float) -> str:
    """Write a number with three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
