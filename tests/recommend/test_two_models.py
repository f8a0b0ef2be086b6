"""Lists of one model, with the stars of another."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import movierec
from movierec.cli import main
from movierec.data import RatingsDataModule
from movierec.data.tables import Tables
from movierec.errors import CheckpointError, ConfigError
from movierec.models.ease_model import EaseModel
from movierec.models.model import RatingModel
from movierec.recommend.people import known_user
from movierec.recommend.recommender import Recommender


def lists_over(tables: Tables) -> EaseModel:
    model = EaseModel(tables)
    model.fit(model.gram_matrix(), l2=20.0, p=1.0)
    return model


@pytest.fixture
def both(trained: Recommender, sample_root: Path) -> Recommender:
    """EASE over the sample without metadata, and the trained network, which lacks films without metadata."""
    data = RatingsDataModule(root=sample_root)
    data.setup()
    assert data.tables is not None
    assert isinstance(trained.model, RatingModel)
    return Recommender(lists_over(data.tables), stars_from=trained.model)


def test_one_model_orders_and_the_other_says_the_stars(both: Recommender, trained: Recommender) -> None:
    user_id = int(both.user_ids[4])
    frame = both.recommend(user_id)
    alone = Recommender(both.model).recommend(user_id)
    assert frame["movie_id"].tolist() == alone["movie_id"].tolist()
    assert "stars" not in alone
    for movie_id, stars in zip(frame["movie_id"], frame["stars"], strict=True):
        if trained.films.listed[trained.films.row(movie_id)]:
            assert stars == pytest.approx(trained.predict(user_id, [movie_id])[0])
        else:
            assert np.isnan(stars)


def test_a_new_user_gets_the_stars_that_the_rating_model_predicts_from_their_file(
    both: Recommender, trained: Recommender
) -> None:
    ratings = {int(movie_id): 4.5 for movie_id in trained.films.ids[trained.films.listed][:3]}
    frame = both.recommend(ratings=ratings, top=20)
    expected = trained.recommend(ratings=ratings, top=1000, min_ratings=0)
    by_id = dict(zip(expected["movie_id"], expected["stars"], strict=True))
    known = frame[frame["movie_id"].isin(by_id)]
    assert len(known) > 5
    assert known["stars"].to_numpy() == pytest.approx([by_id[film] for film in known["movie_id"]], abs=1e-5)


def test_films_that_the_rating_model_does_not_know_have_no_stars(trained: Recommender) -> None:
    tables = trained.tables
    films = {
        name: getattr(tables, name)[:-50] for name in ("movie_features", "movie_ids", "complete", "titles", "genres")
    }
    kept = tables.history_movies < len(films["movie_ids"])
    owner = torch.repeat_interleave(torch.arange(len(tables.user_ids)), tables.history_offsets.diff())[kept]
    counts = torch.bincount(owner, minlength=len(tables.user_ids))
    fewer = replace(
        tables,
        **films,
        history_offsets=torch.cat([counts.new_zeros(1), counts.cumsum(0)]),
        **{name: getattr(tables, name)[kept] for name in ("history_movies", "history_stars", "history_days")},
    )
    rater = RatingModelOfFours(fewer)
    frame = Recommender(lists_over(tables), stars_from=rater).recommend(int(tables.user_ids[0]), top=10_000)
    unknown = frame["movie_id"].isin(tables.movie_ids[-50:].tolist())
    assert 0 < unknown.sum() < len(frame)
    assert (
        frame["stars"].isna().tolist()
        == (unknown | ~frame["movie_id"].isin(fewer.movie_ids[fewer.complete].tolist())).tolist()
    )


class RatingModelOfFours(RatingModel):
    """Predicts half of the scale for all."""

    def rank(self, history: object, films: torch.Tensor) -> torch.Tensor:
        return torch.full((len(films),), 0.5)

    def explain(self, history: object, films: torch.Tensor) -> None:  # type: ignore[override]
        raise AssertionError

    def film_vectors(self) -> torch.Tensor:
        raise AssertionError


def test_lists_of_all_users_are_those_of_each(both: Recommender) -> None:
    frames = list(both.recommend_all(top=5, novelty=0.2))
    assert len(frames) == len(both.user_ids) > 128  # more than one batch
    for frame in frames[::40]:
        alone = both.recommend(int(frame["user_id"].iloc[0]), top=5, novelty=0.2)
        assert frame["movie_id"].tolist() == alone["movie_id"].tolist()
        assert frame["stars"].to_numpy() == pytest.approx(alone["stars"].to_numpy(), nan_ok=True)


def test_the_reasons_are_the_rated_films_that_added_most(both: Recommender) -> None:
    model, films = both.model, both.films
    assert isinstance(model, EaseModel)
    rated = films.ids[model.films[:4].numpy()].tolist()
    frame = both.recommend(ratings=dict(zip(rated, (5.0, 4.0, 0.5, 3.0), strict=True)), explain=True, top=5)
    for _, film in frame.iterrows():
        place = int(model.place[films.row(film["movie_id"])])
        shares = torch.tensor([1.0, 0.8, 0.1, 0.6]) * model.weights[:4, place].float()
        titles = [films.titles[films.row(movie_id)].partition(" (")[0] for movie_id in rated]
        named = [f"{title} ({stars:g})" for title, stars in zip(titles, (5, 4, 0.5, 3), strict=True)]
        best = [named[one] for one in shares.argsort(descending=True)[:2].tolist() if shares[one] > 0]
        assert film["because"] == ", ".join(best)
        assert film["average"] + film["from_rated_films"] == pytest.approx(film["prediction"], abs=1e-6)
        assert film["from_rated_films"] == pytest.approx(shares.sum().item(), abs=1e-4)


def test_novelty_subtracts_the_standardised_log_of_the_number_of_ratings(both: Recommender) -> None:
    user_id = int(both.user_ids[7])
    history, seen = known_user(both.tables, user_id)
    scores, number = both.model.rank_all([history])[0].numpy(), np.log1p(both.films.num_ratings)
    left = np.setdiff1d(np.flatnonzero(both.films.listed), seen)
    ranked = (scores[left] - scores[left].mean()) / scores[left].std()
    ranked -= 0.7 * (number[left] - number[left].mean()) / number[left].std()
    expected = both.films.ids[left[np.argsort(-ranked)[:10]]].tolist()
    assert both.recommend(user_id, novelty=0.7)["movie_id"].tolist() == expected
    with pytest.raises(ConfigError, match="novelty from 0 to 1, got 2"):
        both.recommend(user_id, novelty=2)


def test_similar_films_are_those_of_the_largest_weights_in_both_directions(both: Recommender) -> None:
    model = both.model
    assert isinstance(model, EaseModel)
    weights = model.weights.float()
    row = int(model.films[3])
    mean = (weights[3] + weights[:, 3]) / 2
    mean[3] = -torch.inf
    expected = both.films.ids[model.films[mean.argsort(descending=True)[:3]].numpy()].tolist()
    frame = both.similar(int(both.films.ids[row]), top=3)
    assert frame["movie_id"].tolist() == expected
    assert frame["similarity"].tolist() == pytest.approx(mean.sort(descending=True).values[:3].tolist())


def test_a_film_of_too_few_ratings_is_like_those_of_its_genres_and_year(both: Recommender) -> None:
    row = int(np.flatnonzero(~both.films.listed)[0])
    frame = both.similar(int(both.films.ids[row]), top=1)
    best = both.films.row(int(frame["movie_id"].iloc[0]))
    own = set(both.films.genres[row].split("|"))
    shared = [len(own & set(genres.split("|"))) / len(own | set(genres.split("|"))) for genres in both.films.genres]
    listed = np.array(shared)[both.films.listed]
    assert shared[best] >= listed.max() - 0.5  # a film of the same year may be closer than one of the same genres
    assert frame["similarity"].iloc[0] <= 1


@pytest.fixture
def runs(tmp_path: Path, sample_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run of a list model, then one of the bias model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    options = {"data.root": str(sample_root), "trainer.enable_progress_bar": False, "trainer.max_epochs": 1}
    movierec.fit("model7", options=options)
    movierec.fit("baseline/bias", options=options)
    return tmp_path / "lightning_logs"


def test_the_command_takes_the_newest_list_run_and_the_newest_rating_run(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["recommend", "--user_id", "1", "--explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith("model: lightning_logs/model7/version_0/checkpoints/best.ckpt")
    assert lines[-1].startswith("stars: lightning_logs/baseline/bias/version_0/checkpoints/best.ckpt")
    assert "because you rated" in lines[1]
    assert "stars" in lines[1]


def test_stars_cannot_come_from_a_list_model(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    best = runs / "model7/version_0/checkpoints/best.ckpt"
    capsys.readouterr()
    assert main(["recommend", "--user_id", "1", "--stars_from", str(best)]) == 1
    assert "Expected a model that predicts stars" in capsys.readouterr().err
    with pytest.raises(CheckpointError, match="got EaseModel"):
        Recommender.from_checkpoint(best, stars_from=best)
