import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.utils.data import DistributedSampler

from movierec.data.batches import Batch, BatchSampler, RatingDataset, Share, batch_loader
from movierec.errors import ConfigError

DTYPES = [torch.int32, torch.int32, torch.int32, torch.float32, torch.int32]
PROCESSES = st.sampled_from([1, 2, 3, 7])


def numbered(size: int) -> Batch:
    rows = torch.arange(size, dtype=torch.int32)
    return Batch(user=rows, movie=rows + 1000, bank=rows % 3, rating=rows / size, day=rows + 9000)


def order(sampler: BatchSampler) -> list[int]:
    return torch.cat(list(sampler)).tolist()


def shuffled(seed: int, epoch: int = 0) -> list[int]:
    sampler = BatchSampler(size=100, batch_size=30, shuffle=True, seed=seed)
    sampler.set_epoch(epoch)
    return order(sampler)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    ("size", "batch_size", "sizes"), [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (5, 4, [4, 1]), (3, 9, [3]), (3, 10**30, [3])]
)
def test_an_epoch_holds_each_row_once_and_its_last_batch_holds_the_rest(
    size: int, batch_size: int, sizes: list[int], *, shuffle: bool
) -> None:
    sampler = BatchSampler(size=size, batch_size=batch_size, shuffle=shuffle)
    assert [len(batch) for batch in sampler] == sizes
    assert len(sampler) == len(sizes)
    assert sorted(order(sampler)) == list(range(size))


def test_rows_come_in_order_unless_they_are_shuffled() -> None:
    sampler = BatchSampler(size=100, batch_size=30, shuffle=False)
    sampler.set_epoch(5)
    assert order(sampler) == list(range(100))
    assert shuffled(seed=0) != list(range(100))


def test_the_order_changes_from_epoch_to_epoch() -> None:
    assert len({tuple(shuffled(seed=7, epoch=epoch)) for epoch in range(5)}) == 5


def test_the_order_depends_on_the_seed_and_the_epoch_alone() -> None:
    torch.manual_seed(1)
    first = shuffled(seed=7, epoch=3)
    torch.manual_seed(2)
    assert shuffled(seed=7, epoch=3) == first
    assert shuffled(seed=8, epoch=3) != first


@pytest.mark.parametrize("num_workers", [0, 2])
def test_going_through_an_epoch_leaves_the_global_random_numbers_alone(num_workers: int) -> None:
    loader = batch_loader(numbered(20), batch_size=8, num_workers=num_workers, shuffle=True)
    before = torch.get_rng_state()
    assert sum(len(batch.rating) for batch in loader) == 20
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("seed", [2**63 - 1, 2**40])
def test_the_largest_seeds_are_taken(seed: int) -> None:
    assert sorted(shuffled(seed=seed, epoch=10)) == list(range(100))


def test_a_data_set_answers_positions_with_a_batch_of_the_same_types() -> None:
    dataset = RatingDataset(numbered(6))
    batch = dataset[torch.tensor([4, 0])]
    assert isinstance(batch, Batch)
    assert (batch.user.tolist(), batch.movie.tolist(), batch.bank.tolist()) == ([4, 0], [1004, 1000], [1, 0])
    assert batch.rating.tolist() == pytest.approx([4 / 6, 0])
    assert batch.day.tolist() == [9004, 9000]
    assert [column.dtype for column in batch] == DTYPES
    assert len(dataset) == 6


def test_a_loader_gives_batches_whose_columns_stay_together() -> None:
    loader = batch_loader(numbered(50), batch_size=16, num_workers=0, shuffle=True)
    batches = list(loader)
    assert len(loader) == len(batches) == 4
    assert all(type(batch) is Batch for batch in batches)
    for batch in batches:
        assert torch.equal(batch.movie, batch.user + 1000)
        assert torch.equal(batch.bank, batch.user % 3)
        assert torch.equal(batch.rating, batch.user / 50)


def test_a_loader_of_one_rating_gives_a_batch_of_one() -> None:
    (batch,) = batch_loader(numbered(1), batch_size=16, num_workers=0, shuffle=True)
    assert [column.shape for column in batch] == [(1,)] * 5


def test_a_loader_takes_its_seed_from_torch() -> None:
    orders = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        loader = batch_loader(numbered(50), batch_size=50, num_workers=0, shuffle=True)
        orders.append(next(iter(loader)).user.tolist())
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("start", [None, "spawn"])  # the system's way to start a process, and that of Windows and macOS
def test_worker_processes_give_the_batches_that_the_main_process_gives(start: str | None) -> None:
    torch.manual_seed(3)
    alone, helped = (batch_loader(numbered(20), batch_size=8, num_workers=workers, shuffle=True) for workers in (0, 2))
    helped.multiprocessing_context = start
    for epoch in range(2):
        for loader in (alone, helped):
            assert isinstance(loader.sampler, BatchSampler)
            loader.sampler.set_epoch(epoch)
        assert [[c.tolist() for c in batch] for batch in helped] == [[c.tolist() for c in batch] for batch in alone]


def cut(size: int, batch_size: int, processes: int, *, shuffle: bool) -> list[list[list[int]]]:
    """List the ratings of each batch of each process."""
    cuts = []
    for rank in range(processes):
        share = Share(rank, processes)
        sampler = BatchSampler(size=size, batch_size=batch_size, shuffle=shuffle, share=share)
        part = range(size)[share.part(size)]
        cuts.append([[part[position] for position in batch.tolist()] for batch in sampler])
        assert len(sampler) == len(cuts[-1])
    return cuts


@settings(deadline=None)
@given(st.integers(7, 200), st.integers(1, 40), PROCESSES)
@example(8, 1, 7)  # one process has a rating more than batches
def test_processes_train_on_each_rating_once_in_as_many_batches_and_none_is_empty(
    size: int, batch_size: int, processes: int
) -> None:
    cuts = cut(size, batch_size, processes, shuffle=True)
    assert sorted(rating for batches in cuts for batch in batches for rating in batch) == list(range(size))
    for step in zip(*cuts, strict=True):  # strict: as many batches each
        sizes = [len(batch) for batch in step]
        assert min(sizes) >= 1
        assert max(sizes) - min(sizes) <= 1
        assert max(sizes) <= max(batch_size, 2 if processes > 1 else 1)


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(1, 40), PROCESSES)
@example(0, 1, 3)
def test_processes_evaluate_the_ratings_in_order_one_after_the_other(
    size: int, batch_size: int, processes: int
) -> None:
    cuts = cut(size, batch_size, processes, shuffle=False)
    assert len({len(batches) for batches in cuts}) == 1
    assert [rating for batches in cuts for batch in batches for rating in batch] == list(range(size))


@pytest.mark.parametrize(("size", "sizes"), [(10, [[3, 2], [3, 2]]), (7, [[2, 1], [2, 2]]), (3, [[1], [2]])])
def test_several_processes_cut_batches_of_about_the_same_size(size: int, sizes: list[list[int]]) -> None:
    cuts = cut(size, 3, 2, shuffle=True)
    assert [[len(batch) for batch in batches] for batches in cuts] == sizes


def test_processes_without_a_rating_to_evaluate_get_one_empty_batch() -> None:
    loaders = [
        batch_loader(numbered(3), batch_size=4, num_workers=0, shuffle=False, share=Share(rank, 7)) for rank in range(7)
    ]
    batches = [batch for loader in loaders for batch in loader]
    assert [batch.user.tolist() for batch in batches] == [[], [], [0], [], [1], [], [2]]
    assert all([column.dtype for column in batch] == DTYPES for batch in batches)


def test_fewer_training_ratings_than_processes_are_refused() -> None:
    with pytest.raises(ConfigError, match="a training rating for each of 3 devices, got 2"):
        batch_loader(numbered(2), batch_size=4, num_workers=0, shuffle=True, share=Share(0, 3))


def test_a_loader_of_a_process_holds_its_part_of_the_ratings_and_no_copy_of_it() -> None:
    rows = numbered(20)
    loader = batch_loader(rows, batch_size=4, num_workers=0, shuffle=True, share=Share(1, 3))
    assert sorted(torch.cat([batch.user for batch in loader]).tolist()) == [6, 7, 8, 9, 10, 11, 12]
    assert loader.dataset.rows.user.data_ptr() == rows.user[6:].data_ptr()  # type: ignore[attr-defined]


def test_lightning_puts_no_sampler_of_its_own_around_ours() -> None:
    loader = batch_loader(numbered(20), batch_size=4, num_workers=0, shuffle=True)
    assert isinstance(loader.sampler, DistributedSampler)  # what Lightning asks before it does
