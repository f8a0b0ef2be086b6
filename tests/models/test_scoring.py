from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from movierec.data.tables import Tables
from movierec.models.mlp import ACTIVATIONS, MLP
from movierec.models.scoring import FILMS_AT_ONCE, top_positions

PLAIN: dict[str, Any] = {"dropout": [0.5, 0.0], "activation": "relu", "normalisation": "none"}


def build(tables: Tables, **options: Any) -> MLP:
    torch.manual_seed(0)
    network = MLP(tables, **{"hidden": [32, 8]} | PLAIN | options)
    for layer in network.rest:
        if isinstance(layer, nn.BatchNorm1d):
            assert layer.running_mean is not None
            layer.running_mean.normal_()
            nn.init.normal_(layer.weight)
    return network.eval()


def pair_by_pair(network: MLP, tables: Tables, user: int, movies: Tensor) -> Tensor:
    bank = torch.full_like(movies, tables.scoring_bank)
    with torch.inference_mode():
        ratings: Tensor = network(tables.user_statistics[bank, user], movies, bank)
    return ratings


@pytest.mark.parametrize(
    "options",
    [
        *({"activation": name} for name in ACTIVATIONS),
        {"normalisation": "batch"},
        {"normalisation": "layer"},
        {"normalisation": "batch", "activation": "gelu"},
        {"hidden": [4], "dropout": [0.1]},
        {"hidden": [], "dropout": []},
    ],
    ids=str,
)
def test_a_user_scored_at_once_gets_what_the_network_gives_pair_by_pair(
    tables: Tables, options: dict[str, Any]
) -> None:
    network = build(tables, **options)
    scorer = network.scorer
    movies = tables.complete.nonzero().squeeze(1)
    for user in range(0, len(tables.user_ids), 37):
        statistics = tables.user_statistics[tables.scoring_bank, user]
        expected = pair_by_pair(network, tables, user, movies)
        torch.testing.assert_close(scorer.score(statistics, movies), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [0, 1, 3, 200])
def test_any_films_in_any_order_get_their_own_scores(
    tables: Tables, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("movierec.models.scoring.FILMS_AT_ONCE", 64)  # so that the sample makes several blocks
    network = build(tables)
    scorer = network.scorer
    assert len(scorer.blocks) > 2
    movies = tables.complete.nonzero().squeeze(1)
    movies = movies[torch.randperm(len(movies))][:size]
    expected = pair_by_pair(network, tables, 5, movies) if size else torch.empty(0)
    scores = scorer.score(tables.user_statistics[tables.scoring_bank, 5], movies)
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-5)


def test_a_network_whose_units_are_all_off_predicts_its_last_bias(tables: Tables) -> None:
    network = build(tables)
    nn.init.constant_(network.first.bias, -1e6)
    scorer = network.scorer
    movies = tables.complete.nonzero().squeeze(1)
    scores = scorer.score(tables.user_statistics[tables.scoring_bank, 0], movies)
    torch.testing.assert_close(scores, pair_by_pair(network, tables, 0, movies), rtol=0, atol=1e-6)
    assert len(set(scores.tolist())) == 1


def test_blocks_are_no_wider_than_the_cache_likes(tables: Tables) -> None:
    assert all(block.shape[1] <= FILMS_AT_ONCE for block in build(tables).scorer.blocks)


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 45))
def test_the_top_is_that_of_a_stable_sort(values: list[int], count: int) -> None:
    scores = np.array(values, dtype=np.float32)
    expected = sorted(range(len(values)), key=lambda place: (-values[place], place))[:count]
    assert top_positions(scores, count).tolist() == expected
