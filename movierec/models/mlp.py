"""The published report's networks: multilayer perceptrons over statistics, genres and metadata."""

from collections.abc import Callable
from functools import cached_property, partial
from itertools import pairwise, takewhile
from typing import Literal, Self

import pandas as pd
import torch
from jsonargparse.typing import ClosedUnitInterval, PositiveInt
from torch import Tensor, nn

from movierec.data.histories import History, user_statistics
from movierec.data.tables import Tables
from movierec.errors import ConfigError
from movierec.models.explanation import Explainer
from movierec.models.layers import Dropout, TableLinear
from movierec.models.memory import require_memory
from movierec.models.network import RatingNetwork
from movierec.models.scoring import Scorer

Activation = Literal["relu", "gelu", "silu", "tanh", "leaky_relu"]
Normalisation = Literal["none", "batch", "layer"]
ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "relu": partial(nn.ReLU, inplace=True),
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "leaky_relu": nn.LeakyReLU,
}
NORMALISATIONS: dict[Normalisation, type[nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class MLP(RatingNetwork):
    """A multilayer perceptron.

    Args:
        tables: The tables of a data set; the number of inputs follows from them.
        hidden: Widths of the hidden layers.
        dropout: Share of each hidden layer's outputs that is set to 0 in training; one number stands for all layers.
        activation: What follows each hidden layer.
        normalisation: What comes between a hidden layer and its activation.

    Raises:
        ConfigError: There are more or fewer dropouts than hidden layers, or this machine lacks the memory.
    """

    def __init__(
        self,
        tables: Tables,
        *,
        hidden: list[PositiveInt] = [256, 128, 64, 32],  # noqa: B006 - never changed; a tuple does not round-trip
        dropout: ClosedUnitInterval | list[ClosedUnitInterval] = 0.0,
        activation: Activation = "relu",
        normalisation: Normalisation = "none",
    ) -> None:
        super().__init__(tables)
        self.hidden, self.dropout, self.activation, self.normalisation = hidden, dropout, activation, normalisation
        shares = dropout if isinstance(dropout, list) else [dropout] * len(hidden)
        if len(shares) != len(hidden):
            raise ConfigError(f"Expected one dropout, or one for each of the hidden layers {hidden}; got {dropout}.")
        widths = [*hidden, 1]
        require_memory(sum((before + 1) * after for before, after in pairwise([tables.width, *widths])))
        self.first = TableLinear(tables, widths[0])
        layers: list[nn.Module] = []
        for (size, following), share in zip(pairwise(widths), shares, strict=True):
            if normalisation != "none":
                layers.append(NORMALISATIONS[normalisation](size))
            layers.append(ACTIVATIONS[activation]())
            if share:
                layers.append(Dropout(share))
            layers.append(nn.Linear(size, following))
        self.rest = nn.Sequential(*layers)

    @property
    def num_weights(self) -> int:
        """Number of trained weights, without the row of zeros that pads the labels."""
        padding = 0 if self.first.label_weight is None else len(self.first.bias)
        return super().num_weights - padding

    def forward(self, user: Tensor, movie: Tensor, bank: Tensor) -> Tensor:
        """Predict ratings; see `RatingNetwork.forward`.

        Raises:
            ConfigError: A batch of one row with `normalisation: batch`, which needs two.
        """
        if self.training and self.normalisation == "batch" and len(movie) == 1:
            raise ConfigError(
                "Expected 2 rows in each batch with `normalisation: batch`, got 1. Change the batch size."
            )
        ratings: Tensor = self.rest(self.first(user, movie, bank))
        return ratings.squeeze(-1)

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - as nn.Module has it
        """Switch to training, and forget what was computed from the weights."""
        for name in ("scorer", "explainer"):
            self.__dict__.pop(name, None)
        return super().train(mode)

    @cached_property
    def scorer(self) -> Scorer:
        """The prediction for all films at once, several times as fast as pair by pair."""
        return Scorer(self.tables, self.first, self.rest)

    @cached_property
    def explainer(self) -> Explainer:
        """The shares of groups of inputs."""
        return Explainer(self.tables, self.first, self.rest)

    def rate(self, user: Tensor, films: Tensor) -> Tensor:
        """Predict the ratings of one user; see `RatingNetwork.rate`. All films must have what the network reads."""
        return self.scorer.score(user, films)

    def explain(self, history: History, films: Tensor) -> pd.DataFrame:
        """Divide predictions between user, film ratings, genres, metadata and ids; see `Model`."""
        return self.explainer.explain(user_statistics(self.tables, history), films)

    @torch.inference_mode()
    def film_vectors(self) -> Tensor:
        """Place films by the first hidden layer's outputs for an average user, from their mean; see `Model`."""
        tables = self.tables
        of_films = self.first.of_movies(torch.arange(len(tables.movie_ids)), tables.scoring_bank)
        hidden = of_films + self.first.of_user(tables.user_statistics[tables.scoring_bank].mean(dim=0))
        for layer in takewhile(lambda layer: not isinstance(layer, nn.Linear), self.rest):
            hidden = layer(hidden)
        return hidden - hidden[tables.complete].mean(dim=0)
