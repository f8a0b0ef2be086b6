"""Train once more, on more ratings, for the number of epochs that the validation ratings chose."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping, LearningRateMonitor

from movierec.models.checkpoint import read_checkpoint
from movierec.training.checkpoints import BestCheckpoint
from movierec.training.cli import ExperimentCLI, as_list

# No validation, no curves, and no other end than that of the chosen epoch.
OPTIONS = (
    *("--trainer.limit_val_batches=0", "--trainer.logger=false", "--trainer.max_steps=-1"),
    *(f"--trainer.{limit}=null" for limit in ("max_time", "min_epochs", "min_steps")),
)
FOLLOWING = (Checkpoint, EarlyStopping, LearningRateMonitor)  # callbacks that follow validation or need a logger


class RefitCheckpoint(BestCheckpoint):
    """Replace best.ckpt after a number of epochs, and end the fit.

    Args:
        epochs: How many.
    """

    def __init__(self, epochs: int) -> None:
        super().__init__(monitor=None)
        self.epochs = epochs

    def state_dict(self) -> dict[str, Any]:
        """Store nothing: Lightning would warn a test, which has no such callback."""
        return {}

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the last epoch alone; until then, best.ckpt is what the selection chose."""
        if trainer.current_epoch + 1 == self.epochs:
            trainer.check_val_every_n_epoch = 1  # save this epoch, whichever the selection validated
            super().on_train_epoch_end(trainer, pl_module)
            trainer.should_stop = True


class RefitCLI(ExperimentCLI):
    """Build the data module, the model and the trainer of a fit anew, for its refit.

    `trainer.max_epochs` stays, since burn-in and learning rate depend on it.

    Args:
        args: The options of the fit.
        best: Its best checkpoint.
    """

    def __init__(self, args: Sequence[str], best: Path) -> None:
        super().__init__("fit", [*args, *OPTIONS])
        selected = read_checkpoint(best)
        self.trainer_defaults.pop("callbacks")
        self.config_init.checkpoint = RefitCheckpoint(selected["epoch"] + 1)
        given = as_list(self.config_init.trainer.callbacks)
        self.config_init.trainer.callbacks = [one for one in given if not isinstance(one, FOLLOWING)]
        self.datamodule.options = replace(self.datamodule.options, refit=self.config.refit)
        self.model.selected = selected
