"""The bias model: how far a user's ratings and a film's lie above the mean of all.

    stars = mean + b_u + c_i

minimises the squared errors of the training ratings plus damping_u sum b_u^2 + damping_i sum c_i^2 (Koren, "Factor in
the neighbors", 2010, section 2.1): a user of few ratings stays close to the mean. Any model should beat it.
"""

from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn

from movierec.data.batches import Batch
from movierec.data.histories import History, known_ratings, training_ratings
from movierec.data.tables import Tables
from movierec.models.model import RatingModel

DAMPINGS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
TOLERANCE = 1e-4  # stars
MOST_SWEEPS = 200


@dataclass(frozen=True)
class Biases:
    """What is fitted, in stars.

    Attributes:
        mean: Mean of the training ratings.
        user: b_u, [num_users] float64; 0 of users without ratings.
        film: c_i, [num_movies] float64; 0 of films without ratings.
        damping: Of the users and of the films, in ratings.
    """

    mean: float
    user: np.ndarray
    film: np.ndarray
    damping: tuple[float, float]

    def predict(self, user: np.ndarray, film: np.ndarray) -> np.ndarray:
        """Predict stars, not clipped, of rows of users and films, [size] float64."""
        stars: np.ndarray = self.mean + self.user[user] + self.film[film]
        return stars


def fit_biases(stars: csr_array, known: csr_array, damping: tuple[float, float]) -> Biases:
    """Fit users and films in turn, each in closed form given the others, until nothing changes.

    Args:
        stars: The training ratings, [num_users, num_movies]; a rating of 0 stars is stored too.
        known: All that is known of users, held-out ones too, by which they get their b_u at last; as `stars`.
        damping: Of the users and of the films, above 0.
    """
    mean = float(stars.data.mean())
    rated, is_known = (
        csr_array((np.ones_like(one.data), one.indices, one.indptr), shape=one.shape) for one in (stars, known)
    )
    by_film = rated.T.tocsr()
    num_of_user, num_of_film = rated.sum(axis=1), by_film.sum(axis=1)
    sum_of_user, sum_of_film = (stars.sum(axis=axis) - mean * rated.sum(axis=axis) for axis in (1, 0))
    film = np.zeros(stars.shape[1])
    for _ in range(MOST_SWEEPS):
        user = (sum_of_user - rated @ film) / (num_of_user + damping[0])
        before, film = film, (sum_of_film - by_film @ user) / (num_of_film + damping[1])
        if np.abs(film - before).max() < TOLERANCE:
            break
    number = is_known.sum(axis=1)
    user = (known.sum(axis=1) - mean * number - is_known @ film) / (number + damping[0])
    return Biases(mean, user, film, damping)


def choose_biases(tables: Tables, val: Batch) -> Biases:
    """Fit the training ratings with the damping of the lowest RMSE on the validation ratings.

    Where the validation ratings are trained on too, in a refit, they are left out until the damping is chosen.

    Args:
        tables: The tables of a data set, which hold the training ratings.
        val: The validation ratings.
    """
    stars, known = training_ratings(tables), known_ratings(tables)
    other_stars, other_known = leave_out(stars, val), leave_out(known, val)
    user, film, rating = val.user.numpy(), val.movie.numpy(), tables.to_stars(val.rating).numpy()

    def error(biases: Biases) -> float:
        predicted = biases.predict(user, film).clip(tables.min_stars, tables.max_stars)
        return float(np.square(predicted - rating).mean())

    fitted = (fit_biases(other_stars, other_known, damping) for damping in product(DAMPINGS, DAMPINGS))
    return fit_biases(stars, known, min(fitted, key=error).damping)


def leave_out(ratings: csr_array, rows: Batch) -> csr_array:
    """Leave some rows out of a matrix of ratings, [num_users, num_movies]."""
    num_users, num_movies = ratings.shape
    number = np.diff(ratings.indptr)
    pairs = np.repeat(np.arange(num_users), number) * num_movies + ratings.indices
    is_kept = ~np.isin(pairs, rows.user.numpy().astype(np.int64) * num_movies + rows.movie.numpy())
    offsets = np.concatenate([[0], np.cumsum(is_kept)])[ratings.indptr]
    return csr_array((ratings.data[is_kept], ratings.indices[is_kept], offsets), shape=ratings.shape)


class BiasModel(RatingModel):
    """The bias model of a data set; a user who is new gets the b_u that fits their ratings best.

    Args:
        tables: The tables of a data set.
    """

    user_weights: ClassVar[tuple[str, ...]] = ("user",)

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self.mean, self.user, self.film, self.damping = (
            nn.Parameter(torch.zeros(size), requires_grad=False)
            for size in ((), len(tables.user_ids), len(tables.movie_ids), 2)
        )

    def take(self, biases: Biases) -> None:
        """Take what was fitted."""
        for name, weight in self.named_parameters():
            weight.copy_(torch.as_tensor(getattr(biases, name)))

    def forward(self, user: Tensor, film: Tensor) -> Tensor:
        """Predict ratings of rows of users and films, on the unit scale, not clipped: [batch]."""
        return self.tables.to_unit(self.mean + self.user[user] + self.film[film])

    def of_user(self, history: History) -> float:
        """Fit b_u to a person's ratings; 0 without any."""
        of_films = self.film[torch.from_numpy(history.movies)].double().numpy()
        above = float((history.stars - self.mean.item() - of_films).sum())
        return above / (len(history.stars) + self.damping[0].item())

    def rank(self, history: History, films: Tensor) -> Tensor:
        """Score films by the predicted rating, on the unit scale and not clipped; see `Model`."""
        return self.tables.to_unit(self.mean + self.of_user(history) + self.film[films])

    def explain(self, history: History, films: Tensor) -> pd.DataFrame:
        """Divide predictions into the mean, b_u and c_i; see `Model`."""
        of_film = self.film[films].double().numpy()
        frame = pd.DataFrame({"average": self.mean.item(), "from_user": self.of_user(history), "from_film": of_film})
        return frame.assign(prediction=frame.sum(axis=1))

    def film_vectors(self) -> Tensor:
        """Place films by (1, c_i): those of like ratings point the same way; see `Model`."""
        return torch.stack([torch.ones_like(self.film), self.film], dim=1)
