"""A multilayer perceptron over the tables of a data set."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from movierec.data.tables import Tables

Activation = Literal["relu", "gelu", "silu", "tanh", "leaky_relu"]
Normalisation = Literal["none", "batch", "layer"]
ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "leaky_relu": nn.LeakyReLU,
}
NORMALISATIONS: dict[Normalisation, type[nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class FeatureLookup(nn.Module):
    """Gather the inputs of the network from the tables, on the device they are on."""

    movie_features: Tensor
    movie_statistics: Tensor
    user_statistics: Tensor

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        # Not persistent: the checkpoint holds the tables once, as data, with all that belongs to them.
        for name in ("movie_features", "movie_statistics", "user_statistics"):
            self.register_buffer(name, getattr(tables, name), persistent=False)

    def forward(self, user: Tensor, movie: Tensor, bank: Tensor) -> Tensor:
        """Concatenate what the tables hold of each row.

        Args:
            user: Rows of the users, [batch] int.
            movie: Rows of the films, [batch] int.
            bank: Banks of statistics, [batch] int.

        Returns:
            [batch, width].
        """
        parts = (self.movie_features[movie], self.movie_statistics[bank, movie], self.user_statistics[bank, user])
        return torch.cat(parts, dim=-1)


class MLP(nn.Sequential):
    """Linear layers, each followed by normalisation, activation and dropout, and one output.

    Args:
        width: Number of inputs.
        hidden: Widths of the hidden layers.
        dropout: Share of each hidden layer's outputs that is set to 0 in training.
        activation: What follows each hidden layer.
        normalisation: What comes between a hidden layer and its activation.
    """

    def __init__(
        self,
        *,
        width: int,
        hidden: Sequence[int],
        dropout: Sequence[float],
        activation: Activation,
        normalisation: Normalisation,
    ) -> None:
        layers: list[nn.Module] = []
        for (size_in, size_out), share in zip(pairwise([width, *hidden]), dropout, strict=True):
            layers.append(nn.Linear(size_in, size_out))
            if normalisation != "none":
                layers.append(NORMALISATIONS[normalisation](size_out))
            layers.append(ACTIVATIONS[activation]())
            if share:
                layers.append(nn.Dropout(share))
        layers.append(nn.Linear(hidden[-1] if hidden else width, 1))
        super().__init__(*layers)


class RatingNetwork(nn.Module):
    """Predict ratings of rows: gather their inputs, then apply the perceptron."""

    def __init__(self, tables: Tables, mlp: MLP) -> None:
        super().__init__()
        self.lookup = FeatureLookup(tables)
        self.mlp = mlp

    def forward(self, user: Tensor, movie: Tensor, bank: Tensor) -> Tensor:
        """Predict the rating that each user gives each film.

        Args:
            user: Rows of the users, [batch] int.
            movie: Rows of the films, [batch] int.
            bank: Banks of statistics, [batch] int.

        Returns:
            Ratings on the unit scale, not clipped, [batch].
        """
        ratings: Tensor = self.mlp(self.lookup(user, movie, bank))
        return ratings.squeeze(-1)
