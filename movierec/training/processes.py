"""What ends a training from outside: another process of it that is lost, or a scheduler's SIGTERM."""

import logging
import signal
import sys
import threading
from collections.abc import Callable

from lightning import Callback, LightningModule, Trainer
from torch.distributed import DistError


class ProcessWatch(Callback):
    """Say at once that another process has ended, before what remains of this one is ended too.

    Lightning kills the first process soon after one of those it has started has died, whether or not the first one
    has found that out for itself.

    Args:
        kept: Says what is kept of the work, and how to go on.
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
    """Keep the process's own handling of SIGTERM, which ends the work at once.

    Lightning's waits for the end of the batch, and asks all processes, some of which may not answer any more.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Remember the handler, before Lightning puts its own in its place."""
        self.handler = signal.getsignal(signal.SIGTERM)

    def put_back(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the handler in its place again; only the main thread may."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.handler)

    on_train_start = on_validation_start = on_test_start = on_predict_start = put_back


def is_lost_process(exception: BaseException) -> bool:
    """Say whether an exception means that another process does not answer any more; gloo's has no class of its own."""
    return isinstance(exception, DistError) or (isinstance(exception, RuntimeError) and "gloo" in str(exception))
