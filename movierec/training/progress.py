"""Progress on the terminal: one bar over all epochs, with the time left; in a log file, a line an epoch."""

import sys
from collections.abc import Iterator
from typing import Any

import rich.progress
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from movierec.console import Console

SHOWN = {"train/rmse": "train rmse (unit)", "val/rmse": "val rmse (unit)", "val/rmse_stars": "val rmse (stars)"}


class RunProgress(ProgressBar):
    """Show how far a fit or an evaluation is, and when it will end."""

    def __init__(self) -> None:
        super().__init__()
        self.enabled = True
        self.console = Console(file=sys.stderr)
        self.progress: Progress | None = None
        self.task = TaskID(0)
        self.first_epoch = 0

    def enable(self) -> None:
        """Show progress; Lightning calls this."""
        self.enabled = True

    def disable(self) -> None:
        """Show nothing; Lightning calls this in all processes but the first."""
        self.enabled = False

    def start(self, what: str, total: float, unit: str) -> None:
        """Begin a bar of so many batches, shown in epochs or batches."""
        if not self.enabled or not self.console.is_terminal or self.progress is not None:
            return
        columns = [TextColumn("[bold]{task.description}"), BarColumn()]
        columns += [TextColumn("{task.fields[count]}")] if unit == "epochs" else [MofNCompleteColumn()]
        columns += [
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[metrics]}"),
        ]
        self.progress = Progress(*columns, console=self.console, transient=True)
        self.task = self.progress.add_task(what, total=total, metrics="", count="")
        self.progress.start()

    def stop(self) -> None:
        """Take the bar away."""
        if self.progress is not None:
            self.progress.stop()
            self.progress = None

    def advance(self) -> None:
        """Count a batch."""
        if self.progress is not None:
            self.progress.advance(self.task)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the bar of a fit, at the epoch it starts from."""
        self.first_epoch = trainer.current_epoch
        epochs = trainer.max_epochs or 0
        total = self.total_train_batches * epochs if epochs > 0 else float("inf")
        self.start("fit", total, "epochs")
        if self.progress is not None:
            self.progress.update(
                self.task, completed=trainer.global_step, count=f"epoch {trainer.current_epoch + 1}/{epochs}"
            )

    def on_train_batch_end(self, *_args: Any) -> None:
        """Count a training batch."""
        self.advance()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the metrics of the epoch before, which are complete only now."""
        if trainer.current_epoch > self.first_epoch:
            self.show_epoch(trainer, trainer.current_epoch)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the metrics of the last epoch, and take the bar away."""
        self.show_epoch(trainer, trainer.current_epoch)
        self.stop()

    def show_epoch(self, trainer: Trainer, done: int) -> None:
        """Show the metrics of an epoch, beside the bar or as a line of a log."""
        metrics = trainer.callback_metrics
        text = "  ".join(f"{label} {metrics[name]:.4f}" for name, label in SHOWN.items() if name in metrics)
        if self.progress is not None:
            self.progress.update(self.task, metrics=text, count=f"epoch {done + 1}/{trainer.max_epochs}")
        elif self.enabled and not self.console.is_terminal:
            self.console.print(f"epoch {done}/{trainer.max_epochs}  {text}", soft_wrap=True)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the bar of a validation that is not part of a fit."""
        if trainer.state.fn == "validate":
            self.start("validate", sum_batches(trainer.num_val_batches), "batches")

    def on_validation_batch_end(self, trainer: Trainer, *_args: Any) -> None:
        """Count a validation batch, outside a fit."""
        if trainer.state.fn == "validate":
            self.advance()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the bar of a validation away."""
        if trainer.state.fn == "validate":
            self.stop()

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the bar of a test."""
        self.start("test", sum_batches(trainer.num_test_batches), "batches")

    def on_test_batch_end(self, *_args: Any) -> None:
        """Count a test batch."""
        self.advance()

    def on_test_end(self, *_args: Any) -> None:
        """Take the bar away."""
        self.stop()

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the bar of a prediction."""
        self.start("predict", sum_batches(trainer.num_predict_batches), "batches")

    def on_predict_batch_end(self, *_args: Any) -> None:
        """Count a prediction batch."""
        self.advance()

    def on_predict_end(self, *_args: Any) -> None:
        """Take the bar away."""
        self.stop()

    def on_exception(self, *_args: Any) -> None:
        """Take the bar away, so that the message stands alone."""
        self.stop()


def track(users: list[int], what: str) -> Iterator[int]:
    """Go through users and show how far it is, on a terminal."""
    console = Console(file=sys.stderr)
    yield from rich.progress.track(users, what, console=console, transient=True, disable=not console.is_terminal)


def sum_batches(batches: float | list[int | float]) -> float:
    """Add up the batches of all loaders."""
    return float(sum(batches)) if isinstance(batches, list) else float(batches)
