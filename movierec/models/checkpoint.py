"""What a checkpoint holds, read as plain data only, and without Lightning, whose import takes seconds."""

import re
import warnings
from pathlib import Path
from typing import Any, cast

from torch import Tensor

from movierec.data.tables import Tables
from movierec.data.tensors import UNREADABLE, read_tensors
from movierec.errors import CheckpointError
from movierec.models.model import Model, model_class

PARTS = {"run": dict, "tables": dict, "state_dict": dict, "model": dict, "metrics": dict, "epoch": int}
PREFIX = "model."  # of the model's weights among those of the task


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint without running any code of it.

    Raises:
        CheckpointError: The file is damaged, or not a checkpoint of this version of movierec.
    """
    try:
        with warnings.catch_warnings():  # torch warns of pickles that it did not write, and then refuses them
            warnings.simplefilter("ignore")
            checkpoint = read_tensors(path)
    except UNREADABLE as error:
        reason = why_unreadable(error)
        raise CheckpointError(
            f"Expected a checkpoint at {path}, but it is damaged or something else ({reason}). Use another one, "
            "such as last.ckpt beside it, or train again."
        ) from error
    if not isinstance(checkpoint, dict) or not all(
        isinstance(checkpoint.get(name), kind) for name, kind in PARTS.items()
    ):
        raise CheckpointError(f"Expected a checkpoint written by movierec, {path} is another program's. Train again.")
    try:
        Tables.from_state(checkpoint["tables"])
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    return cast("dict[str, Any]", checkpoint)


def why_unreadable(error: Exception) -> str:
    """Say why torch does not read a file; its own words about pickles advise to turn `weights_only` off."""
    text = str(error)
    if foreign := re.search(r"GLOBAL ([\w.]+)", text):
        return f"a pickle that asks for {foreign[1]}, and could run its author's code: none of it was run"
    detail = re.search(r"WeightsUnpickler error:\s*(.+)", text)
    return detail[1] if detail else text.split("\n", maxsplit=1)[0]


def read_model(path: Path) -> Model:
    """Read the model that a checkpoint was saved of, ready to predict.

    Raises:
        CheckpointError: As in `read_checkpoint` and `restore_model`; the message names the file.
    """
    checkpoint = read_checkpoint(path)
    try:
        return restore_model(checkpoint, Tables.from_state(checkpoint["tables"]))
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error


def describe_model(model: Model) -> dict[str, Any]:
    """Describe a model for a checkpoint: its class and its hyper-parameters, as plain types."""
    return {"class_path": model.class_path, "init_args": model.hyper_parameters}


def build_model(described: dict[str, Any], tables: Tables) -> Model:
    """Build a model as `describe_model` describes it, not fitted.

    Raises:
        CheckpointError: There is no such model, or it takes other hyper-parameters.
    """
    try:
        return model_class(described["class_path"])(tables, **described["init_args"])
    except UNREADABLE as error:
        raise unfit(error) from error


def restore_model(checkpoint: dict[str, Any], tables: Tables) -> Model:
    """Build the model that a checkpoint was saved of, ready to predict.

    Raises:
        CheckpointError: The weights do not fit the tables, or are not all finite.
    """
    weights = checkpoint["state_dict"]
    own = {name.removeprefix(PREFIX): value for name, value in weights.items() if name.startswith(PREFIX)}
    model = build_model(checkpoint["model"], tables)
    try:
        is_finite = all(value.isfinite().all() for value in own.values() if isinstance(value, Tensor))
        model.load_state_dict(own)
    except UNREADABLE as error:
        raise unfit(error) from error
    if not is_finite:
        raise CheckpointError(
            "Expected finite weights in the checkpoint, found NaN or infinity. Train again with a lower learning rate."
        )
    return model.eval().requires_grad_(requires_grad=False)


def unfit(error: Exception) -> CheckpointError:
    """Say that weights or hyper-parameters do not fit."""
    if isinstance(error, CheckpointError):
        return error
    reason = " ".join(str(error).split())[:200]
    return CheckpointError(f"Expected weights that fit the checkpoint's tables: {reason}. Train again.")
