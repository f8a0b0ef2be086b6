"""Checkpoints: written whole or not at all, and read as plain data only."""

import os
import pickle
from pathlib import Path
from typing import Any, cast

import torch
from lightning import Trainer
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from movierec.errors import CheckpointError
from movierec.runs import fsync_folder


class WholeCheckpointIO(TorchCheckpointIO):
    """Write a checkpoint beside the old one, then put it in its place: a full disk or a kill leaves the old one."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint.

        Raises:
            CheckpointError: The disk is full or the folder cannot be written to.
        """
        if storage_options is not None:
            raise TypeError("Expected no storage_options; checkpoints are local files.")
        path = Path(path)
        partial = path.with_name(f"{path.name}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            fsync_folder(path.parent)
        except (OSError, RuntimeError) as error:  # torch reports a failed write as a RuntimeError
            partial.unlink(missing_ok=True)
            kept = f"The previous {path.name} is kept" if path.exists() else "No earlier one is there"
            raise CheckpointError(
                f"The checkpoint {path} could not be written: {error}. {kept}. Free some disk space, or log "
                "elsewhere with --trainer.default_root_dir, then go on with `fit --ckpt_path last`."
            ) from error


class LastCheckpoint(ModelCheckpoint):
    """Keep the newest epoch in last.ckpt.

    ModelCheckpoint's own `save_last` writes only when the best one improves, as of lightning 2.6.
    """

    def __init__(self) -> None:
        super().__init__(filename="last", monitor=None, save_on_train_epoch_end=True, enable_version_counter=False)


def best_checkpoint(trainer: Trainer) -> Path | None:
    """Find the best checkpoint that a fit has written, if it has written any."""
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and not isinstance(callback, LastCheckpoint):
            path = Path(callback.best_model_path)
            return path if path.is_file() else None
    return None


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint without running any code of it.

    Raises:
        CheckpointError: The file is damaged, or not a checkpoint of movierec.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise CheckpointError(
            f"Expected a checkpoint at {path}, but it is damaged or something else ({reason}). Use another one, "
            "such as last.ckpt beside it, or train again."
        ) from error
    if not isinstance(checkpoint, dict) or not {"run", "tables", "state_dict", "hyper_parameters"} <= checkpoint.keys():
        raise CheckpointError(f"Expected a checkpoint written by movierec, {path} is another program's. Train again.")
    return cast("dict[str, Any]", checkpoint)
