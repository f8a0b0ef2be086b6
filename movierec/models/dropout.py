"""Dropout whose random numbers do not take longer than the matrix multiplications beside it."""

from torch import Tensor, empty, int16, int64, nn

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
        draws = empty(-(-x.numel() // PER_DRAW), dtype=int64, device=x.device).random_(-(2**63), None)
        bits = draws.view(int16)[: x.numel()].view(x.shape)
        lowest = dropped - LEVELS // 2  # of the numbers from -32,768 to 32,767 that keep an input
        keep = bits.clamp_(lowest - 1, lowest).sub_(lowest - 1)
        return x * keep.to(x.dtype).mul_(LEVELS / (LEVELS - dropped))
