"""Texts of films: their encoding against NumPy, and a film whose plot is all that is known of it."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import movierec
from movierec.data import CombinedDataModule, text
from movierec.data.features import encode_films
from movierec.data.text import encode_texts
from movierec.recommend.people import new_user
from movierec.recommend.recommender import Recommender

PLOTS = ["ship ship moon", "ship moon", "ship kiss the", "moon kiss kiss", "kiss wedding", "wedding", None]
TRAINED = np.array([True, True, True, True, True, False, True])
SPACE, LOVE = ["ship", "moon", "laser", "alien"], ["kiss", "wedding", "ball", "letter"]


def test_texts_are_encoded_as_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "COMPONENTS", 2)
    words = ("kiss", "moon", "ship")  # "the" says nothing, and "wedding" is in one training film
    counts = np.array([[(plot or "").split().count(word) for word in words] for plot in PLOTS])
    in_films = (counts[TRAINED] > 0).sum(axis=0)
    weights = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * (1 + np.log(7 / (1 + in_films)))
    weights /= np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-9)
    directions = np.linalg.svd(weights[TRAINED])[2][:2]
    expected = weights @ directions.T
    expected /= abs(expected[TRAINED]).max(axis=0)
    found = encode_texts(pd.Series(PLOTS), TRAINED)
    assert found == pytest.approx(expected * np.sign((found * expected).sum(axis=0)), abs=1e-5)  # either sign will do
    assert (found[5:] == 0).all()  # a film of unknown words, and one without a text


def test_a_film_without_training_ratings_changes_no_other_film() -> None:
    changed = pd.Series(["laser " * 9 if plot == "wedding" else plot for plot in PLOTS])
    assert (encode_texts(changed, TRAINED) == encode_texts(pd.Series(PLOTS), TRAINED)).all()


def test_texts_without_two_words_of_three_training_films_give_no_column() -> None:
    assert encode_texts(pd.Series(PLOTS), np.arange(7) > 3).shape == (7, 0)
    assert encode_texts(pd.Series(["ship", "ship", "ship moon"]), TRAINED[:3]).shape == (3, 0)
    assert encode_texts(pd.Series([None, None, None]), TRAINED[:3]).shape == (3, 0)


def test_no_film_is_left_out_for_want_of_a_text() -> None:
    movies = pd.DataFrame({"imdb_plot": PLOTS, "imdb_rating": 7 * [8.0]})
    found = encode_films(movies, columns=("imdb_plot", "imdb_rating"), missing="drop", trained=TRAINED)
    assert found.complete.all()
    assert found.names == ["imdb_rating", "imdb_plot=0", "imdb_plot=1", "imdb_plot=2"]
    assert (found.table[:, 1:] == encode_texts(movies["imdb_plot"], TRAINED)).all()


def write_world(root: Path) -> None:
    """Write films of space and of love that only the plot tells apart; half of the users like one kind, half the other.

    The last two films, of either kind, are rated by one user alone, who gives everything 3 stars.
    """
    rng, folder = np.random.default_rng(0), root / "ml-latest-small"
    for place in folder, root / "metadata":
        place.mkdir(parents=True)
    ids = np.arange(1, 43)
    plots = [" ".join(rng.choice(LOVE if film % 2 else SPACE, 3)) for film in ids]
    rated = [
        (user, film, 4.5 if user % 2 == film % 2 else 1.5)
        for user in range(1, 41)
        for film in rng.permutation(ids[:-2])[:20]
    ]
    ratings = pd.DataFrame(rated + [(99, film, 3.0) for film in ids], columns=["userId", "movieId", "rating"])
    ratings.assign(timestamp=0).to_csv(folder / "ratings.csv", index=False)
    films = pd.DataFrame({"movieId": ids, "title": [f"Film {film} (1990)" for film in ids], "genres": "Drama"})
    films.to_csv(folder / "movies.csv", index=False)
    pd.DataFrame({"movieId": ids, "imdbId": ids, "tmdbId": ids}).to_csv(folder / "links.csv", index=False)
    unknown = ["Released", "Runtime", "Language", "Country", "Metascore", "imdbRating", "imdbVotes", "BoxOffice"]
    omdb = pd.DataFrame({"imdbID": [f"tt{film:07}" for film in ids], "Plot": plots})
    omdb.assign(**dict.fromkeys(unknown, "N/A")).to_csv(root / "metadata/omdb.csv", index=False)


def test_the_plot_tells_who_likes_a_film_that_hardly_anybody_has_rated(tmp_path: Path) -> None:
    write_world(tmp_path / "data")
    options = {
        "data.class_path": "IMDbDataModule", "data.root": tmp_path / "data", "data.side_information": True,
        "model.implicit_rank": 0, "trainer.max_epochs": 20, "trainer.enable_progress_bar": False,
        "trainer.default_root_dir": tmp_path,
    }  # fmt: skip
    for name, columns in ("without", ["genres"]), ("with", ["genres", "imdb_plot"]):
        movierec.fit("model6", options=options | {"data.columns": columns}, name=name)
    shutil.rmtree(tmp_path / "data")  # a checkpoint holds all that it takes
    found = {}
    for name in "without", "with":
        recommender = Recommender.from_checkpoint(tmp_path / f"lightning_logs/{name}/version_0/checkpoints/best.ckpt")
        history, _ = new_user(recommender.films, {film: 1.5 if film % 2 else 4.5 for film in range(1, 11)})
        of_space, of_love = recommender.stars(history, np.array([41, 40]))["stars"]
        found[name] = of_space - of_love
    assert abs(found["without"]) < 0.5
    assert found["with"] > 1


def test_the_tables_of_texts_are_the_same_when_read_again(sample_root: Path) -> None:
    module = CombinedDataModule(root=sample_root, columns=["genres", "imdb_plot"], missing="drop")
    tables, _ = module.prepare()
    again, _ = CombinedDataModule(root=sample_root, columns=["genres", "imdb_plot"], missing="drop").prepare()
    assert tables.record["ratings_left_out"] == 0
    assert "imdb_plot=31" in tables.feature_names
    assert (tables.movie_features == again.movie_features).all()
