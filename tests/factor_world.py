"""A tiny world for the factor model, and its joint density written rating by rating, as the reference of all draws."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Generator, Tensor

from movierec.models.factor_priors import Hyperpriors, VectorPrior
from movierec.models.factors_chain import State
from movierec.models.training_ratings import TrainingRatings

NUM_USERS, NUM_FILMS, SIZE, PERIODS = 5, 4, 3, 2
PRIORS = Hyperpriors(mean_weight=2.0, extra_degrees=6.0, user_noise=4.0, film_noise=5.0, precision=(4.0, 3.0))
USERS = torch.tensor([3, 0, 0, 1, 1, 1, 2, 2, 3, 3, 0])  # user 4 has no rating
FILMS = torch.tensor([0, 0, 1, 0, 1, 2, 1, 2, 1, 2, 2])  # film 3 has none
DAYS = torch.tensor([4, 0, 0, 1, 1, 2, 3, 3, 4, 5, 6])  # slots


def tiny_ratings() -> TrainingRatings:
    """Eleven ratings with days and periods, two groups of user features and one of film features, in float64."""
    generator = Generator().manual_seed(1)
    stars = 3.5 + torch.randn(len(USERS), generator=generator, dtype=torch.float64)
    ratings = TrainingRatings.build(
        USERS,
        FILMS,
        stars,
        num_users=NUM_USERS,
        num_films=NUM_FILMS,
        slots={"day": DAYS, "period": FILMS * PERIODS + DAYS // 4},
        num_slots={"day": 7, "period": NUM_FILMS * PERIODS},
        user_features=[orthogonal(NUM_USERS, 2, generator), orthogonal(NUM_USERS, 1, generator)],
        film_features=[orthogonal(NUM_FILMS, 2, generator)],
    )
    return replace(ratings, average=3.5)


def orthogonal(rows: int, columns: int, generator: Generator) -> Tensor:
    columns_of_one_length: Tensor = torch.linalg.qr(torch.randn(rows, columns, generator=generator).double()).Q
    return columns_of_one_length * 2


def draw_state(ratings: TrainingRatings) -> State:
    """Draw all parts from their priors by NumPy, from the top of the model to the bottom."""
    random = np.random.default_rng(int(torch.randint(1 << 30, ())))

    def precision_parameter() -> Tensor:
        shape, rate = PRIORS.precision
        return torch.tensor(random.gamma(shape, 1 / rate)).double()

    def rows(means: Tensor, precision: Tensor) -> Tensor:
        covariance = np.linalg.inv(precision.numpy())
        return means + torch.from_numpy(random.multivariate_normal(np.zeros(SIZE), covariance, len(means)))

    def prior(features: Sequence[Tensor]) -> VectorPrior:
        normals = torch.from_numpy(random.standard_normal((SIZE + int(PRIORS.extra_degrees), SIZE)))
        precision = normals.T @ normals  # a Wishart draw by its definition
        mean = rows(torch.zeros(1, SIZE).double(), PRIORS.mean_weight * precision)[0]
        strengths = [precision_parameter() for _ in features]
        zeros = [torch.zeros(group.shape[1], SIZE).double() for group in features]
        coefficients = [rows(zero, strength * precision) for zero, strength in zip(zeros, strengths, strict=True)]
        return VectorPrior(mean, precision, coefficients, strengths)

    of_users, of_films = prior(ratings.user_features), prior(ratings.film_features)
    noise, strength = precision_parameter(), {kind: precision_parameter() for kind in ratings.slots}
    return State(
        sweep=0,
        users=rows(prior_means(of_users, ratings.user_features, NUM_USERS), of_users.precision),
        films=rows(prior_means(of_films, ratings.film_features, NUM_FILMS), of_films.precision),
        user_prior=of_users,
        film_prior=of_films,
        alpha=torch.from_numpy(random.gamma(PRIORS.user_noise, 1 / (PRIORS.user_noise * float(noise)), NUM_USERS)),
        beta=torch.from_numpy(random.gamma(PRIORS.film_noise, 1 / PRIORS.film_noise, NUM_FILMS)),
        noise=noise,
        effects={
            kind: torch.from_numpy(random.normal(0, float(strength[kind]) ** -0.5, count))
            for kind, count in ratings.num_slots.items()
        },
        effect_precision=strength,
    )


def draw_stars(state: State, ratings: TrainingRatings) -> TrainingRatings:
    """Replace the stars by a draw from the model."""
    means, precisions = means_of_stars(state, ratings)
    return replace(ratings, stars=means + torch.randn(len(means)).double() / precisions.sqrt())


def prior_means(prior: VectorPrior, features: Sequence[Tensor], count: int) -> Tensor:
    means = torch.stack([prior.mean for _ in range(count)])
    for group, rows in zip(features, prior.coefficients, strict=True):
        means = means + group @ rows
    return means


def means_of_stars(state: State, ratings: TrainingRatings) -> tuple[Tensor, Tensor]:
    """Mean and precision of each rating."""
    means, precisions = [], []
    for number, (user, film) in enumerate(zip(ratings.users.tolist(), ratings.films.tolist(), strict=True)):
        mean = ratings.average + state.users[user, 0] + state.films[film, 0]
        mean = mean + state.users[user, 1:] @ state.films[film, 1:]
        for kind, slots in ratings.slots.items():
            mean = mean + state.effects[kind][slots[number]]
        means.append(mean)
        precisions.append(state.alpha[user] * state.beta[film])
    return torch.stack(means), torch.stack(precisions)


def log_normal(values: Tensor, means: Tensor | float, precision: Tensor) -> Tensor:
    return torch.sum(precision.log() - precision * (values - means).square()) / 2


def log_normal_rows(rows: Tensor, means: Tensor, precision: Tensor) -> Tensor:
    squares = torch.sum((rows - means) @ precision * (rows - means))
    return (len(rows) * torch.logdet(precision) - squares) / 2


def log_gamma(values: Tensor, shape: float, rate: Tensor | float) -> Tensor:
    rate = torch.as_tensor(rate).double()
    return torch.sum((shape - 1) * values.log() - rate * values + shape * rate.log())


def log_density(state: State, ratings: TrainingRatings) -> Tensor:
    """Compute the logarithm of the joint density of all parts and the stars, but for a constant."""
    total = log_normal(ratings.stars, *means_of_stars(state, ratings))
    sides = (
        (state.users, state.user_prior, ratings.user_features),
        (state.films, state.film_prior, ratings.film_features),
    )
    for vectors, prior, features in sides:
        zeros = torch.zeros(1, SIZE).double()
        total = total + log_normal_rows(vectors, prior_means(prior, features, len(vectors)), prior.precision)
        total = total + log_normal_rows(prior.mean[None], zeros, PRIORS.mean_weight * prior.precision)
        total = total + (PRIORS.extra_degrees - 1) / 2 * torch.logdet(prior.precision) - prior.precision.trace() / 2
        for rows, strength in zip(prior.coefficients, prior.coefficient_precision, strict=True):
            total = total + log_normal_rows(rows, zeros, strength * prior.precision)
            total = total + log_gamma(strength, *PRIORS.precision)
    total = total + log_gamma(state.alpha, PRIORS.user_noise, PRIORS.user_noise * state.noise.expand(NUM_USERS))
    total = total + log_gamma(state.beta, PRIORS.film_noise, PRIORS.film_noise)
    total = total + log_gamma(state.noise, *PRIORS.precision)
    for kind, effects in state.effects.items():
        strength = state.effect_precision[kind]
        total = total + log_normal(effects, 0.0, strength.expand(len(effects)))
        total = total + log_gamma(strength, *PRIORS.precision)
    return total
