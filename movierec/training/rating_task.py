"""Training and evaluating a rating network, as a LightningModule."""

from collections.abc import Callable
from typing import Any, Literal, cast

import torch
from lightning import LightningModule
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from movierec.data.batches import Batch
from movierec.data.modules import PARTS
from movierec.data.tables import Tables
from movierec.errors import CheckpointError, ConfigError
from movierec.metrics.rating import Loss, RatingMetrics, RunningMetrics
from movierec.models.checkpoint import build_network, describe_network
from movierec.models.mlp import MLP
from movierec.models.network import RatingNetwork
from movierec.training.continuation import (
    catch_up,
    check_same_data,
    read_random_states,
    take_weights,
    write_random_states,
)
from movierec.training.divergence import DivergenceWatch, Step, check_weights
from movierec.training.tensorboard import SHOWN


class RatingTask(LightningModule):
    """Train a network to predict ratings on the unit scale.

    Args:
        network: The network; it gets the tables of the data, and its own hyper-parameters from `init_args`.
        loss: A function of predictions and ratings on the unit scale, both [batch], that returns their mean loss.
        optimizer: The optimizer of the network's weights.
        scheduler: `cosine`: the learning rate falls to 0 over the epochs. `plateau`: a tenth whenever the validation
            RMSE has not improved for 5 epochs.
    """

    def __init__(
        self,
        *,
        network: Callable[[Tables], RatingNetwork] = MLP,
        loss: Callable[..., Any] = nn.functional.huber_loss,
        optimizer: OptimizerCallable = lambda weights: torch.optim.AdamW(weights, lr=0.001, fused=True),
        scheduler: Literal["none", "cosine", "plateau"] = "none",
    ) -> None:
        super().__init__()
        self.make_network, self.make_optimizer, self.scheduler = network, optimizer, scheduler
        self.loss: Loss = loss
        self.tables: Tables | None = None
        self.network: RatingNetwork | None = None
        self.running = RunningMetrics(self.loss)
        self.divergence = DivergenceWatch()
        self.evaluations = nn.ModuleDict()
        self.results: dict[str, dict[str, float]] = {}
        self.test_rows: dict[str, Tensor] = {}
        self.initial: dict[str, Any] = {}  # the checkpoint whose weights a new run begins with
        self.stored_epoch = 0
        self.stored_random_states: dict[str, Tensor] = {}

    def attach(self, network: RatingNetwork) -> None:
        """Take a network, and build the metrics for the tables that it reads."""
        self.network, self.tables = network, network.tables
        # The tables are the same in all processes, and far too large to be sent to the others at each step.
        stored = network.state_dict()
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(  # type: ignore[no-untyped-call]  # noqa: SLF001 - documented, if private
            self, [f"network.{name}" for name, _ in network.named_buffers() if name not in stored]
        )
        tables = network.tables
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
        """Build the network once the data are there; Lightning calls this before it restores weights.

        Without a trainer, in `load_from_checkpoint`, the checkpoint's own tables come a moment later.
        """
        if self.network is None and self._trainer is not None:
            self.attach(self.make_network(self.trainer.datamodule.tables))  # type: ignore[attr-defined]
            if self.initial:
                take_weights(self, self.initial)

    def forward(self, user: Tensor, movie: Tensor, bank: Tensor) -> Tensor:
        """Predict ratings of rows of the tables, on the unit scale.

        Args:
            user: Rows of the users, [batch] int.
            movie: Rows of the films, [batch] int.
            bank: Banks of statistics, [batch] int.

        Returns:
            [batch].
        """
        assert self.network is not None, "attach a network first"
        ratings: Tensor = self.network(self.network.user_statistics[bank, user], movie, bank)
        return ratings

    def predict_batch(self, batch: Batch) -> Tensor:
        """Predict the ratings of a batch, on the unit scale, [batch]."""
        return self.forward(batch.user, batch.movie, batch.bank)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch, and count its errors in the epoch's metrics.

        Raises:
            DivergenceError: The loss is not finite.
        """
        prediction = self.predict_batch(batch)
        loss = self.loss(prediction, batch.rating)
        self.divergence.add(self, Step(batch_idx, batch, prediction.detach(), loss.detach()))
        self.running.update(prediction, batch.rating)
        return loss

    def on_train_epoch_end(self) -> None:
        """Log what the epoch's training batches measured.

        Raises:
            DivergenceError: The loss of one of them is not finite.
        """
        self.divergence.check(self)
        values = self.running.compute()
        self.log_values({f"train/{name}": value for name, value in values.items()}, self.current_epoch)
        self.running.reset()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Take in a batch of validation ratings."""
        self.measure("val", batch)

    def on_validation_epoch_end(self) -> None:
        """Log the validation metrics; outside a fit there is no epoch to log them at."""
        values = self.finish("val")
        if self.trainer.state.fn == "fit":
            self.log_values({f"val/{name}": value for name, value in values.items()}, self.current_epoch)

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

    def on_train_start(self) -> None:
        """Let each process drop out others, and a resumed one what it would have; refuse to stretch a cosine.

        Raises:
            ConfigError: The number of epochs is not the one that the learning rate falls over.
        """
        if self.global_rank:
            torch.manual_seed(torch.initial_seed() + self.global_rank)
        write_random_states(self, self.stored_random_states)
        if self.stored_random_states:
            catch_up(self)
        for config in self.trainer.lr_scheduler_configs:
            falls_over = getattr(config.scheduler, "T_max", self.trainer.max_epochs)
            if falls_over != self.trainer.max_epochs:
                raise ConfigError(
                    f"Expected `trainer.max_epochs` {falls_over}, over which the learning rate of this run falls; "
                    f"got {self.trainer.max_epochs}. Start a new run to train for longer."
                )

    def configure_optimizers(self) -> Any:
        """Build the optimizer and the scheduler.

        Raises:
            ConfigError: An option out of its range, or `cosine` without a number of epochs to fall over.
        """
        try:
            optimizer = self.make_optimizer(self.parameters())
        except ValueError as error:  # of an option out of its range
            raise ConfigError(f"Expected options that the optimizer takes: {error}.") from error
        if self.scheduler == "plateau":
            plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=5)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": "val/rmse"}}
        if self.scheduler == "cosine":
            epochs = self.trainer.max_epochs
            if epochs is None or epochs < 1:
                raise ConfigError(f"Expected `trainer.max_epochs` above 0 with `scheduler: cosine`, got {epochs}.")
            return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)]
        return optimizer

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the tables and the newest validation metrics to a checkpoint.

        Raises:
            DivergenceError: The weights are not finite, and must not replace good ones.
        """
        check_weights(self)
        assert self.tables is not None
        assert self.network is not None
        checkpoint["network"] = describe_network(self.network)
        checkpoint["tables"] = self.tables.state()
        checkpoint["metrics"] = self.results
        checkpoint["random_states"] = read_random_states(self)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the network from a checkpoint's tables, or compare them with those of the data at hand.

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
            self.attach(build_network(checkpoint["network"], stored))
        else:
            check_same_data(stored, self.tables)
