"""Batches of row numbers: which user, which film, which bank, and the rating to predict."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler


class Batch(NamedTuple):
    """Some ratings, as rows of the tables.

    Attributes:
        user: Rows of the users, [batch] int32.
        movie: Rows of the films, [batch] int32.
        bank: Banks of statistics, [batch] int32.
        rating: Targets on the unit scale, [batch]; NaN where there is none.
    """

    user: Tensor
    movie: Tensor
    bank: Tensor
    rating: Tensor

    def take(self, rows: Tensor) -> "Batch":
        """Pick some of the ratings.

        Args:
            rows: [size] int64.
        """
        return Batch(*(column[rows] for column in self))


class RatingDataset(Dataset[Batch]):
    """Ratings that are indexed by a tensor of positions and answer with a whole batch."""

    def __init__(self, rows: Batch) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows.rating)

    def __getitem__(self, positions: Tensor) -> Batch:
        return self.rows.take(positions)


class BatchSampler(Sampler[Tensor]):
    """Cut the positions of a data set into batches, in order or shuffled anew each epoch.

    The order depends on the seed and the epoch alone, so a resumed run sees the batches it would have seen.
    """

    def __init__(self, *, size: int, batch_size: int, shuffle: bool, seed: int = 0) -> None:
        self.size = size
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; Lightning calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(self.size / self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        if self.shuffle:
            generator = torch.Generator().manual_seed((1_000_003 * self.seed + self.epoch) % 2**63)
            order = torch.randperm(self.size, generator=generator)
        else:
            order = torch.arange(self.size)
        return iter(torch.split(order, self.batch_size))


def batch_loader(rows: Batch, *, batch_size: int, num_workers: int, shuffle: bool) -> DataLoader[Batch]:
    """Build the loader of some ratings, seeded by torch's global seed."""
    dataset = RatingDataset(rows)
    sampler = BatchSampler(size=len(dataset), batch_size=batch_size, shuffle=shuffle, seed=torch.initial_seed())
    return DataLoader(
        dataset,
        sampler=sampler,
        batch_size=None,  # an item is a batch already
        collate_fn=unchanged,  # type: ignore[arg-type]  # an item is a batch, not a list
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        generator=torch.Generator(),  # else each epoch draws from the global one, and dropout depends on num_workers
    )


def unchanged(batch: Batch) -> Batch:
    """Pass a batch on; the default would convert it."""
    return batch
