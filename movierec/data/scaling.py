"""Scaling of ratings and of their statistics to 0 to 1."""

from typing import Literal

import numpy as np
import torch
from sklearn.preprocessing import MinMaxScaler
from torch import Tensor

from movierec.data.split import Split
from movierec.errors import DataFormatError

Scaling = Literal["train", "per_split"]


def fit_target(stars: np.ndarray, rows: np.ndarray) -> tuple[float, float, float]:
    """Find the unit scale of the ratings; of likes, which are all 1, it begins at 0.

    Args:
        stars: [num_ratings] float64.
        rows: Positions of the training ratings, int64.

    Returns:
        The lowest training rating and the highest, in stars, which are 0 and 1 on the unit scale, and the median, on
        the unit scale.

    Raises:
        DataFormatError: All training ratings are the same, and not likes.
    """
    known = stars[rows]
    low, high = float(known.min()), float(known.max())
    if low == high == 1:  # likes, without stars
        return 0.0, 1.0, 1.0
    if low == high:
        raise DataFormatError(
            f"Expected training ratings that differ; all of them are {low:g}. For likes, leave the ratings out or make "
            "each of them 1, and train a model of lists."
        )
    median = torch.tensor((np.median(known) - low) / (high - low), dtype=torch.float32).item()
    return low, high, median


def scale_statistics(
    values: np.ndarray, *, index: np.ndarray, bank: np.ndarray, split: Split, scaling: Scaling
) -> tuple[Tensor, Tensor]:
    """Scale statistics to 0 to 1 over the rows that read them.

    Args:
        values: Statistics of each user or film, [num_banks, size, d] float64.
        index: User or film of each rating, [num_ratings] int64.
        bank: The bank that each rating reads, [num_ratings] int64.
        split: The parts of the ratings.
        scaling: `train`: one range, that of the training rows. `per_split`: each part has a bank and is scaled by
            the range of its own rows.

    Returns:
        The scaled statistics, [num_banks, size, d], and the least and greatest value of each bank before scaling,
        [num_banks, 2, d] float64.
    """

    def fit(rows: np.ndarray) -> MinMaxScaler:
        read = np.zeros(values.shape[:2], dtype=bool)
        read[bank[rows], index[rows]] = True
        return MinMaxScaler().fit(values[read])

    scalers = [fit(rows) for rows in split] if scaling == "per_split" else [fit(split.train)] * len(values)
    scaled = np.stack([scaler.transform(table) for scaler, table in zip(scalers, values, strict=True)])
    ranges = np.array([[scaler.data_min_, scaler.data_max_] for scaler in scalers])
    return torch.tensor(scaled, dtype=torch.float32), torch.tensor(ranges, dtype=torch.float64)
