"""Conditional draws against the joint density of the model, written rating by rating (tests/factor_world.py)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor
from torch.autograd.functional import hessian, jacobian

from movierec.models import factors
from movierec.models.factor_priors import VectorPrior, draw_coefficients, draw_mean_and_precision, draw_noise_level
from movierec.models.factors import Observations, draw_effects, draw_vectors, outer_products, regressors
from movierec.models.factors_chain import State, sum_of_effects
from movierec.models.training_ratings import TrainingRatings
from tests.factor_world import PRIORS, draw_state, log_density, tiny_ratings


@pytest.fixture(scope="module")
def ratings() -> TrainingRatings:
    return tiny_ratings()


@pytest.fixture(scope="module")
def state(ratings: TrainingRatings) -> State:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return draw_state(ratings)


def normal_conditional(density: Callable[[Tensor], Tensor], at: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of a normal conditional, from gradient and Hessian of the joint log density at any point."""
    flat = at.flatten()
    gradient = jacobian(lambda x: density(x.view_as(at)), flat)  # type: ignore[no-untyped-call]
    curvature = hessian(lambda x: density(x.view_as(at)), flat)  # type: ignore[no-untyped-call]
    covariance: Tensor = torch.linalg.inv(-curvature)
    return flat + covariance @ gradient, covariance


def with_part(state: State, name: str, value: Any) -> State:
    changes: dict[str, Any] = {name: value}
    return replace(state, **changes)


def assert_moments(draws: Tensor, mean: Tensor, variance: Tensor) -> None:
    assert ((draws.mean(dim=0) - mean).abs() < 5 * (variance / len(draws)).sqrt()).all()
    torch.testing.assert_close(draws.var(dim=0), variance, rtol=0.2, atol=0)


def block_diagonal(blocks: Tensor) -> Tensor:
    matrix: Tensor = torch.block_diag(*blocks)  # type: ignore[no-untyped-call]
    return matrix


def many(count: int, draw: Callable[[Generator], Tensor]) -> Tensor:
    generator = Generator().manual_seed(0)
    return torch.stack([draw(generator) for _ in range(count)])


def observations_of(side: str, state: State, ratings: TrainingRatings) -> Observations:
    users, films = ratings.users, ratings.films
    weight = state.alpha[users] * state.beta[films]
    target = ratings.stars - ratings.average - sum_of_effects(state.effects, ratings)
    if side == "users":
        return Observations(films, ratings.user_offsets, weight, target - state.films[films, 0])
    order = ratings.film_order
    return Observations(users[order], ratings.film_offsets, weight[order], (target - state.users[users, 0])[order])


@pytest.mark.parametrize("side", ["users", "films"])
def test_vectors_have_the_conditional_of_the_joint_density(state: State, ratings: TrainingRatings, side: str) -> None:
    own, other = getattr(state, side), regressors(state.films if side == "users" else state.users)
    prior = state.user_prior if side == "users" else state.film_prior
    prior_means = prior.means(ratings.user_features if side == "users" else ratings.film_features, len(own))
    observations = observations_of(side, state, ratings)
    means, cholesky = factors.vector_posterior(other, outer_products(other), observations, prior_means, prior.precision)
    expected, covariance = normal_conditional(lambda x: log_density(with_part(state, side, x), ratings), own)
    torch.testing.assert_close(means.flatten(), expected)
    torch.testing.assert_close(block_diagonal(torch.cholesky_inverse(cholesky)), covariance)


def test_drawn_vectors_scatter_as_their_conditional_says(
    state: State, ratings: TrainingRatings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 4,000 users with the same ratings, some at a time."""
    one = observations_of("users", state, ratings).of_rows(slice(0, 1))
    each = len(one.other)
    alike = Observations(
        one.other.repeat(4000), torch.arange(4001) * each, one.weight.repeat(4000), one.target.repeat(4000)
    )
    features = [group[:1].repeat(4000, 1) for group in ratings.user_features]
    monkeypatch.setattr(factors, "ROWS_AT_ONCE", 1700)
    draws = draw_vectors(state.films, alike, state.user_prior, features, Generator().manual_seed(0))

    def density(vector: Tensor) -> Tensor:
        return log_density(replace(state, users=torch.cat([vector[None], state.users[1:]])), ratings)

    mean, covariance = normal_conditional(density, state.users[0])
    assert_moments(draws, mean, covariance.diagonal())
    assert (draws.T.cov() - covariance).abs().max() < 0.1 * covariance.diagonal().max()


def test_coefficients_have_the_conditional_of_the_joint_density(state: State, ratings: TrainingRatings) -> None:
    prior, features = state.film_prior, ratings.film_features[0]
    residuals, strength = state.films - prior.mean, prior.coefficient_precision[0]

    def density(rows: Tensor) -> Tensor:
        return log_density(replace(state, film_prior=replace(prior, coefficients=[rows])), ratings)

    mean, covariance = normal_conditional(density, prior.coefficients[0])
    draws = many(2000, lambda random: draw_coefficients(residuals, features, strength, prior.precision, random))
    assert_moments(draws.flatten(1), mean, covariance.diagonal())
    assert (draws.flatten(1).T.cov() - covariance).abs().max() < 0.1 * covariance.diagonal().max()


def test_mean_and_precision_of_a_prior_have_the_moments_of_their_joint_density_on_a_grid() -> None:
    residuals, rows, strength = torch.tensor([[-0.1], [1.5], [-0.8], [0.5]]).double(), torch.tensor([[0.4]]).double(), 2
    prior = VectorPrior(residuals[0], torch.eye(1).double(), [rows], [torch.tensor(strength).double()])
    mean, precision = torch.meshgrid(
        torch.linspace(-4, 4, 401).double(), torch.linspace(0.02, 40, 1000).double(), indexing="ij"
    )
    log = (PRIORS.extra_degrees - 1) / 2 * precision.log() - precision / 2  # Wishart of one dimension
    log += (precision.log() - PRIORS.mean_weight * precision * mean**2) / 2
    log += (precision.log() - strength * precision * rows.square().sum()) / 2
    for residual in residuals.flatten():
        log += (precision.log() - precision * (residual - mean) ** 2) / 2
    weight = (log - log.max()).exp()
    weight /= weight.sum()
    grid = torch.stack([mean, precision])
    expected = (grid * weight).sum(dim=(1, 2))
    variance = ((grid - expected[:, None, None]) ** 2 * weight).sum(dim=(1, 2))
    draws = many(
        2000,
        lambda random: torch.cat(
            [part.flatten() for part in draw_mean_and_precision(residuals, prior, PRIORS, random)]
        ),
    )
    assert_moments(draws, expected, variance)


def test_effects_have_the_conditional_of_the_joint_density(state: State, ratings: TrainingRatings) -> None:
    means = factors.interactions(state.users, state.films, ratings.users, ratings.films)
    others = state.effects["period"][ratings.slots["period"]]
    residuals = ratings.stars - ratings.average - means - others
    weight = state.alpha[ratings.users] * state.beta[ratings.films]
    slots, precision = ratings.slots["day"], state.effect_precision["day"]

    def density(effects: Tensor) -> Tensor:
        return log_density(replace(state, effects=state.effects | {"day": effects}), ratings)

    mean, covariance = normal_conditional(density, state.effects["day"])
    draws = many(2000, lambda random: draw_effects(residuals, weight, slots, precision, 7, random))
    assert_moments(draws, mean, covariance.diagonal())


def test_noise_level_has_the_conditional_of_the_joint_density(state: State, ratings: TrainingRatings) -> None:
    """A Gamma density has a logarithm of slope (shape - 1) / x - rate."""
    x = state.noise

    def density(level: Tensor) -> Tensor:
        return log_density(replace(state, noise=level), ratings)

    slope, at_double = (jacobian(density, at) for at in (x, 2 * x))  # type: ignore[no-untyped-call]
    shape = (slope - at_double) * 2 * x + 1
    rate = (shape - 1) / x - slope
    draws = many(2000, lambda random: draw_noise_level(state.alpha, PRIORS, random))
    assert_moments(draws, shape / rate, shape / rate**2)


def test_pairs_are_predicted_alike_however_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    users, films = torch.tensor([[0.5, 1.0, 2.0], [0.0, -1.0, 1.0]]), torch.tensor([[0.25, 3.0, 0.5]])
    pairs = torch.tensor([0, 1, 1]), torch.tensor([0, 0, 0])
    expected = torch.tensor([0.5 + 0.25 + 3 + 1, 0.25 - 3 + 0.5, 0.25 - 3 + 0.5])
    torch.testing.assert_close(factors.interactions(users, films, *pairs), expected)
    monkeypatch.setattr(factors, "RATINGS_AT_ONCE", 2)
    torch.testing.assert_close(factors.interactions(users, films, *pairs), expected)
