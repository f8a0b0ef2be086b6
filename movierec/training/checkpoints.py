"""Write checkpoints atomically, and keep the best and the newest epoch."""

import os
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from movierec.errors import CheckpointError, ConfigError
from movierec.metrics.registry import VALIDATED


class WholeCheckpointIO(TorchCheckpointIO):
    """Write a checkpoint to a partial file, then rename it: a full disk or a kill leaves the old one whole."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint."""
        path = Path(path)
        left_out = ("chain",) if path.name == "best.ckpt" else ()  # it is larger than the model, and only to go on with
        partial = path.with_name(f"{path.name}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                torch.save({name: part for name, part in checkpoint.items() if name not in left_out}, file)
                file.flush()
                os.fsync(file.fileno())
            if path.name == "last.ckpt" and path.exists():
                path.replace(path.with_name("previous.ckpt"))  # to go on from, should the new one be damaged one day
            partial.replace(path)
        except (OSError, RuntimeError) as error:  # torch reports a failed write as a RuntimeError
            partial.unlink(missing_ok=True)
            if isinstance(error.__context__, KeyboardInterrupt):  # torch reports Ctrl-C in the middle of it so, too
                raise type(error.__context__) from error
            cause = error if isinstance(error, OSError) else error.__context__  # what the system said
            reason = getattr(cause, "strerror", None) or error
            kept = f"The previous {path.name} is kept" if path.exists() else "There is no earlier one"
            can_go_on = path.with_name("last.ckpt").exists()
            raise CheckpointError(
                f"The checkpoint {path} could not be written: {reason}. {kept}. Free some disk space, or write "
                "elsewhere with --trainer.default_root_dir, then "
                f"{'go on with `fit --resume`' if can_go_on else 'start again'}."
            ) from error


class RunCheckpoint(ModelCheckpoint):
    """Keep checkpoints of validated epochs in a run's folder, even if the folder is moved before a resume."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save a checkpoint; `trainer.check_val_every_n_epoch` says which epochs are validated."""
        if (trainer.current_epoch + 1) % (trainer.check_val_every_n_epoch or 1) == 0:
            super().on_train_epoch_end(trainer, pl_module)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best score, which ModelCheckpoint drops if the path of the run's folder differs."""
        assert self.dirpath is not None
        folder = Path(self.dirpath)
        moved = dict(state_dict, dirpath=self.dirpath)
        for name in ("best_model_path", "kth_best_model_path", "last_model_path"):
            moved[name] = str(folder / Path(moved[name]).name) if moved[name] else ""
        moved["best_k_models"] = {
            str(folder / Path(path).name): score for path, score in moved["best_k_models"].items()
        }
        super().load_state_dict(moved)


class BestCheckpoint(RunCheckpoint):
    """Keep the best epoch in best.ckpt.

    Args:
        monitor: The metric that chooses the best epoch, such as `val/rmse`, or `val/list_ndcg@10` of lists; errors
            are best low, all else high. Without one, the last epoch counts as the best.

    Raises:
        ConfigError: There is no such metric.
    """

    def __init__(self, *, monitor: str | None = "val/rmse") -> None:
        known = [f"val/{name}" for name in VALIDATED]
        if monitor is not None and monitor not in known:
            raise ConfigError(f"Expected checkpoint.monitor to be null or one of {', '.join(known)}; got {monitor}.")
        direction = VALIDATED[monitor.removeprefix("val/")].direction if monitor else "min"
        super().__init__(
            filename="best",
            monitor=monitor,
            mode=direction,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the epoch if it is the best one, and may be."""
        if getattr(pl_module, "is_settled", True):
            super().on_train_epoch_end(trainer, pl_module)


class LastCheckpoint(RunCheckpoint):
    """Keep the newest epoch in last.ckpt.

    ModelCheckpoint's own `save_last` writes only when the best one improves, as of lightning 2.6.
    """

    def __init__(self) -> None:
        super().__init__(filename="last", monitor=None, save_on_train_epoch_end=True, enable_version_counter=False)


def best_checkpoint(trainer: Trainer) -> Path | None:
    """Find the best checkpoint of a fit; None if it has written none."""
    found = [Path(callback.best_model_path) for callback in trainer.callbacks if isinstance(callback, BestCheckpoint)]  # type: ignore[attr-defined]
    return next((path for path in found if path.is_file()), None)
