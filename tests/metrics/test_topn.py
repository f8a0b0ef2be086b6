import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from movierec.data import RatingsDataModule
from movierec.data.batches import Batch
from movierec.data.histories import history_of, user_statistics
from movierec.data.tables import Tables
from movierec.metrics.topn import compare, describe, evaluate_lists, list_targets, new_user_targets
from movierec.models.mlp import MLP


def test_metrics_of_one_list_agree_with_a_hand_computation() -> None:
    found = np.array([4, 9, 2, 7])
    relevant = np.array([9, 7, 5])
    gain = 1 / math.log2(3) + 1 / math.log2(5)
    best = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    recall, ndcg, precision, *_ = compare(found, relevant)
    assert recall == pytest.approx(2 / 3)
    assert ndcg == pytest.approx(gain / best)
    assert precision == pytest.approx((1 / 2 + 2 / 4) / 3)


def test_ten_hits_of_twelve_relevant_films_are_a_perfect_list_that_recalls_ten() -> None:
    assert compare(np.arange(10), np.arange(12))[:3] == pytest.approx([10 / 12, 1, 1])


def test_an_empty_list_finds_nothing() -> None:
    assert compare(np.empty(0, dtype=np.int64), np.array([1])) == [0] * 6


def test_what_lists_of_all_users_have_in_common_agrees_with_a_hand_computation() -> None:
    share = np.array([0.5, 0.25, 0.125, 1.0])
    found = describe([np.array([0, 1]), np.array([0, 2])], share)
    assert found["coverage"] == 3 / 4
    assert found["novelty"] == (1 + 2 + 1 + 3) / 4
    assert found["personality"] == 1 - 1 / 10  # one film in common, of ten
    assert found["users"] == 2


def rows(*ratings: tuple[int, int, float]) -> Batch:
    user, movie, stars = zip(*ratings, strict=True)
    unit = torch.tensor([(value - 0.5) / 4.5 for value in stars])
    nought = torch.zeros(len(user)).int()
    return Batch(torch.tensor(user).int(), torch.tensor(movie).int(), nought, unit, nought)


@pytest.fixture
def five(tables: Tables) -> Tables:
    """The first five films and three users of the sample, as if they were all, and had all metadata."""
    return replace(
        tables,
        movie_features=tables.movie_features[:5],
        movie_statistics=tables.movie_statistics[:, :5],
        user_statistics=tables.user_statistics[:, :3],
        user_ids=tables.user_ids[:3],
        movie_ids=tables.movie_ids[:5],
        complete=torch.tensor([True, True, True, True, False]),
        history_offsets=torch.tensor([0, 2, 4, 8]),
        history_movies=torch.tensor([0, 1, 0, 1, 0, 2, 3, 4], dtype=torch.int32),
        history_stars=torch.tensor([3.0, 5.0, 3.0, 4.0, 3.0, 2.5, 1.0, 5.0], dtype=torch.float16),
        history_days=torch.arange(8, dtype=torch.int32),
        seen_offsets=torch.tensor([0, 5, 9, 14]),
        seen_movies=torch.tensor([0, 1, 2, 3, 4, 0, 1, 2, 3, 0, 1, 2, 3, 4], dtype=torch.int32),
        min_stars=0.5,
        max_stars=5.0,
    )


@pytest.fixture
def parts() -> dict[str, Batch]:
    """Film 0 has three training ratings, film 1 two better ones, films 2 and 3 one each, film 4 lacks metadata."""
    return {
        "train": rows(
            (0, 0, 3.0), (1, 0, 3.0), (2, 0, 3.0), (0, 1, 5.0), (1, 1, 4.0), (2, 2, 2.0), (2, 3, 1.0), (2, 4, 5.0)
        ),
        "val": rows((0, 2, 5.0)),
        "test": rows((0, 3, 4.0), (0, 4, 5.0), (1, 2, 3.5), (1, 3, 4.5), (2, 1, 4.0)),
    }


@pytest.fixture(autouse=True)
def any_film(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets networks list films of any number of ratings."""
    monkeypatch.setattr(MLP, "list_min_ratings", 0)


def network_of(tables: Tables) -> MLP:
    torch.manual_seed(0)
    return MLP(tables, hidden=[4], dropout=[0.0], activation="relu", normalisation="none").eval()


def test_targets_are_liked_films_and_what_was_rated_before_is_seen(five: Tables, parts: dict[str, Batch]) -> None:
    parts["train"] = parts["train"].take(parts["train"].user != 1)  # held out; the history is in the tables
    targets = list_targets(five, parts, "test")
    assert [target.user_id for target in targets] == five.user_ids.tolist()
    assert [target.liked.tolist() for target in targets] == [[3, 4], [3], [1]]
    assert [sorted(target.seen.tolist()) for target in targets] == [[0, 1, 2], [0, 1], [0, 2, 3, 4]]
    (of_validation,) = list_targets(five, parts, "val")
    assert of_validation.liked.tolist() == [2]
    assert of_validation.seen.tolist() == [0, 1]


def test_of_new_users_some_ratings_are_known_and_the_liked_others_are_to_be_found(
    five: Tables, parts: dict[str, Batch]
) -> None:
    first, second, third = new_user_targets(five, parts["test"], 1)
    everything = {(0, 3.0), (1, 5.0), (3, 4.0), (4, 5.0)}  # of user 0: history and test ratings
    known = set(zip(first.history.movies.tolist(), first.history.stars.tolist(), strict=True))
    assert len(known) == 1
    assert known < everything
    assert set(first.liked.tolist()) == {film for film, stars in everything - known if stars >= 4}
    assert first.seen.tolist() == first.history.movies.tolist()
    assert [len(one.history.movies) for one in (second, third)] == [1, 1]
    assert new_user_targets(five, parts["test"], 5) == []  # nobody has rated more


def test_deep_recall_is_of_at_most_so_many_films() -> None:
    found = np.arange(100)
    relevant = np.concatenate([np.arange(0, 40, 2), np.arange(200, 210)])  # 20 in the list, at even places below 40
    gain = sum(1 / math.log2(place + 2) for place in range(0, 40, 2))
    best = sum(1 / math.log2(place + 2) for place in range(30))
    assert compare(found, relevant)[3:] == pytest.approx([10 / 20, 20 / 30, gain / best])


def test_rankings_of_all_unseen_films_agree_with_a_hand_computation(five: Tables, parts: dict[str, Batch]) -> None:
    found, by_user = evaluate_lists(network_of(five), parts)
    # Unseen are 3 and 4 for user 0, who likes both; 2, 3 and 4 for user 1, who likes 3 only; 1 for user 2, who likes
    # it. Films 2 to 4 have one rating each, and the lower row comes first.
    popularity = found["popularity"]
    assert popularity["recall@10"] == 1
    assert popularity["ndcg@10"] == pytest.approx(np.mean([1, 1 / math.log2(3), 1]))
    assert popularity["map@10"] == pytest.approx(np.mean([1, 1 / 2, 1]))
    assert popularity["coverage"] == 4 / 5
    assert popularity["novelty"] == pytest.approx((5 * math.log2(3) + math.log2(3 / 2)) / 6)
    assert popularity["personality"] == pytest.approx(1 - (2 + 2) / 6 / 10)  # 3 and 4 are in two lists each
    low, high = popularity["intervals"]["map@10"]
    assert 1 / 2 <= low < popularity["map@10"] < high <= 1
    assert {values["users"] for values in found.values()} == {3}
    of_popularity = by_user[by_user["ranking"] == "popularity"]
    assert of_popularity["map@10"].tolist() == [1, 1 / 2, 1]
    assert of_popularity["user_id"].tolist() == five.user_ids.tolist()


def test_films_that_a_model_cannot_list_or_of_too_few_ratings_are_not_listed(
    five: Tables, parts: dict[str, Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = evaluate_lists(network_of(five), parts)
    assert found["model"]["recall@10"] == pytest.approx(np.mean([1 / 2, 1, 1]))  # film 4 lacks metadata
    monkeypatch.setattr(MLP, "list_min_ratings", 2)
    found, _ = evaluate_lists(network_of(five), parts)
    assert found["model"]["recall@10"] == pytest.approx(1 / 3)  # left are 0, seen by all, and 1, unseen by user 2
    assert found["model"]["coverage"] == 1 / 5


def test_the_model_ranks_by_what_its_network_predicts(five: Tables, parts: dict[str, Batch]) -> None:
    network = network_of(five)
    bank = torch.full((2,), five.scoring_bank)
    own = user_statistics(five, history_of(five, 1)).expand(2, -1)
    with torch.inference_mode():
        scores = network(own, torch.tensor([2, 3]), bank)
    found, _ = evaluate_lists(network, parts | {"test": rows((1, 2, 3.0), (1, 3, 5.0))})
    assert found["model"]["map@10"] == (1 if scores[1] > scores[0] else 1 / 2)


def test_at_most_so_many_users_are_measured_always_the_same(five: Tables, parts: dict[str, Batch]) -> None:
    first, again = (evaluate_lists(network_of(five), parts, num_users=2) for _ in range(2))
    assert first[0]["model"]["users"] == 2
    assert first[1]["user_id"].tolist() == again[1]["user_id"].tolist()


def test_likes_are_ratings_in_the_upper_quarter_of_any_scale(five: Tables) -> None:
    assert five.liked_stars == 4
    whole = replace(five, history_stars=five.history_stars.round(), min_stars=1.0)
    assert whole.liked_stars == 4
    assert replace(whole, max_stars=10.0).liked_stars == 8


def test_the_stars_of_a_liked_film_can_be_chosen(sample_root: Path) -> None:
    data = RatingsDataModule(root=sample_root, liked=3.0)
    data.setup()
    assert data.tables is not None
    targets = list_targets(data.tables, data.rows, "test")
    stars = data.tables.to_stars(data.rows["test"].rating)
    assert sum(len(target.liked) for target in targets) == int((stars >= 3).sum())


def test_lists_leave_out_the_training_ratings_that_a_share_does_not_train_on(sample_root: Path) -> None:
    whole, part = (RatingsDataModule(root=sample_root, train_share=share, cache=False) for share in (1.0, 0.2))
    targets = []
    for data in whole, part:
        data.setup()
        assert data.tables is not None
        targets.append(list_targets(data.tables, data.rows, "test"))
    assert len(targets[0]) > 100
    for one, other in zip(*targets, strict=True):
        assert set(one.seen) == set(other.seen)
        assert one.liked.tolist() == other.liked.tolist()
