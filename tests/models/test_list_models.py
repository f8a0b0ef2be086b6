"""Models of lists on a world of two tastes: people who like films 0 to 9, and people who like films 10 to 19."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from movierec.data.histories import History, history_of
from movierec.data.tables import Tables
from movierec.models.blend import BlendModel, standardise
from movierec.models.ease_model import PRIOR, EaseModel
from movierec.models.history_network import HistoryNetwork, hidden_loss
from movierec.models.item_knn import NeighbourModel
from movierec.models.list_model import ListModel
from movierec.models.popularity import PopularityModel

PEOPLE, FILMS = 40, 22  # film 20 has one rating, film 21 none


@pytest.fixture
def tastes(tables: Tables) -> Tables:
    """Each person has rated seven films of their taste with 4 or 5 stars, and two of the other with 1 or 2."""
    rng = np.random.default_rng(0)
    films, stars = [], []
    for person in range(PEOPLE):
        own = 10 * (person % 2)
        rated = {int(film): rng.choice([4.0, 4.5, 5.0]) for film in own + rng.permutation(10)[:7]}
        rated |= {int(film): rng.choice([0.5, 1.0, 2.0]) for film in 10 - own + rng.permutation(10)[:2]}
        if person == 0:
            rated[20] = 5.0
        films.append(sorted(rated))
        stars.append([rated[film] for film in sorted(rated)])
    number = [len(one) for one in films]
    known: dict[str, Any] = {
        "history_offsets": torch.tensor([0, *np.cumsum(number).tolist()]),
        "history_movies": torch.tensor(np.concatenate(films), dtype=torch.int32),
        "history_stars": torch.tensor(np.concatenate(stars), dtype=torch.float16),
        "history_days": torch.zeros(sum(number), dtype=torch.int32),
    }
    return replace(
        tables,
        **known,
        user_ids=tables.user_ids[:PEOPLE],
        movie_ids=tables.movie_ids[:FILMS],
        held_out=torch.zeros(PEOPLE, dtype=torch.bool),
        min_stars=0.5,
        max_stars=5.0,
    )


def fitted_ease(tastes: Tables) -> EaseModel:
    model = EaseModel(tastes)
    model.fit(model.gram_matrix(), l2=1.0, p=0.5)
    return model


def fitted_neighbours(tastes: Tables) -> NeighbourModel:
    model = NeighbourModel(tastes)
    model.fit()
    return model


def trained_network(tastes: Tables) -> HistoryNetwork:
    torch.manual_seed(0)
    model = HistoryNetwork(tastes, width=8)
    histories = model.as_tensors(model.training_matrix())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        hidden_loss(model, *histories, star_weight=0.1).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.eval()


def fitted_blend(tastes: Tables) -> BlendModel:
    model = BlendModel(tastes, width=8)
    model.ease.load_state_dict(fitted_ease(tastes).state_dict())
    model.network.load_state_dict(trained_network(tastes).state_dict())
    return model.eval()


def history(ratings: dict[int, float]) -> History:
    return History(np.array(list(ratings), dtype=np.int64), np.array(list(ratings.values())))


def best(model: ListModel, ratings: dict[int, float], count: int = 5) -> set[int]:
    with torch.no_grad():
        scores = model.rank_all([history(ratings)])[0]
    scores[list(ratings)] = -torch.inf
    return set(scores.topk(count).indices.tolist())


@pytest.mark.parametrize("fit", [fitted_ease, fitted_neighbours, trained_network, fitted_blend])
def test_people_of_different_tastes_get_different_lists(fit: object, tastes: Tables) -> None:
    model = fit(tastes)  # type: ignore[operator]
    assert best(model, {0: 5.0, 1: 4.5, 2: 5.0}) <= set(range(10))
    assert best(model, {10: 5.0, 11: 4.5, 12: 5.0}) <= set(range(10, 20))
    assert best(model, {3: 5.0}) <= set(range(10))


def test_stars_count_and_not_only_that_a_film_was_rated(tastes: Tables) -> None:
    model = trained_network(tastes)
    with torch.no_grad():
        liked, disliked = model.rank_all([history({0: 5.0, 1: 5.0}), history({0: 0.5, 1: 0.5})])
    assert liked[2:10].mean() - liked[10:20].mean() > disliked[2:10].mean() - disliked[10:20].mean()


def test_without_ratings_the_most_liked_films_come_first(tastes: Tables) -> None:
    model = fitted_ease(tastes)
    known = [history_of(tastes, person) for person in range(PEOPLE)]
    likes = np.bincount(np.concatenate([one.movies[one.stars >= 4] for one in known]), minlength=FILMS)
    scores = model.rank(history({}), torch.arange(20))
    assert scores.numpy() == pytest.approx(PRIOR * likes[:20] / PEOPLE)


def test_the_prior_fades_with_the_number_of_ratings(tastes: Tables) -> None:
    model = fitted_ease(tastes)
    frame = model.explain(history({0: 5.0, 1: 4.0}), torch.arange(20))
    assert frame["average"].to_numpy() == pytest.approx(model.prior.numpy() * 10 / (10 + 2), abs=1e-4)


def test_reasons_are_stars_times_weights(tastes: Tables) -> None:
    model = fitted_ease(tastes)
    reasons = model.reasons(history({0: 5.0, 21: 4.0, 3: 2.5}), torch.tensor([1, 20]))
    expected = torch.tensor([[1.0 * model.weights[0, 1], 0, 0.5 * model.weights[3, 1]], [0, 0, 0]])
    torch.testing.assert_close(reasons, expected.float())


def test_films_of_few_ratings_and_beyond_the_cap_are_not_listed(tastes: Tables) -> None:
    assert EaseModel(tastes).listed.nonzero()[:, 0].tolist() == list(range(20))
    counts = np.bincount(tastes.history_movies.numpy(), minlength=FILMS)
    capped = EaseModel(tastes, max_films=3).films.tolist()
    assert sorted(counts[capped]) == sorted(counts)[-3:]
    assert fitted_ease(tastes).rank(history({0: 5.0}), torch.tensor([20, 21])).tolist() == [-torch.inf] * 2


def test_popularity_counts_ratings_or_likes(tastes: Tables) -> None:
    rated, liked = PopularityModel(tastes), PopularityModel(tastes, liked_only=True)
    rated.fit()
    liked.fit()
    films = torch.arange(21)
    counts = np.bincount(tastes.history_movies.numpy(), minlength=FILMS)
    assert rated.rank(history({}), films).tolist() == counts[:21].tolist()
    likes = np.bincount(tastes.history_movies[tastes.history_stars >= 4].numpy(), minlength=FILMS)
    assert liked.rank(history({0: 1.0}), films).tolist() == likes[:21].tolist()


def test_content_brings_films_of_one_kind_together(tastes: Tables) -> None:
    content = torch.zeros(FILMS, 2)
    content[:10, 0] = content[10:, 1] = content[21, 0] = 1  # film 21, which nobody has rated, is like films 0 to 9
    content[21, 1] = 0
    model = EaseModel(tastes, content_weight=3.0, min_ratings=0)
    model.fit(model.gram_matrix(content), l2=1.0, p=0.5)
    films = torch.tensor([20, 21])
    assert model.rank(history({0: 5.0, 1: 5.0}), films).argmax() == 1
    assert model.rank(history({10: 5.0, 11: 5.0}), films).argmax() == 0


def test_a_scale_to_ten_gives_the_same_scores(tastes: Tables) -> None:
    ten = replace(tastes, history_stars=2 * tastes.history_stars, min_stars=1.0, max_stars=10.0)
    films = torch.arange(20)
    torch.testing.assert_close(
        fitted_ease(ten).rank(history({0: 10.0, 1: 8.0}), films),
        fitted_ease(tastes).rank(history({0: 5.0, 1: 4.0}), films),
    )


def test_the_network_counts_less_the_more_somebody_has_rated(tastes: Tables) -> None:
    model = fitted_blend(tastes)
    films, few = torch.arange(20), {0: 5.0, 1: 4.0}
    many = few | dict.fromkeys(range(2, 8), 4.0)

    def part(ratings: dict[int, float]) -> Tensor:
        own = history(ratings)
        with torch.no_grad():
            blend, ease = model.rank(own, films), model.ease.rank(own, films)
        return (blend - standardise(ease[None])[0]).std(correction=0)

    assert part(few).item() == pytest.approx(150 / 2, rel=1e-3)
    assert part(many).item() == pytest.approx(150 / 8, rel=1e-3)


def test_the_loss_is_measured_on_hidden_ratings_only(tastes: Tables) -> None:
    """A network that predicts no film of the input, and all stars right, has the entropy of the popularity."""
    model = HistoryNetwork(tastes, width=4, dropout=0.0)
    films, offsets, _ = model.as_tensors(model.training_matrix())
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
    stars = torch.full((len(films),), 1.0)
    torch.manual_seed(1)
    with_stars = hidden_loss(model, films, offsets, stars, star_weight=0.1)
    torch.manual_seed(1)
    without = hidden_loss(model, films, offsets, stars, star_weight=0.0)
    assert (with_stars - without).item() == pytest.approx(0.1 * 25, rel=1e-5)  # predicted 0, given 1, of 5 stars
    assert np.log(FILMS - 2 - 9) < without.item() < np.log(FILMS - 2)  # uniform over the films that are not read
