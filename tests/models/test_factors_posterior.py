from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from movierec.models.factor_samples import Sample, stack, unstack
from movierec.models.factors import Observations, outer_products, regressors, vector_posterior
from movierec.models.factors_chain import initial_state, sum_of_effects, sweep
from movierec.models.factors_explanation import explain
from movierec.models.factors_posterior import Person, Posterior
from movierec.models.side_information import fit_features, fit_implicit
from movierec.models.training_ratings import TrainingRatings

NUM_USERS, NUM_FILMS, PERIODS = 40, 30, 2


class Trained:
    """A few sweeps over a small world: film 29 has no rating, user 39 none; ages, genres, days and periods."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        counts = random.random((NUM_USERS, NUM_FILMS)) < 0.4
        counts[39] = counts[:, 29] = False
        user, film = (torch.from_numpy(rows) for rows in np.nonzero(counts))
        self.days = torch.from_numpy(random.integers(0, 3, len(user)))
        keys, slots = torch.unique(3 * user + self.days, return_inverse=True)
        self.implicit, of_users = fit_implicit(counts.astype(float), 10)
        _, of_films = fit_implicit(counts.T.astype(float), 10)
        _, ages = fit_features([random.normal(size=(NUM_USERS, 2))])
        _, self.genres = fit_features([random.normal(size=(NUM_FILMS, 3))])
        self.ratings = TrainingRatings.build(
            user,
            film,
            torch.from_numpy(random.integers(1, 11, len(user)) / 2).float(),
            num_users=NUM_USERS,
            num_films=NUM_FILMS,
            slots={"day": slots, "period": film * PERIODS + self.days % PERIODS},
            num_slots={"day": len(keys), "period": NUM_FILMS * PERIODS},
            user_features=[of_users, ages],
            film_features=[of_films, self.genres],
        )
        generator = Generator().manual_seed(0)
        states = [initial_state(self.ratings, 3, generator)]
        for _ in range(12):
            states.append(sweep(states[-1], self.ratings, generator=generator))
        self.states = states[6:]
        self.samples = [Sample.of_state(state, self.ratings) for state in self.states]
        self.posterior = self.posterior_of(self.samples)

    def posterior_of(self, samples: list[Sample], **options: Any) -> Posterior:
        return Posterior(
            side_by_side(samples),
            average=self.ratings.average,
            rated=self.ratings.num_ratings_of_film > 0,
            implicit=self.implicit,
            film_features=[self.genres],
            **options,
        )

    def history(self, user: int) -> dict[str, Any]:
        own = self.ratings.users == user
        films, stars, days = self.ratings.films[own], self.ratings.stars[own], self.days[own]
        features = [self.ratings.user_features[1][user]]
        return {"films": films, "stars": stars, "days": days, "periods": days % PERIODS, "features": features}


def side_by_side(samples: list[Sample]) -> Sample:
    """All samples as one, as the model keeps them."""
    parts = [stack(sample) for sample in samples]
    return unstack({name: torch.cat([part[name] for part in parts]) for name in parts[0]})


@pytest.fixture(scope="module")
def trained() -> Trained:
    return Trained()


@pytest.mark.parametrize("user", [0, 7, 39])
def test_a_training_user_folded_in_has_the_mean_of_the_samplers_conditional(trained: Trained, user: int) -> None:
    ratings = trained.ratings
    state = replace(trained.states[0], films=trained.samples[0].films.float())  # rounded as they are kept
    weight = state.alpha[ratings.users] * state.beta[ratings.films]
    target = ratings.stars - ratings.average - sum_of_effects(state.effects, ratings) - state.films[ratings.films, 0]
    inputs, prior = regressors(state.films), state.user_prior
    observations = Observations(ratings.films, ratings.user_offsets, weight, target)
    prior_means = prior.means(ratings.user_features, NUM_USERS)
    expected, cholesky = vector_posterior(inputs, outer_products(inputs), observations, prior_means, prior.precision)

    posterior, history = trained.posterior_of(trained.samples[:1]), trained.history(user)
    own = ratings.users == user
    of_day = state.effects["day"][ratings.slots["day"][own]]
    kept = trained.samples[0].effects["period"].float()[ratings.slots["period"][own]]
    rounding = state.effects["period"][ratings.slots["period"][own]] - kept
    regression = posterior.regression(
        history["films"], history["stars"], history["periods"], features=history["features"]
    )
    means, root = posterior.solve(regression, regression.target - of_day - rounding, state.alpha[user : user + 1])
    torch.testing.assert_close(means[0], expected[user], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(root[0], cholesky[user], rtol=1e-4, atol=1e-4)


def slow_fold_in(
    trained: Trained, sample: Sample, history: dict[str, Any]
) -> tuple[np.ndarray, float, dict[int, float]]:
    """The fixed point in NumPy, film by film."""
    films, days = history["films"].tolist(), history["days"].tolist()
    vectors, beta, noise = sample.films.double().numpy(), sample.beta.double().numpy(), float(sample.noise)
    precision = sample.user_prior.precision.double().numpy()
    implicit = sum(trained.implicit[film].double().numpy() for film in films) / len(films) ** 0.5
    coefficients = [rows.double().numpy() for rows in sample.user_prior.coefficients]
    prior_mean = sample.user_prior.mean.double().numpy() + implicit @ coefficients[0]
    prior_mean += history["features"][0].double().numpy() @ coefficients[1]
    period = sample.effects["period"].double().numpy()
    effect, alpha, vector = dict.fromkeys(days, 0.0), 1 / noise, prior_mean
    for _ in range(3):
        left, right = precision.copy(), precision @ prior_mean
        targets = []
        for film, stars, day in zip(films, history["stars"].tolist(), days, strict=True):
            x = np.array([1.0, *vectors[film, 1:]])
            y = stars - trained.ratings.average - vectors[film, 0] - period[film * PERIODS + day % PERIODS]
            left += alpha * beta[film] * np.outer(x, x)
            right += alpha * beta[film] * x * (y - effect[day])
            targets.append((film, day, x, y))
        vector = np.linalg.solve(left, right)
        for own in effect:
            rows = [(alpha * beta[film], y - x @ vector) for film, day, x, y in targets if day == own]
            certainty = sum(weight for weight, _ in rows) + float(sample.effect_precision["day"])
            effect[own] = sum(weight * error for weight, error in rows) / certainty
        error = sum(
            beta[film] * ((y - x @ vector - effect[day]) ** 2 + x @ np.linalg.solve(left, x))
            for film, day, x, y in targets
        )
        alpha = (4 + len(films)) / (4 * noise + error)
    return vector, alpha, effect


def test_folding_in_finds_vector_noise_and_day_effects_as_step_by_step(trained: Trained) -> None:
    history = trained.history(3)
    person = trained.posterior.fold_in(**history)
    for number, sample in enumerate(trained.samples):
        vector, alpha, effect = slow_fold_in(trained, sample, history)
        np.testing.assert_allclose(person.vectors[number], vector, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(person.alpha[number], alpha, rtol=1e-3)
        found = dict(zip(person.days.tolist(), person.day_effects[number].tolist(), strict=True))
        assert found == pytest.approx(effect, rel=1e-3, abs=1e-4)


def test_predictions_are_the_mean_of_clamped_predictions_with_effects_of_known_moments(trained: Trained) -> None:
    posterior, person = trained.posterior, trained.posterior.fold_in(**trained.history(3))
    films, days = torch.tensor([4, 0]), torch.tensor([1, 99])
    predictions = []
    for number, sample in enumerate(trained.samples):
        vectors, (bias, *taste) = sample.films.double(), person.vectors[number].double()
        effect = dict(zip(person.days.tolist(), person.day_effects[number].tolist(), strict=True))
        period = sample.effects["period"].double()
        predictions.append(
            [
                trained.ratings.average + bias + vectors[film, 0] + torch.stack(taste) @ vectors[film, 1:]
                + effect.get(day, 0.0) + period[film * PERIODS + day % PERIODS]
                for film, day in zip(films.tolist(), days.tolist(), strict=True)
            ]
        )  # fmt: skip
    expected = torch.tensor(predictions, dtype=torch.float32)
    torch.testing.assert_close(posterior.centres(person, films, days=days, periods=days % PERIODS), expected)


def test_a_film_is_predicted_alike_alone_and_among_all(trained: Trained) -> None:
    person = trained.posterior.fold_in(**trained.history(3))
    films = torch.randperm(NUM_FILMS, generator=Generator().manual_seed(0))
    together = trained.posterior.centres(person, films)
    alone = torch.cat([trained.posterior.centres(person, film[None]) for film in films], dim=1)
    torch.testing.assert_close(together, alone)


def test_deviations_hold_noise_and_what_is_not_known_of_person_and_unrated_films(trained: Trained) -> None:
    person = trained.posterior.fold_in(**trained.history(3))
    deviations = trained.posterior.deviations(person, torch.tensor([0, 29]))
    for number, sample in enumerate(trained.samples):
        covariance = torch.cholesky_inverse(person.cholesky[number]).numpy()
        for column, film in enumerate((0, 29)):
            x = np.array([1.0, *sample.films[film, 1:].float().numpy()])
            variance = x @ covariance @ x + 1 / float(person.alpha[number] * sample.beta[film])
            if film == 29:
                taste = np.array([1.0, *person.vectors[number, 1:].numpy()])
                variance += taste @ np.linalg.solve(sample.film_prior.precision.numpy(), taste)
            assert float(deviations[number, column]) == pytest.approx(variance**0.5, rel=1e-3)


def test_whoever_has_rated_nothing_has_the_prior_mean(trained: Trained) -> None:
    nothing, no_days = torch.zeros(0), torch.zeros(0, dtype=torch.int64)
    nobody = trained.posterior.fold_in(no_days, nothing, days=no_days, periods=no_days)
    expected = torch.stack([sample.user_prior.mean for sample in trained.samples])
    torch.testing.assert_close(nobody.vectors, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(nobody.alpha, torch.stack([1 / sample.noise for sample in trained.samples]))
    features = [trained.ratings.user_features[1][39]]
    known_age = trained.posterior.fold_in(no_days, nothing, features=features)
    coefficients = torch.stack([sample.user_prior.coefficients[1] for sample in trained.samples])
    torch.testing.assert_close(known_age.vectors, expected + features[0] @ coefficients, rtol=1e-4, atol=1e-5)
    assert explain(trained.posterior, nobody, torch.tensor([0, 29])).rated.shape == (2, 0)


def test_a_film_without_ratings_has_the_prior_mean_of_its_features(trained: Trained) -> None:
    for sample in trained.samples:
        prior = sample.film_prior
        expected = prior.mean + trained.genres[29] @ prior.coefficients[1]  # nobody rated it: no implicit features
        torch.testing.assert_close(sample.films[29].float(), expected, rtol=2e-3, atol=2e-3)


def test_someone_with_ten_thousand_ratings_is_scored(trained: Trained) -> None:
    films = torch.arange(10_000) % NUM_FILMS
    person = trained.posterior.fold_in(films, torch.full((10_000,), 4.5))
    predicted = trained.posterior.centres(person, torch.arange(NUM_FILMS)).mean(dim=0)
    torch.testing.assert_close(predicted, torch.full((NUM_FILMS,), 4.5), atol=0.6, rtol=0)
    assert person.alpha.min() > 1 / trained.posterior.noise.min()


def shares_of(trained: Trained, person: Person, films: Tensor) -> tuple[Tensor, Tensor]:
    shares = explain(trained.posterior, person, films)
    return shares.average + shares.user + shares.film + shares.features + shares.rated.sum(dim=1), shares.rated


@pytest.mark.parametrize("user", [3, 39])
def test_shares_sum_to_the_prediction_before_it_is_clamped(trained: Trained, user: int) -> None:
    person, films = trained.posterior.fold_in(**trained.history(user)), torch.tensor([0, 5, 29])
    expected = trained.posterior.centres(person, films).mean(dim=0)
    torch.testing.assert_close(shares_of(trained, person, films)[0], expected, rtol=1e-4, atol=1e-4)


def test_the_share_of_a_rated_film_is_what_the_prediction_would_lose_without_its_stars_and_choice(
    trained: Trained,
) -> None:
    """With noise held fixed: solve again with the film's part of the right-hand side taken away."""
    posterior, person, films = trained.posterior, trained.posterior.fold_in(**trained.history(3)), torch.tensor([0, 5])
    regression, number = person.regression, 2
    without = person.target.clone()
    without[:, number] = 0
    choice = posterior.implicit_rows(regression.films)[number] @ posterior.coefficients[0]
    changed = replace(regression, implicit_mean=regression.implicit_mean - choice)
    vectors, _ = posterior.solve(changed, without, person.weight)
    taste = (person.vectors - vectors)[:, 1:]
    expected = (posterior.films[:, films, 1:] @ taste[:, :, None])[:, :, 0].mean(dim=0)
    torch.testing.assert_close(shares_of(trained, person, films)[1][:, number], expected, rtol=1e-3, atol=1e-4)


def test_the_share_of_features_is_what_genres_add_for_a_person_without_ratings(trained: Trained) -> None:
    nobody = trained.posterior.fold_in(torch.zeros(0, dtype=torch.int64), torch.zeros(0))
    share = explain(trained.posterior, nobody, torch.tensor([7])).features
    parts = []
    for sample in trained.samples:
        bias, *character = trained.genres[7] @ sample.film_prior.coefficients[1]
        parts.append(bias + torch.stack(character) @ sample.user_prior.mean[1:])
    torch.testing.assert_close(share[0], torch.stack(parts).mean(), rtol=1e-3, atol=1e-5)


def test_a_chain_without_features_and_times_is_scored(trained: Trained) -> None:
    ratings = replace(trained.ratings, slots={}, num_slots={}, user_features=(), film_features=())
    generator = Generator().manual_seed(0)
    state = sweep(initial_state(ratings, 2, generator), ratings, generator=generator)
    samples = [Sample.from_state_dict(Sample.of_state(state, ratings).state_dict())]
    posterior = Posterior(side_by_side(samples), average=ratings.average, rated=torch.ones(NUM_FILMS, dtype=torch.bool))
    person = posterior.fold_in(torch.tensor([0, 1]), torch.tensor([4.0, 5.0]), days=torch.tensor([0, 0]))
    films = torch.tensor([2, 3])
    shares = explain(posterior, person, films)
    total = shares.average + shares.user + shares.film + shares.rated.sum(dim=1)
    torch.testing.assert_close(total, posterior.centres(person, films).mean(dim=0))
    assert shares.features.tolist() == [0, 0]
