"""What is kept of a chain of the factor model: all that scoring needs, and nothing per user."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor

from movierec.models.factor_priors import SidePriors
from movierec.models.factor_times import DAY
from movierec.models.factors_chain import State
from movierec.models.training_ratings import TrainingRatings


@dataclass(frozen=True)
class Sample(SidePriors):
    """One draw from the posterior, without what belongs to single users: they are scored from their ratings.

    Attributes:
        films: Vectors of the films, [num_films, K] float16. Of films without ratings the prior mean, since a draw adds
            nothing but noise.
        beta: Precision of each film's ratings, [num_films].
        noise: s, variance of a typical user's ratings, [].
        effects: Of each kind that belongs to films, [num_slots] float16.
        effect_precision: Of each kind, [].
    """

    films: Tensor
    beta: Tensor
    noise: Tensor
    effects: dict[str, Tensor]
    effect_precision: dict[str, Tensor]

    @classmethod
    def of_state(cls, state: State, ratings: TrainingRatings) -> Self:
        """Keep a state of a chain."""
        films = state.film_prior.expected(state.films, ratings.num_ratings_of_film, ratings.film_features)
        return cls(
            films=films.half(),
            beta=state.beta,
            noise=state.noise,
            user_prior=state.user_prior,
            film_prior=state.film_prior,
            effects={kind: values.half() for kind, values in state.effects.items() if kind != DAY},
            effect_precision=state.effect_precision,
        )


def stack(sample: Sample) -> dict[str, Tensor]:
    """Write a sample as tensors whose first dimension is the number of samples, by the way to each, as `a/b/0`."""
    return {name: value[None] for name, value in flatten(sample.state_dict()).items()}


def unstack(parts: Mapping[str, Tensor]) -> Sample:
    """Build all samples side by side from the joined tensors of `stack`: each tensor is [num_samples, ...]."""
    return Sample.from_state_dict({"effects": {}, "effect_precision": {}} | unflatten(parts))


def flatten(values: Any, way: str = "") -> dict[str, Tensor]:
    """Name the tensors of nested dicts and lists by the way to each."""
    if isinstance(values, Tensor):
        return {way: values}
    items = values.items() if isinstance(values, dict) else enumerate(values)
    parts = [flatten(value, f"{way}/{key}" if way else str(key)) for key, value in items]
    return {name: value for part in parts for name, value in part.items()}


def unflatten(parts: Mapping[str, Tensor]) -> Any:
    """Nest what `flatten` named, with lists for the keys 0, 1 and so on; empty dicts and lists are gone."""
    if "" in parts:
        return parts[""]
    nested: dict[str, dict[str, Tensor]] = {}
    for name, value in parts.items():
        key, _, way = name.partition("/")
        nested.setdefault(key, {})[way] = value
    inner = {key: unflatten(values) for key, values in nested.items()}
    return list(inner.values()) if "0" in inner else inner
