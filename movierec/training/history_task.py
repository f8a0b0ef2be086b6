"""Training the history network, alone or blended with EASE, as a LightningModule."""

from typing import Any

import torch
from jsonargparse.typing import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from movierec.data.batches import Batch
from movierec.data.tables import Tables
from movierec.models.blend import BlendModel
from movierec.models.history_network import HistoryNetwork, hidden_loss
from movierec.training.list_task import ListTask


class HistoryTask(ListTask):
    """Train the two-headed history network; a batch is of users, not of ratings.

    Args:
        width: Length of the vector that a history becomes.
        dropout: Share of it that is dropped in training.
        star_weight: Weight of the squared error of the hidden stars beside the cross-entropy of the hidden films.
        min_ratings: Training ratings that a film needs to be listed.
        max_films: The most films to list, those of the most ratings.
        optimizer: The optimizer of the weights.
    """

    batches_of_users = True
    model: HistoryNetwork | BlendModel

    def __init__(
        self,
        *,
        width: PositiveInt = 256,
        dropout: NonNegativeFloat = 0.1,
        star_weight: NonNegativeFloat = 0.1,
        min_ratings: NonNegativeInt = 5,
        max_films: PositiveInt = 20_000,
        optimizer: OptimizerCallable = lambda weights: torch.optim.AdamW(weights, lr=0.002, weight_decay=0.0),
    ) -> None:
        super().__init__()
        self.sizes = {"width": width, "min_ratings": min_ratings, "max_films": max_films}
        self.dropout, self.star_weight, self.make_optimizer = dropout, star_weight, optimizer
        self.histories: tuple[Tensor, ...] = ()
        self.mean_loss = MeanMetric()

    def build_model(self, tables: Tables) -> HistoryNetwork | BlendModel:
        """Build the network, with new weights."""
        return HistoryNetwork(tables, dropout=self.dropout, **self.sizes)

    @property
    def network(self) -> HistoryNetwork:
        """The network that is trained."""
        assert isinstance(self.model, HistoryNetwork)
        return self.model

    def on_train_start(self) -> None:
        """Put the training ratings on the device."""
        super().on_train_start()
        parts = self.network.as_tensors(self.network.training_matrix())
        self.histories = tuple(part.to(self.device) for part in parts)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Compute the loss of some users."""
        films, offsets, stars = self.histories
        users = batch.user.long()
        number = offsets[users + 1] - offsets[users]
        ends = torch.cat([number.new_zeros(1), number.cumsum(0)])
        rated = torch.arange(int(ends[-1]), device=self.device) + torch.repeat_interleave(
            offsets[users] - ends[:-1], number
        )
        loss = hidden_loss(self.network, films[rated], ends, stars[rated], star_weight=self.star_weight)
        self.mean_loss.update(loss.detach())
        return loss

    def on_train_epoch_end(self) -> None:
        """Log the mean loss."""
        self.log_values({"train/loss": self.mean_loss.compute()}, self.current_epoch)
        self.mean_loss.reset()

    def configure_optimizers(self) -> Optimizer:
        """Build the optimizer."""
        return self.make_optimizer(self.network.parameters())


class BlendTask(HistoryTask):
    """Fit EASE in closed form, then train the history network; lists blend both.

    Args:
        l2: Penalty of each weight of EASE.
        p: Penalty for each unit on the diagonal of its Gram matrix.
        weight: Number of ratings of a person at which both models count the same.
        network: See `HistoryTask`.
    """

    model: BlendModel

    def __init__(
        self,
        *,
        l2: PositiveFloat = 100.0,
        p: NonNegativeFloat = 2.0,
        weight: NonNegativeFloat = 150.0,
        **network: Any,
    ) -> None:
        super().__init__(**network)
        self.l2, self.p, self.weight = l2, p, weight

    def build_model(self, tables: Tables) -> BlendModel:
        """Build both models."""
        return BlendModel(tables, weight=self.weight, dropout=self.dropout, **self.sizes)

    @property
    def network(self) -> HistoryNetwork:
        """The network that is trained."""
        return self.model.network

    def on_train_start(self) -> None:
        """Fit EASE."""
        super().on_train_start()
        self.model.ease.fit(self.model.ease.gram_matrix().to(self.device), l2=self.l2, p=self.p)
