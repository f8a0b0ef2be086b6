import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from movierec.models.ease import ease_weights, gram_matrix
from movierec.models.item_knn import SHRINKAGE, neighbour_weights


@pytest.fixture
def inputs() -> np.ndarray:
    """Ratings of 30 people, most of them missing, as shares of the best."""
    rng = np.random.default_rng(0)
    return rng.integers(1, 6, (30, 8)) / 5 * (rng.random((30, 8)) < 0.4)


def test_the_gram_matrix_of_sparse_inputs_is_that_of_dense_ones(
    inputs: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("movierec.models.ease.COLUMNS_AT_ONCE", 3)  # the last block is smaller
    gram = gram_matrix(csr_array(inputs.astype(np.float32)))
    assert gram.numpy() == pytest.approx(inputs.T @ inputs, abs=1e-5)


def test_each_film_is_a_ridge_regression_on_all_others(inputs: np.ndarray) -> None:
    """Column j solves the normal equations without film j: (X'X + diag(l2 + p |x_i|^2)) b = X'x_j."""
    l2, p = 3.0, 0.5
    gram = inputs.T @ inputs
    weights = ease_weights(torch.from_numpy(gram).float(), l2=l2, p=p).numpy()
    for film in range(8):
        others = np.delete(np.arange(8), film)
        penalty = np.diag(l2 + p * gram.diagonal()[others])
        expected = np.linalg.solve(gram[np.ix_(others, others)] + penalty, gram[others, film])
        assert weights[others, film] == pytest.approx(expected, abs=1e-5)
        assert weights[film, film] == 0


def test_neighbours_are_cosines_shrunk_by_how_many_people_they_rest_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("movierec.models.item_knn.NEIGHBOURS", 1)
    liked = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=np.float32)
    weights = neighbour_weights(csr_array(liked)).numpy()
    assert weights[1, 0] == pytest.approx(2 / (3 + SHRINKAGE))  # two of three people each
    assert weights[0, 2] == pytest.approx(1 / (3**0.5 + SHRINKAGE))
    assert (weights > 0).sum(axis=0).tolist() == [1, 1, 1]  # only the nearest is left
    assert weights.diagonal().tolist() == [0, 0, 0]
