"""Runs commands of movierec in processes that are killed, by themselves, at a given moment.

Each line of the input is a command as JSON: `folder`, `arguments`, and `kill`, a moment and how many times it passes
before the kill (-9). Each is answered by a line with the number of the process and, after its end, one with its
status. All are forked from here, where everything is imported, so that a fit takes a second. What a command prints is
in `out.txt` and `err.txt` of its folder.
"""

import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.tensorboard import SummaryWriter

from movierec.cli import main
from movierec.report import figures
from movierec.runs import Run
from movierec.training import commands
from movierec.training.rating_task import RatingTask
from movierec.training.record import RunRecord

MOMENTS: dict[str, tuple[Any, str]] = {
    "start": (RatingTask, "on_train_start"),
    "batch": (RatingTask, "training_step"),
    "validation": (RatingTask, "validation_step"),
    "metrics": (RatingTask, "on_train_epoch_end"),
    "curves": (TensorBoardLogger, "log_metrics"),
    "flush": (SummaryWriter, "flush"),
    "rename": (Path, "replace"),
    "record": (Run, "write_metrics"),
    "end": (RunRecord, "on_fit_end"),
}
assert commands  # imported here, so that no command has to
assert figures


def die() -> None:
    """Ends this process as the kernel's out-of-memory killer does."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(moment: str, passes: int) -> None:
    """Kills this process when a moment comes for the last of some times."""
    if moment == "half a checkpoint":
        torch.save = dying(save_half, torch.save, passes)
    else:
        owner, name = MOMENTS[moment]
        setattr(owner, name, dying(lambda *_, **__: die(), getattr(owner, name), passes))


def dying(last: Callable[..., Any], function: Callable[..., Any], passes: int) -> Callable[..., Any]:
    """Calls a function some times, and in the last of them another one."""
    calls = 0

    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return (last if calls == passes else function)(*arguments, **options)

    return call


def save_half(content: Any, file: Any, *, save: Callable[..., None] = torch.save) -> None:
    """Writes the first half of a checkpoint, then ends the process."""
    whole = io.BytesIO()
    save(content, whole)
    file.write(whole.getvalue()[: whole.tell() // 2])
    file.flush()
    die()


def run(request: dict[str, Any]) -> int:
    """Runs a command in this process."""
    os.chdir(request["folder"])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what runs in the background without it
    for name, stream in (("out.txt", 1), ("err.txt", 2)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    if request["kill"]:
        arm(*request["kill"])
    return main(request["arguments"])


def serve() -> None:
    """Answers the requests of the standard input."""
    for line in sys.stdin:
        process = os.fork()
        if not process:
            status = 1
            try:
                status = run(json.loads(line))
            finally:
                os._exit(status)
        print(process, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
