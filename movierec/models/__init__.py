"""The models over the tables of a data set, and what lists and explanations need of them."""

from movierec.models.mlp import MLP
from movierec.models.model import Model, RatingModel
from movierec.models.network import RatingNetwork

__all__ = ["MLP", "Model", "RatingModel", "RatingNetwork"]
