"""Item-based nearest neighbours: films are alike that the same people like."""

from scipy.sparse import csr_array
from torch import Tensor

from movierec.data.tables import Tables
from movierec.models.ease import gram_matrix
from movierec.models.item_model import ItemModel, liked_shares

NEIGHBOURS, SHRINKAGE = 100, 20.0
TIE = 1e-6  # of the share of people who like a film, so that the more liked one of equally similar films comes first


class NeighbourModel(ItemModel):
    """Rank films by the sum of their similarities to the films that somebody likes.

    Args:
        tables: The tables of a data set.
    """

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables, liked_only=True, fade=float("inf"))

    def fit(self) -> None:
        """Compute the similarities from the training ratings."""
        stars = self.training_matrix()
        self.weights.copy_(neighbour_weights(self.inputs(stars)))
        self.prior.copy_(TIE * liked_shares(self, stars))


def neighbour_weights(liked: csr_array) -> Tensor:
    """Compute the similarities of films to their nearest neighbours, [num_films, num_films].

    s_ij = common / (sqrt(n_i n_j) + 20), the cosine of two films' columns, shrunk where few people are in common;
    column j keeps the 100 largest. Source: M. Deshpande and G. Karypis, "Item-based top-N recommendation algorithms",
    2004.

    Args:
        liked: 1 for each film that somebody likes, else 0, [num_users, num_films].
    """
    common = gram_matrix(liked)
    root = common.diagonal().sqrt()
    similarity = common / (root[:, None] * root + SHRINKAGE)
    similarity.fill_diagonal_(0)
    if len(similarity) > NEIGHBOURS:
        least = similarity.topk(NEIGHBOURS, dim=0).values[-1]
        similarity[similarity < least] = 0
    return similarity
