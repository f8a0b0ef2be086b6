"""Show progress: a line for each epoch, and on a terminal one bar over all epochs with the time left."""

from collections.abc import Iterator
from typing import Any

import rich.progress
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from movierec.console import Console
from movierec.data.split import REFIT
from movierec.training.checkpoints import BestCheckpoint


class RunProgress(ProgressBar):
    """Show the progress of a fit or an evaluation, the time left, and the metrics of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.console = Console(stderr=True)
        self.bar = progress_bar(self.console)
        self.enable()

    def enable(self) -> None:
        """Show progress; Lightning calls this."""
        self.console.quiet = False

    def disable(self) -> None:
        """Show nothing; Lightning calls this in all processes but the first."""
        self.console.quiet = True

    def start(self, description: str, total: float, completed: float = 0.0) -> None:
        """Start a bar over a number of batches."""
        for task in self.bar.task_ids:  # of an earlier call of the same trainer
            self.bar.remove_task(task)
        if self.console.is_terminal and not self.console.quiet:
            self.bar.add_task(description, total=total, completed=int(completed), metrics="")
            self.bar.start()

    def advance(self, *_: Any, **__: Any) -> None:
        """Count a batch."""
        for task in self.bar.task_ids:
            self.bar.advance(task)

    def stop(self, *_: Any, **__: Any) -> None:
        """Take the bar away."""
        if self.bar.task_ids:  # until rich 15, the end of a bar that was never shown is an empty line
            self.bar.stop()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the bar of a fit at its first epoch."""
        if refit := trainer.datamodule.options.refit:  # type: ignore[attr-defined]
            self.console.print(f"once more, on {REFIT[refit]}:", soft_wrap=True)
        self.first_epoch = trainer.current_epoch
        epochs = trainer.max_epochs or 0  # -1 for a fit without end
        total = self.total_train_batches * epochs if epochs > 0 else float("inf")
        self.start(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}", total, trainer.global_step)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the metrics of the previous epoch, which are complete only now."""
        if trainer.current_epoch > self.first_epoch:
            self.show_epoch(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remove the bar, and show the metrics of the last epoch."""
        self.stop()
        self.show_epoch(trainer)

    def show_epoch(self, trainer: Trainer) -> None:
        """Print the metrics of the finished epoch, and show the validation error beside the bar."""
        done, metrics = trainer.current_epoch, trainer.callback_metrics
        shown = f"  val rmse {metrics['val/rmse_stars']:.4f} stars" if "val/rmse_stars" in metrics else ""
        if "val/list_ndcg@10" in metrics:
            shown = f"  val NDCG@10 of lists {metrics['val/list_ndcg@10']:.4f}"
        for task in self.bar.task_ids:
            self.bar.update(task, description=f"epoch {done + 1}/{trainer.max_epochs}", metrics=shown.strip())
        unit = [f"{part} {metrics[f'{part}/rmse']:.4f}" for part in ("val", "train") if f"{part}/rmse" in metrics]
        shown += f"  (unit: {', '.join(unit)})" if unit else ""
        best = "  best" if is_best(trainer) else ""
        if done % (trainer.check_val_every_n_epoch or 1) == 0:
            self.console.print(f"epoch {done}/{trainer.max_epochs}{shown}{best}", soft_wrap=True)

    def start_evaluation(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the bar of a validation, test or prediction outside a fit."""
        batches = {
            "validate": trainer.num_val_batches,
            "test": trainer.num_test_batches,
            "predict": trainer.num_predict_batches,
        }
        if trainer.state.fn in batches:
            self.start(str(trainer.state.fn.value), sum(batches[trainer.state.fn]))

    def advance_evaluation(self, *_: Any, **__: Any) -> None:
        """Count a batch outside a fit."""
        if self.trainer.state.fn != "fit":
            self.advance()

    def stop_evaluation(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remove the bar of an evaluation."""
        if trainer.state.fn != "fit":
            self.stop()

    on_train_batch_end = advance
    on_validation_start = on_test_start = on_predict_start = start_evaluation
    on_validation_batch_end = on_test_batch_end = on_predict_batch_end = advance_evaluation
    on_validation_end = on_test_end = on_predict_end = stop_evaluation
    on_exception = stop  # the message stands alone


def progress_bar(console: Console) -> Progress:
    """Build a bar that fits the width of the terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        TextColumn("{task.fields[metrics]}"),
        console=console,
        transient=True,
    )


def is_best(trainer: Trainer) -> bool:
    """Tell whether the finished epoch is the best one so far."""
    best = next((found for found in trainer.checkpoint_callbacks if isinstance(found, BestCheckpoint)), None)
    score = trainer.callback_metrics.get(best.monitor) if best and best.monitor else None
    return score is not None and score == best.best_model_score  # type: ignore[union-attr]


def track(users: list[int], what: str) -> Iterator[int]:
    """Iterate over users with a progress bar on a terminal."""
    console = Console(stderr=True)
    yield from rich.progress.track(users, what, console=console, transient=True, disable=not console.is_terminal)
