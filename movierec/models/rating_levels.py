"""From the normal distributions of a rating to the probability of each level that people can give.

A rating is seen as a number on a line that is cut into levels: 3.8 is rounded to 4. The number has the distribution
that a model gives it, a mixture of normals, one of each posterior sample. Where the line is cut is learnt: people who
prefer whole stars round 3.6 to 4 rather than to 3.5 (ordinal regression; McCullagh, "Regression models for ordinal
data", 1980).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

SMALLEST = 1e-9  # probability of a level, of which the logarithm is taken
LOW, HIGH = 0.1, 0.9  # the 80 % range


class Outlook(NamedTuple):
    """What the probabilities of the levels come to, for a list of films.

    Attributes:
        low: Lowest stars of the 80 % range, [size].
        high: Highest stars of it, [size].
        p_liked: Probability that the person likes the film: of 4 stars or more, on a scale up to 5, [size].
    """

    low: Tensor
    high: Tensor
    p_liked: Tensor

    @classmethod
    def of(cls, probabilities: Tensor, levels: Tensor, liked_stars: float) -> "Outlook":
        """Sum up probabilities; the range goes from the level of the 10th to that of the 90th percentile.

        Args:
            probabilities: [size, num_levels].
            levels: Ascending, stars, [num_levels].
            liked_stars: The lowest stars of a film that is liked.
        """
        below = probabilities.cumsum(dim=1)
        last = len(levels) - 1  # the sum of all probabilities may round to less than 1
        low = (below <= LOW).sum(dim=1).clamp(max=last)
        high = (below < HIGH).sum(dim=1).clamp(max=last)
        return cls(levels[low], levels[high], probabilities[:, levels >= liked_stars].sum(dim=1))


def midpoints(levels: Tensor) -> Tensor:
    """Cut halfway between levels, [num_levels] to [num_levels - 1]."""
    return (levels[1:] + levels[:-1]) / 2


def level_probabilities(centres: Tensor, deviations: Tensor, cuts: Tensor) -> Tensor:
    """Compute the probability of each level.

    Args:
        centres: Means of the normals, stars, [num_samples, size].
        deviations: Their standard deviations, stars, [num_samples, size].
        cuts: Ascending, stars, [num_levels - 1].

    Returns:
        [size, num_levels]; rows sum to 1.
    """
    below = torch.stack([torch.special.ndtr((cut - centres) / deviations).mean(dim=0) for cut in cuts], dim=1)
    edges = torch.cat([torch.zeros_like(below[:, :1]), below, torch.ones_like(below[:, :1])], dim=1)
    return edges.diff(dim=1)


def learn_cuts(centres: Tensor, deviations: Tensor, stars: Tensor, levels: Tensor) -> Tensor:
    """Choose the cuts that make given ratings most likely; they must not be training ratings.

    The logarithms of the gaps between cuts are free, with a weak normal prior at those of the midpoints, so that a
    level that nobody gave keeps a place.

    Args:
        centres: Of the ratings, [num_samples, size].
        deviations: Of the ratings, [num_samples, size].
        stars: The ratings, [size]; each counts as the nearest level.
        levels: Ascending, stars, [num_levels].

    Returns:
        [num_levels - 1].
    """
    start = midpoints(levels)
    parameters = torch.cat([start[:1], start.diff().log()])
    free = parameters.clone().requires_grad_()
    given = torch.bucketize(stars.to(levels), start)  # the nearest
    optimizer = torch.optim.LBFGS([free], max_iter=50, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        edges = nn.functional.pad(to_cuts(free), (1, 0), value=-torch.inf)
        edges = nn.functional.pad(edges, (0, 1), value=torch.inf)
        below, above = (torch.special.ndtr((edges[number] - centres) / deviations) for number in (given, given + 1))
        likelihood = (above - below).mean(dim=0).clamp_min(SMALLEST).log().sum()
        result: Tensor = ((free - parameters).square().sum() / 2 - likelihood) / max(len(stars), 1)
        result.backward()  # type: ignore[no-untyped-call]
        return result

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return to_cuts(free.detach())


def to_cuts(parameters: Tensor) -> Tensor:
    """Turn the first cut and the logarithms of the gaps into cuts."""
    return torch.cat([parameters[:1], parameters[1:].exp()]).cumsum(dim=0)
