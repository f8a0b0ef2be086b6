"""Predictions of one user's ratings of many films, faster than pair by pair."""

import numpy as np
import torch
from torch import Tensor, nn

from movierec.data.tables import Tables
from movierec.models.layers import Dropout, TableLinear

FILMS_AT_ONCE = 512  # so that what lies between two layers stays in the cache


class Scorer:
    """Predict what a user would give films, for one user at a time.

    What the first layer makes of a film is computed once. What a ReLU sets to 0 for all films of a block need not be
    multiplied by the next layer's weights: that leaves the result as it is. After the first layer, the highest of what
    it makes of the films tells where a user's part is too low for all of them. So that films of a block have much of it
    in common, they are sorted by the sum of the first layer's outputs. Blocks hold a film a column, because rows are
    picked faster than columns.

    Args:
        tables: The tables of a data set.
        first: The first layer of a trained network over them.
        rest: Its other layers, in evaluation mode.
    """

    def __init__(self, tables: Tables, first: TableLinear, rest: nn.Sequential) -> None:
        self.first, self.rest = first, rest
        kept = [layer for layer in rest if not isinstance(layer, Dropout)]
        linear = [layer for layer in kept if isinstance(layer, nn.Linear)]
        is_plain = all(isinstance(layer, nn.ReLU | nn.Linear) for layer in kept)
        self.layers = [(layer.weight.T.contiguous(), layer.bias[:, None]) for layer in linear] if is_plain else None
        rows = tables.complete.nonzero().squeeze(1)
        with torch.inference_mode():
            parts = [first.of_movies(part, tables.scoring_bank) for part in torch.split(rows, FILMS_AT_ONCE)]
            of_movie = torch.cat(parts)
            order = of_movie.sum(dim=1).argsort(stable=True)
            self.blocks = [of_movie[part].T.contiguous() for part in torch.split(order, FILMS_AT_ONCE)]
            self.highest = [block.amax(dim=1) for block in self.blocks]
        self.starts = torch.arange(0, max(len(rows), 1), FILMS_AT_ONCE)
        self.place = torch.full((len(tables.movie_ids),), -1)
        self.place[rows[order]] = torch.arange(len(rows))

    @torch.inference_mode()
    def score(self, statistics: Tensor, movies: Tensor) -> Tensor:
        """Predict the ratings of a user.

        Args:
            statistics: The user's, scaled as in the tables, [d_user_statistics].
            movies: Rows of films that have all that the network reads, [size] int64.

        Returns:
            Ratings on the unit scale, not clipped, [size].
        """
        of_user = self.first.of_user(statistics)
        places, order = self.place[movies].sort()
        edges = torch.searchsorted(places, self.starts)
        scores = torch.empty(len(movies))
        for number, (mine, its) in enumerate(
            zip(places.tensor_split(edges[1:]), order.tensor_split(edges[1:]), strict=True)
        ):
            if len(mine):
                scores[its] = self.score_block(number, of_user, mine - self.starts[number])
        return scores

    def score_block(self, number: int, of_user: Tensor, columns: Tensor) -> Tensor:
        """Predict the ratings of some films of a block; where most are wanted, picking them first saves nothing."""
        block = self.blocks[number]
        if self.layers is None:
            hidden = block.index_select(1, columns).add_(of_user[:, None])
            ratings: Tensor = self.rest(hidden.T).squeeze(-1)
            return ratings
        on = (self.highest[number] + of_user > 0).nonzero().squeeze(1)
        hidden = block.index_select(0, on)
        is_few = 2 * len(columns) < block.shape[1]
        if is_few:
            hidden = hidden.index_select(1, columns)
        ratings = self.finish(self.layers, hidden.add_(of_user[on, None]), on)
        return ratings if is_few else ratings[columns]

    def finish(self, layers: list[tuple[Tensor, Tensor]], hidden: Tensor, on: Tensor) -> Tensor:
        """Apply all layers but the first one to those of its outputs that are on for a film, [on, size]."""
        for number, (weight, bias) in enumerate(layers):
            hidden = hidden.relu_()
            if number:
                on = hidden.amax(dim=1).nonzero().squeeze(1)
                hidden = hidden.index_select(0, on)
            hidden = torch.addmm(bias, weight.index_select(0, on).T, hidden)
        return hidden.squeeze(0)


def top_positions(scores: np.ndarray, count: int) -> np.ndarray:
    """Find the highest scores, without sorting the others; of equal ones, the first in the array come first.

    Args:
        scores: [size] float.
        count: How many to find; all, if there are fewer.

    Returns:
        Positions, the highest first, [min(count, size)] int64.
    """
    lowest = np.partition(scores, -count)[-count] if count < len(scores) else -np.inf
    positions = np.flatnonzero(scores >= lowest)
    return positions[np.argsort(-scores[positions], kind="stable")][:count]
