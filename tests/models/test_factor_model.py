"""The kept samples as a model of a data set."""

import pytest
import torch
from torch import Generator

from movierec.data.tables import Tables
from movierec.models.factor_inputs import Inputs, build_inputs, make_features
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
    for found, expected in zip(unstack(joined), samples, strict=True):
        assert_equal(found.state_dict(), expected.state_dict())


def test_a_sample_taken_anew_replaces_those_before(model: FactorModel) -> None:
    assert len(model.samples["noise"]) == len(model.posterior.films) == 2


def test_products_of_film_vectors_are_covariances_of_what_tastes_make_of_films(model: FactorModel) -> None:
    vectors = model.film_vectors()
    expected = torch.zeros(())
    for sample in unstack(dict(model.samples.items())):
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


def test_without_implicit_directions_a_user_has_no_features(tables: Tables) -> None:
    ratings, implicit, _ = inputs_of(tables, implicit_rank=0)
    assert not ratings.user_features
    assert implicit.shape == (len(tables.movie_ids), 0)
    assert len(ratings.film_features) == 1
