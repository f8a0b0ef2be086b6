"""EASE: the linear model that predicts each rating of a person from all their others, in closed form.

    B = argmin |X - X B|^2 + sum_i penalty_i |B_i|^2, diag(B) = 0;  penalty_i = l2 + p |X_i|^2
    B_ij = -P_ij / P_jj for i != j;                                 P = (X'X + diag(penalty))^-1

X holds stars / 5 of people (rows) and films (columns), and 0 for what somebody has not rated; X_i is its column i. B_ij
is the weight of film i in the score of film j; B_i is its row i. p = dropout / (1 - dropout) has the effect of dropping
that share of X at random: no film relies on its closest neighbour alone.

Sources: H. Steck, "Embarrassingly shallow autoencoders for sparse data", 2019, and "Autoencoders that don't overfit
towards the identity", 2020. Features of films as further rows of X: O. Jeunen, J. Van Balen and
B. Goethals, "Closed-form models for collaborative filtering with side-information", 2020.
"""

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

COLUMNS_AT_ONCE = 1024


def gram_matrix(inputs: csr_array) -> Tensor:
    """Compute X'X, [num_films, num_films] float32, a block of columns at a time.

    Args:
        inputs: X, [num_users, num_films] float32.
    """
    size = inputs.shape[1]
    gram, columns, by_film = np.empty((size, size), dtype=np.float32), inputs.tocsc(), inputs.T.tocsr()
    for start in range(0, size, COLUMNS_AT_ONCE):
        block = slice(start, start + COLUMNS_AT_ONCE)
        gram[:, block] = (by_film @ columns[:, block]).toarray()
    return torch.from_numpy(gram)


def ease_weights(gram: Tensor, *, l2: float, p: float) -> Tensor:
    """Solve for the weights B, [num_films, num_films].

    Args:
        gram: X'X, [num_films, num_films].
        l2: See above.
        p: See above; |X_i|^2 is the diagonal of X'X.
    """
    penalised = gram.clone()
    penalised.diagonal().mul_(1 + p).add_(l2)
    penalised = torch.linalg.cholesky(penalised)  # each is large, so none is kept longer than needed
    inverse = torch.cholesky_inverse(penalised)
    inverse.div_(-inverse.diagonal().clone())
    return inverse.fill_diagonal_(0)
