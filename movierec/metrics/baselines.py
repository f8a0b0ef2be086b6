"""Measure the baselines: always the mean of the training ratings, and the bias model."""

from collections.abc import Mapping

import torch

from movierec.data.batches import Batch
from movierec.data.tables import Tables
from movierec.metrics.rating import Loss, RatingMetrics
from movierec.models.bias import choose_biases


def measure_baselines(tables: Tables, rows: Mapping[str, Batch], loss: Loss) -> dict[str, dict[str, float]]:
    """Fit the baselines on the training ratings, and measure them on the test ratings.

    The validation ratings choose the damping of the bias model; `loss` is that of the model to compare with.

    Returns:
        For `mean` and `bias`, the metrics of `RatingMetrics`.
    """
    test, biases = rows["test"], choose_biases(tables, rows["val"])
    predicted = torch.from_numpy(biases.predict(test.user.numpy(), test.movie.numpy()))
    predictions = {"mean": torch.full_like(predicted, biases.mean), "bias": predicted}
    found = {}
    for name, stars in predictions.items():
        metrics = RatingMetrics(
            min_stars=tables.min_stars,
            max_stars=tables.max_stars,
            threshold=tables.threshold,
            loss=loss,
            sync_on_compute=False,  # each process has all rows, and only the first one comes here
        )
        metrics.update(test.user, tables.to_unit(stars), test.rating)
        found[name] = {metric: value.item() for metric, value in metrics.compute().items()}
    return found
