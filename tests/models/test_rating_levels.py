import pytest
import torch
from scipy.stats import norm

from movierec.models.rating_levels import Outlook, learn_cuts, level_probabilities, midpoints

STARS = torch.arange(1.0, 6.0)


def test_levels_have_the_mean_probability_of_the_normals_between_their_cuts() -> None:
    centres, deviations = torch.tensor([[3.0, 4.6], [4.0, 4.6]]), torch.tensor([[1.0, 0.5], [0.5, 0.5]])
    probabilities = level_probabilities(centres, deviations, midpoints(STARS))
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2))
    expected = (norm.cdf(3.5, 3, 1) - norm.cdf(2.5, 3, 1) + norm.cdf(3.5, 4, 0.5) - norm.cdf(2.5, 4, 0.5)) / 2
    assert float(probabilities[0, 2]) == pytest.approx(expected, abs=1e-6)
    assert float(probabilities[1, 4]) == pytest.approx(1 - norm.cdf(4.5, 4.6, 0.5), abs=1e-6)


def test_the_range_goes_from_the_level_of_the_10th_to_that_of_the_90th_percentile() -> None:
    probabilities = torch.tensor([[0.05, 0.06, 0.5, 0.35, 0.04], [0.0, 0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0, 0.0]])
    low, high, _ = Outlook.of(probabilities, STARS, 4.0)
    assert low.tolist() == [2.0, 5.0, 1.0]
    assert high.tolist() == [4.0, 5.0, 1.0]


def test_the_range_stays_on_the_scale_when_probabilities_sum_to_a_little_less_than_1() -> None:
    low, high, _ = Outlook.of(torch.tensor([[0.0, 0.0, 0.0, 0.05, 0.8]]), STARS, 4.0)
    assert (low.tolist(), high.tolist()) == ([5.0], [5.0])


def test_at_least_so_many_stars_is_the_sum_of_those_levels() -> None:
    probabilities = torch.tensor([[0.1, 0.2, 0.3, 0.25, 0.15]])
    assert Outlook.of(probabilities, STARS, 3.5).p_liked.tolist() == pytest.approx([0.4])
    low, high, p_liked = Outlook.of(probabilities, STARS, 4.0)
    assert (low.item(), high.item()) == (2.0, 5.0)
    assert p_liked.item() == pytest.approx(0.4)


def test_planted_cuts_are_learnt_from_ratings() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = torch.rand(1, 20_000, generator=generator) * 4 + 1
    hidden = centres[0] + 0.7 * torch.randn(20_000, generator=generator)
    planted = torch.tensor([1.8, 2.2, 3.6, 4.1])
    stars = STARS[torch.bucketize(hidden, planted)]
    learnt = learn_cuts(centres, torch.full_like(centres, 0.7), stars, STARS)
    torch.testing.assert_close(learnt, planted, atol=0.04, rtol=0)


def test_a_level_that_nobody_gave_keeps_a_place() -> None:
    centres = torch.full((1, 50), 4.0)
    cuts = learn_cuts(centres, torch.ones_like(centres), torch.full((50,), 4.0), STARS)
    assert torch.isfinite(cuts).all()
    assert (cuts.diff() > 0).all()


def test_cuts_are_those_of_the_midpoints_without_ratings_to_learn_from() -> None:
    nothing = torch.zeros(2, 0)
    torch.testing.assert_close(learn_cuts(nothing, nothing, torch.zeros(0), STARS), torch.tensor([1.5, 2.5, 3.5, 4.5]))
