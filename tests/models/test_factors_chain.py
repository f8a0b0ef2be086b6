import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from movierec.errors import DivergenceError
from movierec.models.factor_priors import HYPERPRIORS
from movierec.models.factors import interactions, sum_by
from movierec.models.factors_chain import State, initial_state, next_noise, sweep
from movierec.models.training_ratings import TrainingRatings
from tests.factor_world import NUM_FILMS, PRIORS, draw_stars, draw_state, means_of_stars, tiny_ratings


def summary(state: State, ratings: TrainingRatings) -> Tensor:
    """Numbers that are finite on average, for all parts of a state and how they hang together."""
    numbers = [state.alpha.log().mean(), state.beta.log().mean(), state.noise.log()]
    numbers += [(state.alpha.log().mean() + state.noise.log()) ** 2, state.alpha.log().var(), state.beta.log().var()]
    means, precisions = means_of_stars(state, ratings)
    surprise = sum_by(ratings.films, precisions * (ratings.stars - means).square(), NUM_FILMS)
    numbers += [surprise.sum(), surprise @ state.beta, surprise.square().sum().log()]
    for vectors, prior in ((state.users, state.user_prior), (state.films, state.film_prior)):
        numbers += [vectors[:, 0].mean(), vectors.mean(), vectors.square().mean().log(), vectors.square().mean()]
        numbers += [torch.logdet(prior.precision), prior.precision.trace(), prior.mean.sum(), prior.mean @ prior.mean]
        numbers += [prior.mean @ prior.precision @ prior.mean, (prior.mean - vectors.mean(dim=0)).square().sum()]
        numbers += [torch.sum(vectors @ prior.precision * vectors).log()]
        for rows, strength in zip(prior.coefficients, prior.coefficient_precision, strict=True):
            numbers += [rows.sum(), strength.log(), torch.sum(rows @ prior.precision * rows).log()]
    for kind, effects in state.effects.items():
        numbers += [effects.mean(), effects.square().mean().log(), state.effect_precision[kind].log()]
    return torch.stack(numbers)


@pytest.mark.slow
def test_sweeps_leave_the_joint_distribution_of_all_parts_and_the_stars_as_it_is() -> None:
    """Draw all parts from their priors and stars from the parts, then alternate sweeps with new stars.

    All parts must still have their prior distribution (J. Geweke, "Getting it right", 2004).
    """
    torch.manual_seed(0)
    ratings, generator = tiny_ratings(), Generator().manual_seed(0)
    changes = []
    for _ in range(1500):
        state = draw_state(ratings)
        ratings = draw_stars(state, ratings)
        first = summary(state, ratings)
        for _ in range(3):
            state = sweep(state, ratings, generator=generator, hyperpriors=PRIORS)
            last, ratings = summary(state, ratings), draw_stars(state, ratings)
        changes.append(last - first)
    change = torch.stack(changes)
    errors = change.mean(dim=0) / (change.std(dim=0) / len(change) ** 0.5)
    assert errors.abs().max() < 4, errors


def planted(num_users: int = 250, num_films: int = 150) -> tuple[TrainingRatings, Tensor, Tensor]:
    """Rate a third of all pairs, with noise of .3 stars for even users and .8 for odd ones; true means; noise."""
    random = np.random.default_rng(0)
    users, films = random.normal(size=(num_users, 2)) * 0.6, random.normal(size=(num_films, 2)) * 0.8
    means = 3.5 + random.normal(size=(num_users, 1)) * 0.4 + random.normal(size=num_films) * 0.5 + users @ films.T
    deviations = np.where(np.arange(num_users) % 2, 0.8, 0.3)
    user, film = np.nonzero(random.random(means.shape) < 1 / 3)
    stars = means[user, film] + random.normal(size=len(user)) * deviations[user]
    ratings = TrainingRatings.build(
        torch.from_numpy(user),
        torch.from_numpy(film),
        torch.from_numpy(stars).float(),
        num_users=num_users,
        num_films=num_films,
    )
    return ratings, torch.from_numpy(means).float(), torch.from_numpy(deviations).float()


def test_planted_factors_and_noise_are_recovered() -> None:
    ratings, means, deviations = planted()
    generator = Generator().manual_seed(0)
    state, total = initial_state(ratings, 3, generator), torch.zeros_like(means)
    alpha, kept = torch.zeros_like(deviations), 0
    for number in range(60):
        state = sweep(state, ratings, generator=generator)
        if number >= 20:
            users, films = state.users, state.films
            total += ratings.average + users[:, :1] + films[:, 0] + users[:, 1:] @ films[:, 1:].T
            alpha, kept = alpha + state.alpha * state.beta.mean(), kept + 1
    error = (total / kept - means).square().mean(dim=1).sqrt()
    assert error[0::2].mean() < 0.12  # of users whose noise is .3
    assert error[1::2].mean() < 0.3
    recovered = (kept / alpha).sqrt()
    for parity in (0, 1):
        torch.testing.assert_close(recovered[parity::2].mean(), deviations[parity], rtol=0.05, atol=0)


def test_the_noise_of_films_is_drawn_given_the_new_noise_of_users() -> None:
    """A user whose errors are ten stars: given that, the film is as exact as any; given the old noise it is not."""
    rows = torch.zeros(2000, dtype=torch.int64)
    ratings = TrainingRatings.build(rows, rows, torch.arange(2000.0), num_users=1, num_films=1)
    state = replace(initial_state(ratings, 1, Generator().manual_seed(0)), alpha=torch.ones(1))
    squares = torch.full((2000,), 100.0)
    alpha, beta, _ = next_noise(state, ratings, squares, HYPERPRIORS, Generator().manual_seed(0))
    assert float(alpha) == pytest.approx(0.01, rel=0.2)
    assert float(beta) == pytest.approx(1, rel=0.2)


def test_the_films_vectors_are_drawn_given_the_new_ones_of_the_users() -> None:
    """Users differ in their bias alone and hardly any noise: once the users have it, nothing is left for the films."""
    user, film = torch.arange(50).repeat_interleave(10), torch.arange(10).repeat(50)
    ratings = TrainingRatings.build(user, film, user % 3 + 2.0, num_users=50, num_films=10)
    first = initial_state(ratings, 2, Generator().manual_seed(0))
    exact = replace(first, films=torch.zeros_like(first.films), alpha=torch.full((50,), 1e4))
    state = sweep(exact, ratings, generator=Generator().manual_seed(0))
    predicted = ratings.average + interactions(state.users, state.films, ratings.users, ratings.films)
    assert (ratings.stars - predicted).square().mean().sqrt() < 0.05


def run(state: State, ratings: TrainingRatings, generator: Generator, sweeps: int) -> State:
    for _ in range(sweeps):
        state = sweep(state, ratings, generator=generator)
    return state


def assert_equal(first: Any, second: Any) -> None:
    if isinstance(first, Tensor):
        assert torch.equal(first, second)
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_equal(first[key], second[key])
    elif isinstance(first, list):
        for pair in zip(first, second, strict=True):
            assert_equal(*pair)
    else:
        assert first == second


def test_a_chain_goes_on_from_its_saved_state_bit_for_bit() -> None:
    ratings, generator = tiny_ratings(), Generator().manual_seed(0)
    state = run(initial_state(ratings, 2, generator), ratings, generator, 3)
    file = io.BytesIO()
    torch.save({"state": state.state_dict(), "random": generator.get_state()}, file)
    expected = run(state, ratings, generator, 3)

    file.seek(0)
    saved = torch.load(file, weights_only=True)
    resumed = run(State.from_state_dict(saved["state"]), ratings, Generator().set_state(saved["random"]), 3)
    assert resumed.sweep == 6
    assert_equal(resumed.state_dict(), expected.state_dict())


def test_ratings_in_another_order_are_the_same_ratings() -> None:
    user, film = torch.tensor([1, 0, 1, 2]), torch.tensor([2, 1, 0, 1])
    stars, slots = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([0, 1, 2, 3])
    ratings = TrainingRatings.build(
        user, film, stars, num_users=4, num_films=3, slots={"day": slots}, num_slots={"day": 4}
    )
    assert ratings.users.tolist() == [0, 1, 1, 2]
    assert ratings.films.tolist() == [1, 2, 0, 1]
    assert ratings.stars.tolist() == [2.0, 1.0, 3.0, 4.0]
    assert ratings.slots["day"].tolist() == [1, 0, 2, 3]
    assert ratings.average == 2.5
    assert ratings.num_ratings_of_user.tolist() == [1, 2, 1, 0]
    assert ratings.num_ratings_of_film.tolist() == [1, 2, 1]
    assert ratings.films[ratings.film_order].tolist() == [0, 1, 1, 2]


def test_a_user_without_ratings_is_drawn_from_the_prior() -> None:
    ratings = tiny_ratings()
    first = initial_state(ratings, 2, Generator().manual_seed(0))
    standardised = []
    for seed in range(300):
        state = run(first, ratings, Generator().manual_seed(seed), 1)
        difference = state.users[4] - state.user_prior.means(ratings.user_features, 5)[4]
        standardised.append(difference @ torch.linalg.cholesky(state.user_prior.precision))
    draws = torch.stack(standardised)
    assert (draws.mean(dim=0).abs() < 5 / 300**0.5).all()
    assert (draws.var(dim=0) - 1).abs().max() < 5 * (2 / 300) ** 0.5


def test_a_matrix_that_is_not_positive_definite_is_an_error_that_names_the_sweep() -> None:
    ratings, generator = tiny_ratings(), Generator().manual_seed(0)
    state = run(initial_state(ratings, 2, generator), ratings, generator, 2)
    broken = replace(ratings, stars=ratings.stars.index_fill(0, torch.tensor([4]), torch.nan))
    before = state.state_dict()
    with pytest.raises(DivergenceError, match=r"positive definite .* sweep 3"):
        sweep(state, broken, generator=generator)
    assert_equal(state.state_dict(), before)
