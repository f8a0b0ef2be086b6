"""The star-weighted EASE model of a data set."""

import torch
from torch import Tensor, nn

from movierec.data.tables import Tables
from movierec.models.ease import ease_weights, gram_matrix
from movierec.models.item_model import ItemModel, liked_shares
from movierec.models.list_model import FILMS, RATINGS

PRIOR = 0.2


class EaseModel(ItemModel):
    """EASE over stars, with a prior of liked films that fades with the number of ratings; see `ease`.

    The prior is 0.2 times the share of people who like a film: who has rated little gets well-liked films.

    Args:
        tables: The tables of a data set.
        content_weight: How much the features of films count beside the ratings; 0: not at all.
        min_ratings: See `ListModel`.
        max_films: See `ListModel`.
    """

    def __init__(
        self, tables: Tables, *, content_weight: float = 0.0, min_ratings: int = RATINGS, max_films: int = FILMS
    ) -> None:
        super().__init__(tables, min_ratings=min_ratings, max_films=max_films)
        self.content_weight = content_weight
        self.penalty = nn.Parameter(torch.zeros(2), requires_grad=False)  # l2 and p

    def gram_matrix(self, content: Tensor | None = None) -> Tensor:
        """Compute what the weights are solved from; see `ease.gram_matrix`.

        Args:
            content: Features of the films, [num_movies, d], of which each counts like a person.
        """
        gram = gram_matrix(self.inputs(self.training_matrix()))
        if content is not None and self.content_weight:
            features = content[self.films]
            gram.addmm_(features, features.T, alpha=self.content_weight)
        return gram

    def fit(self, gram: Tensor, *, l2: float, p: float) -> None:
        """Solve for the weights, and count the prior."""
        self.weights.copy_(ease_weights(gram, l2=l2, p=p))
        self.prior.copy_(PRIOR * liked_shares(self, self.training_matrix()))
        self.penalty.copy_(torch.tensor([l2, p]))
