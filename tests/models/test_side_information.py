import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from movierec.models.side_information import fit_features, fit_implicit

RANDOM = np.random.default_rng(0)
NUMBERS = RANDOM.normal(size=(20, 3)) * [1, 10, 100] + 5
FLAGS = (RANDOM.random((20, 4)) < 0.5).astype(float)


def similarity(features: Tensor) -> np.ndarray:
    return np.asarray(features @ features.T)


def standardised(block: np.ndarray) -> np.ndarray:
    scaled = (block - block.mean(axis=0)) / block.std(axis=0)
    return np.asarray(scaled / block.shape[1] ** 0.5)


def test_features_are_the_standardised_columns_rotated_to_orthogonal_ones() -> None:
    _, features = fit_features([NUMBERS, FLAGS])
    expected = np.hstack([standardised(NUMBERS), standardised(FLAGS)])
    np.testing.assert_allclose(similarity(features), expected @ expected.T, atol=1e-5)
    products = features.T @ features
    torch.testing.assert_close(products, torch.diag(products.diagonal()), rtol=0, atol=1e-4)


def test_features_are_the_columns_times_their_weights_dense_ones_less_their_means() -> None:
    weights, features = fit_features([NUMBERS, sp.csr_matrix(FLAGS)])
    columns = torch.from_numpy(np.hstack([NUMBERS - NUMBERS.mean(axis=0), FLAGS])).float()
    torch.testing.assert_close(columns @ weights, features, rtol=1e-3, atol=1e-3)


def test_columns_that_say_nothing_new_add_no_feature() -> None:
    alone = fit_features([NUMBERS[:, :1]])[1]
    assert alone.shape == (20, 1)
    constant = np.column_stack([NUMBERS[:, 0], NUMBERS[:, 0] * 2 + 1, np.full(20, 7.0)])
    assert fit_features([constant])[1].shape == (20, 1)
    assert fit_features([np.ones((20, 2))])[1].shape == (20, 0)


def test_sparse_columns_are_reduced_to_their_first_singular_directions() -> None:
    counts = (RANDOM.random((30, 12)) < 0.3).astype(float)
    _, features = fit_features([sp.csr_matrix(counts)], rank=4)
    left, size, _ = np.linalg.svd(counts, full_matrices=False)
    expected = (left[:, :4] * size[:4] ** 2) @ left[:, :4].T
    np.testing.assert_allclose(similarity(features), expected, atol=0.02)


def test_implicit_features_of_a_history_are_the_scaled_sum_of_the_weights_of_its_films() -> None:
    counts = (RANDOM.random((30, 12)) < 0.3).astype(float)
    counts[7] = 0
    weights, features = fit_implicit(sp.csr_matrix(counts), 12)
    for user in range(30):
        films = torch.from_numpy(counts[user].nonzero()[0])
        history = weights[films].sum(dim=0) / max(len(films), 1) ** 0.5
        torch.testing.assert_close(features[user], history, rtol=1e-4, atol=1e-5)
    scaled = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) ** 0.5
    np.testing.assert_allclose(similarity(features), scaled @ scaled.T, atol=1e-4)


def test_a_world_without_ratings_has_no_implicit_features() -> None:
    assert fit_implicit(sp.csr_matrix((4, 3)), 2)[1].shape == (4, 0)
