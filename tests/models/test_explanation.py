from itertools import permutations

import numpy as np
import pytest
import torch
from torch import nn

from movierec.data.histories import history_of
from movierec.data.tables import Tables
from movierec.models.explanation import group_of
from movierec.models.mlp import MLP
from movierec.recommend.recommender import Recommender


@pytest.fixture
def network(trained: Recommender) -> MLP:
    assert isinstance(trained.model, MLP)
    return trained.model


def test_shares_add_up_to_what_the_network_predicts(network: MLP) -> None:
    history = history_of(network.tables, 7)
    rows = network.tables.complete.nonzero().squeeze(1)[:50]
    frame = network.explain(history, rows)
    shares = frame.filter(like="from_").sum(axis=1)
    assert (frame["average"] + shares).to_numpy() == pytest.approx(frame["prediction"].to_numpy(), abs=1e-4)
    low, high = network.tables.min_stars, network.tables.max_stars
    predicted = network.predict(history, rows).numpy()
    assert np.clip(frame["prediction"].to_numpy(), low, high) == pytest.approx(predicted, abs=1e-4)


def test_a_share_is_the_mean_change_over_all_orders(network: MLP) -> None:
    explainer, tables = network.explainer, network.tables
    person = tables.user_statistics[tables.scoring_bank, 7]
    rows = tables.complete.nonzero().squeeze(1)[:3]
    film = [tables.movie_features[rows], tables.movie_statistics[tables.scoring_bank, rows]]
    own = torch.cat([*film, person.expand(3, -1)], dim=1)
    changes: dict[str, list[np.ndarray]] = {name: [] for name in explainer.groups}
    for order in permutations(range(len(explainer.groups))):
        for place, group in enumerate(order):
            before, after = tuple(sorted(order[:place])), tuple(sorted(order[: place + 1]))
            change = explainer.predict(own, after) - explainer.predict(own, before)
            changes[explainer.groups[group]].append(change.detach().numpy())
    frame = explainer.explain(person, rows)
    for name, values in changes.items():
        assert frame[f"from_{name}"].to_numpy() == pytest.approx(np.mean(values, axis=0), abs=1e-6)


@pytest.mark.parametrize("ignored", ["user", "film_ratings", "genres", "tmdb", "ids"])
def test_a_group_that_the_network_ignores_has_no_share(tables: Tables, ignored: str) -> None:
    torch.manual_seed(0)
    network = MLP(tables, hidden=[8], dropout=[0.0], activation="tanh", normalisation="none").eval()
    columns = torch.tensor([group_of(name) == ignored for name in tables.feature_names])
    with torch.no_grad():
        labels = network.first.label_columns
        network.first.number_weight[:, columns[~labels]] = 0
        if network.first.label_weight is not None:
            network.first.label_weight[:-1][columns[labels]] = 0
    explainer = network.explainer
    frame = explainer.explain(tables.user_statistics[tables.scoring_bank, 3], tables.complete.nonzero().squeeze(1)[:20])
    assert frame[f"from_{ignored}"].to_numpy() == pytest.approx(np.zeros(20), abs=1e-6)
    others = frame.filter(like="from_").drop(columns=f"from_{ignored}")
    assert (others.abs().max() > 1e-3).all()


def test_a_linear_network_gives_each_group_its_own_terms(tables: Tables) -> None:
    network = MLP(tables, hidden=[], dropout=[], activation="relu", normalisation="none").eval()
    nn.init.normal_(network.first.number_weight)
    explainer = network.explainer
    person = tables.user_statistics[tables.scoring_bank, 3]
    frame = explainer.explain(person, tables.complete.nonzero().squeeze(1)[:4])
    terms = (network.first.of_user(person) - network.first.of_user(explainer.average[-len(person) :])).item()
    assert frame["from_user"].to_numpy() == pytest.approx(terms * (tables.max_stars - tables.min_stars), abs=1e-4)
