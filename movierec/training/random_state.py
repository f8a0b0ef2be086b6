"""The states of the generators that dropout draws from, so that a resumed fit draws what it would have drawn."""

import torch
from lightning import LightningModule
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors


def read_random_states(task: LightningModule) -> dict[str, Tensor]:
    """Read the generators of all processes; each of them has to call this.

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
    """Set the generators of this process to what a checkpoint holds for it, if it holds that.

    A fit that goes on with other processes, or on another device, draws anew from the seed.
    """
    if any(len(of_processes) != task.trainer.world_size for of_processes in states.values()):
        return
    # Cloned, because torch 2.13 reads a view of a tensor from the tensor's beginning, or crashes.
    own = {name: of_processes[task.global_rank].clone() for name, of_processes in states.items()}
    if "cpu" in own:
        torch.set_rng_state(own["cpu"])
    if task.device.type in own and task.device.type != "cpu":
        torch.get_device_module(task.device).set_rng_state(own[task.device.type])
