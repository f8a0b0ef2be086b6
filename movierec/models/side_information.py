"""Features of users and films, made fit for the factor model: scaled, and rotated to orthogonal columns."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

Matrix: TypeAlias = np.ndarray | sp.csr_matrix | sp.csr_array
SMALLEST = 1e-6  # directions with a singular value below this share of the greatest are left out: they are rounding


def fit_features(blocks: Sequence[Matrix], rank: int = 100) -> tuple[Tensor, Tensor]:
    """Make a group of features of raw columns.

    Columns of a dense block are standardised and divided by the square root of their number, so that blocks weigh the
    same however many columns they have; a column of one value is left out. A sparse block, such as counts of actors, is
    reduced to its first singular directions instead. All blocks together are rotated by a singular value decomposition.
    That leaves the model as it is, and makes the columns orthogonal, which `draw_coefficients` relies on.

    Args:
        blocks: Columns without missing values, each block [n, columns].
        rank: How many directions of a sparse block are kept at most.

    Returns:
        The weights of the columns of all blocks side by side, [num_columns, d], and the features of the rows, [n, d]:
        the columns, those of dense blocks less their means, times the weights.
    """
    weights, features = [], []
    for block in blocks:
        weight, mean = directions(block, rank) if sp.issparse(block) else standardisation(np.asarray(block))
        weights.append(weight)
        features.append(np.asarray(block @ weight) - mean @ weight)
    values = np.concatenate(features, axis=1)
    size, rotation = np.linalg.eigh(values.T @ values)  # as a singular value decomposition, and faster for many rows
    rotation = rotation[:, size > SMALLEST**2 * size.max(initial=0)]
    of_columns, of_rows = (torch.from_numpy(part @ rotation) for part in (sp.block_diag(weights).toarray(), values))
    return of_columns.float(), of_rows.float()


def fit_implicit(counts: sp.csr_matrix | sp.csr_array, rank: int) -> tuple[Tensor, Tensor]:
    """Make features of who has rated what, whatever the stars: "implicit" feedback, as in SVD++ (Koren, 2008).

    Each row of the 0/1 matrix is divided by the square root of its number of ratings n. The features are its first
    right singular directions. They project a new row too: the sum of the weights of its columns, over sqrt(n).

    Args:
        counts: 1 where a row has rated, or was rated by, a column, [n, num_columns]. Training ratings only.
        rank: How many directions are kept at most.

    Returns:
        The weights of the columns, [num_columns, d], and the features of the rows, [n, d].
    """
    number = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1)
    return fit_features([sp.csr_matrix(sp.diags(number**-0.5) @ counts)], rank)


def directions(block: sp.csr_matrix | sp.csr_array, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the first right singular vectors; zeros should stay zeros, so the mean is not taken off."""
    rank = min(rank, *block.shape)
    _, _, rows = randomized_svd(block.astype(np.float32), rank, n_iter=4, random_state=0)
    return rows.T.astype(np.float64), np.zeros(block.shape[1])


def standardisation(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute a diagonal matrix that standardises columns and divides them by sqrt(columns), and their means."""
    deviation = block.std(axis=0)
    varies = deviation > SMALLEST * np.abs(block).max(axis=0, initial=0)
    scale = np.where(varies, 1 / np.where(varies, deviation, 1), 0)
    return np.diag(scale / max(block.shape[1], 1) ** 0.5), block.mean(axis=0)
