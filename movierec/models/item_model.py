"""Base of the models that score films by weights between them, such as EASE and item-kNN."""

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn

from movierec.data.histories import History
from movierec.data.tables import Tables
from movierec.models.list_model import FILMS, RATINGS, ListModel

VECTOR_LENGTH = 64


class ItemModel(ListModel):
    """Scores are x W + prior * fade / (fade + n) for a person with n ratings.

    x holds the person's stars as shares of the best, 0 for films not rated. W is `weights`: W_ij is what a rating of
    film i says for film j. `prior` is the score of each film for somebody without ratings.

    Args:
        tables: The tables of a data set.
        fade: Number of ratings after which half of the prior is left; infinite: all of it stays.
        liked_only: x is 1 for each liked film, and 0 for all others.
        min_ratings: See `ListModel`.
        max_films: See `ListModel`.
    """

    def __init__(
        self,
        tables: Tables,
        *,
        fade: float = 10.0,
        liked_only: bool = False,
        min_ratings: int = RATINGS,
        max_films: int = FILMS,
    ) -> None:
        super().__init__(tables, min_ratings=min_ratings, max_films=max_films)
        self.fade, self.liked_only = fade, liked_only
        size = len(self.films)
        self.weights = nn.Parameter(torch.zeros(size, size, dtype=torch.half), requires_grad=False)
        self.prior = nn.Parameter(torch.zeros(size), requires_grad=False)

    def inputs(self, stars: csr_array) -> csr_array:
        """Compute x of some people, [num_people, num_films] float32."""
        tables = self.tables
        values = stars.data >= tables.liked_stars if self.liked_only else stars.data / tables.max_stars
        return csr_array((values.astype(np.float32), stars.indices, stars.indptr), shape=stars.shape)

    def score(self, stars: csr_array) -> Tensor:
        """Score all films of the model; see `ListModel`."""
        x, films = torch.from_numpy(self.inputs(stars).data).to(self.prior), torch.from_numpy(stars.indices).long()
        number = torch.from_numpy(np.diff(stars.indptr))
        rated = zip(torch.split(x, number.tolist()), torch.split(films, number.tolist()), strict=True)
        of_ratings = torch.stack([own @ self.weights[its].float() for own, its in rated])
        left = torch.ones_like(number) if np.isinf(self.fade) else self.fade / (self.fade + number)  # of the prior
        return of_ratings + left.to(self.prior)[:, None] * self.prior

    def reasons(self, history: History, films: Tensor) -> Tensor:
        """Compute what each rated film adds to scores: x_i W_ij; see `Model`."""
        inputs = torch.zeros(len(history.movies))
        rated, wanted = self.place[torch.from_numpy(history.movies)], self.place[films]
        stars = self.matrix([history])
        inputs[rated >= 0] = torch.from_numpy(self.inputs(stars).data)
        shares: Tensor = inputs * self.weights[rated.clamp(min=0)][:, wanted.clamp(min=0)].float().T
        return shares * (wanted >= 0)[:, None]

    def similar(self, film: int) -> Tensor:
        """Score films by the mean of both weights between them and a film; see `Model`."""
        scores = torch.full((len(self.place),), -torch.inf)
        if (place := int(self.place[film])) >= 0:
            scores[self.films] = (self.weights[place].float() + self.weights[:, place].float()) / 2
        return scores

    def film_vectors(self) -> Tensor:
        """Place films such that products of vectors are close to the weights between them; see `Model`."""
        vectors = torch.zeros(len(self.place), min(VECTOR_LENGTH, len(self.films)))
        weights = self.weights.float()
        left, values, _ = torch.svd_lowrank(weights + weights.T, q=vectors.shape[1])
        vectors[self.films] = left * values.sqrt()
        return vectors


def liked_shares(model: ListModel, stars: csr_array) -> Tensor:
    """Compute the share of the people who like each film, [num_films]."""
    liked = stars.data >= model.tables.liked_stars
    counts = np.bincount(stars.indices[liked], minlength=stars.shape[1])
    return torch.from_numpy(counts / max(stars.shape[0], 1)).float()
