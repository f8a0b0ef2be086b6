"""What each optimisation gains: training steps with one of them taken away, or with one added that was dropped."""

import copy
import shutil
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from movierec.data import MovieDataModule
from movierec.data.batches import Batch
from movierec.metrics.rating import RunningMetrics
from movierec.models.layers import Dropout
from movierec.models.mlp import MLP
from tests.benchmarks.reference import dense_network, feature_matrix

SHIPPED = "as shipped"
Step = Callable[[Batch], Tensor]
Network = Callable[[Tensor, Tensor, Tensor], Tensor]


def measure(data: MovieDataModule, network: MLP, *, hidden: list[int], rounds: int, steps: int) -> dict[str, Any]:
    """Time steps of each variant in turn.

    Returns:
        Milliseconds a step of what is shipped, and how many times as long each variant takes: medians over rounds.
    """
    rows = data.rows["train"].take(slice(0, steps * data.batch_size))
    variants = build(data, network, hidden, rows)
    for run in variants.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    shipped = seconds.pop(SHIPPED)
    ratios = {
        name: statistics.median(a / b for a, b in zip(values, shipped, strict=True)) for name, values in seconds.items()
    }
    return {"milliseconds a step": 1000 * statistics.median(shipped) / steps} | ratios


def build(data: MovieDataModule, network: MLP, hidden: list[int], rows: Batch) -> dict[str, Callable[[], None]]:
    """Build a loop over all rows for each variant."""
    tables, size = network.tables, data.batch_size
    with_bernoulli = replace(network, Dropout, lambda layer: nn.Dropout(layer.p))
    with_copies = replace(network, nn.ReLU, lambda _: nn.ReLU())
    dense = dense_network(tables.width, hidden, [0.0] * len(hidden))
    dense = nn.Sequential(dense[0], *copy.deepcopy(network.rest))
    matrix = feature_matrix(tables, rows)
    variants = {
        SHIPPED: loop(network, rows, size),
        "dense first layer": dense_loop(dense, matrix, rows, size),
        "nn.Dropout": loop(with_bernoulli, rows, size),
        "ReLU into new memory": loop(with_copies, rows, size),
        "AdamW not fused": loop(network, rows, size, fused=False),
        "rows collated one by one": loop(network, rows, size, collated=True),
        "torchmetrics updated each step": loop(network, rows, size, metrics=1),
        "torchmetrics updated each 64 steps": loop(network, rows, size, metrics=64),
        "dropped: each film's labels once a batch": loop(once_a_film(network), rows, size),
    }
    if shutil.which("g++"):
        compiled = copy.deepcopy(network)
        variants["dropped: torch.compile"] = loop(compiled, rows, size, call=torch.compile(compiled))
    variants["bf16-mixed"] = loop(network, rows, size, dtype=torch.bfloat16)
    variants["the matrix products alone"] = products(network, size, times=-(-len(rows.rating) // size))
    return variants


def replace(network: MLP, kind: type[nn.Module], new: Callable[[Any], nn.Module]) -> MLP:
    """Copy a network with other layers in place of those of a kind."""
    changed = copy.deepcopy(network)
    changed.rest = nn.Sequential(*(new(layer) if isinstance(layer, kind) else layer for layer in changed.rest))
    return changed


def once_a_film(network: MLP) -> MLP:
    """Copy a network, and let it add up the labels of a film that comes up twice in a batch only once."""
    changed = copy.deepcopy(network)
    first = changed.first

    def forward(user: Tensor, movie: Tensor, bank: Tensor) -> Tensor:
        numbers = torch.cat([first.numbers[movie], first.movie_statistics[bank, movie], user], dim=-1)
        of_numbers = functional.linear(numbers, first.number_weight, first.bias)
        if first.label_weight is None:
            return of_numbers
        films, place = torch.unique(movie, return_inverse=True)
        padding = len(first.label_weight) - 1
        labels = functional.embedding_bag(first.labels[films], first.label_weight, mode="sum", padding_idx=padding)
        return of_numbers.add_(labels[place])

    first.forward = forward  # type: ignore[method-assign]
    return changed


def loop(
    network: MLP,
    rows: Batch,
    batch_size: int,
    *,
    call: Network | None = None,
    fused: bool = True,
    collated: bool = False,
    metrics: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Callable[[], None]:
    """Build a loop that trains a copy of a network, with something changed."""
    trained = network if call is not None else copy.deepcopy(network)
    predict = call if call is not None else trained
    loss = nn.HuberLoss()
    running = RunningMetrics(loss)
    optimizer = torch.optim.AdamW(trained.parameters(), fused=fused)
    one_by_one = DataLoader(TensorDataset(*rows), batch_size=batch_size, shuffle=True)

    def run() -> None:
        batches = (rows.take(order) for order in torch.split(torch.randperm(len(rows.rating)), batch_size))
        for number, (user, movie, bank, rating, _) in enumerate(one_by_one if collated else batches, start=1):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                prediction = predict(user, movie, bank)
            loss(prediction.float(), rating).backward()
            optimizer.step()
            if metrics:
                running.update(prediction, rating)
                if number % metrics == 0:
                    running.count()
        running.count()

    return run


def products(network: MLP, batch_size: int, *, times: int) -> Callable[[], None]:
    """Build a loop over the matrix products of a training step, which no way of training can leave out."""
    later = [layer.weight for layer in network.rest if isinstance(layer, nn.Linear)]
    shapes = [weight.shape for weight in (network.first.number_weight, *later)]
    sides = [(torch.rand(batch_size, before), torch.rand(after, before)) for after, before in shapes]
    gradients = [torch.rand(batch_size, after) for after, _ in shapes]

    def run() -> None:
        for _ in range(times):
            for (inputs, weight), gradient in zip(sides, gradients, strict=True):
                inputs @ weight.T
                gradient.T @ inputs
            for (_, weight), gradient in zip(sides[1:], gradients[1:], strict=True):
                gradient @ weight

    return run


def dense_loop(model: nn.Sequential, matrix: Tensor, rows: Batch, batch_size: int) -> Callable[[], None]:
    """Build a loop over the written-out inputs, one-hot columns multiplied like the others."""
    loss = nn.HuberLoss()
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def run() -> None:
        for order in torch.split(torch.randperm(len(rows.rating)), batch_size):
            optimizer.zero_grad()
            loss(model(matrix[order]).squeeze(-1), rows.rating[order]).backward()
            optimizer.step()

    return run
