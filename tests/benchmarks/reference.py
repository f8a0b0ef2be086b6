"""What a figure is compared with, written plainly: the naive loop, the bare loop, and the machine's own limit."""

import copy
import time
from itertools import pairwise

import numpy as np
import torch
from sklearn.metrics import mean_squared_error, r2_score
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from movierec.data.batches import Batch
from movierec.data.tables import Tables
from movierec.models.mlp import MLP

LEARNING_RATE = 1e-3


class NaiveLoop:
    """Train as the published notebook does.

    The full feature matrix is one TensorDataset, shuffled and collated row by row; each batch's loss is read with
    `item()`, its predictions are gathered in NumPy, and scikit-learn computes the metrics of the epoch.
    """

    def __init__(
        self, tables: Tables, rows: dict[str, Batch], *, hidden: list[int], dropout: list[float], batch_size: int
    ) -> None:
        self.model = dense_network(tables.width, hidden, dropout)
        self.loss = nn.HuberLoss()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=LEARNING_RATE)
        self.train, self.val = (
            DataLoader(
                TensorDataset(feature_matrix(tables, rows[part]), rows[part].rating[:, None]),
                batch_size=batch_size,
                shuffle=part == "train",
            )
            for part in ("train", "val")
        )

    def epoch(self, train_batches: int, val_batches: int) -> None:
        """Train on so many batches, then validate on others."""
        self.model.train()
        self.measure(self.train, train_batches, learn=True)
        self.model.eval()
        with torch.no_grad():
            self.measure(self.val, val_batches, learn=False)

    def measure(self, loader: DataLoader[tuple[Tensor, ...]], batches: int, *, learn: bool) -> None:
        """Go once through some batches of a loader."""
        predicted, true = [], []
        total = 0.0
        for _, (features, ratings) in zip(range(batches), loader, strict=False):
            prediction = self.model(features)
            loss = self.loss(prediction, ratings)
            if learn:
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            total += loss.item()
            predicted.append(prediction.detach().numpy())
            true.append(ratings.numpy())
        r2_score(np.concatenate(true), np.concatenate(predicted))
        mean_squared_error(np.concatenate(true), np.concatenate(predicted))


class BareLoop:
    """Train movierec's own network on its own batches in the shortest loop that does it, with nothing logged."""

    def __init__(self, network: MLP, rows: dict[str, Batch], *, batch_size: int, eval_batch_size: int) -> None:
        self.network = copy.deepcopy(network)
        self.rows = rows
        self.batch_size, self.eval_batch_size = batch_size, eval_batch_size
        self.loss = nn.HuberLoss()
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=LEARNING_RATE, fused=True)

    def epoch(self, train_batches: int, val_batches: int) -> None:
        """Train on so many batches, then validate on others."""
        train, val = self.rows["train"], self.rows["val"]
        self.network.train()
        for order in torch.split(torch.randperm(len(train.rating)), self.batch_size)[:train_batches]:
            user, movie, bank, rating, _ = train.take(order)
            self.optimizer.zero_grad()
            self.loss(self.network(self.network.user_statistics[bank, user], movie, bank), rating).backward()
            self.optimizer.step()
        self.network.eval()
        with torch.no_grad():
            for order in torch.split(torch.arange(len(val.rating)), self.eval_batch_size)[:val_batches]:
                user, movie, bank, rating, _ = val.take(order)
                self.loss(self.network(self.network.user_statistics[bank, user], movie, bank), rating)


def dense_network(num_inputs: int, hidden: list[int], dropout: list[float]) -> nn.Sequential:
    """Build the multilayer perceptron over all inputs, one-hot columns multiplied like the others."""
    layers: list[nn.Module] = []
    for (size, following), share in zip(pairwise([num_inputs, *hidden]), dropout, strict=True):
        layers += [nn.Linear(size, following), nn.ReLU(), nn.Dropout(share)]
    return nn.Sequential(*layers, nn.Linear(hidden[-1], 1))


def feature_matrix(tables: Tables, rows: Batch) -> Tensor:
    """Write out the network's inputs of each rating, [num_ratings, num_inputs]."""
    user, movie, bank = rows.user.long(), rows.movie.long(), rows.bank.long()
    parts = tables.movie_features[movie], tables.movie_statistics[bank, movie], tables.user_statistics[bank, user]
    return torch.cat(parts, dim=1)


def matrix_rate() -> float:
    """Measure how fast this machine multiplies matrices just now.

    The matrices are those of the largest layer of models 3 to 5, [1024, 2048] and [2048, 512].

    Returns:
        Floating-point operations a second.
    """
    left, right = torch.randn(1024, 2048), torch.randn(2048, 512)
    repeats = 20
    for _ in range(3):
        left @ right
    start = time.perf_counter()
    for _ in range(repeats):
        left @ right
    return repeats * 2 * left.numel() * right.shape[1] / (time.perf_counter() - start)


def operations(network: MLP) -> int:
    """Count the multiplications and additions that training on one rating needs.

    A layer of n inputs and m outputs takes 2 n m forward, and as many for the gradient of its weights and for that
    of its inputs; the inputs of the first layer need no gradient, and its one-hot columns no multiplication.
    """
    first = 2 * 2 * network.first.number_weight.numel()
    others = sum(3 * 2 * layer.weight.numel() for layer in network.rest if isinstance(layer, nn.Linear))
    return first + others
