"""Models that order films for a list; the stars shown beside them come from another model."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array
from torch import Tensor

from movierec.data.histories import History, training_ratings
from movierec.data.tables import Tables
from movierec.models.model import Model

RATINGS, FILMS = 5, 20_000  # defaults of min_ratings and max_films


class ListModel(Model):
    """Base of the models that score films of enough ratings for a list; the others they leave out.

    Args:
        tables: The tables of a data set.
        min_ratings: Training ratings that a film needs.
        max_films: The most films to score, those of the most ratings.
    """

    unlisted: ClassVar[str] = "of too few ratings for the model to list"

    def __init__(self, tables: Tables, *, min_ratings: int = RATINGS, max_films: int = FILMS) -> None:
        super().__init__(tables)
        self.min_ratings, self.max_films = min_ratings, max_films
        counts = np.bincount(training_ratings(tables).indices, minlength=len(tables.movie_ids))
        most = np.argsort(-counts, kind="stable")[:max_films]
        films = np.sort(most[counts[most] >= min_ratings])
        self.films = torch.from_numpy(films)  # rows of the tables, [num_films] int64
        self.place = torch.full((len(tables.movie_ids),), -1)  # of each row of the tables in `films`; -1: not listed
        self.place[self.films] = torch.arange(len(films))

    @property
    def listed(self) -> Tensor:
        """Whether each film can be listed, [num_movies] bool."""
        return self.place >= 0

    @abstractmethod
    def score(self, stars: csr_array) -> Tensor:
        """Score all films of the model for some people.

        Args:
            stars: What they gave the films, [num_people, num_films] float32; a stored 0 is a rating.

        Returns:
            [num_people, num_films].
        """

    def rank_all(self, histories: Sequence[History]) -> Tensor:
        """Score all films for several people, [num_people, num_movies]; -inf for films that are not listed."""
        scores = torch.full((len(histories), len(self.place)), -torch.inf)
        scores[:, self.films] = self.score(self.matrix(histories)).cpu()
        return scores

    def rank(self, history: History, films: Tensor) -> Tensor:
        """Score films for a list; -inf for films that are not listed. See `Model`."""
        return self.rank_all([history])[0, films]

    def matrix(self, histories: Sequence[History]) -> csr_array:
        """Write histories as a matrix of stars for `score`; ratings of films that are not listed are left out."""
        places = [self.place[torch.from_numpy(history.movies)].numpy() for history in histories]
        stars = [history.stars[place >= 0] for history, place in zip(histories, places, strict=True)]
        places = [place[place >= 0] for place in places]
        offsets = np.concatenate([[0], np.cumsum([len(place) for place in places])])
        data = np.concatenate([*stars, np.empty(0)]).astype(np.float32)
        columns = np.concatenate([*places, np.empty(0, dtype=np.int64)])
        return csr_array((data, columns, offsets), shape=(len(histories), len(self.films)))

    def training_matrix(self) -> csr_array:
        """Write the training ratings of the films as a matrix for `score`, [num_users, num_films] float32."""
        return training_ratings(self.tables)[:, self.films.numpy()].astype(np.float32)

    def explain(self, history: History, films: Tensor) -> pd.DataFrame:
        """Divide scores into what all people like, and what the person's ratings add to it; see `Model`."""
        score, reasons = self.rank(history, films).double(), self.reasons(history, films)
        of_ratings = torch.zeros_like(score) if reasons is None else reasons.double().sum(dim=1)
        columns = {"average": score - of_ratings, "from_rated_films": of_ratings, "prediction": score}
        return pd.DataFrame({name: values.numpy() for name, values in columns.items()})
