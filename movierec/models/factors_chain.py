"""The Gibbs sampler of the factor model: the state of the chain, and one sweep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from movierec.errors import DivergenceError
from movierec.models.conjugate import draw_precision, normal
from movierec.models.factor_priors import (
    HYPERPRIORS,
    Hyperpriors,
    SidePriors,
    VectorPrior,
    draw_noise_level,
    draw_vector_prior,
)
from movierec.models.factors import Observations, draw_effects, draw_vectors, interactions, sum_by
from movierec.models.training_ratings import TrainingRatings


@dataclass(frozen=True)
class State(SidePriors):
    """All that a chain needs to go on, beside the ratings and the generator. Plain tensors and numbers.

    Attributes:
        sweep: How many sweeps have been made.
        users: Vectors of the users, [num_users, K].
        films: Vectors of the films, [num_films, K].
        alpha: Precision of each user's ratings, [num_users].
        beta: Precision of each film's ratings, [num_films].
        noise: s, noise variance of a typical user's ratings, [].
        effects: By kind (see `factor_times`), [num_slots].
        effect_precision: That of their prior, by kind, [].
    """

    sweep: int
    users: Tensor
    films: Tensor
    alpha: Tensor
    beta: Tensor
    noise: Tensor
    effects: dict[str, Tensor]
    effect_precision: dict[str, Tensor]


def initial_state(ratings: TrainingRatings, rank: int, generator: Generator) -> State:
    """Start a chain: small random vectors, and the noise of predicting the mean."""
    like, num_users, num_films = ratings.stars, len(ratings.num_ratings_of_user), len(ratings.num_ratings_of_film)
    noise = like.var(correction=0)
    return State(
        sweep=0,
        users=normal((num_users, rank + 1), like, generator) / 10,
        films=normal((num_films, rank + 1), like, generator) / 10,
        user_prior=initial_prior(ratings.user_features, rank + 1, like),
        film_prior=initial_prior(ratings.film_features, rank + 1, like),
        alpha=(1 / noise).repeat(num_users),
        beta=like.new_ones(num_films),
        noise=noise,
        effects={kind: like.new_zeros(count) for kind, count in ratings.num_slots.items()},
        effect_precision={kind: like.new_tensor(20.0) for kind in ratings.num_slots},
    )


def initial_prior(features: Sequence[Tensor], size: int, like: Tensor) -> VectorPrior:
    """Start without any effect of the features."""
    return VectorPrior(
        mean=like.new_zeros(size),
        precision=10 * torch.eye(size, dtype=like.dtype, device=like.device),
        coefficients=[like.new_zeros(group.shape[1], size) for group in features],
        coefficient_precision=[like.new_tensor(1.0) for _ in features],
    )


def sweep(
    state: State, ratings: TrainingRatings, *, generator: Generator, hyperpriors: Hyperpriors = HYPERPRIORS
) -> State:
    """Draw each part of the model in turn, given the ratings and the last draw of all other parts.

    Returns:
        The next state; the one that was passed stays as it was.

    Raises:
        DivergenceError: A precision matrix is not positive definite, or not finite.
    """
    try:
        return next_state(state, ratings, generator, hyperpriors)
    except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined] # exported at run time
        raise DivergenceError(
            f"Expected positive definite precision matrices in sweep {state.sweep + 1}, got one that is not. The "
            "samples kept so far are good. Look for huge or missing stars and features, or choose a smaller rank."
        ) from error


def next_state(state: State, ratings: TrainingRatings, generator: Generator, hyperpriors: Hyperpriors) -> State:
    """Make a sweep: prior and vectors of the users, then of the films, effects, noise."""
    users, films, order = ratings.users, ratings.films, ratings.film_order
    weight = state.alpha[users] * state.beta[films]
    target = ratings.stars - ratings.average - sum_of_effects(state.effects, ratings)

    features = ratings.user_features
    user_prior = draw_vector_prior(state.users, features, state.user_prior, hyperpriors, generator)
    observations = Observations(films, ratings.user_offsets, weight, target - state.films[films, 0])
    user_vectors = draw_vectors(state.films, observations, user_prior, features, generator)

    features = ratings.film_features
    film_prior = draw_vector_prior(state.films, features, state.film_prior, hyperpriors, generator)
    target -= user_vectors[users, 0]
    observations = Observations(users[order], ratings.film_offsets, weight[order], target[order])
    film_vectors = draw_vectors(user_vectors, observations, film_prior, features, generator)

    residuals = ratings.stars - ratings.average - interactions(user_vectors, film_vectors, users, films)
    effects, effect_precision = next_effects(state, ratings, residuals, weight, hyperpriors, generator)
    squares = (residuals - sum_of_effects(effects, ratings)).square()
    alpha, beta, noise = next_noise(state, ratings, squares, hyperpriors, generator)
    return State(
        sweep=state.sweep + 1,
        users=user_vectors,
        films=film_vectors,
        user_prior=user_prior,
        film_prior=film_prior,
        alpha=alpha,
        beta=beta,
        noise=noise,
        effects=effects,
        effect_precision=effect_precision,
    )


def sum_of_effects(effects: Mapping[str, Tensor], ratings: TrainingRatings) -> Tensor:
    """Add up the effects on each rating, [num_ratings]; 0 without any."""
    total = torch.zeros_like(ratings.stars)
    for kind, values in effects.items():
        total += values[ratings.slots[kind]]
    return total


def next_effects(  # noqa: PLR0917 - as its neighbours
    state: State,
    ratings: TrainingRatings,
    residuals: Tensor,
    weight: Tensor,
    hyperpriors: Hyperpriors,
    generator: Generator,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw each kind of effects given the others, then its precision."""
    effects, precisions = dict(state.effects), dict(state.effect_precision)
    residuals = residuals - sum_of_effects(effects, ratings)
    shape, rate = hyperpriors.precision
    for kind, slots in ratings.slots.items():
        residuals += effects[kind][slots]
        effects[kind] = draw_effects(residuals, weight, slots, precisions[kind], len(effects[kind]), generator)
        residuals -= effects[kind][slots]
        precisions[kind] = draw_precision(shape, rate, len(effects[kind]), effects[kind].square().sum(), generator)
    return effects, precisions


def next_noise(
    state: State, ratings: TrainingRatings, squares: Tensor, hyperpriors: Hyperpriors, generator: Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw s, then alpha, then beta, given the squared errors e^2 of the training ratings.

    alpha_u ~ Gamma(h + n_u / 2, h s + sum of beta_i e^2 / 2) over the user's n_u ratings; beta likewise, with s = 1.
    """
    users, films = ratings.users, ratings.films
    of_user, of_film = hyperpriors.user_noise, hyperpriors.film_noise
    noise = draw_noise_level(state.alpha, hyperpriors, generator)
    error = sum_by(users, squares * state.beta[films], len(state.alpha))
    alpha = draw_precision(of_user, of_user * noise, ratings.num_ratings_of_user, error, generator)
    error = sum_by(films, squares * alpha[users], len(state.beta))
    beta = draw_precision(of_film, of_film, ratings.num_ratings_of_film, error, generator)
    return alpha, beta, noise
