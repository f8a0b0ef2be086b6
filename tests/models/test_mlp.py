from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from movierec.data import CombinedDataModule, MovieDataModule, RatingsDataModule
from movierec.data.batches import Batch
from movierec.data.tables import Tables
from movierec.errors import ConfigError
from movierec.models import memory
from movierec.models.layers import Dropout, TableLinear, padded_positions
from movierec.models.mlp import ACTIVATIONS, MLP, Activation, Normalisation

LAYERS = {"linear": nn.Linear, "dropout": Dropout, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
LAYERS |= {name: type(build()) for name, build in ACTIVATIONS.items()}
PLAIN: dict[str, Any] = {"hidden": [8, 4], "dropout": [0.0, 0.0], "activation": "relu", "normalisation": "none"}


def prepare(module: MovieDataModule) -> tuple[Tables, Batch]:
    module.setup()
    assert module.tables is not None
    rows = module.rows["train"]
    return module.tables, rows.take(torch.arange(0, len(rows.rating), 50))


@pytest.fixture(scope="module", params=[RatingsDataModule, CombinedDataModule])
def data(request: pytest.FixtureRequest, sample_root: Path) -> tuple[Tables, Batch]:
    return prepare(request.param(root=sample_root))


def predict(network: MLP, batch: Batch) -> Tensor:
    ratings: Tensor = network(network.user_statistics[batch.bank, batch.user], batch.movie, batch.bank)
    return ratings


def gather(tables: Tables, batch: Batch) -> Tensor:
    """Write each row's inputs one after another, as the module of the tables says they are."""
    return torch.stack(
        [
            torch.cat(
                [tables.movie_features[movie], tables.movie_statistics[bank, movie], tables.user_statistics[bank, user]]
            )
            for user, movie, bank in zip(*map(Tensor.tolist, batch[:3]), strict=True)
        ]
    )


def test_the_first_layer_is_a_linear_one_over_the_concatenated_inputs(data: tuple[Tables, Batch]) -> None:
    tables, batch = data
    torch.manual_seed(0)
    first = TableLinear(tables, 16)
    torch.manual_seed(0)
    dense = nn.Linear(tables.width, 16)
    expected = dense(gather(tables, batch))
    torch.testing.assert_close(
        first(tables.user_statistics[batch.bank, batch.user], batch.movie, batch.bank), expected, rtol=1e-4, atol=1e-5
    )


def test_the_first_layer_learns_what_a_linear_one_learns(data: tuple[Tables, Batch]) -> None:
    tables, batch = data
    torch.manual_seed(0)
    first = TableLinear(tables, 16)
    torch.manual_seed(0)
    dense = nn.Linear(tables.width, 16)
    for _ in range(3):
        for layer, output in (
            (first, first(tables.user_statistics[batch.bank, batch.user], batch.movie, batch.bank)),
            (dense, dense(gather(tables, batch))),
        ):
            layer.zero_grad()
            (output.sum(dim=1) - batch.rating).square().mean().backward()
            torch.optim.SGD(layer.parameters(), lr=0.01, weight_decay=0.1).step()
    expected = dense(gather(tables, batch))
    torch.testing.assert_close(
        first(tables.user_statistics[batch.bank, batch.user], batch.movie, batch.bank), expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("columns", [[], ["userId"], ["movieId", "userId"], ["genres"], ["tmdb_runtime"]], ids=str)
def test_the_first_layer_takes_labels_alone_numbers_alone_and_no_film_columns(
    sample_root: Path, columns: list[str]
) -> None:
    tables, batch = prepare(CombinedDataModule(root=sample_root, columns=columns))
    torch.manual_seed(0)
    first = TableLinear(tables, 3)
    torch.manual_seed(0)
    expected = nn.Linear(tables.width, 3)(gather(tables, batch))
    torch.testing.assert_close(
        first(tables.user_statistics[batch.bank, batch.user], batch.movie, batch.bank), expected, rtol=1e-4, atol=1e-5
    )


def test_positions_of_ones_are_filled_up_with_the_number_of_columns() -> None:
    indicators = torch.tensor([[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0]])
    assert padded_positions(indicators).tolist() == [[1, 3], [4, 4], [0, 4], [1, 2]]


@pytest.mark.parametrize("shape", [(3, 0), (3, 2)])
def test_positions_are_padding_alone_where_no_column_is_one(shape: tuple[int, int]) -> None:
    positions = padded_positions(torch.zeros(shape))
    assert (positions.tolist(), positions.dtype) == ([[shape[1]]] * 3, torch.int32)


@pytest.mark.parametrize(
    ("hidden", "dropout", "normalisation", "layers"),
    [
        ([8], [0.0], "none", "relu linear"),
        ([8], [0.5], "none", "relu dropout linear"),
        ([8, 6, 4], [0.2, 0.0, 0.1], "none", "relu dropout linear relu linear relu dropout linear"),
        ([8, 4], [0.0, 0.3], "batch", "batch relu linear batch relu dropout linear"),
        ([8, 4], [0.0, 0.0], "layer", "layer relu linear layer relu linear"),
        ([], [], "none", ""),
    ],
)
def test_layers_follow_each_other_with_dropout_only_where_it_is_above_zero(
    data: tuple[Tables, Batch], hidden: list[int], dropout: list[float], normalisation: Normalisation, layers: str
) -> None:
    network = MLP(data[0], **PLAIN | {"hidden": hidden, "dropout": dropout, "normalisation": normalisation})
    assert [type(layer) for layer in network.rest] == [LAYERS[name] for name in layers.split()]
    assert [layer.p for layer in network.rest if isinstance(layer, nn.Dropout)] == [share for share in dropout if share]
    linear = [(layer.in_features, layer.out_features) for layer in network.rest if isinstance(layer, nn.Linear)]
    assert linear == list(pairwise([*hidden, 1]))
    assert len(network.first.bias) == [*hidden, 1][0]


@pytest.mark.parametrize("size", [1, 20])
@pytest.mark.parametrize("normalisation", ["none", "batch", "layer"])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_a_batch_of_any_size_and_one_by_one_has_the_same_predictions(
    data: tuple[Tables, Batch], activation: Activation, normalisation: Normalisation, size: int
) -> None:
    tables, rows = data
    options = PLAIN | {"dropout": [0.5, 0.5], "activation": activation, "normalisation": normalisation}
    network = MLP(tables, **options).eval()
    assert {type(layer) for layer in network.rest} >= {type(ACTIVATIONS[activation]())}
    batch = rows.take(torch.arange(size))
    with torch.no_grad():
        together = predict(network, batch)
        singly = [predict(network, rows.take(torch.tensor([row]))).item() for row in range(size)]
    assert together.shape == (size,)
    assert together.tolist() == pytest.approx(singly, abs=1e-5)


@pytest.mark.parametrize("normalisation", ["none", "layer"])
def test_a_training_batch_of_one_gives_each_weight_a_gradient(
    data: tuple[Tables, Batch], normalisation: Normalisation
) -> None:
    tables, rows = data
    network = MLP(tables, **PLAIN | {"activation": "tanh", "normalisation": normalisation})
    prediction = predict(network, rows.take(torch.tensor([3])))
    torch.autograd.backward(prediction.square().sum())
    assert prediction.shape == (1,)
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


def test_the_network_is_the_dense_perceptron_written_out(data: tuple[Tables, Batch]) -> None:
    tables, batch = data
    torch.manual_seed(4)
    network = MLP(tables, **PLAIN)
    torch.manual_seed(4)
    one, two, three = nn.Linear(tables.width, 8), nn.Linear(8, 4), nn.Linear(4, 1)
    expected = three(two(one(gather(tables, batch)).relu()).relu())[:, 0]
    torch.testing.assert_close(predict(network, batch), expected, rtol=1e-4, atol=1e-5)


def learn(forward: Callable[[Batch], Any], weights: Iterable[nn.Parameter], batches: list[Batch]) -> list[float]:
    """Train on each batch once, and return the losses."""
    optimizer = torch.optim.AdamW(weights, lr=0.01, weight_decay=0.1)
    torch.manual_seed(9)  # of the dropout
    losses = []
    for batch in batches:
        optimizer.zero_grad()
        loss = (forward(batch) - batch.rating).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_the_network_learns_what_the_dense_perceptron_learns(data: tuple[Tables, Batch]) -> None:
    tables, rows = data
    batches = [rows.take(torch.arange(start, len(rows.rating), 20)) for start in range(20)]
    torch.manual_seed(4)
    network = MLP(tables, **PLAIN | {"dropout": [0.3, 0.2]}).double()
    torch.manual_seed(4)
    dense = nn.Sequential(
        nn.Linear(tables.width, 8), nn.ReLU(), Dropout(0.3),
        nn.Linear(8, 4), nn.ReLU(), Dropout(0.2),
        nn.Linear(4, 1),
    ).double()  # fmt: skip
    losses = learn(lambda batch: predict(network, batch), network.parameters(), batches)
    expected = learn(lambda batch: dense(gather(tables, batch).double())[:, 0], dense.parameters(), batches)
    assert losses == pytest.approx(expected, rel=1e-9)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("normalisation", ["none", "batch", "layer"])
def test_an_empty_batch_has_an_empty_prediction(data: tuple[Tables, Batch], normalisation: Normalisation) -> None:
    tables, rows = data
    network = MLP(tables, **PLAIN | {"dropout": [0.5, 0.5], "normalisation": normalisation}).eval()
    assert predict(network, rows.take(slice(0))).shape == (0,)


def test_the_weights_of_a_network_leave_the_tables_out(data: tuple[Tables, Batch]) -> None:
    tables, _ = data
    network = MLP(tables, **PLAIN)
    first = {"first.number_weight", "first.bias"}
    if network.first.labels.shape[1] > 1:  # else there are so few labels that they are multiplied like numbers
        first.add("first.label_weight")
    assert set(network.state_dict()) == first | {f"rest.{i}.{name}" for i in (1, 3) for name in ("weight", "bias")}
    assert {name for name, _ in network.named_buffers()} == {
        "user_statistics",
        *(f"first.{name}" for name in ("label_columns", "labels", "numbers", "movie_statistics")),
    }


def test_as_many_dropouts_as_hidden_layers_are_expected(data: tuple[Tables, Batch]) -> None:
    with pytest.raises(ConfigError, match="one for each of the hidden layers"):
        MLP(data[0], **PLAIN | {"dropout": [0.1]})


@pytest.mark.parametrize("hidden", [[10**9], [10**6] * 3])
def test_a_network_beyond_the_memory_is_refused_before_it_is_built(
    hidden: list[int], data: tuple[Tables, Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "memory_bytes", lambda: 24 * memory.GB)
    with pytest.raises(ConfigError, match=r"fits into the memory of this machine, 24 GB; got [0-9,]+ weights, which"):
        MLP(data[0], hidden=hidden)


def test_a_network_has_room_up_to_16_bytes_a_weight(
    data: tuple[Tables, Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = (data[0].width + 1) * 3 + 4  # three neurons and the output's, each with a bias
    assert MLP(data[0], hidden=[3]).num_weights == weights
    monkeypatch.setattr(memory, "memory_bytes", lambda: 16 * weights - 1)
    with pytest.raises(ConfigError, match=f"got {weights:,} weights"):
        MLP(data[0], hidden=[3])
    monkeypatch.setattr(memory, "memory_bytes", lambda: 16 * weights)
    MLP(data[0], hidden=[3])
