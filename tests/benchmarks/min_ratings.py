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

from movierec.data.cache import Prepared
from movierec.metrics.topn import list_targets, measure_lists
from movierec.models.checkpoint import read_model
from movierec.runs import run_of
from movierec.training.continuation import check_same_data

LEAST = (0, 5, 10, 20, 50, 100, 200)


def main() -> None:
    """Measure a checkpoint, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.min_ratings", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="of a run whose folder has its config.yaml")
    parser.add_argument("--users", type=int, default=1000, help="how many users to measure, at most")
    options = parser.parse_args()
    network = read_model(options.checkpoint)
    tables, rows = prepare(options.checkpoint)
    check_same_data(network.tables, tables)
    targets = list_targets(network.tables, rows, "val", num_users=options.users)
    table = Table("at least so many ratings", title=f"{len(targets)} users", title_justify="left")
    found = []
    for least in LEAST:
        type(network).list_min_ratings = least
        found.append(measure_lists(network, targets)[0])
        table.add_column(str(least), justify="right")
    for metric in ("recall@10", "ndcg@10", "map@10", "coverage"):
        table.add_row(metric, *(f"{one[metric]:.3f}" for one in found))
    Console(width=120).print(table)


def prepare(checkpoint: Path) -> Prepared:
    """Prepare the data that the run of a checkpoint was trained on, from its config.yaml."""
    run = run_of(checkpoint)
    assert run is not None, f"{checkpoint} is not in a run's folder"
    chosen = yaml.safe_load(run.config.read_text(encoding="utf-8"))["data"]
    module, _, name = chosen["class_path"].rpartition(".")
    prepared: Prepared = getattr(import_module(module), name)(**chosen["init_args"]).prepare()
    return prepared


if __name__ == "__main__":
    main()
