"""Random draws from the distributions of conjugate Bayesian models: normal, Gamma and Wishart.

Random numbers come from the generator that is passed, on its own device, and are moved to the device of the parameters:
a generator on the CPU gives the same numbers for any accelerator.

Source: Gelman et al., "Bayesian data analysis", third edition, sections 2.6 and 3.6 and appendix A.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor


def normal(shape: Sequence[int], like: Tensor, generator: Generator) -> Tensor:
    """Draw standard normal numbers, of the type and on the device of another tensor."""
    return torch.randn(*shape, dtype=like.dtype, generator=generator, device=generator.device).to(like.device)


def gamma(shape: float | Tensor, rate: Tensor, generator: Generator) -> Tensor:
    """Draw from Gamma(shape, rate), whose mean is shape / rate, for each rate."""
    shapes = torch.as_tensor(shape, dtype=rate.dtype).expand(rate.shape).to(generator.device)
    drawn = torch._standard_gamma(shapes, generator=generator)  # noqa: SLF001 - the public class takes no generator
    return drawn.to(rate.device) / rate


def wishart(degrees: float, scale: Tensor, generator: Generator) -> Tensor:
    """Draw a matrix from Wishart(degrees, scale scale'), whose mean is degrees scale scale'.

    By Bartlett's decomposition: a triangle of normal numbers below square roots of chi-squares.

    Args:
        degrees: Degrees of freedom, more than K - 1.
        scale: Lower Cholesky factor of the scale matrix, [K, K].
        generator: Source of the random numbers.

    Returns:
        [K, K].
    """
    size = len(scale)
    halves = (degrees - torch.arange(size, dtype=scale.dtype, device=scale.device)) / 2
    lower = normal((size, size), scale, generator).tril(-1)
    lower += gamma(halves, torch.full_like(halves, 0.5), generator).sqrt().diag()
    root = scale @ lower
    return root @ root.T


def with_precision(noise: Tensor, cholesky: Tensor) -> Tensor:
    """Give rows of standard normal numbers a precision matrix: their covariance becomes (cholesky cholesky')^-1.

    Args:
        noise: [..., K].
        cholesky: Lower Cholesky factor of a precision matrix, [K, K] for all rows or [..., K, K] for each its own.
    """
    solved: Tensor = torch.linalg.solve_triangular(cholesky.mT, noise[..., None], upper=True)
    return solved[..., 0]


def draw_precision(
    shape: float, rate: float | Tensor, count: int | Tensor, squares: Tensor, generator: Generator
) -> Tensor:
    """Draw the precision of normal numbers, given how far they are from their means.

    With the prior Gamma(shape, rate), the conditional is Gamma(shape + count / 2, rate + squares / 2).

    Args:
        shape: Of the prior.
        rate: Of the prior.
        count: How many numbers there are.
        squares: Sum of their squared deviations, each times the known factor of its precision, if any.
        generator: Source of the random numbers.
    """
    return gamma(shape + count / 2, rate + squares / 2, generator)
