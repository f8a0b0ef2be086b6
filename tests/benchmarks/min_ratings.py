"""From how many ratings a film is worth recommending: `python -m tests.benchmarks.min_ratings CHECKPOINT`.

Validation films of 4 stars and more that the first ten of a list hold, by the number of training ratings that a film
must have to be listed. The tables of docs/recommending.md are its output.
"""

import argparse
from importlib import import_module
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from movierec.data import MovieDataModule
from movierec.metrics.topn import evaluate_retrieval
from movierec.models.checkpoint import read_model
from movierec.runs import run_of
from movierec.training.continuation import check_same_data

LEAST = (0, 5, 10, 20, 50, 100, 200)


def main() -> None:
    """Measure a checkpoint, and print a table for each way to rank."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.min_ratings", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="of a run whose folder has its config.yaml")
    parser.add_argument("--users", type=int, default=1000, help="how many users to measure, at most")
    options = parser.parse_args()
    network = read_model(options.checkpoint)
    data = data_of(options.checkpoint)
    assert data.tables is not None
    check_same_data(network.tables, data.tables)
    rows = {"train": data.rows["train"], "val": data.rows["val"].take(slice(0, 0)), "test": data.rows["val"]}
    found = {least: evaluate_retrieval(network, rows, num_users=options.users, min_ratings=least)[0] for least in LEAST}
    for ranking in found[LEAST[0]]:
        table = Table(title=f"{ranking}, {found[LEAST[0]][ranking]['users']:.0f} users", title_justify="left")
        table.add_column("at least so many ratings")
        for least in LEAST:
            table.add_column(str(least), justify="right")
        for metric in ("recall@10", "ndcg@10", "map@10", "coverage"):
            table.add_row(metric, *(f"{found[least][ranking][metric]:.3f}" for least in LEAST))
        Console(width=120).print(table)


def data_of(checkpoint: Path) -> MovieDataModule:
    """Prepare the data that the run of a checkpoint was trained on, from its config.yaml."""
    run = run_of(checkpoint)
    assert run is not None, f"{checkpoint} is not in a run's folder"
    chosen = yaml.safe_load(run.config.read_text(encoding="utf-8"))["data"]
    module, _, name = chosen["class_path"].rpartition(".")
    data: MovieDataModule = getattr(import_module(module), name)(**chosen["init_args"])
    data.setup("fit")
    return data


if __name__ == "__main__":
    main()
