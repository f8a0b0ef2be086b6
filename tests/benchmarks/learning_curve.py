"""Do more ratings help? `python -m tests.benchmarks.learning_curve` trains on shares of ml-1m's training ratings.

Validation and test ratings are the same for all. Writes a Markdown table: RMSE of the test ratings in stars, and
NDCG@10 of lists among all films, each with its 95 % interval by bootstrap over users. Reads ml-1m below MOVIEREC_DATA.
"""

import argparse
import tempfile
from pathlib import Path

import movierec
from movierec.metrics.bootstrap import Interval, mean_interval, rmse_interval
from movierec.metrics.test_rows import PredictedRows, read_lists
from movierec.runs import newest_run

SHARES = (0.03, 0.1, 0.3, 1.0)
MODELS = ("baseline/bias", "model6_1m", "model7")


def main() -> None:
    """Train and test each model on each share, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--shares", nargs="+", type=float, default=SHARES)
    options = parser.parse_args()
    print("| model | share of the training ratings | RMSE, stars | NDCG@10 of lists |\n| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as runs:
        for model in options.models:
            for share in options.shares:
                print(f"| {model} | {share:.0%} | {' | '.join(measure(model, share, Path(runs)))} |", flush=True)


def measure(model: str, share: float, folder: Path) -> tuple[str, str]:
    """Train and test a model on a share, and write its RMSE and NDCG@10."""
    options = {"data.release": "ml-1m", "data.train_share": share, "trainer.default_root_dir": folder}
    movierec.fit(f"configs/{model}.yaml", options={**options, "trainer.enable_progress_bar": False})
    run = newest_run(folder / "lightning_logs", model)
    movierec.test(run.config)
    rows, lists = PredictedRows.read(run.path), read_lists(run.path)
    assert lists is not None
    scores = lists.loc[lists["ranking"] == "model", "ndcg@10"].to_numpy()
    return "" if rows is None else write(rmse_interval([rows])), write(mean_interval(scores))


def write(value: Interval) -> str:
    """Write a number and its interval."""
    return f"{value.value:.4f} ({value.low:.4f} to {value.high:.4f})"


if __name__ == "__main__":
    main()
