"""The bias model against numbers computed by hand, and against ridge regression."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.linear_model import Ridge

from movierec.data import RatingsDataModule
from movierec.data.cache import Prepared
from movierec.data.histories import History, history_of
from movierec.models.bias import BiasModel, choose_biases, fit_biases


@pytest.fixture(scope="module")
def prepared(sample_root: Path) -> Prepared:
    return RatingsDataModule(root=sample_root).prepare()


@pytest.fixture(scope="module")
def model(prepared: Prepared) -> BiasModel:
    tables, rows = prepared
    model = BiasModel(tables)
    model.take(choose_biases(tables, rows["val"]))
    return model


def test_two_ratings_of_one_user_are_explained_as_computed_by_hand() -> None:
    # The mean is 3 and b_u is 0, since its ratings lie as far above as below: c_i = (4 - 3 - 0) / (1 + 1).
    stars = csr_array([[4.0, 2.0]])
    found = fit_biases(stars, stars, (1.0, 1.0))
    assert found.mean == 3
    assert found.user.tolist() == pytest.approx([0])
    assert found.film.tolist() == pytest.approx([0.5, -0.5])


def test_the_biases_are_those_of_ridge_regression_and_0_stars_are_a_rating() -> None:
    random = np.random.default_rng(0)
    user, film = np.divmod(random.choice(20 * 30, 200, replace=False), 30)
    stars = random.integers(0, 6, 200).astype(float)
    damping = (2.0, 8.0)
    order = np.lexsort((film, user))
    offsets = np.concatenate([[0], np.bincount(user, minlength=20).cumsum()])
    ratings = csr_array((stars[order], film[order], offsets), shape=(20, 30))
    found = fit_biases(ratings, ratings, damping)
    # Ridge regression has one penalty: a column is divided by the root of its own.
    scale = 1 / np.sqrt(np.repeat(damping, (20, 30)))
    inputs = np.hstack([np.eye(20)[user], np.eye(30)[film]]) * scale
    ridge = Ridge(alpha=1, fit_intercept=False, solver="cholesky").fit(inputs, stars - stars.mean())
    expected = ridge.coef_ * scale
    assert np.concatenate([found.user, found.film]) == pytest.approx(expected, abs=1e-3)


def test_the_damping_is_the_best_of_all_on_the_validation_rows(prepared: Prepared) -> None:
    tables, rows = prepared
    chosen = choose_biases(tables, rows["val"])
    val, stars = (
        rows["val"],
        csr_array(
            (tables.history_stars.double().numpy(), tables.history_movies.numpy(), tables.history_offsets.numpy()),
            shape=(len(tables.user_ids), len(tables.movie_ids)),
        ),
    )

    def rmse(damping: tuple[float, float]) -> float:
        predicted = fit_biases(stars, stars, damping).predict(val.user.numpy(), val.movie.numpy())
        return float(np.square(predicted.clip(0.5, 5) - tables.to_stars(val.rating).numpy()).mean() ** 0.5)

    assert rmse(chosen.damping) < min(rmse((1.0, 1.0)), rmse((32.0, 32.0)))


def test_a_known_user_is_scored_from_their_ratings_as_in_training(model: BiasModel) -> None:
    films = torch.arange(len(model.tables.movie_ids))
    for user in (0, 7):
        expected = model(torch.full_like(films, user), films)
        torch.testing.assert_close(model.rank(history_of(model.tables, user), films), expected, rtol=0, atol=1e-4)


def test_nobody_gets_the_films_bias_and_a_film_without_ratings_the_mean(model: BiasModel) -> None:
    nobody = History(np.empty(0, dtype=np.int64), np.empty(0))
    frame = model.explain(nobody, torch.arange(5))
    assert frame["from_user"].tolist() == [0] * 5
    assert frame["from_film"].to_numpy() == pytest.approx(model.film[:5].numpy())
    rated = torch.bincount(model.tables.history_movies, minlength=len(model.film)) > 0
    assert (model.film[~rated] == 0).all()


def test_a_new_user_is_drawn_towards_the_mean(model: BiasModel) -> None:
    film = np.array([3])
    above = 5 - model.mean.item() - model.film[3].item()
    once = model.explain(History(film, np.array([5.0])), torch.tensor([3]))["from_user"][0]
    assert once == pytest.approx(above / (1 + model.damping[0].item()))


def test_films_of_like_ratings_point_the_same_way(model: BiasModel) -> None:
    directions = torch.nn.functional.normalize(model.film_vectors(), dim=1)
    best = (directions @ directions[3]).argsort(descending=True, stable=True)[:6]
    nearest = (model.film - model.film[3]).abs().sort().values[:6]
    torch.testing.assert_close((model.film[best] - model.film[3]).abs().sort().values, nearest, rtol=0, atol=1e-3)


def test_held_out_users_train_nothing_and_are_known_by_their_histories(sample_root: Path) -> None:
    tables, rows = RatingsDataModule(root=sample_root, split="users", fractions=(0.6, 0.2, 0.2)).prepare()
    found = choose_biases(tables, rows["val"])
    train = rows["train"]
    assert not set(train.user.tolist()) & set(tables.held_out.nonzero().flatten().tolist())
    assert found.mean == pytest.approx(tables.to_stars(train.rating).double().mean().item(), abs=1e-5)
    size = (len(tables.user_ids), len(tables.movie_ids))
    pairs = train.user.numpy(), train.movie.numpy()
    ratings = csr_array((tables.to_stars(train.rating).double().numpy(), pairs), shape=size)
    alone = fit_biases(ratings, ratings, found.damping)
    assert found.film == pytest.approx(alone.film, abs=1e-4)
    for user in tables.held_out.nonzero().flatten().tolist()[::20]:
        history = history_of(tables, user)
        above = sum(
            stars - found.mean - found.film[film] for film, stars in zip(history.movies, history.stars, strict=True)
        )
        assert found.user[user] == pytest.approx(above / (len(history.stars) + found.damping[0]))
