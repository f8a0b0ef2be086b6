"""Training on a device that is not the CPU, without one: torch's meta device has shapes but no numbers.

Whatever reads a number back on the host (`item`, a condition on a tensor, a copy) fails there; that is also what
would make a GPU wait for the host at each step.
"""

from pathlib import Path

import torch

from movierec.data import CombinedDataModule, MovieDataModule
from movierec.data.batches import Share, batch_loader
from movierec.models.mlp import MLP
from movierec.training.rating_task import RatingTask

META = torch.device("meta")


def on_meta(module: MovieDataModule) -> RatingTask:
    module.setup()
    assert module.tables is not None
    task = RatingTask()
    task.attach(MLP(module.tables, hidden=[16, 8], dropout=0.2))
    return task.to(META)


def test_rows_live_on_the_device_and_batches_are_cut_there(sample_root: Path) -> None:
    module = CombinedDataModule(root=sample_root)
    module.setup()
    loader = batch_loader(module.rows["train"], batch_size=512, num_workers=0, shuffle=True, share=Share(device=META))
    batches = list(loader)
    assert sum(len(batch.rating) for batch in batches) == len(module.rows["train"].rating)
    assert {column.device for batch in batches for column in batch} == {META}
    assert all(
        moved is column
        for moved, column in zip(module.transfer_batch_to_device(batches[0], META, 0), batches[0], strict=True)
    )


def test_a_training_step_reads_nothing_back_from_the_device(sample_root: Path) -> None:
    module = CombinedDataModule(root=sample_root)
    task = on_meta(module)
    assert task.model is not None
    assert {buffer.device for buffer in task.model.buffers()} == {META}
    optimizer = torch.optim.AdamW(task.parameters())
    loader = batch_loader(module.rows["train"], batch_size=512, num_workers=0, shuffle=True, share=Share(device=META))
    for number, batch in enumerate(loader):
        optimizer.zero_grad()
        torch.autograd.backward(task.training_step(batch, number))
        optimizer.step()
    assert all(weight.grad is not None and weight.grad.device == META for weight in task.parameters())


def test_an_evaluation_step_reads_nothing_back_from_the_device(sample_root: Path) -> None:
    module = CombinedDataModule(root=sample_root)
    task = on_meta(module).eval()
    batch = module.rows["val"].to(META)
    with torch.no_grad():
        task.validation_step(batch, 0)
        task.test_step(batch, 0, dataloader_idx=2)
        assert task.predict_step(batch, 0).shape == batch.rating.shape
