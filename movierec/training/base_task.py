"""Building, logging and storing a model, as a LightningModule; subclasses say how it is fitted and measured."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from lightning import LightningModule
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from movierec.data.tables import Tables
from movierec.errors import CheckpointError
from movierec.models.checkpoint import build_model, describe_model
from movierec.models.model import Model
from movierec.training.continuation import check_same_data, read_random_states, take_weights, write_random_states
from movierec.training.divergence import check_weights
from movierec.training.tensorboard import SHOWN


class BaseTask(LightningModule, ABC):
    """Fit a model.

    A subclass builds the model, and defines how it is fitted and measured.
    """

    model: Model  # there once the data are, see `configure_model`

    def __init__(self) -> None:
        super().__init__()
        self.results: dict[str, dict[str, float]] = {}
        self.initial: dict[str, Any] = {}  # the checkpoint whose weights a new run begins with
        self.selected: dict[str, Any] = {}  # the checkpoint whose number of epochs a refit repeats
        self.stored_epoch = 0
        self.stored_metrics: dict[str, dict[str, float]] = {}
        self.stored_random_states: dict[str, Tensor] = {}

    @property
    def tables(self) -> Tables:
        """The tables that the model reads."""
        return self.model.tables

    @abstractmethod
    def build_model(self, tables: Tables) -> Model:
        """Build the model, not fitted, over the tables of a data set."""

    @property
    def is_settled(self) -> bool:
        """Whether the present epoch may be the best one; those of a sampler's burn-in may not."""
        return True

    def check_processes(self, number: int) -> None:
        """Refuse to be fitted by a number of processes at once, if it cannot be."""

    def attach(self, model: Model) -> None:
        """Take a model."""
        self.model = model
        # The tables are the same in all processes, and far too large to be sent to the others at each step.
        stored = model.state_dict()
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(  # type: ignore[no-untyped-call]  # noqa: SLF001 - documented, if private
            self, [f"model.{name}" for name, _ in model.named_buffers() if name not in stored]
        )

    def configure_model(self) -> None:
        """Build the model once the data are there; Lightning calls this before it restores weights.

        Without a trainer, in `load_from_checkpoint`, the checkpoint's own tables come a moment later.
        """
        if not hasattr(self, "model") and self._trainer is not None:
            self.attach(self.build_model(self.trainer.datamodule.tables))  # type: ignore[attr-defined]
            if self.initial:
                take_weights(self, self.initial)

    def on_train_start(self) -> None:
        """Draw other random numbers in each process, and in a resumed one those that would have come."""
        if self.global_rank:
            torch.manual_seed(torch.initial_seed() + self.global_rank)
        write_random_states(self, self.stored_random_states)
        if self.selected:
            self.results = self.selected["metrics"]

    def on_train_epoch_start(self) -> None:
        """Validate the last epoch, and keep its checkpoint, whatever `trainer.check_val_every_n_epoch` is."""
        if self.trainer.current_epoch + 1 == self.trainer.max_epochs:
            self.trainer.check_val_every_n_epoch = 1

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
        """Add the tables and the newest validation metrics to a checkpoint."""
        check_weights(self)
        checkpoint["model"] = describe_model(self.model)
        checkpoint["tables"] = self.tables.state()
        checkpoint["metrics"] = self.results
        checkpoint["random_states"] = read_random_states(self)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the model from a checkpoint's tables, or compare them with those of the data at hand."""
        if "tables" not in checkpoint:
            raise CheckpointError("Expected a checkpoint written by movierec; this one holds no tables. Train again.")
        stored = Tables.from_state(checkpoint["tables"])
        self.stored_epoch, self.stored_metrics = checkpoint["epoch"], checkpoint["metrics"]
        self.stored_random_states = checkpoint.get("random_states", {})
        if self._trainer is not None and self.trainer.state.fn == "fit":
            self.results = dict(checkpoint["metrics"])
        if hasattr(self, "model"):
            check_same_data(stored, self.tables)
        else:
            self.attach(build_model(checkpoint["model"], stored))
