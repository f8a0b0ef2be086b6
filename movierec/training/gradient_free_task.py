"""Fitting a model that is not trained by gradient: in closed form, or by sweeps of a sampler."""

from abc import abstractmethod

from torch.optim import Optimizer

from movierec.data.batches import Batch
from movierec.errors import ConfigError
from movierec.models.factor_inputs import Features, make_features
from movierec.training.base_rating_task import BaseRatingTask
from movierec.training.base_task import BaseTask


class GradientFree(BaseTask):
    """Fit a model once an epoch, before the epoch's batches.

    A subclass builds the model and defines `fit_epoch`.
    """

    automatic_optimization = False

    @abstractmethod
    def fit_epoch(self) -> None:
        """Fit the model in closed form, or take one more sweep; the ratings are `self.trainer.datamodule.rows`."""

    def read_features(self) -> Features:
        """Read what describes users and films, with the side information if `data.side_information` asks for it."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        side = data.read_side_information() if data.options.side_information else None
        return make_features(self.tables, side)

    def check_processes(self, number: int) -> None:
        """Refuse several processes, each of which would fit the same model."""
        if number > 1:
            raise ConfigError(
                f"Expected one process, got {number}: {type(self).__name__} fits its model in one. "
                "Use --trainer.devices 1."
            )

    def on_train_epoch_start(self) -> None:
        """Fit the model."""
        super().on_train_epoch_start()
        self.fit_epoch()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Count a step, without fitting anything."""
        # Lightning counts the steps of optimizers, of which there are none, and saves no checkpoint before the first.
        self.trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress.increment_completed()

    def configure_optimizers(self) -> list[Optimizer]:
        """Use no optimizer."""
        return []


class GradientFreeTask(GradientFree, BaseRatingTask):
    """Fit a model of ratings, which the epoch's batches then measure on the training ratings.

    A subclass builds the model, predicts batches with it, and defines `fit_epoch`.
    """

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Count the errors of a batch in the epoch's metrics."""
        super().training_step(batch, batch_idx)
        self.running.update(self.predict_batch(batch), batch.rating)
