"""Measuring, logging and storing a model of ratings, as a LightningModule; subclasses say how it is fitted."""

from abc import ABC, abstractmethod
from typing import Any, cast

import torch
from lightning import LightningModule
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from movierec.data.batches import Batch
from movierec.data.modules import PARTS
from movierec.data.tables import Tables
from movierec.errors import CheckpointError
from movierec.metrics.rating import Loss, RatingMetrics, RunningMetrics
from movierec.models.checkpoint import build_model, describe_model
from movierec.models.model import RatingModel
from movierec.training.continuation import check_same_data, read_random_states, take_weights, write_random_states
from movierec.training.divergence import check_weights
from movierec.training.tensorboard import SHOWN


class BaseTask(LightningModule, ABC):
    """Fit a model that predicts ratings on the unit scale.

    A subclass builds the model, predicts batches with it, and defines `training_step` and `configure_optimizers`.

    Args:
        loss: A function of predictions and ratings on the unit scale, both [batch], that returns their mean loss.
    """

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.loss = loss
        self.tables: Tables | None = None
        self.model: RatingModel | None = None
        self.running = RunningMetrics(self.loss)
        self.evaluations = nn.ModuleDict()
        self.results: dict[str, dict[str, float]] = {}
        self.test_rows: dict[str, Tensor] = {}
        self.initial: dict[str, Any] = {}  # the checkpoint whose weights a new run begins with
        self.stored_epoch = 0
        self.stored_random_states: dict[str, Tensor] = {}

    @abstractmethod
    def build_model(self, tables: Tables) -> RatingModel:
        """Build the model, not fitted, over the tables of a data set."""

    @abstractmethod
    def predict_batch(self, batch: Batch) -> Tensor:
        """Predict the ratings of a batch, on the unit scale, [batch]."""

    def check_processes(self, number: int) -> None:
        """Refuse to be fitted by a number of processes at once, if it cannot be.

        Raises:
            ConfigError: It cannot be.
        """

    def attach(self, model: RatingModel) -> None:
        """Take a model, and build the metrics for the tables that it reads."""
        self.model, self.tables = model, model.tables
        # The tables are the same in all processes, and far too large to be sent to the others at each step.
        stored = model.state_dict()
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(  # type: ignore[no-untyped-call]  # noqa: SLF001 - documented, if private
            self, [f"model.{name}" for name, _ in model.named_buffers() if name not in stored]
        )
        tables = model.tables
        for part in PARTS:  # "train" alone is an attribute of each module
            self.evaluations[f"{part}_rows"] = RatingMetrics(
                min_stars=tables.min_stars,
                max_stars=tables.max_stars,
                threshold=tables.threshold,
                loss=self.loss,
            )

    def evaluation(self, part: str) -> RatingMetrics:
        """Return the metrics of a part of the ratings."""
        return cast("RatingMetrics", self.evaluations[f"{part}_rows"])

    def configure_model(self) -> None:
        """Build the model once the data are there; Lightning calls this before it restores weights.

        Without a trainer, in `load_from_checkpoint`, the checkpoint's own tables come a moment later.
        """
        if self.model is None and self._trainer is not None:
            self.attach(self.build_model(self.trainer.datamodule.tables))  # type: ignore[attr-defined]
            if self.initial:
                take_weights(self, self.initial)

    def on_train_start(self) -> None:
        """Draw other random numbers in each process, and in a resumed one those that would have come."""
        if self.global_rank:
            torch.manual_seed(torch.initial_seed() + self.global_rank)
        write_random_states(self, self.stored_random_states)

    def on_train_epoch_end(self) -> None:
        """Log what the epoch's training batches measured."""
        values = self.running.compute()
        self.log_values({f"train/{name}": value for name, value in values.items()}, self.current_epoch)
        self.running.reset()

    def on_validation_epoch_end(self) -> None:
        """Log the validation metrics; outside a fit there is no epoch to log them at."""
        values = self.finish("val")
        if self.trainer.state.fn == "fit":
            self.log_values({f"val/{name}": value for name, value in values.items()}, self.current_epoch)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Take in a batch of validation ratings."""
        self.measure("val", batch)

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Take in a batch of one of the parts of the ratings."""
        self.measure(PARTS[dataloader_idx], batch)

    def on_test_epoch_end(self) -> None:
        """Finish the metrics of all parts; those of the test ratings are logged, at the epoch of the checkpoint."""
        self.test_rows = self.evaluation("test").rows()
        values = {part: self.finish(part) for part in PARTS}
        self.log_values({f"test/{name}": value for name, value in values["test"].items()}, self.stored_epoch)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return predictions in stars, clipped to the scale, [batch]."""
        assert self.tables is not None
        return self.tables.to_stars(self.predict_batch(batch).float())

    def measure(self, part: str, batch: Batch) -> None:
        """Predict a batch, and count it in a part's metrics."""
        movie = None if part == "train" else batch.movie  # the other rows may be looked at closer
        self.evaluation(part).update(batch.user, self.predict_batch(batch), batch.rating, movie)

    def finish(self, part: str) -> dict[str, Tensor]:
        """Compute a part's metrics and keep them in `results`."""
        values = self.evaluation(part).compute()
        self.evaluation(part).reset()
        self.results[part] = {name: value.item() for name, value in values.items()}
        return values

    def log_values(self, values: dict[str, Tensor], epoch: int) -> None:
        """Log metrics that are final for an epoch, over the epochs rather than the steps.

        They are the same in all processes, because they were computed from the state of all. Lightning would hand
        those of training to the loggers only after the epoch's checkpoint is written: a kill between leaves a gap.
        """
        for logger in self.loggers:
            shown = SHOWN if isinstance(logger, TensorBoardLogger) else values.keys()
            logger.log_metrics({name: value.item() for name, value in values.items() if name in shown}, step=epoch)
        on_device = {name: value.float().to(self.device) for name, value in values.items()}
        self.log_dict(on_device, on_step=False, on_epoch=True, sync_dist=True, logger=False)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the tables and the newest validation metrics to a checkpoint.

        Raises:
            DivergenceError: The weights are not finite, and must not replace good ones.
        """
        check_weights(self)
        assert self.tables is not None
        assert self.model is not None
        checkpoint["model"] = describe_model(self.model)
        checkpoint["tables"] = self.tables.state()
        checkpoint["metrics"] = self.results
        checkpoint["random_states"] = read_random_states(self)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the model from a checkpoint's tables, or compare them with those of the data at hand.

        Raises:
            CheckpointError: The checkpoint is not one of movierec, or was trained on other data.
        """
        if "tables" not in checkpoint:
            raise CheckpointError("Expected a checkpoint written by movierec; this one holds no tables. Train again.")
        stored = Tables.from_state(checkpoint["tables"])
        self.stored_epoch = checkpoint["epoch"]
        self.stored_random_states = checkpoint.get("random_states", {})
        if self._trainer is not None and self.trainer.state.fn == "fit":
            self.results = dict(checkpoint["metrics"])
        if self.tables is None:
            self.attach(cast("RatingModel", build_model(checkpoint["model"], stored)))
        else:
            check_same_data(stored, self.tables)
