import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

import movierec
from movierec.data import RatingsDataModule, TMDbDataModule
from movierec.data.batches import Batch
from movierec.data.tables import SCHEMA, Tables, group_by_user
from movierec.errors import CheckpointError, ConfigError, UnknownIdError
from movierec.models.mlp import MLP
from movierec.recommend.people import known_user
from movierec.recommend.recommender import Recommender
from movierec.training.rating_task import RatingTask

ALONE = """\
import sys
from movierec import Recommender
print(len(Recommender.from_checkpoint(sys.argv[1]).recommend(user_id=1, top=5, explain=True)))
print(sorted(name for name in sys.modules if name.split(".")[0] in ("lightning", "sklearn", "torchmetrics")))
"""


def build(tables: Tables, **options: Any) -> Recommender:
    torch.manual_seed(0)
    plain: dict[str, Any] = {"hidden": [16, 8], "dropout": [0.2, 0.0], "activation": "relu", "normalisation": "none"}
    network = MLP(tables, **plain | options)
    network.first.number_weight.data.mul_(4)  # an untrained network tells films hardly apart
    nn.init.constant_(list(network.rest)[-1].bias, 0.5)  # type: ignore[arg-type]
    return Recommender(network.eval().requires_grad_(requires_grad=False))


def network_of(recommender: Recommender) -> MLP:
    assert isinstance(recommender.model, MLP)
    return recommender.model


def with_tables(recommender: Recommender, **changes: Any) -> Recommender:
    """Change the tables of a model and keep its weights."""
    network = network_of(recommender)
    other = MLP(replace(recommender.tables, **changes), **network.hyper_parameters)
    other.load_state_dict(network.state_dict())
    return Recommender(other.eval().requires_grad_(requires_grad=False))


def with_seen(recommender: Recommender, user: int, movies: Tensor) -> Recommender:
    """Let one user have seen other films than they had; the model and what it reads stay."""
    tables = recommender.tables
    owner = torch.repeat_interleave(torch.arange(len(tables.user_ids)), tables.seen_offsets.diff())
    others = owner != user
    owner = torch.cat([owner[others], torch.full_like(movies, user)])
    seen = torch.cat([tables.seen_movies[others].long(), movies])
    order, offsets = group_by_user(owner.numpy(), seen.numpy(), len(tables.user_ids))
    return with_tables(recommender, seen_offsets=offsets, seen_movies=seen[order].int())


def test_scores_are_those_of_predict_for_every_user_and_film(trained: Recommender, checkpoint: Path) -> None:
    task = RatingTask.load_from_checkpoint(checkpoint).eval()
    tables = trained.tables
    movies = tables.complete.nonzero().squeeze(1).int()
    ids = tables.movie_ids[movies].tolist()
    bank = torch.full_like(movies, tables.scoring_bank)
    distinct = set()
    for user, user_id in enumerate(tables.user_ids.tolist()):
        with torch.inference_mode():
            batch = Batch(torch.full_like(movies, user), movies, bank, torch.full((len(movies),), torch.nan), bank)
            expected = task.predict_step(batch, 0).numpy()
        assert trained.predict(user_id, ids) == pytest.approx(expected, abs=1e-5)
        listed = trained.recommend(user_id, top=1000, min_ratings=0, include_seen=True)
        by_id = dict(zip(ids, expected.tolist(), strict=True))
        assert listed["stars"].to_numpy() == pytest.approx([by_id[film] for film in listed["movie_id"]], abs=1e-5)
        distinct.add(round(float(expected.mean()), 4))
    assert len(distinct) > 100


def test_the_list_is_the_top_of_all_unseen_films_and_never_a_seen_one(trained: Recommender) -> None:
    films = trained.films
    for user_id in trained.user_ids[::10].tolist():
        seen = set(films.ids[known_user(trained.tables, user_id)[1]].tolist())
        left = [film for film in films.ids[films.listed & (films.num_ratings >= 20)].tolist() if film not in seen]
        scores = trained.predict(user_id, left)
        best = [left[place] for place in np.lexsort((left, -scores))[:10]]
        frame = trained.recommend(user_id)
        assert set(frame["movie_id"]) & seen == set()
        assert frame["stars"].to_numpy() == pytest.approx(trained.predict(user_id, best), abs=1e-5)
        assert list(frame["rank"]) == list(range(1, 11))


def test_equal_predictions_are_listed_by_id_each_time(tables: Tables) -> None:
    recommender = build(tables)
    nn.init.zeros_(network_of(recommender).rest[-1].weight)  # type: ignore[arg-type]
    level = Recommender(network_of(recommender))
    films = level.films
    unseen = np.setdiff1d(np.flatnonzero(films.listed), known_user(level.tables, 9)[1])
    for _ in range(3):
        assert list(level.recommend(9, top=5, min_ratings=0)["movie_id"]) == films.ids[unseen[:5]].tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top": 0}, "at least 1 film"),
        ({"genres": ["Opera"]}, "among .*Drama.*; got opera"),
        ({"ratings": {1: 4.0}}, "got both"),
        ({"user_id": None, "explain": True}, "nothing is predicted"),
        ({"user_id": None, "ratings": {}}, "got none"),
    ],
)
def test_contradicting_arguments_are_refused(trained: Recommender, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        trained.recommend(**{"user_id": 1} | options)


@pytest.mark.parametrize("user_id", [0, -3, 301, 10**12])
def test_a_user_who_is_not_in_the_ratings_is_refused(trained: Recommender, user_id: int) -> None:
    with pytest.raises(UnknownIdError, match="ids from 1 to 300"):
        trained.recommend(user_id)


def test_filters_let_through_what_they_say(trained: Recommender) -> None:
    frame = trained.recommend(1, top=500, genres=["drama", "COMEDY"], years=(1990, 1999), min_ratings=5)
    assert len(frame) > 5
    assert frame["genres"].str.contains("Drama|Comedy").all()
    assert frame["year"].between(1990, 1999).all()
    assert (frame["num_ratings"] >= 5).all()
    first = int(frame["movie_id"].iloc[0])
    rest = trained.recommend(1, top=500, genres=["drama", "COMEDY"], years=(1990, 1999), min_ratings=5, exclude=[first])
    assert list(rest["movie_id"]) == list(frame["movie_id"])[1:]


def test_films_of_few_ratings_are_left_out_unless_asked_for(trained: Recommender) -> None:
    assert trained.recommend(1, top=1000)["num_ratings"].min() == 20
    assert trained.recommend(1, top=1000, min_ratings=0)["num_ratings"].min() < 20


def test_seen_films_are_listed_with_the_own_rating_on_request(trained: Recommender) -> None:
    history, seen = known_user(trained.tables, 1)
    own = dict(zip(trained.films.ids[history.movies].tolist(), history.stars.tolist(), strict=True))
    assert len(own) < len(seen)  # what validates and tests is no model's business
    frame = trained.recommend(1, top=1000, include_seen=True, min_ratings=0).set_index("movie_id")["own_stars"]
    assert frame.dropna().to_dict() == own
    assert len(frame) == trained.films.listed.sum()


@pytest.mark.parametrize("number", [0, 1])
def test_a_user_of_no_or_one_rating_gets_a_list(tables: Tables, number: int) -> None:
    few = with_seen(build(tables), 4, tables.complete.nonzero().squeeze(1)[:number])
    frame = few.recommend(5, top=1000, min_ratings=0)
    assert len(frame) == int(tables.complete.sum()) - number
    assert frame["stars"].notna().all()


def test_a_user_who_has_rated_all_films_gets_an_empty_list_and_the_reason(tables: Tables) -> None:
    every = with_seen(build(tables), 4, torch.arange(len(tables.movie_ids)))
    frame = every.recommend(5, explain=True)
    assert list(frame["movie_id"]) == []
    assert "Only 0 films of 10 could be listed: the filters leave no more." in frame.attrs["notes"]
    assert len(every.recommend(5, include_seen=True)) == 10


def test_a_user_without_training_ratings_is_scored_like_predict(sample_root: Path) -> None:
    module = RatingsDataModule(root=sample_root, split="time", fractions=(0.05, 0.05, 0.9))
    module.setup()
    assert module.tables is not None
    tables = module.tables
    absent = sorted(set(range(len(tables.user_ids))) - set(module.rows["train"].user.tolist()))
    recommender = build(tables)
    user_id = int(tables.user_ids[absent[0]])
    frame = recommender.recommend(user_id, top=3)
    with torch.inference_mode():
        unit = network_of(recommender)(
            tables.user_statistics[tables.scoring_bank, absent[0]].expand(3, -1),
            torch.tensor([recommender.films.row(film) for film in frame["movie_id"]]),
            torch.full((3,), tables.scoring_bank),
        )
    assert frame["stars"].to_numpy() == pytest.approx(tables.to_stars(unit).numpy(), abs=1e-5)


def test_films_without_metadata_are_counted_and_never_recommended(trained: Recommender) -> None:
    incomplete = set(trained.films.ids[~trained.films.listed].tolist())
    assert incomplete
    frame = trained.recommend(1, top=1000, min_ratings=0, include_seen=True)
    assert set(frame["movie_id"]) & incomplete == set()
    note = f"Left out: {len(incomplete)} films without the metadata that the model reads."
    assert note in frame.attrs["notes"]
    with pytest.raises(UnknownIdError, match="lacks metadata"):
        trained.predict(1, [min(incomplete)])
    with pytest.raises(UnknownIdError, match="lacks metadata"):
        trained.similar(min(incomplete))


def test_films_without_metadata_are_recommended_where_it_is_imputed(sample_root: Path, trained: Recommender) -> None:
    module = TMDbDataModule(root=sample_root, missing="impute")
    module.setup()
    assert module.tables is not None
    frame = build(module.tables).recommend(1, top=1000, min_ratings=0, include_seen=True)
    assert len(frame) == len(module.tables.movie_ids)
    assert len(frame.attrs["notes"]) == 1  # that fewer than 1000 are left


def test_a_new_user_with_a_training_users_ratings_gets_the_same_list(sample_root: Path) -> None:
    module = RatingsDataModule(root=sample_root, columns=["movieId", "genres"])
    module.setup()
    assert module.tables is not None
    tables, rows = module.tables, module.rows["train"]
    recommender = build(tables)
    for user in range(0, 300, 23):
        own = rows.take(rows.user == user)
        ids = tables.movie_ids[own.movie.long()].tolist()
        ratings = dict(zip(ids, tables.to_stars(own.rating).round(decimals=1).tolist(), strict=True))
        alone = with_seen(recommender, user, own.movie.long())
        known = alone.recommend(int(tables.user_ids[user]), top=400, min_ratings=0)
        new = recommender.recommend(ratings=ratings, top=400, min_ratings=0)
        columns = ["movie_id", "stars"]
        pd.testing.assert_frame_equal(new[columns], known[columns])


@pytest.mark.parametrize("stars", [0.0, 5.5, -1.0, float("nan")])
def test_stars_outside_the_scale_are_refused(trained: Recommender, stars: float) -> None:
    with pytest.raises(ConfigError, match=rf"from 0\.5 to 5 stars, got {stars:g}\."):
        trained.recommend(ratings={int(trained.films.ids[0]): stars, int(trained.films.ids[1]): 3.0})


def test_a_newcomers_films_must_be_known(trained: Recommender) -> None:
    with pytest.raises(UnknownIdError, match="Film 99999 is not among the"):
        trained.recommend(ratings={99999: 4.0})


def test_nobody_in_particular_gets_the_films_that_most_people_like(trained: Recommender) -> None:
    tables = trained.tables
    ratings = pd.DataFrame({"film": tables.history_movies, "stars": tables.history_stars.double()})
    found = ratings.groupby("film")["stars"].agg(["sum", "count"])
    damped = (found["sum"] + 25 * ratings["stars"].mean()) / (found["count"] + 25)
    rated = tables.num_ratings[found.index] >= 20
    best = damped[rated].sort_values(ascending=False, kind="stable")[:10]
    frame = trained.recommend()
    assert list(frame["movie_id"]) == tables.movie_ids[best.index.to_list()].tolist()
    assert frame["stars"].to_numpy() == pytest.approx(best.to_numpy())
    assert "Without ratings" in frame.attrs["notes"][0]


def test_all_users_get_what_each_gets_alone(trained: Recommender) -> None:
    frames = dict(zip(trained.user_ids.tolist(), trained.recommend_all(top=4, years=(1950, 2000)), strict=True))
    assert all(set(frame["user_id"]) <= {user_id} for user_id, frame in frames.items())
    for user_id in (1, 150, 300):
        alone = trained.recommend(user_id, top=4, years=(1950, 2000))
        assert frames[user_id]["movie_id"].tolist() == alone["movie_id"].tolist()
        assert frames[user_id]["stars"].tolist() == alone["stars"].tolist()


def test_explained_predictions_add_up(trained: Recommender) -> None:
    frame = trained.recommend(3, top=20, explain=True)
    parts = frame["average"] + frame.filter(like="from_").sum(axis=1)
    assert parts.to_numpy() == pytest.approx(frame["prediction"].to_numpy(), abs=1e-4)
    tables = trained.tables
    clipped = frame["prediction"].clip(tables.min_stars, tables.max_stars).to_numpy()
    assert frame["stars"].to_numpy() == pytest.approx(clipped, abs=1e-4)


def test_a_film_is_most_similar_to_its_twin_and_never_to_itself(tables: Tables) -> None:
    features, statistics = tables.movie_features.clone(), tables.movie_statistics.clone()
    first, second, *_ = tables.complete.nonzero().squeeze(1).tolist()
    features[second], statistics[:, second] = features[first], statistics[:, first]
    twins = build(replace(tables, movie_features=features, movie_statistics=statistics))
    frame = twins.similar(int(tables.movie_ids[first]), top=400, min_ratings=0)
    assert frame["movie_id"].iloc[0] == int(tables.movie_ids[second])
    assert frame["similarity"].iloc[0] == pytest.approx(1, abs=1e-5)
    assert int(tables.movie_ids[first]) not in set(frame["movie_id"])
    assert frame["similarity"].is_monotonic_decreasing


@pytest.mark.parametrize("normalisation", ["none", "batch", "layer"])
def test_similarity_is_of_the_first_hidden_layers_outputs(tables: Tables, normalisation: str) -> None:
    recommender = build(tables, normalisation=normalisation, activation="tanh")
    rows = tables.complete.nonzero().squeeze(1)
    mean = tables.user_statistics[tables.scoring_bank].mean(dim=0)
    with torch.inference_mode():
        network = network_of(recommender)
        hidden = network.first.of_movies(rows, tables.scoring_bank) + network.first.of_user(mean)
        if normalisation != "none":
            hidden = network.rest[0](hidden)
        hidden = torch.tanh(hidden)
        hidden -= hidden.mean(dim=0)
        expected = nn.functional.cosine_similarity(hidden[0], hidden[1:])
    frame = recommender.similar(int(tables.movie_ids[rows[0]]), top=400, min_ratings=0)
    assert sorted(frame["similarity"]) == pytest.approx(sorted(expected.tolist()), abs=1e-5)


def test_threads_that_share_a_recommender_get_what_one_alone_gets(checkpoint: Path, trained: Recommender) -> None:
    fresh = Recommender.from_checkpoint(checkpoint)  # so that what is computed at first use is computed by threads
    users = trained.user_ids[:40].tolist() * 2

    def ask(user_id: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        return fresh.recommend(user_id, explain=True, genres=["Drama"]), fresh.similar(int(fresh.films.ids[0]))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, users))
    similar = trained.similar(int(trained.films.ids[0]))
    for user_id, (listed, nearest) in zip(users, answers, strict=True):
        expected = trained.recommend(user_id, explain=True, genres=["Drama"])
        pd.testing.assert_frame_equal(listed, expected)
        pd.testing.assert_frame_equal(nearest, similar)


def test_a_checkpoint_alone_is_enough_and_lightning_is_not_imported(checkpoint: Path, tmp_path: Path) -> None:
    copy = tmp_path / "somewhere.ckpt"
    copy.write_bytes(checkpoint.read_bytes())
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", ALONE, str(copy)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["5", "[]"]


def test_the_package_offers_the_recommender_and_nothing_that_is_not_there() -> None:
    assert movierec.Recommender is Recommender
    with pytest.raises(AttributeError, match="Recomender"):
        _ = movierec.Recomender


def damage(checkpoint: Path, folder: Path, **changes: Any) -> Path:
    content = torch.load(checkpoint, weights_only=True)
    path = folder / "damaged.ckpt"
    torch.save(content | changes, path)
    return path


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(checkpoint: Path, tmp_path: Path, value: float) -> None:
    weights = torch.load(checkpoint, weights_only=True)["state_dict"]
    weights["model.first.bias"][3] = value
    with pytest.raises(CheckpointError, match="finite weights"):
        Recommender.from_checkpoint(damage(checkpoint, tmp_path, state_dict=weights))


def test_weights_of_another_width_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    weights = torch.load(checkpoint, weights_only=True)["state_dict"]
    weights["model.first.bias"] = weights["model.first.bias"][:-1]
    with pytest.raises(CheckpointError, match="weights that fit"):
        Recommender.from_checkpoint(damage(checkpoint, tmp_path, state_dict=weights))


def test_an_older_schema_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=f"schema {SCHEMA}, found 1"):
        Recommender.from_checkpoint(damage(checkpoint, tmp_path, tables={"schema": 1}))


def test_what_is_no_checkpoint_of_ours_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    for name, message in (("other", "another program's"), ("text", "damaged or something else")):
        with pytest.raises(CheckpointError, match=message):
            Recommender.from_checkpoint(tmp_path / f"{name}.ckpt")
