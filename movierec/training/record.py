"""Write the results of a run: metrics.json, diagnostics.json, and what TensorBoard shows."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from movierec.console import busy
from movierec.data.batches import Batch
from movierec.data.modules import PARTS
from movierec.data.tables import Tables
from movierec.errors import DivergenceError
from movierec.metrics.baselines import measure_baselines
from movierec.metrics.diagnostics import Background, Rated, diagnose
from movierec.metrics.test_rows import LISTS, PredictedRows, write_lists
from movierec.metrics.topn import evaluate_lists
from movierec.models.checkpoint import read_checkpoint, read_model
from movierec.runs import Run, effective_options, replace_text
from movierec.training import tensorboard as board
from movierec.training.base_rating_task import BaseRatingTask
from movierec.training.base_task import BaseTask
from movierec.training.checkpoints import best_checkpoint
from movierec.training.environment import describe_hardware, describe_revision, versions


class RunRecord(Callback):
    """Write metrics.json, diagnostics.json, and TensorBoard's pages beside the curves.

    Args:
        run: The run; None writes nothing.
        config: Name of the configuration.
        seed: The seed of the network.
        model: The options of the model, as plain types.
        resolved: The resolved configuration, as YAML.
        histograms: Whether TensorBoard gets the distribution of the weights after each epoch.
        initial: The checkpoint whose weights the run began with.
    """

    def __init__(
        self,
        *,
        run: Run | None,
        config: str,
        seed: int | None,
        model: dict[str, Any],
        resolved: str,
        histograms: bool = False,
        initial: str | None = None,
    ) -> None:
        self.run = run
        self.described = {"config": config, "seed": seed, "model": model}
        self.described |= {"initial_checkpoint": initial} if initial else {}
        self.resolved, self.histograms = resolved, histograms
        self.started = 0.0
        self.earlier = 0.0
        self.epoch_started = 0.0
        self.learning_rate: float | None = None
        self.code: dict[str, Any] | None = None

    def of_refit(self, refit: str) -> None:
        """Describe a refit in its checkpoint, and leave the run's record of the selection as it is."""
        self.run = None
        self.described["refit"] = refit

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Start the clock, save the configuration of a fit, and note the revision of the code before it can change."""
        self.started = time.monotonic()
        if self.run is None or not trainer.is_global_zero or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        if stage == "fit":
            replace_text(self.run.config, self.resolved)
        if stage != "predict":
            self.code = describe_revision()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the configuration, and training and validation on one chart each."""
        if writer := board.find_writer(trainer):
            board.show_start(writer, self.resolved, trainer.current_epoch)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the time and the learning rate, if any."""
        self.epoch_started = time.monotonic()
        self.learning_rate = trainer.optimizers[0].param_groups[0]["lr"] if trainer.optimizers else None

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the learning rate and the duration of the epoch, and the weights with `histograms`."""
        writer, epoch = board.find_writer(trainer), trainer.current_epoch
        if writer is None:
            return
        if self.learning_rate is not None:
            writer.add_scalar("train/learning_rate", self.learning_rate, epoch)
        writer.add_scalar("train/seconds", time.monotonic() - self.epoch_started, epoch)  # validation included
        if self.histograms:
            assert isinstance(pl_module, BaseTask)
            board.show_weights(writer, pl_module.model, epoch)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Store the options and the seed in the checkpoint, so a later test needs no options."""
        checkpoint["run"] = self.described
        checkpoint["fit_seconds"] = self.earlier + self.seconds()
        if writer := board.find_writer(trainer):
            writer.flush()  # a fit that is killed and resumed goes on in its curves without a gap

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Continue the clock of a resumed fit."""
        self.earlier = checkpoint.get("fit_seconds", 0.0)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the metrics of the best checkpoint, and draw the learning curves."""
        whole = trainer.current_epoch == trainer.max_epochs
        self.record_fit(trainer, pl_module, end="planned" if whole else "early")
        writer = board.find_writer(trainer)
        if writer and self.run is not None:
            from movierec.metrics.run_figures import draw_learning  # noqa: PLC0415 - matplotlib takes half a second

            writer.flush()
            with busy("drawing the learning curves"):
                board.show_drawings(writer, draw_learning(self.run), trainer.current_epoch)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Write the metrics of the best checkpoint so far."""
        if isinstance(exception, KeyboardInterrupt) and trainer.state.fn == "fit":
            self.record_fit(trainer, pl_module, end="interrupted")
        if isinstance(exception, DivergenceError):
            self.record_fit(trainer, pl_module, end="diverged")
            trainer.strategy.barrier()  # Lightning kills this process five seconds after another one has ended

    def record_fit(self, trainer: Trainer, task: LightningModule, *, end: str) -> None:
        """Write the best checkpoint's validation metrics to metrics.json and to TensorBoard's HParams.

        A fit ends as `planned` after all epochs, `early` by a callback, `interrupted` or `diverged`.
        """
        assert isinstance(task, BaseTask)
        path = best_checkpoint(trainer)
        if self.run is None or not trainer.is_global_zero or path is None:
            return
        best = read_checkpoint(path)
        metrics = best["metrics"].get("val", {})
        fit = {
            "epochs": {"trained": trainer.current_epoch, "planned": trainer.max_epochs},
            "end": end,
            "limits": limits(trainer, "train", "val"),
            "seconds": {"fit": round(self.earlier + self.seconds(), 2)},
        }
        self.run.write_metrics({**self.describe(task, path, best), **fit, "val": metrics})
        if isinstance(trainer.logger, TensorBoardLogger):
            trainer.logger.log_hyperparams(best["run"])  # into hparams.yaml
            options = effective_options(yaml.safe_load(self.resolved))
            board.show_fit(trainer.logger.experiment, options, metrics, trainer.current_epoch)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the metrics of all parts of the ratings, and the diagnostics of the test."""
        self.record_evaluation(trainer, pl_module, "test")
        if self.run is not None and trainer.is_global_zero and trainer.ckpt_path and not is_partial(trainer):
            if isinstance(pl_module, BaseRatingTask):
                self.record_diagnostics(trainer, pl_module, self.run)
            if writer := board.find_writer(trainer):
                from movierec.metrics.run_figures import draw_test  # noqa: PLC0415 - matplotlib takes half a second

                with busy("drawing the test"):
                    board.show_drawings(writer, draw_test(self.run), self.run.read_metrics()["epoch"])
        if isinstance(pl_module, BaseRatingTask):
            pl_module.test_rows = {}

    def record_diagnostics(self, trainer: Trainer, task: BaseRatingTask, run: Run) -> None:
        """Write diagnostics.json, the test rows, and TensorBoard's pages about the test."""
        known = run.read_metrics()
        background = background_of(task.tables, trainer.datamodule.rows["train"])  # type: ignore[attr-defined]
        columns = task.test_rows | {
            name: task.tables.to_stars(task.test_rows[name]) for name in ("prediction", "rating")
        }
        rated = Rated(**{name: column.numpy() for name, column in columns.items()})
        ids = task.tables.user_ids.numpy()[rated.user], task.tables.movie_ids.numpy()[rated.movie]
        PredictedRows.sorted(*ids, rated.rating, rated.prediction).write(run.path)
        described = {"part": "test", "epoch": known["epoch"], "checkpoint": known["checkpoint"]}
        reliability = {"reliability": task.reliability} if task.reliability else {}
        run.write_diagnostics(described | diagnose(rated, background) | reliability)
        if writer := board.find_writer(trainer):
            board.show_precision_recall(writer, task.test_rows, task.tables.threshold, known["epoch"])
            board.show_films(writer, task.model, background.movie_ratings, known["epoch"])

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the validation metrics, outside a fit."""
        if trainer.state.fn == "validate":
            self.record_evaluation(trainer, pl_module, "validate")

    def record_evaluation(self, trainer: Trainer, task: LightningModule, command: str) -> None:
        """Write the metrics of a checkpoint to metrics.json."""
        assert isinstance(task, BaseTask)
        path = trainer.ckpt_path
        if self.run is None or not trainer.is_global_zero or path is None or is_partial(trainer):
            return
        described = self.describe(task, Path(path), read_checkpoint(Path(path)))
        before = self.run.read_metrics()
        if any(before.get(name) != described[name] for name in ("checkpoint", "epoch")):
            for part in (*PARTS, "retrieval", "baselines"):  # the file describes one checkpoint
                before.pop(part, None)
            (self.run.path / LISTS).unlink(missing_ok=True)
        seconds = before.get("seconds", {}) | {command: self.seconds()}
        self.run.write_metrics(before | described | {"seconds": seconds} | task.results)

    def describe(self, task: BaseTask, path: Path, checkpoint: dict[str, Any]) -> dict[str, Any]:
        """Describe a measurement: configuration, seed, checkpoint, data, versions and machine."""
        assert self.run is not None
        inside = path.resolve().is_relative_to(self.run.path.resolve())
        return {
            **checkpoint["run"],
            "epoch": checkpoint["epoch"],
            "checkpoint": path.resolve().relative_to(self.run.path.resolve()).as_posix() if inside else path.name,
            "data": task.tables.record,
            "unit_scale": [task.tables.min_stars, task.tables.max_stars],
            "inputs": task.model.num_inputs,
            "weights": task.model.num_weights,
            "versions": versions(),
            "code": self.code,
            "hardware": describe_hardware(task),
        }

    def seconds(self) -> float:
        """Return the seconds since the clock was started."""
        return round(time.monotonic() - self.started, 2)


def background_of(tables: Tables, train: Batch) -> Background:
    """Collect the facts about the data that the diagnostics need."""
    return Background(
        low=tables.min_stars,
        high=tables.max_stars,
        user_ratings=torch.bincount(train.user, minlength=len(tables.user_ids)).numpy(),
        movie_ratings=torch.bincount(train.movie, minlength=len(tables.movie_ids)).numpy(),
        genres=tables.genres,
    )


def limits(trainer: Trainer, *parts: str) -> dict[str, float]:
    """List the options that limit a trainer to some of the batches."""
    given = {name: getattr(trainer, name) for name in (f"limit_{part}_batches" for part in parts)}
    return {name: limit for name, limit in given.items() if isinstance(limit, int) or limit < 1}  # 1.0 is all, 1 is one


def is_partial(trainer: Trainer) -> bool:
    """Tell whether only some of the batches were measured."""
    part = "test" if trainer.state.fn == "test" else "val"
    return bool(trainer.fast_dev_run or limits(trainer, part))  # type: ignore[attr-defined]


def record_refit(run: Run, best: Path) -> None:
    """Write to metrics.json what the refit of a run trained on, and how long it took."""
    checkpoint, known = read_checkpoint(best), run.read_metrics()
    seconds = known["seconds"] | {"refit": round(checkpoint["fit_seconds"], 2)}
    refit = {"refit": checkpoint["run"]["refit"], "data": checkpoint["tables"]["record"], "seconds": seconds}
    run.write_metrics(known | refit)


def record_baselines(run: Run | None, task: BaseRatingTask, rows: Mapping[str, Batch]) -> dict[str, Any]:
    """Measure the baselines on a model's test rows, and write them to the metrics.json of its run."""
    found = measure_baselines(task.tables, rows, task.loss)
    if run is not None:
        run.write_metrics(run.read_metrics() | {"baselines": found})
    return found


def record_retrieval(
    run: Run | None,
    checkpoint: Path,
    rows: Mapping[str, Batch],
    *,
    num_users: int,
    watch: Callable[[list[int]], Iterable[int]],
) -> dict[str, Any]:
    """Measure the lists of a checkpoint, on the CPU, and write them to its run; see `evaluate_lists`."""
    model = read_model(checkpoint)
    measured, by_user = evaluate_lists(model, rows, num_users=num_users, watch=watch)
    found = {"min_ratings": model.list_min_ratings, **measured}
    if run is not None:
        run.write_metrics(run.read_metrics() | {"retrieval": found})
        write_lists(by_user, run.path)
    return found
