"""What is kept of a chain of the factor model: all that scoring needs, and nothing per user."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import torch
from torch import Tensor

from movierec.models.factor_priors import VectorPrior
from movierec.models.factors_chain import State
from movierec.models.training_ratings import DAY, TrainingRatings


@dataclass(frozen=True)
class Sample:
    """One draw from the posterior, without what belongs to single users: they are scored from their ratings.

    Attributes:
        films: Vectors of the films, [num_films, K] float16. Of films without ratings the prior mean, since a draw adds
            nothing but noise.
        beta: Precision of each film's ratings, [num_films].
        noise: s, variance of a typical user's ratings, [].
        user_prior: Prior of the users' vectors.
        film_prior: Prior of the films' vectors.
        effects: Of each kind that belongs to films, [num_slots] float16.
        effect_precision: Of each kind, [].
    """

    films: Tensor
    beta: Tensor
    noise: Tensor
    user_prior: VectorPrior
    film_prior: VectorPrior
    effects: dict[str, Tensor]
    effect_precision: dict[str, Tensor]

    @classmethod
    def of_state(cls, state: State, ratings: TrainingRatings) -> Self:
        """Keep a state of a chain."""
        rated = ratings.num_ratings_of_film[:, None] > 0
        prior_means = state.film_prior.means(ratings.film_features, len(state.films))
        return cls(
            films=torch.where(rated, state.films, prior_means).half(),
            beta=state.beta,
            noise=state.noise,
            user_prior=state.user_prior,
            film_prior=state.film_prior,
            effects={kind: values.half() for kind, values in state.effects.items() if kind != DAY},
            effect_precision=state.effect_precision,
        )

    def state_dict(self) -> dict[str, Any]:
        """Copy the sample to plain dicts, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_state_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build a sample of a checkpoint."""
        priors = {side: VectorPrior(**values[side]) for side in ("user_prior", "film_prior")}
        return cls(**{**values, **priors})
