"""Metrics of predicted ratings: torchmetrics for regression and classification, per-user ranking beside them."""

import torch
from torch import Tensor
from torchmetrics import MeanAbsoluteError, MeanSquaredError, Metric, MetricCollection, R2Score
from torchmetrics.functional import mean_absolute_error, mean_squared_error, r2_score
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_f1_score,
    binary_precision,
    binary_recall,
)
from torchmetrics.utilities import dim_zero_cat

from movierec.model.ranking import mean_average_precision, ndcg, precision_recall

LIST_LENGTH = 10
NAMES = (
    "r2", "mae", "mse", "rmse", "mae_stars", "rmse_stars", "precision", "recall", "f1", "auroc",
    f"ndcg@{LIST_LENGTH}", f"precision@{LIST_LENGTH}", f"recall@{LIST_LENGTH}", "map",
)  # fmt: skip


class RatingMetrics(Metric):
    """All metrics of an evaluation, from every prediction, computed once at its end in double precision.

    On the unit scale: r2, mae, mse, rmse. In stars, predictions clipped to the scale: mae_stars, rmse_stars. Of the
    question whether a rating lies above the threshold: precision, recall, f1, auroc. Per user over the user's rated
    films, with the same question as relevance: ndcg@10 (gains in stars), precision@10, recall@10, map. A metric that
    the ratings do not define (R2 of one rating, AUROC of one class) is NaN.

    Args:
        min_stars: The stars that are 0 on the unit scale.
        max_stars: The stars that are 1 on the unit scale.
        threshold: A rating above it, on the unit scale, is positive.
    """

    full_state_update = False
    user: list[Tensor]
    prediction: list[Tensor]
    rating: list[Tensor]

    def __init__(self, *, min_stars: float, max_stars: float, threshold: float) -> None:
        super().__init__()
        self.min_stars, self.max_stars, self.threshold = min_stars, max_stars, threshold
        for name in ("user", "prediction", "rating"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, user: Tensor, prediction: Tensor, rating: Tensor) -> None:
        """Take in a batch.

        Args:
            user: [batch] int.
            prediction: On the unit scale, not clipped, [batch].
            rating: On the unit scale, [batch].
        """
        self.user.append(user)
        self.prediction.append(prediction.detach().float())
        self.rating.append(rating)

    def compute(self) -> dict[str, Tensor]:
        """Return each metric as a float64 scalar."""
        user = dim_zero_cat(self.user).cpu()
        single = dim_zero_cat(self.prediction).cpu(), dim_zero_cat(self.rating).cpu()
        predicted_positive, positive = (values > self.threshold for values in single)
        prediction, rating = (values.double() for values in single)
        spread = self.max_stars - self.min_stars
        error = spread * (prediction.clamp(0, 1) - rating)
        mse = mean_squared_error(prediction, rating)
        precision_at_k, recall_at_k = precision_recall(user, prediction, positive, k=LIST_LENGTH)
        return {
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
            f"ndcg@{LIST_LENGTH}": ndcg(user, prediction, self.min_stars + spread * rating, k=LIST_LENGTH),
            f"precision@{LIST_LENGTH}": precision_at_k,
            f"recall@{LIST_LENGTH}": recall_at_k,
            "map": mean_average_precision(user, prediction, positive),
        }


def area_under_curve(score: Tensor, positive: Tensor) -> Tensor:
    """Compute the area under the ROC curve; NaN unless both classes are there.

    torchmetrics takes scores outside 0 to 1 for logits, and their sigmoid, which is 1 for all large ones. The area
    depends on the order alone, so the ranks take the scores' place.
    """
    if positive.all() or not positive.any():
        return score.new_tensor(torch.nan)
    _, rank = torch.unique(score, return_inverse=True)
    return binary_auroc(rank.double() / len(rank), positive.int()).double()


def running_metrics() -> MetricCollection:
    """Build the metrics of a training epoch, measured as it goes, dropout included: r2, mae, mse, rmse."""
    return MetricCollection(
        {
            "r2": R2Score(),
            "mae": MeanAbsoluteError(),
            "mse": MeanSquaredError(),
            "rmse": MeanSquaredError(squared=False),
        }
    )
