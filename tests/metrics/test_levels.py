"""Metrics of the probabilities of levels: by hand, and against a slow reference."""

import math

import numpy as np
import pytest
import torch

from movierec.metrics.levels import LevelMetrics

STARS = torch.arange(1.0, 6.0)
THREE = torch.tensor([[0.0, 0.05, 0.25, 0.4, 0.3], [0.5, 0.5, 0.0, 0.0, 0.0], [0.0, 0.0, 0.3, 0.35, 0.35]])


def test_three_ratings_by_hand() -> None:
    metrics = LevelMetrics(STARS, 4.0)
    metrics.update(THREE, torch.tensor([4.0, 3.0, 3.0]))  # ranges: 3 to 5, 1 to 2, 3 to 5
    found = {name: value.item() for name, value in metrics.compute().items()}
    assert found["level_nll"] == pytest.approx(-(math.log(0.4) + math.log(1e-9) + math.log(0.3)) / 3)
    assert found["range_coverage"] == pytest.approx(2 / 3)
    assert found["range_probability"] == pytest.approx((0.95 + 1 + 1) / 3)
    # Two ratings have a probability of .7 to be liked, of which one is; one has 0, and is not.
    assert found["liked_ece"] == pytest.approx(2 / 3 * 0.2)
    reliability = metrics.reliability()
    assert reliability["count"] == [1, 2]
    assert reliability["probability"] == pytest.approx([0, 0.7])
    assert reliability["share"] == pytest.approx([0, 0.5])


def test_batches_add_up_and_agree_with_a_loop_over_ratings() -> None:
    rng = np.random.default_rng(0)
    levels = np.arange(0.5, 5.5, 0.5)
    probabilities = rng.dirichlet(np.full(10, 0.7), 500)
    given = np.array([rng.choice(10, p=row) for row in probabilities])
    metrics = LevelMetrics(torch.tensor(levels, dtype=torch.float32), 4.0)
    for part in np.array_split(np.arange(500), 7):
        metrics.update(torch.tensor(probabilities[part]).float(), torch.tensor(levels[given[part]]).float())

    inside, inner = [], []
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(10)]
    for row, level in zip(probabilities, given, strict=True):
        below = np.cumsum(row)
        low, high = (below > 0.1).argmax(), (below >= 0.9).argmax()
        inside.append(low <= level <= high)
        inner.append(row[low : high + 1].sum())
        liked = row[levels >= 4].sum()
        bins[min(int(10 * liked), 9)].append((liked, levels[level] >= 4))
    gaps = [abs(np.mean([p - y for p, y in bin_])) * len(bin_) for bin_ in bins if bin_]
    expected = {
        "level_nll": -np.log(probabilities[np.arange(500), given]).mean(),
        "range_coverage": np.mean(inside),
        "range_probability": np.mean(inner),
        "liked_ece": sum(gaps) / 500,
    }
    found = {name: value.item() for name, value in metrics.compute().items()}
    assert found == pytest.approx(expected, abs=1e-5)
