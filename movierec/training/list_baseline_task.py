"""Fitting the baselines of lists, as a LightningModule."""

from typing import Literal

from movierec.data.tables import Tables
from movierec.models.item_knn import NeighbourModel
from movierec.models.popularity import PopularityModel
from movierec.training.gradient_free_task import GradientFree
from movierec.training.list_task import ListTask


class ListBaselineTask(GradientFree, ListTask):
    """Fit a baseline of lists in closed form.

    Args:
        ranking: `popularity`: the films that most people have rated. `liked`: that most people like. `item_knn`: those
            that are nearest to the films that somebody likes.
    """

    model: PopularityModel | NeighbourModel

    def __init__(self, *, ranking: Literal["popularity", "liked", "item_knn"] = "popularity") -> None:
        super().__init__()
        self.ranking = ranking

    def build_model(self, tables: Tables) -> PopularityModel | NeighbourModel:
        """Build the model, not fitted."""
        if self.ranking == "item_knn":
            return NeighbourModel(tables)
        return PopularityModel(tables, liked_only=self.ranking == "liked")

    def fit_epoch(self) -> None:
        """Fit the model; a second epoch does the same again."""
        self.model.fit()
