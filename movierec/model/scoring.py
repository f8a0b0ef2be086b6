"""What a user would give many films, fast.

The first layer is linear, first(user, movie) = of_movie[movie] + of_user(user), so that the part that depends on the
film alone is computed once for all users.
"""

import numpy as np
import torch
from torch import Tensor

from movierec.data.tables import Tables
from movierec.model.network import RatingNetwork

FILMS_AT_ONCE = 1024  # so that what lies between two layers stays in the cache


class Scorer:
    """Predict what a user would give films, for one user at a time.

    Args:
        tables: The tables of a data set.
        network: A trained network over them.
    """

    def __init__(self, tables: Tables, network: RatingNetwork) -> None:
        self.network = network
        with torch.inference_mode():
            parts = torch.split(torch.arange(len(tables.movie_ids)), FILMS_AT_ONCE)
            self.of_movie = torch.cat([network.first.of_movies(part, tables.scoring_bank) for part in parts])

    @torch.inference_mode()
    def score(self, statistics: Tensor, movies: Tensor | slice = slice(None)) -> Tensor:
        """Predict the ratings of a user.

        Args:
            statistics: The user's, scaled as in the tables, [d_user_statistics].
            movies: Rows of the films, [size] int64; all of them without any.

        Returns:
            Ratings on the unit scale, not clipped, [size].
        """
        of_user = self.network.first.of_user(statistics)
        parts = torch.split(self.of_movie[movies], FILMS_AT_ONCE)
        return torch.cat([self.network.rest(part + of_user).squeeze(-1) for part in parts])


def top_positions(scores: np.ndarray, count: int) -> np.ndarray:
    """Find the highest scores, without sorting the others; of equal ones, the first in the array come first.

    Args:
        scores: [size] float.
        count: How many to find; all, if there are fewer.

    Returns:
        Positions, the highest first, [min(count, size)] int64.
    """
    if count < len(scores):
        lowest = np.partition(scores, len(scores) - count)[len(scores) - count]
        positions = np.flatnonzero(scores >= lowest)
    else:
        positions = np.arange(len(scores))
    return positions[np.argsort(-scores[positions], kind="stable")][:count]
