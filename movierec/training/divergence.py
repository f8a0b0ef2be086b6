"""Stop a fit whose loss or weights are not finite, before it replaces a good checkpoint."""

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from movierec.data.batches import Batch
from movierec.data.tables import Tables
from movierec.errors import DivergenceError

if TYPE_CHECKING:
    from movierec.training.base_task import BaseTask

AT_A_TIME = 64  # steps whose losses are asked for together where asking takes long
DEFAULT_LR = 1e-3


class Step(NamedTuple):
    """A training step: the number of its batch, from 0, with its ratings, predictions and loss."""

    number: int
    batch: Batch
    prediction: Tensor
    loss: Tensor


class DivergenceWatch:
    """Check the losses of a fit.

    On a CPU, each loss is checked at once. Reading a loss makes a device wait, and several processes must stop
    together, so there 64 losses are checked at a time. Their batches are kept until then, to name the first bad one.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def add(self, task: "BaseTask", step: Step) -> None:
        """Add a step."""
        alone = task.device.type == "cpu" and task.trainer.world_size == 1
        if alone and math.isfinite(step.loss.item()):
            return
        self.steps.append(step)
        if alone or len(self.steps) == AT_A_TIME:
            self.check(task)

    def check(self, task: "BaseTask") -> None:
        """Check the losses since the last check; all processes must call this at the same step."""
        steps, self.steps = self.steps, []
        if not steps:
            return
        bad = ~torch.stack([step.loss for step in steps]).isfinite()
        first_here = torch.where(bad.any(), bad.int().argmax(), len(steps))
        first = int(task.trainer.strategy.reduce(first_here, reduce_op="min"))
        if first < len(steps):
            step = steps[first]
            place = f"batch {step.number + 1} of {task.trainer.num_training_batches} in epoch {task.current_epoch + 1}"
            reports = [(step.loss.item(), *find_cause(step.batch, step.prediction, task.tables))]
            if task.trainer.world_size > 1:
                mine, reports = reports[0], reports * task.trainer.world_size
                torch.distributed.all_gather_object(reports, mine)
            loss, found, some = next(report for report in reports if not math.isfinite(report[0]))
            raise DivergenceError(f"Expected a finite loss, got {loss} in {place}: {found}\n{advise(task, some)}")


def check_weights(task: "BaseTask") -> None:
    """Refuse weights that are not finite, which the last step of an epoch can make without a bad loss."""
    bad = [name for name, weight in task.model.named_parameters() if not weight.isfinite().all()]
    if bad:
        raise DivergenceError(
            f"Expected finite weights after epoch {task.current_epoch + 1}, got NaN or infinity in "
            f"{', '.join(bad[:3])}: the loss of its last batch was still finite, but the step after it was too "
            f"large.\n{advise(task)}"
        )


def find_cause(batch: Batch, prediction: Tensor, tables: Tables) -> tuple[str, bool]:
    """Describe the rating that makes a loss infinite or NaN, and say whether some other predictions are finite."""
    error = (prediction.float() - batch.rating).abs().cpu().nan_to_num(nan=math.inf, posinf=math.inf)
    bad, worst = int((~error.isfinite()).sum()), int(error.argmax())
    pair = f"user {tables.user_ids[batch.user[worst]]} and film {tables.movie_ids[batch.movie[worst]]}"
    if not bad:
        return f"the errors of its {len(error):,} predictions are too large, most of all that of {pair}.", False
    return f"{bad:,} of its {len(error):,} predictions are not finite; the first is of {pair}.", bad < len(error)


def advise(task: "BaseTask", some: bool = False) -> str:  # noqa: FBT001, FBT002 - a finding of `find_cause`
    """Suggest a remedy: if all predictions are bad, the weights are; if only some, the data."""
    if some:
        text = "The others are finite, so look at the data of these users and films: python -m movierec data check."
    elif not task.trainer.optimizers:
        text = "Look at the data: python -m movierec data check."
    else:
        lr = task.trainer.optimizers[0].param_groups[0]["lr"]
        lower = lr / 10 if lr <= 1 else DEFAULT_LR
        text = f"Most likely the steps are too long: start again with --model.optimizer.lr {lower:g}, not {lr:g}."
    if "32" not in (precision := str(task.trainer.precision)):
        text += f" With --trainer.precision {precision}, numbers overflow early or are coarse: 32-true is safer."
    return text
