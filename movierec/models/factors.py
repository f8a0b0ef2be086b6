"""Bayesian matrix factorisation: the conditional distributions that a Gibbs sweep draws from.

The model of the rating that user u gives film i, in stars:

    r_ui ~ N(g + b_u + c_i + p_u . q_i + effects, 1 / (alpha_u beta_i))      N(mean, variance)

    g                  mean of the training ratings, fixed
    b_u, c_i           bias of the user, bias of the film
    p_u, q_i           taste of the user, character of the film: `rank` numbers each
    effects            optional, of the user on that day and of the film in that period: N(0, 1 / precision)
    alpha_u, beta_i    factors of the rating's precision (1 / variance), of the user and of the film

The vector of a user is w_u = [b_u, p_u], that of a film [c_i, q_i]: K = 1 + rank numbers. Each side has a normal prior
whose mean may depend on features f (genres of films, age of users, who rated what):

    w_u ~ N(mu + f_u B, Lambda^-1)

B holds regression coefficients, [d, K] for d features. mu, B and Lambda are learnt too (`factor_priors`). Films are
treated like users throughout.

Everything but one part held fixed, the distribution of that part is known in closed form. Most of the work is linear
regression: given the vectors of the films, the ratings of a user less g and c_i are a regression on [1, q_i] with known
noise and a normal prior, and so is each draw of B and of an effect. Drawing each part once is
a sweep; many sweeps (Gibbs sampling) give samples of the joint distribution of all parts given the ratings. The
predictions of the samples are averaged.

All functions are pure; all random numbers come from the generator that is passed.

Sources: Salakhutdinov and Mnih, "Bayesian probabilistic matrix factorization using Markov chain Monte Carlo", 2008;
for the effects see `factor_times`. The precisions alpha and beta are our addition.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from movierec.models.conjugate import normal, with_precision
from movierec.models.factor_priors import VectorPrior

ROWS_AT_ONCE = 8192  # vectors whose K x K matrices are in memory at a time
RATINGS_AT_ONCE = 1 << 16  # so that what is picked for them stays in the cache


@dataclass(frozen=True)
class Observations:
    """The ratings in the order of the rows of one side, as that side's regressions see them.

    Attributes:
        other: Row of the other side, [num_ratings] int64.
        offsets: Row r has the ratings from offsets[r] to offsets[r + 1], [num_rows + 1] int64.
        weight: w, precision of each rating's noise, [num_ratings].
        target: y, stars less all that the row's vector does not explain, [num_ratings].
    """

    other: Tensor
    offsets: Tensor
    weight: Tensor
    target: Tensor

    def of_rows(self, rows: slice) -> "Observations":
        """Select the ratings of successive rows."""
        offsets = self.offsets[rows.start : rows.stop + 1]
        own = slice(int(offsets[0]), int(offsets[-1]))
        return Observations(self.other[own], offsets - offsets[0], self.weight[own], self.target[own])

    def weighted_sums(self, table: Tensor, weight: Tensor) -> Tensor:
        """Sum the other side's rows of a table over the ratings of each row: [num_rows, columns].

        It is the product of a sparse matrix with the table; embedding_bag does it three times as fast on a CPU.
        """
        return functional.embedding_bag(
            self.other, table, self.offsets, mode="sum", per_sample_weights=weight, include_last_offset=True
        )


def regressors(vectors: Tensor) -> Tensor:
    """Build what ratings are regressed on: [1, q_i] for each film, where its vector is [c_i, q_i]; [..., K]."""
    return torch.cat([torch.ones_like(vectors[..., :1]), vectors[..., 1:]], dim=-1)


def outer_products(inputs: Tensor) -> Tensor:
    """Compute the upper triangle of x x' for each row x, [num_rows, K] to [num_rows, K (K + 1) / 2]."""
    first, second = torch.triu_indices(inputs.shape[1], inputs.shape[1], device=inputs.device)
    return inputs[:, first] * inputs[:, second]


def symmetric_matrices(triangles: Tensor, size: int) -> Tensor:
    """Turn upper triangles into matrices, [num_rows, K (K + 1) / 2] to [num_rows, K, K]."""
    first, second = torch.triu_indices(size, size, device=triangles.device)
    position = torch.empty(size, size, dtype=torch.int64, device=triangles.device)  # of each cell in the triangle
    position[first, second] = position[second, first] = torch.arange(len(first), device=triangles.device)
    return triangles.index_select(1, position.flatten()).view(-1, size, size)


def vector_posterior(
    inputs: Tensor, products: Tensor, observations: Observations, prior_means: Tensor, precision: Tensor
) -> tuple[Tensor, Tensor]:
    """Compute the normal conditional of vectors, each a Bayesian linear regression with known noise.

    A row with ratings of targets y, inputs X and noise precisions w has the precision P = Lambda + X' diag(w) X and the
    mean P^-1 (Lambda m + X' diag(w) y), where m is its prior mean. X' diag(w) X is the sum of w x x' over its ratings.

    Args:
        inputs: `regressors` of the other side, [num_others, K].
        products: `outer_products` of the inputs.
        observations: The ratings of these rows.
        prior_means: [num_rows, K].
        precision: Lambda, [K, K].

    Returns:
        Means [num_rows, K], and lower Cholesky factors of the precision matrices [num_rows, K, K].
    """
    weight, target = observations.weight, observations.target
    squares = symmetric_matrices(observations.weighted_sums(products, weight), inputs.shape[1])
    cholesky = torch.linalg.cholesky(squares.add_(precision))
    right = prior_means @ precision + observations.weighted_sums(inputs, weight * target)
    return torch.cholesky_solve(right[:, :, None], cholesky)[:, :, 0], cholesky


def draw_vectors(
    other: Tensor, observations: Observations, prior: VectorPrior, features: Sequence[Tensor], generator: Generator
) -> Tensor:
    """Draw the vectors of all rows of one side, given those of the other; see `vector_posterior`.

    Args:
        other: Vectors of the other side, [num_others, K].
        observations: All ratings.
        prior: Of the vectors to draw.
        features: Of each group, [num_rows, d_group].
        generator: Source of the random numbers.

    Returns:
        [num_rows, K].
    """
    inputs = regressors(other)
    products = outer_products(inputs)
    prior_means = prior.means(features, len(observations.offsets) - 1)
    noise = normal(prior_means.shape, other, generator)
    vectors = torch.empty_like(prior_means)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, len(vectors)))
        part = observations.of_rows(rows)
        means, cholesky = vector_posterior(inputs, products, part, prior_means[rows], prior.precision)
        vectors[rows] = means + with_precision(noise[rows], cholesky)
    return vectors


def interactions(user_vectors: Tensor, film_vectors: Tensor, users: Tensor, films: Tensor) -> Tensor:
    """Compute b_u + c_i + p_u . q_i of many pairs: [num_pairs]."""
    of_user = torch.cat([torch.ones_like(user_vectors[:, :1]), user_vectors], dim=1)  # [1, b, p]
    of_film = torch.cat([film_vectors[:, :1], regressors(film_vectors)], dim=1)  # [c, 1, q]
    parts = zip(torch.split(users, RATINGS_AT_ONCE), torch.split(films, RATINGS_AT_ONCE), strict=True)
    return torch.cat([torch.linalg.vecdot(of_user[user], of_film[film]) for user, film in parts])


def draw_effects(  # noqa: PLR0917 - as its neighbours
    residuals: Tensor, weight: Tensor, slots: Tensor, precision: Tensor, count: int, generator: Generator
) -> Tensor:
    """Draw effects that several ratings share, such as that of a user on a day: weighted means, shrunk to 0.

    The effect of slot t is normal with precision P = precision + sum of w, and mean (sum of w residual) / P, over the
    ratings in the slot.

    Args:
        residuals: Stars less all other parts of the model, [num_ratings].
        weight: w, precision of each rating's noise, [num_ratings].
        slots: Slot of each rating, [num_ratings] int64.
        precision: Of the prior N(0, 1 / precision), [].
        count: Number of slots.
        generator: Source of the random numbers.

    Returns:
        [count].
    """
    posterior_precision = sum_by(slots, weight, count) + precision
    means = sum_by(slots, weight * residuals, count) / posterior_precision
    return means + normal((count,), residuals, generator) / posterior_precision.sqrt()


def sum_by(slots: Tensor, values: Tensor, count: int) -> Tensor:
    """Sum values that have the same slot, [..., size] to [..., count]."""
    return values.new_zeros(*values.shape[:-1], count).index_add_(-1, slots, values)
