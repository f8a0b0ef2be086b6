"""The kept samples as a model of a data set."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from scipy.stats import norm
from torch import Generator, Tensor

from movierec.data.histories import history_of
from movierec.data.tables import Tables
from movierec.models.factor_inputs import Features, Inputs, build_inputs, make_features
from movierec.models.factor_model import FactorModel
from movierec.models.factor_samples import Sample, stack, unstack
from movierec.models.factors_chain import State, initial_state, sweep
from tests.factor_world import draw_state, tiny_ratings
from tests.models.test_factors_chain import assert_equal


def inputs_of(tables: Tables, implicit_rank: int = 5, time_periods: int = 4) -> Inputs:
    return build_inputs(
        tables,
        make_features(tables, None),
        implicit_rank=implicit_rank,
        time_periods=time_periods,
        device=torch.device("cpu"),
    )


def samples_of(parts: Mapping[str, Tensor]) -> list[Sample]:
    """Each sample by itself, of those that were joined."""
    return [unstack({name: values[number] for name, values in parts.items()}) for number in range(len(parts["noise"]))]


@pytest.fixture(scope="module")
def model(tables: Tables) -> FactorModel:
    """Two samples of a short chain."""
    ratings, implicit, times = inputs_of(tables)
    assert times
    model, generator = FactorModel(tables), Generator().manual_seed(0)
    model.describe(make_features(tables, None), implicit, times.starts)
    state = initial_state(ratings, 3, generator)
    for number in range(3):
        state = sweep(state, ratings, generator=generator)
        model.take(Sample.of_state(state, ratings), anew=number < 2)
    return model


def test_samples_come_back_from_their_joined_tensors_effects_and_groups_of_features_among_them() -> None:
    ratings = tiny_ratings()
    with torch.random.fork_rng():
        states: list[State] = [draw_state(ratings), draw_state(ratings)]
    samples = [Sample.of_state(state, ratings) for state in states]
    first, second = map(stack, samples)
    joined = {name: torch.cat([first[name], second[name]]) for name in first}
    for found, expected in zip(samples_of(joined), samples, strict=True):
        assert_equal(found.state_dict(), expected.state_dict())


def test_a_sample_taken_anew_replaces_those_before(model: FactorModel) -> None:
    assert len(model.samples["noise"]) == len(model.posterior.films) == 2


def test_levels_are_cut_from_the_normal_distributions_of_both_samples(model: FactorModel) -> None:
    history, films, levels = history_of(model.tables, 3), torch.arange(30), model.tables.levels
    probabilities = model.level_probabilities(history, films)
    assert history.days is not None
    days = torch.from_numpy(history.days)
    person = model.posterior.fold_in(
        torch.from_numpy(history.movies),
        torch.from_numpy(history.stars).float(),
        days=days,
        periods=model.periods(days),
    )
    centres, deviations = model.posterior.centres(person, films), model.posterior.deviations(person, films)
    below = [norm.cdf(3.75, centres[sample, 7], deviations[sample, 7]) for sample in (0, 1)]
    assert probabilities[7, levels < 3.75].sum().item() == pytest.approx(sum(below) / 2, abs=1e-5)


def test_each_history_has_a_taste_of_its_own_and_other_samples_find_another(model: FactorModel) -> None:
    first, second, films = history_of(model.tables, 3), history_of(model.tables, 4), torch.arange(30)
    before = model.rank(first, films)
    assert not torch.equal(model.rank(second, films), before)
    assert torch.equal(model.rank(first, films), before)
    other = FactorModel(model.tables)
    features = Features(model.user_features, model.film_features)
    other.describe(features, model.implicit, model.period_starts)
    samples = samples_of(dict(model.samples.items()))
    other.take(samples[0], anew=True)
    alone = other.rank(first, films)
    other.take(samples[1], anew=False)
    assert not torch.equal(other.rank(first, films), alone)
    torch.testing.assert_close(other.rank(first, films), before)


def test_products_of_film_vectors_are_covariances_of_what_tastes_make_of_films(model: FactorModel) -> None:
    vectors = model.film_vectors()
    expected = torch.zeros(())
    for sample in samples_of(dict(model.samples.items())):
        covariance = torch.linalg.inv(sample.user_prior.precision)[1:, 1:]
        expected = expected + sample.films[7, 1:].float() @ covariance @ sample.films[9, 1:].float()
    torch.testing.assert_close(vectors[7] @ vectors[9], expected, rtol=1e-3, atol=1e-5)


def test_the_sampler_reads_the_training_ratings_and_the_genres_and_nothing_of_other_parts(tables: Tables) -> None:
    ratings, implicit, _ = inputs_of(tables)
    assert torch.equal(ratings.films, tables.history_movies.long())
    assert torch.equal(ratings.stars, tables.history_stars.float())
    assert torch.equal(ratings.user_offsets, tables.history_offsets)
    assert [group.shape[1] for group in ratings.user_features] == [5]
    # Films of the same genres, and only they, have the same features.
    complete = tables.complete.nonzero().squeeze(1)
    genres, features = [tables.genres[film] for film in complete.tolist()], make_features(tables, None).films[complete]
    alike = (features[:, None] - features).abs().amax(dim=2) < 1e-4
    same = torch.tensor([[set(a.split("|")) == set(b.split("|")) for b in genres] for a in genres])
    assert torch.equal(alike, same)
    # What a person rated, divided by the root of its number, projects to the features of that user.
    own = slice(*tables.history_offsets[3:5].tolist())
    films = tables.history_movies[own].long()
    torch.testing.assert_close(implicit[films].sum(dim=0) / len(films) ** 0.5, ratings.user_features[0][3])


def test_ratings_of_one_user_and_day_share_an_effect_and_those_of_a_film_in_one_period(tables: Tables) -> None:
    ratings, _, times = inputs_of(tables)
    assert times
    days = tables.history_days.long()
    same_day = (ratings.users[:500, None] == ratings.users) & (days[:500, None] == days)
    assert torch.equal(ratings.slots["day"][:500, None] == ratings.slots["day"], same_day)
    period = sum((days >= start).long() for start in times.starts)
    assert torch.equal(ratings.slots["period"], ratings.films * 4 + period)


def test_the_effects_of_days_and_periods_are_taken_off_the_ratings_of_a_history(model: FactorModel) -> None:
    history = history_of(model.tables, 3)
    assert history.days is not None
    person, films, days = model.person(history), torch.from_numpy(history.movies), torch.from_numpy(history.days)
    period = sum((days >= start).long() for start in model.period_starts)
    for number, sample in enumerate(samples_of(dict(model.samples.items()))):
        effect = dict(zip(person.days.tolist(), person.day_effects[number].tolist(), strict=True))
        own = torch.tensor([effect[day] for day in days.tolist()])
        left = torch.from_numpy(history.stars).float() - model.posterior.average - sample.films[films, 0].float()
        left -= sample.effects["period"].float()[films * 4 + period]
        torch.testing.assert_close(person.regression.target[number], left)
        # The vector was solved for effects of the round before.
        torch.testing.assert_close(person.target[number], left - own, atol=0.02, rtol=0)


def test_a_film_on_a_day_with_ratings_has_the_effects_of_that_day_and_else_those_of_its_period(
    model: FactorModel,
) -> None:
    history = history_of(model.tables, 3)
    assert history.days is not None
    film, day = torch.tensor([5]), torch.tensor(history.days[:1])
    undated, on_day, later = (
        model.rank(history, film, when) * 4.5 for when in (None, day, torch.tensor([history.days.max() + 9_999]))
    )
    person, of_film = model.person(history), model.posterior.periods
    assert of_film is not None
    effect = person.day_effects[:, person.days == day].mean()
    assert abs(float(effect)) > 1e-3
    number = int((model.period_starts <= day).sum())
    torch.testing.assert_close(on_day - undated, (effect + of_film[:, 5 * 4 + number].mean())[None])
    torch.testing.assert_close(later - undated, of_film[:, 5 * 4 + 3].mean()[None])


def test_a_new_user_whose_ratings_have_no_days_is_scored_without_effects(model: FactorModel) -> None:
    history = replace(history_of(model.tables, 3), user_id=None)
    assert not torch.equal(model.person(history).vectors, model.person(replace(history, days=None)).vectors)
    assert not len(model.person(replace(history, days=None)).days)


@pytest.mark.parametrize(("time_periods", "day"), [(0, 17_000), (4, -1)])
def test_without_periods_and_without_days_there_are_no_effects_of_time(
    tables: Tables, time_periods: int, day: int
) -> None:
    undated = replace(tables, history_days=torch.full_like(tables.history_days, day))
    ratings, _, times = inputs_of(undated, time_periods=time_periods)
    assert times is None
    assert not ratings.slots


def test_without_implicit_directions_a_user_has_no_features(tables: Tables) -> None:
    ratings, implicit, _ = inputs_of(tables, implicit_rank=0)
    assert not ratings.user_features
    assert implicit.shape == (len(tables.movie_ids), 0)
    assert len(ratings.film_features) == 1
