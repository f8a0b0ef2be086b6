"""The models: networks over the tables of a data set, and what lists and explanations need of them."""

from movierec.models.mlp import MLP
from movierec.models.network import Model, RatingNetwork

__all__ = ["MLP", "Model", "RatingNetwork"]
