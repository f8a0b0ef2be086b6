"""How many ratings a second an epoch trains on, from inside a fit."""

import json
import time

from lightning import Callback, LightningModule, Trainer

from movierec.data import MovieDataModule


class EpochClock(Callback):
    """Print the ratings a second of the newest epoch: of its training part, and with the validation."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self.started = time.perf_counter()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the clock of the training part."""
        self.trained = time.perf_counter() - self.started

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the clock, and print."""
        whole = time.perf_counter() - self.started
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, MovieDataModule)
        train, val = len(data.rows["train"].rating), len(data.rows["val"].rating)
        figures = {
            "ratings a second, training": round(train / self.trained),
            "ratings a second, epoch": round((train + val) / whole),
        }
        print("epoch " + json.dumps(figures))
