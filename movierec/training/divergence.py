"""Fits that diverge: a loss or weights that are no finite numbers end them before they replace a good checkpoint."""

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from movierec.data.batches import Batch
from movierec.data.tables import Tables
from movierec.errors import DivergenceError

if TYPE_CHECKING:
    from movierec.training.rating_task import RatingTask

AT_A_TIME = 64  # steps whose losses are asked for together where asking takes long
SHOWN = 3  # rows of a batch that are named
HALF = {"16": "numbers overflow above 65,504 and vanish below 0.00000006", "bf16": "numbers have three digits"}
DEFAULT_LR = 1e-3


class Step(NamedTuple):
    """A step of a fit.

    Attributes:
        number: Of the batch in its epoch, from 0.
        batch: Its ratings.
        prediction: On the unit scale, [batch].
        loss: A scalar.
    """

    number: int
    batch: Batch
    prediction: Tensor
    loss: Tensor


class Finding(NamedTuple):
    """What is wrong with some predictions.

    Attributes:
        loss: Their loss.
        rows: How many there are.
        bad: How many of them are not finite.
        worst: User id and movie id of those that are not finite, else of the largest errors.
    """

    loss: float
    rows: int
    bad: int
    worst: list[tuple[int, int]]


class DivergenceWatch:
    """Look at the losses of a fit.

    A CPU has each loss at hand. A device would have to finish its work first, and several processes must end together,
    so there the losses are looked at some at a time; the batches are kept until then, to name the first bad one.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def add(self, task: "RatingTask", step: Step) -> None:
        """Take in a step.

        Raises:
            DivergenceError: Its loss, or that of an earlier one, is not finite.
        """
        alone = task.device.type == "cpu" and task.trainer.world_size == 1
        if alone and math.isfinite(step.loss.item()):
            return
        self.steps.append(step)
        if alone or len(self.steps) == AT_A_TIME:
            self.check(task)

    def check(self, task: "RatingTask") -> None:
        """Look at the losses that have come in since the last time; all processes must do so at the same step.

        Raises:
            DivergenceError: One of them, in any of the processes, is not finite.
        """
        steps, self.steps = self.steps, []
        if not steps:
            return
        bad = ~torch.stack([step.loss for step in steps]).isfinite()
        first_here = torch.where(bad.any(), bad.int().argmax(), len(steps))
        first = int(task.trainer.strategy.reduce(first_here, reduce_op="min"))
        if first < len(steps):
            step = steps[first]
            assert task.tables is not None
            found = join(task, find(step.batch, step.prediction, step.loss, task.tables))
            place = f"batch {step.number + 1} of {task.trainer.num_training_batches} in epoch {task.current_epoch + 1}"
            raise DivergenceError(
                f"Expected a finite loss, got {found.loss} in {place}: {tell(found)}\n{advise(task, found)}"
            )


def join(task: "RatingTask", found: Finding) -> Finding:
    """Put together what each process has found in its part of a batch."""
    if task.trainer.world_size == 1:
        return found
    parts = [found] * task.trainer.world_size
    torch.distributed.all_gather_object(parts, found)
    worst = [pair for part in parts if part.bad or not any(p.bad for p in parts) for pair in part.worst]
    loss = next(part.loss for part in parts if not math.isfinite(part.loss))
    return Finding(loss, sum(part.rows for part in parts), sum(part.bad for part in parts), worst[:SHOWN])


def find(batch: Batch, prediction: Tensor, loss: Tensor, tables: Tables) -> Finding:
    """Find the ratings that make a loss infinite or NaN.

    Args:
        batch: The ratings.
        prediction: On the unit scale, [batch].
        loss: A scalar.
        tables: Those that the batch's rows are of.
    """
    error = (prediction.float() - batch.rating).abs().cpu()
    worst = error.nan_to_num(nan=math.inf, posinf=math.inf).argsort(descending=True, stable=True)[:SHOWN]
    users = tables.user_ids[batch.user.cpu()[worst].long()]
    movies = tables.movie_ids[batch.movie.cpu()[worst].long()]
    bad = int((~error.isfinite()).sum())
    shown = min(bad or SHOWN, SHOWN)
    return Finding(loss.item(), len(error), bad, list(zip(users.tolist(), movies.tolist(), strict=True))[:shown])


def tell(found: Finding) -> str:
    """Say which ratings make a loss infinite or NaN."""
    pairs = ", ".join(f"user {user} and film {movie}" for user, movie in found.worst)
    if not found.bad:
        return f"the errors of its {found.rows:,} predictions are too large, most of all those of {pairs}."
    verb, whose = ("is", ": that of") if found.bad == 1 else ("are", ": those of")
    if found.bad > len(found.worst):
        whose = ", such as those of"
    return f"{found.bad:,} of its {found.rows:,} predictions {verb} not finite{whose} {pairs}."


def check_weights(task: "RatingTask") -> None:
    """Refuse weights that are no finite numbers: the last step of an epoch makes them, and no loss has shown it yet.

    Raises:
        DivergenceError: Some are not finite.
    """
    assert task.network is not None
    bad = [name for name, weight in task.network.named_parameters() if not weight.isfinite().all()]
    if bad:
        others = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise DivergenceError(
            f"Expected finite weights after epoch {task.current_epoch + 1}, got NaN or infinity in {bad[0]}{others}: "
            f"the loss of its last batch was finite still, but the step that followed went too far.\n{advise(task)}"
        )


def check_validation(task: "RatingTask") -> None:
    """Refuse a validation loss that is not finite; all processes have the same one.

    Raises:
        DivergenceError: It is not finite.
    """
    loss = task.evaluation("val").compute()["loss"]
    if not loss.isfinite():
        assert task.tables is not None
        rows = task.evaluation("val").rows()
        batch = Batch(user=rows["user"], movie=rows["movie"], bank=rows["movie"], rating=rows["rating"])
        found = find(batch, rows["prediction"], loss, task.tables)
        raise DivergenceError(
            f"Expected a finite loss of the validation rows after epoch {task.current_epoch + 1}, got {found.loss}: "
            f"{tell(found)}\n{advise(task, found)}"
        )


def advise(task: "RatingTask", found: Finding | None = None) -> str:
    """Say what helps: where all predictions are bad the weights are, where some are it is their data."""
    lr, precision = task.hparams["lr"], str(task.trainer.precision)
    if found and 0 < found.bad < found.rows:
        text = "The others are finite, so look at the data of these users and films: python -m movierec data check."
    else:
        lower = lr / 10 if lr <= 1 else DEFAULT_LR
        text = f"Most likely the steps are too long: start again with --model.lr {lower:g} in place of {lr:g}."
    if half := HALF.get(precision.split("-", maxsplit=1)[0]):
        text += f" With --trainer.precision {precision}, {half}: 32-true is safer."
    return text
