"""What lists, explanations and checkpoints need of a model."""

import importlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import pandas as pd
import torch
from torch import Tensor, nn

from movierec.data.histories import History
from movierec.data.tables import Tables
from movierec.errors import CheckpointError


class Model(nn.Module, ABC):
    """Base of all models. Films are rows of the tables, [size] int64.

    A subclass takes `tables` and keyword arguments of plain types, which it keeps as attributes of the same names. What
    is fitted is in its `state_dict`; a checkpoint holds that, the class and the arguments, and the tables.

    Args:
        tables: The tables of a data set.
    """

    list_min_ratings: ClassVar[int] = 0  # ratings that a film needs to be listed, unless the user says otherwise
    unlisted: ClassVar[str] = "without the metadata that the model reads"  # films that cannot be listed
    explained_by: ClassVar[str] = ""  # what to know of its explanations
    user_weights: ClassVar[tuple[str, ...]] = ()  # weights that have a row for each user of the data

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        self.tables = tables
        self.directions: Tensor | None = None  # the film vectors, of length 1

    @abstractmethod
    def rank(self, history: History, films: Tensor) -> Tensor:
        """Score films for a list, the highest first: [size]."""

    def rank_all(self, histories: Sequence[History]) -> Tensor:
        """Score all films for several people, [num_people, num_movies]; -inf for films that cannot be listed."""
        films = self.listed.nonzero()[:, 0]
        scores = torch.full((len(histories), len(self.tables.movie_ids)), -torch.inf)
        for row, history in zip(scores, histories, strict=True):
            row[films] = self.rank(history, films).float().cpu()
        return scores

    @property
    def listed(self) -> Tensor:
        """Whether each film can be listed, [num_movies] bool."""
        return self.tables.complete

    def reasons(self, history: History, films: Tensor) -> Tensor | None:
        """Compute what each rated film adds to the scores of films.

        Returns:
            [size, num_rated]; None if the model does not know it.
        """
        return None

    def similar(self, film: int) -> Tensor:
        """Score how similar each film is to one: [num_movies]; here the cosine of `film_vectors`, -1 to 1."""
        if self.directions is None:
            self.directions = nn.functional.normalize(self.film_vectors(), dim=1)
        return self.directions @ self.directions[film]

    @abstractmethod
    def explain(self, history: History, films: Tensor) -> pd.DataFrame:
        """Divide scores into shares.

        Returns:
            `average`, a share `from_...` for each group of inputs, and `prediction`, which is their sum; [size] rows.
        """

    @abstractmethod
    def film_vectors(self) -> Tensor:
        """Place films such that those the model takes for alike point the same way from 0: [num_movies, d]."""

    @property
    def hyper_parameters(self) -> dict[str, Any]:
        """The constructor's arguments beside the tables, as plain types."""
        names = list(inspect.signature(type(self)).parameters)[1:]
        return {name: plain(getattr(self, name)) for name in names}

    @property
    def class_path(self) -> str:
        """The import path of the class."""
        return f"{type(self).__module__}.{type(self).__qualname__}"

    @property
    def num_inputs(self) -> int:
        """Number of columns of the tables that it reads."""
        return 0

    @property
    def num_weights(self) -> int:
        """Number of fitted weights."""
        return sum(weight.numel() for weight in self.parameters())


class RatingModel(Model):
    """Base of the models that predict stars. `explain` divides them before they are clipped.

    Lists leave out films of few ratings, of which the predicted stars are guesses (docs/recommending.md).
    """

    list_min_ratings: ClassVar[int] = 20

    @abstractmethod
    def rank(self, history: History, films: Tensor) -> Tensor:
        """Score films by the predicted rating, on the unit scale and not clipped: [size]."""

    def predict(self, history: History, films: Tensor) -> Tensor:
        """Predict the stars that a person gives films, clipped to the scale: [size]."""
        return self.tables.to_stars(self.rank(history, films))

    def level_probabilities(self, history: History, films: Tensor) -> Tensor | None:
        """Predict how likely a person gives films each level of `tables.levels`.

        Returns:
            [size, num_levels], whose rows sum to 1; None if the model predicts the mean only.
        """
        return None


def plain(value: Any) -> Any:
    """Turn restricted numbers, tuples and nested lists into what a checkpoint may hold."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return int(value) if isinstance(value, int) else float(value)


def model_class(class_path: str) -> type[Model]:
    """Import the class of a model that a checkpoint names.

    Raises:
        CheckpointError: There is no such class, or it is no model.
    """
    module, _, name = class_path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise CheckpointError(
            f"Expected the model {class_path}, which the checkpoint is of; it cannot be imported: {error}. Start "
            "where its module can be found."
        ) from error
    if not (isinstance(found, type) and issubclass(found, Model)):
        raise CheckpointError(f"Expected a checkpoint of a Model; {class_path} is none. Train again.")
    return found
