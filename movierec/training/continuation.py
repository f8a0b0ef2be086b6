"""Restore what a resumed fit needs from its checkpoint, or start from the weights of another run."""

from typing import TYPE_CHECKING, Any

import torch
from lightning import LightningModule
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from movierec.data.tables import Tables
from movierec.errors import CheckpointError, ConfigError
from movierec.models.checkpoint import describe_model

if TYPE_CHECKING:
    from movierec.training.base_task import BaseTask


def catch_up(task: "BaseTask") -> None:
    """Restore the plateau scheduler and early stopping on resume, which Lightning does not."""
    for config in task.trainer.lr_scheduler_configs:
        if config.reduce_on_plateau and "val" in task.results:
            rmse = torch.tensor(task.results["val"]["rmse"]).item()  # as it was logged
            config.scheduler.step(rmse)  # type: ignore[arg-type]
    for callback in task.trainer.early_stopping_callbacks:
        if callback is not None and callback.stopped_epoch == task.stored_epoch > 0:
            task.trainer.should_stop = True


def take_weights(task: "BaseTask", checkpoint: dict[str, Any]) -> None:
    """Load only the weights of a checkpoint that was trained on the same data."""
    check_same_data(Tables.from_state(checkpoint["tables"]), task.tables)
    try:
        task.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        raise ConfigError(
            f"Expected the model of the initial checkpoint, {checkpoint['model']}; got "
            f"{describe_model(task.model)}. Use that one, or start without the checkpoint."
        ) from error


def check_same_data(stored: Tables, present: Tables) -> None:
    """Refuse a checkpoint that was trained on other data."""
    if stored.record["fingerprint"] == present.record["fingerprint"]:
        return
    then, now = stored.record["options"], present.record["options"]
    changes = [f"data.{name}: {then.get(name)} then, {now[name]} now" for name in now if then.get(name) != now[name]]
    files, hashes = stored.record["files"], present.record["files"]
    changes += [f"{name}: another content" for name in hashes if name in files and files[name] != hashes[name]]
    raise CheckpointError(
        "Expected the data that the checkpoint was trained on; with other data, features may not fit, and test rows "
        f"may be among its training rows. What differs: {'; '.join(changes)}. Use the run's own config.yaml."
    )


def read_random_states(task: LightningModule) -> dict[str, Tensor]:
    """Read the states of the random generators of all processes; each process must call this.

    Returns:
        By kind of device, `cpu` and that of the task, the state of each process, [num_processes, size] uint8.
    """
    states = {"cpu": torch.get_rng_state()}
    if task.device.type != "cpu":
        states[task.device.type] = torch.get_device_module(task.device).get_rng_state()
    if task.trainer.world_size == 1:
        return {name: state[None] for name, state in states.items()}
    return {name: torch.stack(gather_all_tensors(state.to(task.device))).cpu() for name, state in states.items()}


def write_random_states(task: LightningModule, states: dict[str, Tensor]) -> None:
    """Restore the random generators of this process from a checkpoint, if it holds their states.

    With another number of processes or another device, the generators start from the seed.
    """
    if any(len(of_processes) != task.trainer.world_size for of_processes in states.values()):
        return
    # Cloned, because torch 2.13 reads a view of a tensor from the tensor's beginning, or crashes.
    own = {name: of_processes[task.global_rank].clone() for name, of_processes in states.items()}
    if "cpu" in own:
        torch.set_rng_state(own["cpu"])
    if task.device.type in own and task.device.type != "cpu":
        torch.get_device_module(task.device).set_rng_state(own[task.device.type])
