"""What `recommend --novelty` costs: `python -m tests.benchmarks.novelty CHECKPOINT`, of a list model.

Measured on the test ratings of ml-latest-small below MOVIEREC_DATA; the table of docs/recommending.md is its output.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from movierec.metrics.topn import list_targets, measure_lists
from movierec.models.checkpoint import read_model
from movierec.recommend.recommender import standardise
from tests.benchmarks.min_ratings import prepare

LEVELS = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
METRICS = ("recall@10", "ndcg@10", "coverage", "novelty")


def main() -> None:
    """Measure a checkpoint at each level, and print a table."""
    path = Path(sys.argv[1])
    model, (_, rows) = read_model(path), prepare(path)
    targets = list_targets(model.tables, rows, "test")
    listed, plain = model.listed, model.rank_all
    popular = standardise(np.log1p(model.tables.num_ratings[listed.numpy()]))
    table = Table("--novelty", *METRICS)
    for level in LEVELS:

        def rank_all(histories: object, level: float = level) -> torch.Tensor:
            scores = plain(histories).clone()  # type: ignore[arg-type]
            kept = scores[:, listed]
            spread, mean = torch.std_mean(kept, dim=1, keepdim=True, correction=0)
            scores[:, listed] = (kept - mean) / spread - level * torch.from_numpy(popular).float()
            return scores

        object.__setattr__(model, "rank_all", rank_all)
        found, _ = measure_lists(model, targets)
        table.add_row(f"{level:g}", *(f"{found[name]:.3f}" for name in METRICS))
    Console(width=80).print(table)


if __name__ == "__main__":
    main()
