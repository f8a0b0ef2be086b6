"""How long `fit` takes to its first step, and how much memory it needs: whole processes, as a user starts them."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer

IMPORT = "import lightning.pytorch.cli; print(open('/proc/self/status').read())"


class Witness(Callback):
    """Print when the first training step begins, and the peak memory after each epoch."""

    started = False

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_args: Any) -> None:
        """Print the time of the first step, seconds since 1970."""
        if not self.started:
            self.started = True
            print(f"first step {time.time()}")

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the peak memory so far, in megabytes."""
        print(f"megabytes {peak_megabytes()}")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the peak memory of all epochs, in megabytes."""
        print(f"megabytes {peak_megabytes()}")


def peak_megabytes(status: str | None = None) -> float:
    """Read the peak resident memory of a process in its /proc/PID/status; of this process without one.

    getrusage's maximum is at least the memory of the process that started this one.
    """
    text = Path("/proc/self/status").read_text(encoding="utf-8") if status is None else status
    kibibytes = int(text.split("VmHWM:")[1].split()[0])
    return kibibytes * 1024 / 1e6


def measure_start(config: str, *, root: Path, rounds: int) -> dict[str, float]:
    """Start `fit` some times, beside a process that only imports what it is built on.

    Returns:
        Medians over the rounds, in seconds: to the first step with the prepared tables of an earlier run, the same
        with tables to prepare (once), and the import alone; and the ratio of the first and the last.
    """
    cold = to_first_step(config, root, "--data.cache", "false")
    to_first_step(config, root)
    warm, imports = [], []
    for _ in range(rounds):
        begun = time.time()
        subprocess.run([sys.executable, "-c", IMPORT], check=True, capture_output=True)  # noqa: S603 - our own text
        imports.append(time.time() - begun)
        warm.append(to_first_step(config, root))
    return {
        "seconds to the first step": statistics.median(warm),
        "seconds to the first step, tables to prepare": cold,
        "seconds of the import alone": statistics.median(imports),
        "times the import": statistics.median(a / b for a, b in zip(warm, imports, strict=True)),
    }


def to_first_step(config: str, root: Path, *options: str) -> float:
    """Start `fit`, and return the seconds from the start of the process to its first training step."""
    begun = time.time()
    output = fit(config, root, "--trainer.fast_dev_run", "1", *options)
    return float(output.split("first step ")[1].split()[0]) - begun


def measure_memory(config: str, *, root: Path, epochs: int, batches: int) -> dict[str, float]:
    """Train for some epochs, of so many batches at most, beside a process that only imports.

    Returns:
        Peak resident memory in megabytes: of the whole fit, of its first two epochs, and of the import alone.
    """
    output = fit(config, root, "--trainer.max_epochs", str(epochs), "--trainer.limit_train_batches", str(batches))
    peaks = [float(text.split()[0]) for text in output.split("megabytes ")[1:]]
    imported = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", IMPORT], check=True, capture_output=True, text=True
    ).stdout
    return {
        "peak megabytes": peaks[-1],
        "peak megabytes after two epochs": peaks[2],
        "megabytes of the import alone": peak_megabytes(imported),
    }


def fit(config: str, root: Path, *options: str, folder: str | None = None) -> str:
    """Run `fit` as a process of its own, and return what it and the witness print; its run is kept in `folder`."""
    with tempfile.TemporaryDirectory() as elsewhere:
        arguments = ["--config", config, "--data.root", str(root), "--trainer.default_root_dir", folder or elsewhere]
        arguments += ["--trainer.callbacks", f"{__name__}.Witness", *options]
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "movierec", "fit", *arguments], check=True, capture_output=True, text=True
        ).stdout
