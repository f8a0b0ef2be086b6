"""Train a rating network by gradient descent, as a LightningModule."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn

from movierec.data.batches import Batch
from movierec.data.tables import Tables
from movierec.errors import ConfigError
from movierec.models.mlp import MLP
from movierec.models.network import RatingNetwork
from movierec.training.base_rating_task import BaseRatingTask
from movierec.training.continuation import catch_up
from movierec.training.divergence import DivergenceWatch, Step


class RatingTask(BaseRatingTask):
    """Train a network to predict ratings on the unit scale.

    Args:
        network: The network; it receives the tables of the data, and its hyper-parameters from `init_args`.
        loss: A function of predictions and ratings on the unit scale, both [batch], that returns their mean loss.
        optimizer: The optimizer of the network's weights.
        scheduler: `cosine`: the learning rate falls to 0 over the epochs. `plateau`: a tenth whenever the validation
            RMSE has not improved for 5 epochs.
    """

    model: RatingNetwork

    def __init__(
        self,
        *,
        network: Callable[[Tables], RatingNetwork] = MLP,
        loss: Callable[..., Any] = nn.functional.huber_loss,
        optimizer: OptimizerCallable = lambda weights: torch.optim.AdamW(weights, lr=0.001, fused=True),
        scheduler: Literal["none", "cosine", "plateau"] = "none",
    ) -> None:
        super().__init__(loss)
        self.make_network, self.make_optimizer, self.scheduler = network, optimizer, scheduler
        self.divergence = DivergenceWatch()

    def build_model(self, tables: Tables) -> RatingNetwork:
        """Build the network, with new weights."""
        return self.make_network(tables)

    def forward(self, user: Tensor, movie: Tensor, bank: Tensor) -> Tensor:
        """Predict ratings of rows of the tables ([batch] int each), on the unit scale, [batch]."""
        ratings: Tensor = self.model(self.model.user_statistics[bank, user], movie, bank)
        return ratings

    def predict_batch(self, batch: Batch) -> Tensor:
        """Predict the ratings of a batch, on the unit scale, [batch]."""
        return self.forward(batch.user, batch.movie, batch.bank)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch, and count its errors in the epoch's metrics."""
        prediction = self.predict_batch(batch)
        loss = self.loss(prediction, batch.rating)
        self.divergence.add(self, Step(batch_idx, batch, prediction.detach(), loss.detach()))
        self.running.update(prediction, batch.rating)
        return loss

    def on_train_epoch_end(self) -> None:
        """Log the training metrics of the epoch."""
        self.divergence.check(self)
        super().on_train_epoch_end()

    def on_train_start(self) -> None:
        """Restore schedulers and early stopping of a resumed fit; refuse another length of the cosine schedule."""
        super().on_train_start()
        if self.stored_random_states:
            catch_up(self)
        for config in self.trainer.lr_scheduler_configs:
            falls_over = getattr(config.scheduler, "T_max", self.trainer.max_epochs)
            if falls_over != self.trainer.max_epochs:
                raise ConfigError(
                    f"Expected `trainer.max_epochs` {falls_over}, the length of this run's cosine schedule; "
                    f"got {self.trainer.max_epochs}. Start a new run to train for longer."
                )

    def configure_optimizers(self) -> Any:
        """Build the optimizer and the scheduler."""
        try:
            optimizer = self.make_optimizer(self.parameters())
        except ValueError as error:  # of an option out of its range
            raise ConfigError(f"Expected options that the optimizer accepts: {error}.") from error
        if self.scheduler == "plateau":
            plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=5)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": "val/rmse"}}
        if self.scheduler == "cosine":
            epochs = self.trainer.max_epochs
            if epochs is None or epochs < 1:
                raise ConfigError(f"Expected `trainer.max_epochs` above 0 with `scheduler: cosine`, got {epochs}.")
            return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)]
        return optimizer
