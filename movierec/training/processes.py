"""Handle lost processes and SIGTERM during a training."""

import logging
import signal
import sys
import threading
from collections.abc import Callable

from lightning import Callback, LightningModule, Trainer
from torch.distributed import DistError


class ProcessWatch(Callback):
    """Report the loss of another process at once, before Lightning kills this one.

    Lightning kills the first process soon after one of the processes that it started has died, even if the first one
    has not noticed.

    Args:
        kept: Returns a text that says what is kept, and how to continue.
    """

    def __init__(self, kept: Callable[[], str]) -> None:
        self.kept = kept
        logging.getLogger("lightning.fabric.strategies.launchers.subprocess_script").setLevel(logging.INFO)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Print the message, once a run."""
        if trainer.is_global_zero and is_lost_process(exception):
            print(
                "movierec: error: another process of this run has ended. Its own message, if it left one, is above. "
                f"{self.kept()}",
                file=sys.stderr,
            )


class SignalKeeper(Callback):
    """Keep our own handler of SIGTERM, which stops the work at once.

    Lightning's handler waits for the end of the batch and for all processes, some of which may be lost.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Remember the handler before Lightning replaces it."""
        self.handler = signal.getsignal(signal.SIGTERM)

    def put_back(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore the handler; only the main thread may do so."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.handler)

    on_train_start = on_validation_start = on_test_start = on_predict_start = put_back


def is_lost_process(exception: BaseException) -> bool:
    """Tell whether an exception means that another process was lost; gloo's error has no class of its own."""
    return isinstance(exception, DistError) or (isinstance(exception, RuntimeError) and "gloo" in str(exception))
