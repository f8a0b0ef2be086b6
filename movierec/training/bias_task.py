"""Fitting the bias model, as a LightningModule."""

from torch import Tensor
from torch.nn import functional

from movierec.data.batches import Batch
from movierec.data.tables import Tables
from movierec.models.bias import BiasModel, choose_biases
from movierec.training.gradient_free_task import GradientFreeTask


class BiasTask(GradientFreeTask):
    """Fit the mean of all ratings, and how far each user's and each film's lie above it, in closed form.

    How much those of few ratings are drawn towards the mean is chosen on the validation ratings.
    """

    model: BiasModel

    def __init__(self) -> None:
        super().__init__(functional.mse_loss)

    def build_model(self, tables: Tables) -> BiasModel:
        """Build the model, not fitted."""
        return BiasModel(tables)

    def fit_epoch(self) -> None:
        """Fit the model; a second epoch does the same again."""
        self.model.take(choose_biases(self.model.tables, self.trainer.datamodule.rows["val"]))  # type: ignore[attr-defined]

    def predict_batch(self, batch: Batch) -> Tensor:
        """Predict the ratings of a batch, on the unit scale, [batch]."""
        ratings: Tensor = self.model(batch.user, batch.movie)
        return ratings
