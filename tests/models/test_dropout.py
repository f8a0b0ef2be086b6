import math

import pytest
import torch
from torch import Tensor, nn

from movierec.models.layers import Dropout

SIZE = 2**22
LEVEL = 1 / 65_536
SCALE_03 = 65_536 / 45_875  # 0.3 * 65,536 = 19,660.8, so that 19,661 of 65,536 are dropped
AVAILABLE = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}


def drop(x: Tensor, p: float, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    dropped: Tensor = Dropout(p)(x)
    return dropped


def is_near(count: float, p: float, size: int) -> bool:
    """Say whether a count of a binomial distribution is within five standard deviations."""
    return abs(count - size * p) <= 5 * math.sqrt(size * p * (1 - p))


@pytest.mark.parametrize("p", [LEVEL, 0.001, 0.1, 0.3, 0.5, 0.9, 1 - LEVEL])
def test_the_share_that_is_asked_for_is_dropped(p: float) -> None:
    assert is_near((drop(torch.ones(SIZE), p) == 0).sum().item(), p, SIZE)


def test_an_input_becomes_0_or_is_scaled_up_by_what_is_dropped() -> None:
    x = torch.randn(1000, generator=torch.Generator().manual_seed(1))
    y = drop(x, 0.3)
    torch.testing.assert_close(y, torch.where(y == 0, 0, x * SCALE_03), rtol=1e-6, atol=0)
    assert 0 < (y == 0).sum() < 1000


def test_the_gradient_is_the_mask_times_the_scale() -> None:
    x = torch.ones(50, 7, requires_grad=True)
    upstream = torch.randn(50, 7, generator=torch.Generator().manual_seed(1))
    y = Dropout(0.3)(x)
    y.backward(upstream)
    assert {round(value, 5) for value in y.flatten().tolist()} == {0, round(SCALE_03, 5)}
    assert x.grad is not None
    torch.testing.assert_close(x.grad, upstream * y.detach(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("p", [0.0, 1e-9, 0.3, 1.0])
def test_nothing_is_dropped_outside_training(p: float) -> None:
    x = torch.arange(9.0)
    assert torch.equal(Dropout(p).eval()(x), x)


@pytest.mark.parametrize(("p", "kept"), [(0.0, 1.0), (1e-9, 1.0), (1 - 1e-9, 0.0), (1.0, 0.0)])
def test_shares_next_to_0_and_1_drop_nothing_and_all(p: float, kept: float) -> None:
    assert drop(torch.ones(1001), p).tolist() == pytest.approx([kept] * 1001)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (0, 5), (1,), (3,), (5,), (7, 11), (2, 3, 5)], ids=str)
def test_any_shape_and_type_stays_what_it_is(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    y = drop(torch.ones(shape, dtype=dtype), 0.3)
    assert (y.shape, y.dtype) == (shape, dtype)
    assert set(y.flatten().tolist()) <= {0, torch.tensor(SCALE_03, dtype=dtype).item()}


def test_columns_in_another_order_in_memory_are_dropped_alike() -> None:
    x = torch.rand(6, 9)
    assert torch.equal(drop(x.T.contiguous().T, 0.3), drop(x, 0.3))


def test_the_seed_of_torch_decides_what_is_dropped() -> None:
    x = torch.ones(100)
    assert torch.equal(drop(x, 0.3, seed=5), drop(x, 0.3, seed=5))
    assert not torch.equal(drop(x, 0.3, seed=5), drop(x, 0.3, seed=6))
    assert not torch.equal(drop(x, 0.3, seed=5), Dropout(0.3)(x))  # the next draw


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_positions_are_dropped_independently_of_each_other(p: float) -> None:
    gone = (drop(torch.ones(SIZE), p) == 0).double()
    again = (Dropout(p)(torch.ones(SIZE)) == 0).double()
    for share in gone.view(-1, 4).mean(dim=0).tolist():  # the four inputs that a draw decides over
        assert is_near(share * SIZE / 4, p, SIZE // 4)
    others = [gone.roll(distance) for distance in (1, 2, 3, 4, 5, 8, 256)] + [again]
    for other in others:
        # The correlation of independent values has a standard deviation of 1 / sqrt(size).
        assert abs(torch.corrcoef(torch.stack([gone, other]))[0, 1].item()) < 5 / math.sqrt(SIZE)


@pytest.mark.parametrize("device", AVAILABLE)
def test_another_device_drops_what_torch_itself_drops(device: str) -> None:
    if not AVAILABLE[device]:
        pytest.skip(f"there is no {device} device here")
    x = torch.ones(1001, device=device)
    torch.manual_seed(0)
    assert torch.equal(nn.Dropout(0.3)(x), drop(x, 0.3))
