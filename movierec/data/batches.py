"""Batches of row numbers: which user, which film, which bank, and the rating to predict."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from movierec.errors import ConfigError

WORKER_SECONDS = 120  # for a batch, a moment's work; a worker without shared memory never sends one, and says nothing


class Batch(NamedTuple):
    """Some ratings, as rows of the tables.

    Attributes:
        user: Rows of the users, [batch] int32.
        movie: Rows of the films, [batch] int32.
        bank: Banks of statistics, [batch] int32.
        rating: Targets on the unit scale, [batch]; NaN where there is none.
        day: Days of the ratings since 1970, UTC, [batch] int32; -1 where unknown.
    """

    user: Tensor
    movie: Tensor
    bank: Tensor
    rating: Tensor
    day: Tensor

    def take(self, rows: Tensor | slice) -> "Batch":
        """Pick some of the ratings.

        Args:
            rows: [size] int64, or a slice, which copies nothing.
        """
        return Batch(*(column[rows] for column in self))

    def to(self, device: torch.device) -> "Batch":
        """Move the ratings to a device; nothing is copied if they are there."""
        return Batch(*(column.to(device, non_blocking=True) for column in self))


def users_alone(number: int) -> Batch:
    """Make a row for each user and without a film, for models that read whole histories."""
    nothing = torch.zeros(number, dtype=torch.int32)
    return Batch(torch.arange(number, dtype=torch.int32), nothing, nothing, nothing.float(), nothing - 1)


class Share(NamedTuple):
    """Which of several processes this is, and where it computes."""

    rank: int = 0
    of: int = 1
    device: torch.device = torch.device("cpu")

    def part(self, size: int) -> slice:
        """Cut a data set into as many consecutive parts as there are processes, and take this one's.

        Parts differ by one rating at most. Ratings are shuffled when they are split, so that a part is as good as
        a random one, and a process touches no page of the others' parts.
        """
        return slice(size * self.rank // self.of, size * (self.rank + 1) // self.of)


ALONE = Share()


class RatingDataset(Dataset[Batch]):
    """Ratings that are indexed by a tensor of positions and answer with a whole batch."""

    def __init__(self, rows: Batch) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows.rating)

    def __getitem__(self, positions: Tensor) -> Batch:
        return self.rows.take(positions)


class BatchSampler(DistributedSampler[Batch]):
    """Cut the positions of a process's part of a data set into batches, in order or shuffled anew each epoch.

    Each rating comes up once an epoch over all processes, and all have the same number of batches, so that none
    waits for the others in vain; for that, batches of several processes differ in size by a few ratings. The order
    depends on the seed and the epoch alone, so a resumed run sees the batches it would have seen.

    It is a `DistributedSampler` so that Lightning does not put one around it, which would repeat ratings.

    Raises:
        ConfigError: The data set is to be shuffled, which means learnt, and has fewer ratings than there are processes.
    """

    def __init__(self, *, size: int, batch_size: int, shuffle: bool, seed: int = 0, share: Share = ALONE) -> None:
        if shuffle and size < share.of:
            raise ConfigError(f"Expected a training rating for each of {share.of} devices, got {size}. Use fewer.")
        self.size = len(range(size)[share.part(size)])
        # The same for all: enough for the largest part, and no more than the smallest one has ratings.
        self.num_batches = max(1, min(math.ceil(math.ceil(size / share.of) / batch_size), size // share.of))
        self.batch_size = min(batch_size, max(1, self.size))  # torch takes no number beyond an int64
        self.shuffle = shuffle
        self.seed = seed
        self.share = share
        self.epoch = 0

    def __len__(self) -> int:
        return self.num_batches

    def __iter__(self) -> Iterator[Tensor]:  # type: ignore[override]  # an item is a batch of positions
        if self.shuffle:
            generator = torch.Generator().manual_seed((1_000_003 * self.seed + self.epoch) % 2**63)
            order = torch.randperm(self.size, generator=generator)
        else:
            order = torch.arange(self.size)
        order = order.to(self.share.device)
        alone = self.share.of == 1
        return iter(torch.split(order, self.batch_size) if alone else order.tensor_split(self.num_batches))


def batch_loader(
    rows: Batch, *, batch_size: int, num_workers: int, shuffle: bool, share: Share = ALONE
) -> DataLoader[Batch]:
    """Build the loader of a process's part of some ratings, seeded by torch's global seed.

    The part is copied to the device, and its batches are cut there, unless worker processes cut them.
    """
    sampler = BatchSampler(
        size=len(rows.rating), batch_size=batch_size, shuffle=shuffle, seed=torch.initial_seed(), share=share
    )
    part = rows.take(share.part(len(rows.rating)))
    return DataLoader(
        RatingDataset(part.to(share.device)),
        sampler=sampler,
        batch_size=None,  # an item is a batch already
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        timeout=WORKER_SECONDS if num_workers else 0,
        generator=torch.Generator(),  # else each epoch draws from the global one, and dropout depends on num_workers
    )
