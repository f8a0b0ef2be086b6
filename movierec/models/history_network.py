"""A network that reads what somebody has rated, with its stars, and scores all films.

    z      = tanh(b_0 + n^-1/2 sum_i (E_i + code(r_i) S_i))      over the n films i that they rated with r_i stars
    logits = E z + b                                             of which films they will watch
    stars  = m + u.z + q + Q z                                   that they will give them, as shares of the best

E, S and Q hold a vector for each film, b and q a number; code(r) = (r / best - 0.7) / 0.3.

It is trained on hidden ratings: of each person, a share between 20 and 90 % is hidden, and both heads predict it from
the rest. The same vectors E read and predict films. A mixture of: S. Sedhain et al., "AutoRec", 2015 (stars), and D.
Liang et al., "Variational autoencoders for collaborative filtering", 2018 (softmax over films).
"""

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn
from torch.nn import functional

from movierec.data.tables import Tables
from movierec.models.list_model import FILMS, RATINGS, ListModel
from movierec.models.training_ratings import offsets_of

MIDDLE, SPREAD = 0.7, 0.3  # of stars, as shares of the best
LEAST_HIDDEN, MOST_HIDDEN = 0.2, 0.9


class HistoryNetwork(ListModel):
    """The two-headed network over the films of a data set; films are ranked by the sum of logits and stars.

    Args:
        tables: The tables of a data set.
        width: Length of z.
        dropout: Share of z that is dropped in training.
        min_ratings: See `ListModel`.
        max_films: See `ListModel`.
    """

    def __init__(
        self,
        tables: Tables,
        *,
        width: int = 256,
        dropout: float = 0.1,
        min_ratings: int = RATINGS,
        max_films: int = FILMS,
    ) -> None:
        super().__init__(tables, min_ratings=min_ratings, max_films=max_films)
        self.width, self.dropout = width, dropout
        size = len(self.films)
        self.vectors = nn.Parameter(0.05 * torch.randn(size, width))  # E
        self.star_vectors = nn.Parameter(torch.zeros(size, width))  # S
        self.offset = nn.Parameter(torch.zeros(width))  # b_0
        counts = np.bincount(self.training_matrix().indices, minlength=size)
        popularity = torch.from_numpy(np.log1p(counts)).float()
        self.popularity = nn.Parameter(popularity - popularity.mean())  # b
        self.star_mean = nn.Parameter(torch.tensor(MIDDLE))  # m, as share of the best
        self.of_person = nn.Parameter(torch.zeros(width))  # u
        self.of_film = nn.Parameter(torch.zeros(size))  # q
        self.star_weights = nn.Parameter(0.01 * torch.randn(size, width))  # Q

    def encode(self, films: Tensor, offsets: Tensor, stars: Tensor) -> Tensor:
        """Read histories.

        Args:
            films: Of all histories, one behind the other, [num_ratings] int64.
            offsets: Where each history starts, and the end, [num_people + 1] int64.
            stars: As shares of the best, [num_ratings].

        Returns:
            z, [num_people, width].
        """
        code = (stars - MIDDLE) / SPREAD
        total = functional.embedding_bag(films, self.vectors, offsets, mode="sum", include_last_offset=True)
        total = total + functional.embedding_bag(
            films, self.star_vectors, offsets, mode="sum", per_sample_weights=code, include_last_offset=True
        )
        z = torch.tanh(self.offset + total * offsets.diff().clamp(min=1)[:, None] ** -0.5)
        return functional.dropout(z, self.dropout, training=self.training)

    def logits(self, z: Tensor) -> Tensor:
        """Predict which films are watched, [num_people, num_films]."""
        return z @ self.vectors.T + self.popularity

    def stars(self, z: Tensor) -> Tensor:
        """Predict stars as shares of the best, [num_people, num_films]."""
        return self.star_mean + (z @ self.of_person)[:, None] + self.of_film + z @ self.star_weights.T

    def score(self, stars: csr_array) -> Tensor:
        """Score all films of the model: logits + stars (of 5), clamped to the scale; see `ListModel`."""
        z = self.encode(*(part.to(self.vectors.device) for part in self.as_tensors(stars)))
        low = self.tables.min_stars / self.tables.max_stars
        return self.logits(z) + 5 * self.stars(z).clamp(low, 1)

    def as_tensors(self, stars: csr_array) -> tuple[Tensor, Tensor, Tensor]:
        """Write histories as films, offsets and stars for `encode`."""
        films, offsets = (torch.from_numpy(part.astype(np.int64)) for part in (stars.indices, stars.indptr))
        return films, offsets, torch.from_numpy(stars.data / np.float32(self.tables.max_stars))

    def film_vectors(self) -> Tensor:
        """Place films by E; see `Model`."""
        vectors = torch.zeros(len(self.place), self.width)
        vectors[self.films] = self.vectors.detach().cpu()
        return vectors


def hidden_loss(
    network: HistoryNetwork, films: Tensor, offsets: Tensor, stars: Tensor, *, star_weight: float
) -> Tensor:
    """Hide ratings of each person at random, and measure how well the rest predicts them.

    It is the cross-entropy of a softmax over all films that are not read, averaged over the hidden ratings, plus
    `star_weight` times the mean squared error of their stars (of 5).

    Args:
        network: The network.
        films: As in `HistoryNetwork.encode`.
        offsets: As in `HistoryNetwork.encode`.
        stars: As in `HistoryNetwork.encode`.
        star_weight: Weight of the stars.
    """
    number = offsets.diff()
    person = torch.repeat_interleave(torch.arange(len(number), device=films.device), number)
    share = LEAST_HIDDEN + (MOST_HIDDEN - LEAST_HIDDEN) * torch.rand(len(number), device=films.device)
    read = torch.rand(len(films), device=films.device) >= share[person]
    z = network.encode(films[read], offsets_of(person[read], len(number)), stars[read])
    logits = network.logits(z).index_put((person[read], films[read]), torch.tensor(-1e9, device=films.device))
    hidden = person[~read], films[~read]
    cross_entropy = (logits.logsumexp(dim=1)[hidden[0]] - logits[hidden]).sum()
    error = 25 * (network.stars(z)[hidden] - stars[~read]).square().sum()
    return (cross_entropy + star_weight * error) / max(len(hidden[0]), 1)
