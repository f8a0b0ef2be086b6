"""How fast `fit` trains: epochs of it beside epochs of the references, in turn, in one process."""

import contextlib
import io
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from movierec.cli import main
from movierec.data import MovieDataModule
from movierec.data.modules import PARTS
from movierec.models.mlp import MLP
from movierec.training.rating_task import RatingTask
from tests.benchmarks.reference import BareLoop, NaiveLoop, matrix_rate, operations

WARM_UP = 1  # epochs that do not count


class Contest(Callback):
    """Run an epoch of each reference before each epoch of a fit, and time them all.

    Attributes:
        newest: The contest of the fit that ended last.
        seconds: Of each epoch, by contestant.
        limits: Seconds that the network's operations would take at the matrix rate measured before each epoch.
        rows: Ratings that an epoch trains on.
    """

    newest: "Contest"

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Build the references from the data and the network of the fit."""
        assert isinstance(pl_module, RatingTask)
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, MovieDataModule)
        assert data.tables is not None
        Contest.newest = self
        self.seconds: dict[str, list[float]] = {"naive": [], "bare": [], "movierec": []}
        self.limits: list[float] = []
        self.started: float | None = None
        rows = {part: data.rows[part] for part in PARTS}
        train_batches, val_batches = int(trainer.num_training_batches), int(sum(trainer.num_val_batches))
        self.rows = min(train_batches * data.batch_size, len(rows["train"].rating))
        network = pl_module.model
        assert isinstance(network, MLP)
        self.operations = self.rows * operations(network)
        naive = NaiveLoop(
            data.tables,
            rows,
            hidden=list(network.hidden),
            dropout=network.hyper_parameters["dropout"],
            batch_size=data.batch_size,
        )
        bare = BareLoop(network, rows, batch_size=data.batch_size, eval_batch_size=data.eval_batch_size)
        naive_val_batches = -(-val_batches * data.eval_batch_size // data.batch_size)
        self.references = {
            "naive": partial(naive.epoch, train_batches, naive_val_batches),
            "bare": partial(bare.epoch, train_batches, val_batches),
        }

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the clock of the epoch before, let the references run, start the clock."""
        self.stop()
        random_state = torch.get_rng_state()
        for name, run in self.references.items():
            start = time.perf_counter()
            run()
            self.seconds[name].append(time.perf_counter() - start)
        self.limits.append(self.operations / matrix_rate())
        torch.set_rng_state(random_state)
        self.started = time.perf_counter()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the clock of the last epoch."""
        self.stop()

    def stop(self) -> None:
        """Note how long the epoch took, with its validation, its logging and its checkpoints."""
        if self.started is not None:
            self.seconds["movierec"].append(time.perf_counter() - self.started)


def measure(config: str, *, root: Path, rounds: int, batches: int, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """Train a configuration for some epochs, of so many batches at most, each beside an epoch of the references.

    Returns:
        Ratings trained a second, and the medians over the rounds of: how many times as fast as the naive loop, how
        many times as long as the bare loop, and the share of the machine's matrix rate.
    """
    with tempfile.TemporaryDirectory() as folder:
        run_fit(
            config,
            *("--data.root", str(root), "--trainer.default_root_dir", folder),
            *("--trainer.max_epochs", str(WARM_UP + rounds), "--trainer.limit_train_batches", str(batches)),
            *("--trainer.limit_val_batches", str(batches // 4), "--trainer.callbacks", f"{__name__}.Contest"),
            *options,
        )
    contest = Contest.newest
    seconds = {name: values[WARM_UP:] for name, values in contest.seconds.items()}

    def ratio(above: list[float], below: list[float]) -> float:
        return statistics.median(a / b for a, b in zip(above, below, strict=True))

    ours = seconds["movierec"]
    return {
        "ratings a second": {name: contest.rows / statistics.median(values) for name, values in seconds.items()},
        "times as fast as the naive loop": ratio(seconds["naive"], ours),
        "times as long as the bare loop": ratio(ours, seconds["bare"]),
        "share of the matrix rate": ratio(contest.limits[WARM_UP:], ours),
        "naive loop's share of the matrix rate": ratio(contest.limits[WARM_UP:], seconds["naive"]),
    }


def run_fit(config: str, *options: str) -> None:
    """Run `fit` without showing what it prints.

    Raises:
        RuntimeError: It failed; the message is what it printed.
    """
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        status = main(["fit", "--config", config, *options])
    if status:
        raise RuntimeError(output.getvalue())
