"""Two layers that are faster here than torch's own: a linear layer over table rows, and dropout on a CPU."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from movierec.data.tables import Tables

FEW_LABELS = 64  # up to about so many are multiplied faster than they are looked up

LEVELS = 2**16
PER_DRAW = 4  # 16-bit numbers in a 64-bit one


class Dropout(nn.Dropout):
    """Set a share of the inputs to 0 in training, and scale the others up so that the mean stays (Srivastava, 2014).

        y = x * keep / (1 - p),   keep = 1 with probability 1 - p, else 0

    On a CPU, torch draws the mask of `nn.Dropout` one Bernoulli number at a time. Here one draw of 64 random bits
    decides over four inputs; the share p is rounded to a 65,536th. Other devices use torch's own kernel.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Drop some of the inputs, any shape."""
        dropped = round(self.p * LEVELS)
        if not self.training or x.device.type != "cpu" or dropped in (0, LEVELS):
            return super().forward(x)
        draws = torch.empty(-(-x.numel() // PER_DRAW), dtype=torch.int64, device=x.device).random_(-(2**63), None)
        bits = draws.view(torch.int16)[: x.numel()].view(x.shape)
        lowest = dropped - LEVELS // 2  # of the numbers from -32,768 to 32,767 that keep an input
        keep = bits.clamp_(lowest - 1, lowest).sub_(lowest - 1)
        return x * keep.to(x.dtype).mul_(LEVELS / (LEVELS - dropped))


class TableLinear(nn.Module):
    """The first linear layer, y = W x + b, over inputs x that are gathered from the tables.

    Most inputs are labels (genres, countries, languages) and 0 for most films. Instead of multiplying by them, the
    columns of W that belong to a film's labels are added up; only a few labels are multiplied like numbers, which is
    faster. Result and initial weights are those of `nn.Linear`.

    Args:
        tables: The tables of a data set; they move with the module from device to device.
        size_out: Number of outputs.
    """

    label_weight: nn.Parameter | None
    label_columns: Tensor
    labels: Tensor
    numbers: Tensor
    movie_statistics: Tensor

    def __init__(self, tables: Tables, size_out: int) -> None:
        super().__init__()
        features = tables.movie_features
        is_label = ((features == 0) | (features == 1)).all(dim=0)
        if is_label.sum() <= FEW_LABELS:
            is_label[:] = False
        # Not persistent: the checkpoint holds the tables once, as data, with all that belongs to them.
        for name, table in {
            "labels": padded_positions(features[:, is_label]),
            "numbers": features[:, ~is_label],
            "movie_statistics": tables.movie_statistics,
        }.items():
            self.register_buffer(name, table, persistent=False)
        dense = nn.Linear(tables.width, size_out)
        label_columns = torch.zeros(tables.width, dtype=torch.bool)
        label_columns[: len(is_label)] = is_label
        self.register_buffer("label_columns", label_columns, persistent=False)
        weight = dense.weight.detach()
        padding = weight.new_zeros(1, size_out)
        label_weight = nn.Parameter(torch.cat([weight[:, label_columns].T, padding]).contiguous())
        self.register_parameter("label_weight", label_weight if is_label.any() else None)
        self.number_weight = nn.Parameter(weight[:, ~label_columns].contiguous())
        self.bias = nn.Parameter(dense.bias.detach())

    def forward(self, user: Tensor, movie: Tensor, bank: Tensor) -> Tensor:
        """Apply the layer to rows of the tables.

        Args:
            user: Scaled statistics of the users, [batch, d_user_statistics].
            movie: Rows of the films, [batch] int.
            bank: Banks of the films' statistics, [batch] int.

        Returns:
            [batch, size_out].
        """
        numbers = torch.cat([self.numbers[movie], self.movie_statistics[bank, movie], user], dim=-1)
        return self.add_labels(functional.linear(numbers, self.number_weight, self.bias), movie)

    def add_labels(self, of_numbers: Tensor, movie: Tensor) -> Tensor:
        """Add what a film's labels contribute, in place, to what its numbers do: [batch, size_out]."""
        if self.label_weight is None:
            return of_numbers
        padding = len(self.label_weight) - 1
        of_labels = functional.embedding_bag(self.labels[movie], self.label_weight, mode="sum", padding_idx=padding)
        return of_numbers.add_(of_labels)

    def of_movies(self, movie: Tensor, bank: int) -> Tensor:
        """Compute the part of y that depends on the film alone, bias included.

        Args:
            movie: Rows of the films, [batch] int.
            bank: The bank of their statistics.

        Returns:
            [batch, size_out].
        """
        numbers = torch.cat([self.numbers[movie], self.movie_statistics[bank, movie]], dim=-1)
        weight = self.number_weight[:, : numbers.shape[-1]]
        return self.add_labels(functional.linear(numbers, weight, self.bias), movie)

    def of_user(self, statistics: Tensor) -> Tensor:
        """Compute the part of y that depends on the user alone.

        Args:
            statistics: Scaled as in the tables, [d_user_statistics].

        Returns:
            [size_out].
        """
        return functional.linear(statistics, self.number_weight[:, -len(statistics) :])

    def dense_weight(self) -> Tensor:
        """Put W together, with a column for each of the tables' inputs in their order: [size_out, width]."""
        weight = self.number_weight.new_empty(len(self.bias), len(self.label_columns))
        weight[:, ~self.label_columns] = self.number_weight
        if self.label_weight is not None:
            weight[:, self.label_columns] = self.label_weight[:-1].T
        return weight


def padded_positions(indicators: Tensor) -> Tensor:
    """List the columns in which each row is 1, filled up with the number of columns.

    Args:
        indicators: [rows, columns], of 0 and 1.

    Returns:
        [rows, most ones in a row] int32, at least one column wide.
    """
    rows, columns = indicators.nonzero(as_tuple=True)
    counts = torch.bincount(rows, minlength=len(indicators))
    place = torch.arange(len(rows)) - (counts.cumsum(0) - counts)[rows]
    width = max(1, int(counts.max()))
    positions = torch.full((len(indicators), width), indicators.shape[1], dtype=torch.int32)
    positions[rows, place] = columns.int()
    return positions
