"""Fitting EASE, as a LightningModule."""

from functools import cached_property
from itertools import product

from jsonargparse.typing import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor
from torch.nn import functional

from movierec.data.tables import Tables
from movierec.models.ease_model import EaseModel
from movierec.training.gradient_free_task import GradientFree
from movierec.training.list_task import ListTask


class EaseTask(GradientFree, ListTask):
    """Fit EASE with star weights in closed form; an epoch tries one pair of penalties, and the best epoch is kept.

    Args:
        l2: Penalties of each weight to try.
        p: Penalties for each unit on the diagonal of the Gram matrix, to try with each of those.
        content_weight: How much the features of films count beside the ratings. They are the genres, or with
            `data.side_information` all that the data module reads of films.
        min_ratings: Training ratings that a film needs to be listed.
        max_films: The most films to list, those of the most ratings.
    """

    model: EaseModel

    def __init__(
        self,
        *,
        l2: tuple[PositiveFloat, ...] = (50.0, 100.0, 200.0, 400.0),
        p: tuple[NonNegativeFloat, ...] = (1.0, 2.0),
        content_weight: NonNegativeFloat = 0.0,
        min_ratings: NonNegativeInt = 5,
        max_films: PositiveInt = 20_000,
    ) -> None:
        super().__init__()
        self.grid = list(product(l2, p))
        self.content_weight = content_weight
        self.sizes = {"min_ratings": min_ratings, "max_films": max_films}

    def build_model(self, tables: Tables) -> EaseModel:
        """Build the model, not fitted."""
        return EaseModel(tables, content_weight=self.content_weight, **self.sizes)

    @cached_property
    def gram(self) -> Tensor:
        """The Gram matrix of the training ratings, and of the films' features, each film's of length 1."""
        content = functional.normalize(self.read_features().films, dim=1) if self.content_weight else None
        return self.model.gram_matrix(content).to(self.device)

    def fit_epoch(self) -> None:
        """Fit with the next pair of penalties."""
        l2, p = self.grid[self.current_epoch % len(self.grid)]
        self.model.fit(self.gram, l2=l2, p=p)

    def on_train_epoch_end(self) -> None:
        """End the fit after the last pair of penalties."""
        if self.current_epoch + 1 >= len(self.grid):
            self.trainer.should_stop = True
