"""Measure the probabilities that a model gives each level of stars: are they as honest as they look?"""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from movierec.models.rating_levels import SMALLEST, Outlook

BINS = 10  # of the probability that a film is liked


class LevelMetrics(Metric):
    """Metrics of the probabilities of levels: sums over ratings.

    level_nll: mean negative logarithm of the probability of the level that was given. range_coverage: share of the
    ratings inside the 80 % range, and range_probability: mean probability that the model gives that range, which is
    more than 80 % because levels are whole. liked_ece: expected calibration error of the probability that a film is
    liked, which is the mean distance of probability and share in ten equal bins, weighted by their ratings
    (M. P. Naeini et al., 2015).

    Args:
        levels: Ascending, stars, [num_levels].
        liked_stars: The lowest stars of a film that is liked.
        options: Those of `torchmetrics.Metric`.
    """

    full_state_update = False
    levels: Tensor
    totals: Tensor
    count: Tensor
    probability: Tensor
    liked: Tensor

    def __init__(self, levels: Tensor, liked_stars: float, **options: Any) -> None:
        super().__init__(**options)
        self.liked_stars = liked_stars
        self.register_buffer("levels", levels, persistent=False)
        self.add_state("totals", default=torch.zeros(3), dist_reduce_fx="sum")  # of nll, coverage, probability
        for name in ("count", "probability", "liked"):
            self.add_state(name, default=torch.zeros(BINS), dist_reduce_fx="sum")

    def update(self, probabilities: Tensor, stars: Tensor) -> None:
        """Take in a batch of probabilities, [batch, num_levels], and stars, [batch]."""
        levels, probabilities, stars = self.levels, probabilities.to(self.device), stars.to(self.device)
        given = (stars[:, None] - levels).abs().argmin(dim=1)
        low, high, p_liked = Outlook.of(probabilities, levels, self.liked_stars)
        inside = (levels >= low[:, None]) & (levels <= high[:, None])
        values = (
            -probabilities.gather(1, given[:, None]).clamp_min(SMALLEST).log(),
            inside.gather(1, given[:, None]),
            probabilities * inside,
        )
        self.totals += torch.stack([value.sum() for value in values])
        bin_ = (p_liked * BINS).long().clamp(0, BINS - 1)
        self.count += torch.bincount(bin_, minlength=BINS)
        self.probability += torch.bincount(bin_, weights=p_liked, minlength=BINS)
        self.liked += torch.bincount(bin_, weights=(levels[given] >= self.liked_stars).to(p_liked), minlength=BINS)

    def compute(self) -> dict[str, Tensor]:
        """Return each metric as a scalar."""
        size = self.count.sum()
        nll, coverage, probability = self.totals / size
        return {
            "level_nll": nll,
            "range_coverage": coverage,
            "range_probability": probability,
            "liked_ece": (self.probability - self.liked).abs().sum() / size,
        }

    def reliability(self) -> dict[str, Any]:
        """Compare the probability that a film is liked with the share of such ratings, bin by bin.

        Returns:
            `stars`, from which a film is liked; and of each of the ten bins that has ratings, `count`, mean
            `probability` and `share`.
        """
        with self.sync_context():
            some = self.count > 0
            count = self.count[some]
            return {
                "stars": self.liked_stars,
                "count": count.long().tolist(),
                "probability": (self.probability[some] / count).tolist(),
                "share": (self.liked[some] / count).tolist(),
            }
