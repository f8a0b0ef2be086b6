"""How long the sweeps of a Gibbs model take, from inside a fit."""

import json
import time
from typing import Any

from lightning import Callback, LightningModule, Trainer


class SweepClock(Callback):
    """Print the seconds of each sweep at the end of the fit."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock; the sweep comes next."""
        self.started = time.perf_counter()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Stop the clock."""
        if batch_idx == 0:
            self.seconds.append(time.perf_counter() - self.started)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print."""
        print("sweeps " + json.dumps(self.seconds))
