"""The base of networks: all that a model must do, derived from a forward pass."""

from abc import abstractmethod

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from movierec.data.histories import History, user_statistics
from movierec.data.tables import Tables
from movierec.models.model import RatingModel

FILMS_AT_ONCE = 4096
VIEWERS = 64


class RatingNetwork(RatingModel):
    """Base of the networks that predict a rating from a film's row and from a user's statistics.

    A subclass takes `tables` and keyword arguments of plain types, which it keeps as attributes of the same names, and
    defines `forward`.

    Args:
        tables: The tables of a data set. They give the sizes of all inputs; checkpoints hold them once, as data.
    """

    user_statistics: Tensor

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self.register_buffer("user_statistics", tables.user_statistics, persistent=False)

    @abstractmethod
    def forward(self, user: Tensor, movie: Tensor, bank: Tensor) -> Tensor:
        """Predict ratings.

        Args:
            user: Scaled statistics of each rating's user, [batch, d_user_statistics].
            movie: Rows of the films, [batch] int.
            bank: Banks of the films' statistics, [batch] int.

        Returns:
            Ratings on the unit scale, not clipped, [batch].
        """

    @property
    def num_inputs(self) -> int:
        """Number of columns of the tables that it reads: all."""
        return self.tables.width

    def rank(self, history: History, films: Tensor) -> Tensor:
        """Score films by the predicted rating, on the unit scale and not clipped; see `Model`."""
        return self.rate(user_statistics(self.tables, history), films)

    @torch.inference_mode()
    def rate(self, user: Tensor, films: Tensor) -> Tensor:
        """Predict the ratings of one user.

        Args:
            user: The user's scaled statistics, [d_user_statistics].
            films: Rows of films, [size] int64.

        Returns:
            Ratings on the unit scale, [size].
        """
        ratings = [
            self(user.expand(len(part), -1), part, torch.full_like(part, self.tables.scoring_bank))
            for part in torch.split(films, FILMS_AT_ONCE)
        ]
        return torch.cat(ratings)

    def explain(self, history: History, films: Tensor) -> pd.DataFrame:
        """Divide predictions between user and film by Shapley's formula; see `Model`.

        With f the prediction, u the user and i the film, and averages over users and films in place of what is unknown,
        the user's share is ((f(u, .) - f(., .)) + (f(u, i) - f(., i))) / 2, and the film's likewise.
        """
        tables = self.tables
        known = torch.from_numpy(np.flatnonzero(tables.complete.numpy() & (tables.num_ratings > 0)))
        weight = torch.from_numpy(tables.num_ratings)[known].double()
        own = user_statistics(tables, history)
        average = weighted_mean(tables.user_statistics[tables.scoring_bank], tables.seen_offsets.diff())

        def mean(user: Tensor) -> Tensor:
            return weight @ self.rate(user, known).double() / weight.sum()

        nobody, of_user, of_film, both = mean(average), mean(own), self.rate(average, films), self.rate(own, films)
        width = tables.max_stars - tables.min_stars
        return pd.DataFrame(
            {
                "average": (tables.min_stars + width * nobody).item(),
                "from_user": (width * (of_user - nobody + both - of_film) / 2).numpy(),
                "from_film": (width * (of_film - nobody + both - of_user) / 2).numpy(),
                "prediction": (tables.min_stars + width * both.double()).numpy(),
            }
        )

    def film_vectors(self) -> Tensor:
        """Place films by the ratings that some users would give them, from each user's mean; see `Model`.

        Returns:
            [num_movies, at most 64].
        """
        of_users = self.tables.user_statistics[self.tables.scoring_bank]
        chosen = of_users[torch.linspace(0, len(of_users) - 1, min(VIEWERS, len(of_users))).long()]
        films = self.tables.complete.nonzero().squeeze(1)
        ratings = torch.stack([self.rate(user, films) for user in chosen], dim=1)
        vectors = torch.zeros(len(self.tables.movie_ids), len(chosen))
        vectors[films] = ratings - ratings.mean(dim=0)
        return vectors


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Average rows: [size, d] to [d], in double precision between."""
    weight = weight.double()
    return (weight @ values.double() / weight.sum()).float()
