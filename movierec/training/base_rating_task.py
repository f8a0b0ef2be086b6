"""Measuring a model of ratings, as a LightningModule; subclasses say how it is fitted."""

from abc import abstractmethod
from typing import Any, cast

from torch import Tensor, nn

from movierec.data.batches import Batch
from movierec.data.modules import PARTS
from movierec.data.tables import Tables
from movierec.errors import ConfigError
from movierec.metrics.levels import LevelMetrics
from movierec.metrics.rating import Loss, RatingMetrics, RunningMetrics
from movierec.models.model import Model, RatingModel
from movierec.training.base_task import BaseTask


class BaseRatingTask(BaseTask):
    """Fit a model that predicts ratings on the unit scale.

    A subclass builds the model, predicts batches with it, and defines `training_step` and `configure_optimizers`.

    Args:
        loss: A function of predictions and ratings on the unit scale, both [batch], that returns their mean loss.
    """

    model: RatingModel

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.loss = loss
        self.running = RunningMetrics(self.loss)
        self.evaluations = nn.ModuleDict()
        self.test_rows: dict[str, Tensor] = {}
        self.reliability: dict[str, Any] = {}  # of the test rows, see `LevelMetrics`

    @abstractmethod
    def build_model(self, tables: Tables) -> RatingModel:
        """Build the model, not fitted, over the tables of a data set."""

    @abstractmethod
    def predict_batch(self, batch: Batch) -> Tensor:
        """Predict the ratings of a batch, on the unit scale, [batch]."""

    def predict_levels(self, batch: Batch) -> Tensor | None:
        """Predict the probabilities of the levels of a batch's ratings, [batch, num_levels]; None if not known."""
        return None

    def attach(self, model: Model) -> None:
        """Take a model, and build the metrics for the tables that it reads."""
        super().attach(model)
        tables = model.tables
        if (tables.history_stars == tables.max_stars).all():
            raise ConfigError(
                f"Expected ratings to predict; {tables.record['options']['release']} has likes alone. Train a model of "
                "lists: configs/model7.yaml, model8.yaml or baseline/popularity.yaml."
            )
        self.level_metrics = LevelMetrics(tables.levels, tables.liked_stars)
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
        levels = self.predict_levels(batch) if PARTS[dataloader_idx] == "test" else None
        if levels is not None:
            self.level_metrics.update(levels, self.tables.to_stars(batch.rating))

    def on_test_epoch_end(self) -> None:
        """Finish the metrics of all parts; those of the test ratings are logged, at the epoch of the checkpoint.

        After a refit, the metrics of the validation ratings are those from before it.
        """
        self.test_rows = self.evaluation("test").rows()
        values = {part: self.finish(part) for part in PARTS}
        if self.tables.record["options"]["refit"]:
            self.results |= self.stored_metrics
        if self.level_metrics.update_called:
            self.reliability, of_levels = self.level_metrics.reliability(), self.level_metrics.compute()
            self.level_metrics.reset()
            self.results["test"] |= {name: value.item() for name, value in of_levels.items()}
            values["test"] |= of_levels
        self.log_values({f"test/{name}": value for name, value in values["test"].items()}, self.stored_epoch)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return predictions in stars, clipped to the scale, [batch]."""
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
