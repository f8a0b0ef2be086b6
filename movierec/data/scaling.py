"""Scaling of rating statistics to 0 to 1."""

from typing import Literal

import numpy as np
import torch
from sklearn.preprocessing import MinMaxScaler
from torch import Tensor

from movierec.data.split import Split

Scaling = Literal["train", "per_split"]


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
        The scaled statistics, [num_banks, size, d], and the range of each bank, [num_banks, 2, d] float64.
    """

    def fit(rows: np.ndarray) -> MinMaxScaler:
        read = np.zeros(values.shape[:2], dtype=bool)
        read[bank[rows], index[rows]] = True
        return MinMaxScaler().fit(values[read])

    scalers = [fit(rows) for rows in split] if scaling == "per_split" else [fit(split.train)] * len(values)
    scaled = np.stack([scaler.transform(table) for scaler, table in zip(scalers, values, strict=True)])
    ranges = np.array([[scaler.data_min_, scaler.data_max_] for scaler in scalers])
    return torch.tensor(scaled, dtype=torch.float32), torch.tensor(ranges, dtype=torch.float64)
