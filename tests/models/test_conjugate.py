import torch
from torch import Generator

from movierec.models.conjugate import draw_precision, gamma, normal, wishart, with_precision


def test_gamma_numbers_have_the_moments_of_their_shapes_and_rates() -> None:
    shape, rate = torch.tensor([[0.5], [3.0], [200.0]]), torch.tensor([[0.5], [2.0], [50.0]])
    draws = gamma(shape, rate.expand(3, 40_000), Generator().manual_seed(0))
    torch.testing.assert_close(draws.mean(dim=1), torch.tensor([1.0, 1.5, 4.0]), rtol=0.03, atol=0)
    torch.testing.assert_close(draws.var(dim=1), torch.tensor([2.0, 0.75, 0.08]), rtol=0.06, atol=0)


def test_wishart_matrices_have_the_moments_of_sums_of_outer_products() -> None:
    scale = torch.tensor([[1.0, 0.0], [0.5, 2.0]]).double()
    generator = Generator().manual_seed(0)
    draws = torch.stack([wishart(5.0, scale, generator) for _ in range(4000)])
    covariance = scale @ scale.T  # of the vectors whose outer products are summed
    torch.testing.assert_close(draws.mean(dim=0), 5 * covariance, rtol=0.06, atol=0)
    diagonal = covariance.diagonal()
    variance = 5 * (covariance**2 + diagonal.outer(diagonal))
    torch.testing.assert_close(draws.var(dim=0), variance, rtol=0.15, atol=0)


def test_numbers_with_a_precision_have_its_inverse_as_covariance() -> None:
    precision = torch.tensor([[2.0, 0.6], [0.6, 1.0]])
    noise = normal((50_000, 2), precision, Generator().manual_seed(0))
    drawn = with_precision(noise, torch.linalg.cholesky(precision))
    torch.testing.assert_close(drawn.T.cov(), torch.linalg.inv(precision), rtol=0.03, atol=0.01)


def test_a_precision_has_the_moments_of_prior_times_likelihood_on_a_grid() -> None:
    deviations = torch.tensor([0.3, -1.2, 0.8]).double()
    grid = torch.linspace(0.001, 30, 30_000).double()
    density = grid**1.0 * torch.exp(-3 * grid)  # Gamma(2, 3)
    for deviation in deviations:
        density *= grid.sqrt() * torch.exp(-grid * deviation**2 / 2)
    mean = (grid * density).sum() / density.sum()
    variance = ((grid - mean) ** 2 * density).sum() / density.sum()
    squares = deviations.square().sum().repeat(40_000)
    draws = draw_precision(2.0, 3.0, 3, squares, Generator().manual_seed(0))
    torch.testing.assert_close(draws.mean(), mean, rtol=0.02, atol=0)
    torch.testing.assert_close(draws.var(), variance, rtol=0.05, atol=0)


def test_numbers_have_the_type_of_what_they_are_for_and_come_from_the_generator_alone() -> None:
    torch.manual_seed(0)
    first = normal((3,), torch.zeros(1).double(), Generator().manual_seed(7))
    torch.manual_seed(1)
    second = normal((3,), torch.zeros(1).double(), Generator().manual_seed(7))
    assert first.dtype == torch.float64
    assert torch.equal(first, second)
    drawn = [gamma(2.5, torch.ones(3), Generator().manual_seed(7)) for _ in range(2)]
    assert torch.equal(drawn[0], drawn[1])
