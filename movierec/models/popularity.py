"""The same list for everybody: the films that most people have rated, or liked."""

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn

from movierec.data.tables import Tables
from movierec.models.list_model import ListModel


class PopularityModel(ListModel):
    """Rank films by how many people rated or liked them.

    Args:
        tables: The tables of a data set.
        liked_only: Count the people who like a film, rather than all who rated it.
    """

    def __init__(self, tables: Tables, *, liked_only: bool = False) -> None:
        super().__init__(tables, min_ratings=1, max_films=len(tables.movie_ids))
        self.liked_only = liked_only
        self.counts = nn.Parameter(torch.zeros(len(self.films)), requires_grad=False)

    def fit(self) -> None:
        """Count the training ratings."""
        rated = self.training_matrix()
        counted = rated.indices[rated.data >= self.tables.liked_stars] if self.liked_only else rated.indices
        self.counts.copy_(torch.from_numpy(np.bincount(counted, minlength=len(self.films))))

    def score(self, stars: csr_array) -> Tensor:
        """Score all films of the model; see `ListModel`."""
        return self.counts.expand(stars.shape[0], -1)

    def film_vectors(self) -> Tensor:
        """Place films by (1, count), so that films of like counts are alike; see `Model`."""
        vectors = torch.zeros(len(self.place), 2)
        vectors[self.films] = torch.stack([torch.ones_like(self.counts), self.counts.log1p()], dim=1)
        return vectors
