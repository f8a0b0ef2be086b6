"""The blend of EASE and the history network: the first for those of many ratings, the second for those of few.

score = z(EASE) + weight / n z(network), z: less the mean over the films, divided by their standard deviation
"""

from typing import ClassVar

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from movierec.data.histories import History
from movierec.data.tables import Tables
from movierec.models.ease_model import EaseModel
from movierec.models.history_network import HistoryNetwork
from movierec.models.list_model import FILMS, RATINGS, ListModel


class BlendModel(ListModel):
    """Both models over the same films; explanations and similar films are those of EASE.

    Args:
        tables: The tables of a data set.
        weight: Number of ratings of a person at which both count the same.
        width: See `HistoryNetwork`.
        dropout: See `HistoryNetwork`.
        min_ratings: See `ListModel`.
        max_films: See `ListModel`.
    """

    explained_by: ClassVar[str] = "Reasons are those of the closed-form half of the model; the network has none."

    def __init__(
        self,
        tables: Tables,
        *,
        weight: float = 150.0,
        width: int = 256,
        dropout: float = 0.1,
        min_ratings: int = RATINGS,
        max_films: int = FILMS,
    ) -> None:
        super().__init__(tables, min_ratings=min_ratings, max_films=max_films)
        self.weight, self.width, self.dropout = weight, width, dropout
        self.ease = EaseModel(tables, min_ratings=min_ratings, max_films=max_films)
        self.network = HistoryNetwork(
            tables, width=width, dropout=dropout, min_ratings=min_ratings, max_films=max_films
        )

    def score(self, stars: csr_array) -> Tensor:
        """Score all films of the model; see `ListModel`."""
        number = torch.from_numpy(np.diff(stars.indptr)).clamp(min=1)
        ease, network = standardise(self.ease.score(stars)), standardise(self.network.score(stars))
        return ease + self.weight / number.to(network)[:, None] * network

    def reasons(self, history: History, films: Tensor) -> Tensor:
        """Compute what each rated film adds to the scores of EASE; see `Model`."""
        return self.ease.reasons(history, films)

    def similar(self, film: int) -> Tensor:
        """Score films by their similarity in EASE; see `Model`."""
        return self.ease.similar(film)

    def film_vectors(self) -> Tensor:
        """Place films as EASE does; see `Model`."""
        return self.ease.film_vectors()


def standardise(scores: Tensor) -> Tensor:
    """Subtract each person's mean over the films, and divide by the standard deviation: [num_people, num_films]."""
    spread, mean = torch.std_mean(scores, dim=1, keepdim=True, correction=0)
    return (scores - mean) / spread.clamp(min=1e-9)
