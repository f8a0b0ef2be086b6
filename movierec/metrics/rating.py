"""Compute metrics of predicted ratings: regression, classification and ranking per user."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics import MeanAbsoluteError, MeanMetric, MeanSquaredError, Metric, MetricCollection, R2Score
from torchmetrics.functional import mean_absolute_error, mean_squared_error, r2_score
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_f1_score,
    binary_precision,
    binary_recall,
)
from torchmetrics.utilities import dim_zero_cat

from movierec.metrics.ranking import mean_average_precision, ndcg, precision_recall, rank_lists

Loss = Callable[[Tensor, Tensor], Tensor]
LIST_LENGTH = 10
BATCHES_AT_A_TIME = 64
BLOCK_ROWS = 2**17


class Blocks:
    """Copy the small tensors of many batches into a few large ones.

    Small tensors that outlive their batch fragment the memory: the allocator cannot reuse the room of the large tensors
    between them. An evaluation of model 5 took 460 MB more.
    """

    def __init__(self) -> None:
        self.room = torch.empty(0)

    def keep(self, values: Tensor) -> Tensor:
        """Return a copy of values, [size]."""
        size = len(values)
        if len(self.room) < size:
            self.room = values.new_empty(max(size, BLOCK_ROWS))
        kept, self.room = self.room[:size].copy_(values), self.room[size:]
        return kept


class RatingMetrics(Metric):
    """All metrics of an evaluation, computed once at its end from all predictions, in double precision.

    On the unit scale: loss, r2, mae, mse, rmse. In stars, predictions clipped to the scale: mae_stars, rmse_stars.
    "Rated above the threshold": precision, recall, f1, auroc. Per user over the user's
    rated films, with the same question as relevance: ndcg@10 (gains in stars), precision@10, recall@10, map. A metric
    that the ratings do not define (R2 of one rating, AUROC of one class) is NaN. Beside them, in stars, the standard
    deviations of the clipped predictions, prediction_sd_stars, and of the ratings, rating_sd_stars.

    Args:
        min_stars: The stars that are 0 on the unit scale.
        max_stars: The stars that are 1 on the unit scale.
        threshold: A rating above it, on the unit scale, is positive.
        loss: The training loss, a mean over ratings.
        options: Those of `torchmetrics.Metric`.
    """

    full_state_update = False
    user: list[Tensor]
    prediction: list[Tensor]
    rating: list[Tensor]
    movie: list[Tensor]

    def __init__(self, *, min_stars: float, max_stars: float, threshold: float, loss: Loss, **options: Any) -> None:
        super().__init__(**options)
        self.loss = loss
        self.min_stars, self.max_stars, self.threshold = min_stars, max_stars, threshold
        self.blocks: dict[str, Blocks] = defaultdict(Blocks)
        for name in ("user", "prediction", "rating", "movie"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, user: Tensor, prediction: Tensor, rating: Tensor, movie: Tensor | None = None) -> None:
        """Take in a batch.

        Args:
            user: [batch] int.
            prediction: On the unit scale, not clipped, [batch].
            rating: On the unit scale, [batch].
            movie: Kept in `rows`; no metric needs it, [batch] int.
        """
        batch = {"user": user, "prediction": prediction.detach().float(), "rating": rating}
        if movie is not None:
            batch["movie"] = movie
        for name, values in batch.items():
            getattr(self, name).append(self.blocks[name].keep(values))

    def rows(self) -> dict[str, Tensor]:
        """Return the rows of all processes, on the CPU; every process must call this and gets the same."""
        with self.sync_context():
            columns = {name: getattr(self, name) for name in ("user", "movie", "prediction", "rating")}
            return {name: dim_zero_cat(parts).cpu() for name, parts in columns.items()}

    def reset(self) -> None:
        """Remove all batches and release their memory."""
        super().reset()
        self.blocks.clear()

    def compute(self) -> dict[str, Tensor]:
        """Return each metric as a float64 scalar."""
        user = dim_zero_cat(self.user).cpu()
        single = dim_zero_cat(self.prediction).cpu(), dim_zero_cat(self.rating).cpu()
        predicted_positive, positive = (values > self.threshold for values in single)
        prediction, rating = (values.double() for values in single)
        spread = self.max_stars - self.min_stars
        clipped = prediction.clamp(0, 1)
        error = spread * (clipped - rating)
        mse = mean_squared_error(prediction, rating)
        lists = rank_lists(user, prediction)
        precision_at_k, recall_at_k = precision_recall(lists, positive, k=LIST_LENGTH)
        return {
            "loss": self.loss(prediction, rating),
            "r2": r2_score(prediction, rating) if (rating != rating[0]).any() else rating.new_tensor(torch.nan),
            "mae": mean_absolute_error(prediction, rating),
            "mse": mse,
            "rmse": mse.sqrt(),
            "mae_stars": error.abs().mean(),
            "rmse_stars": error.square().mean().sqrt(),
            "precision": binary_precision(predicted_positive.int(), positive.int()).double(),
            "recall": binary_recall(predicted_positive.int(), positive.int()).double(),
            "f1": binary_f1_score(predicted_positive.int(), positive.int()).double(),
            "auroc": area_under_curve(prediction, positive),
            f"ndcg@{LIST_LENGTH}": ndcg(lists, user, max(self.min_stars, 0) + spread * rating, k=LIST_LENGTH),
            f"precision@{LIST_LENGTH}": precision_at_k,
            f"recall@{LIST_LENGTH}": recall_at_k,
            "map": mean_average_precision(lists, positive),
            "prediction_sd_stars": spread * clipped.std(correction=0),
            "rating_sd_stars": spread * rating.std(correction=0),
        }


def area_under_curve(score: Tensor, positive: Tensor) -> Tensor:
    """Compute the area under the ROC curve; NaN unless both classes are there.

    torchmetrics treats scores outside 0 to 1 as logits, and their sigmoid is 1 for all large ones. The area depends
    only on the order, so ranks replace the scores.
    """
    if positive.all() or not positive.any():
        return score.new_tensor(torch.nan)
    _, rank = torch.unique(score, return_inverse=True)
    return binary_auroc(rank.double() / len(rank), positive.int()).double()


class RunningMetrics(nn.Module):
    """Metrics of a training epoch, measured during training with dropout: loss, r2, mae, mse, rmse.

    An update of torchmetrics takes as long as a step of a small network, so 64 batches are counted at a time.

    Args:
        loss: The training loss, a mean over ratings.
    """

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.loss = loss
        self.mean_loss = MeanMetric()
        self.errors = MetricCollection(
            {
                "r2": R2Score(),
                "mae": MeanAbsoluteError(),
                "mse": MeanSquaredError(),
                "rmse": MeanSquaredError(squared=False),
            }
        )
        self.pending: list[tuple[Tensor, Tensor]] = []

    def update(self, prediction: Tensor, rating: Tensor) -> None:
        """Take in a batch of predictions and ratings on the unit scale, [batch] each."""
        self.pending.append((prediction.detach(), rating))
        if len(self.pending) == BATCHES_AT_A_TIME:
            self.count()

    def count(self) -> None:
        """Update the metrics with the batches since the last update."""
        if self.pending:
            prediction, rating = (torch.cat(parts).float() for parts in zip(*self.pending, strict=True))
            self.mean_loss.update(self.loss(prediction, rating), weight=len(rating))
            self.errors.update(prediction, rating)
            self.pending.clear()

    def compute(self) -> dict[str, Tensor]:
        """Return each metric as a scalar, over the batches of all processes."""
        self.count()
        return {"loss": self.mean_loss.compute(), **self.errors.compute()}

    def reset(self) -> None:
        """Start a new epoch."""
        self.pending.clear()
        self.mean_loss.reset()
        self.errors.reset()
