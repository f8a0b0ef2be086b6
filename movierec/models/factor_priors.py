"""The priors of the factor model (see `factors`), and the draws of their parameters given what they are priors of.

Sources: Salakhutdinov and Mnih, "Bayesian probabilistic matrix factorization using Markov chain Monte Carlo", 2008, for
mu and Lambda; Simm et al., "Macau: scalable Bayesian factorization with high-dimensional side information", 2017, for
B.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import torch
from torch import Generator, Tensor

from movierec.models.conjugate import draw_precision, gamma, normal, wishart, with_precision


@dataclass(frozen=True)
class Hyperpriors:
    """The fixed numbers at the top of the model; the data outweigh them. Gamma(shape, rate) has the mean shape / rate.

    Attributes:
        mean_weight: b0 in mu ~ N(0, (b0 Lambda)^-1): how many users or films the prior mean 0 counts for.
        extra_degrees: Degrees of freedom beyond K in Lambda ~ Wishart(K + extra, I); 0 is the vaguest proper one.
        user_noise: h in alpha_u ~ Gamma(h, h s), where s is the noise variance of a typical user's ratings.
        film_noise: h in beta_i ~ Gamma(h, h), whose mean is 1.
        precision: Shape and rate of the Gamma priors of s, of the precision of effects, and of that of B.
    """

    mean_weight: float = 2.0
    extra_degrees: float = 0.0
    user_noise: float = 2.0
    film_noise: float = 10.0
    precision: tuple[float, float] = (0.5, 0.5)


HYPERPRIORS = Hyperpriors()


@dataclass(frozen=True)
class VectorPrior:
    """The normal prior of the vectors of one side, N(mean + sum of features_g @ coefficients_g, precision^-1).

    Attributes:
        mean: mu, [K].
        precision: Lambda, [K, K].
        coefficients: B of each group of features, each [d_group, K].
        coefficient_precision: lambda of each group, in B ~ N(0, (lambda Lambda)^-1) for each row, each [].
    """

    mean: Tensor
    precision: Tensor
    coefficients: list[Tensor] = field(default_factory=list)
    coefficient_precision: list[Tensor] = field(default_factory=list)

    def means(self, features: Sequence[Tensor], count: int) -> Tensor:
        """Compute the prior mean of each vector.

        Args:
            features: Of each group, [count, d_group].
            count: Number of vectors.

        Returns:
            [count, K].
        """
        means = self.mean.repeat(count, 1)
        for group, coefficients in zip(features, self.coefficients, strict=True):
            means.addmm_(group, coefficients)
        return means

    def expected(self, vectors: Tensor, num_ratings: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Put prior means in place of drawn vectors without ratings, [count, K], which are their means plus noise."""
        return torch.where(num_ratings[:, None] > 0, vectors, self.means(features, len(vectors)))


@dataclass(frozen=True)
class SidePriors:
    """The priors of both sides: the part that a state of a chain and a kept sample share. Checkpoints hold plain dicts.

    Attributes:
        user_prior: Of the users' vectors.
        film_prior: Of the films' vectors.
    """

    user_prior: VectorPrior
    film_prior: VectorPrior

    def state_dict(self) -> dict[str, Any]:
        """Copy everything to plain dicts."""
        return asdict(self)

    @classmethod
    def from_state_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build it from what `state_dict` returned."""
        priors = {side: VectorPrior(**values[side]) for side in ("user_prior", "film_prior")}
        return cls(**{**values, **priors})


def draw_vector_prior(
    vectors: Tensor, features: Sequence[Tensor], prior: VectorPrior, hyperpriors: Hyperpriors, generator: Generator
) -> VectorPrior:
    """Draw all parameters of one side's prior, given its vectors.

    Args:
        vectors: [n, K].
        features: Of each group, with orthogonal columns, [n, d_group].
        prior: The last draw.
        hyperpriors: Fixed numbers.
        generator: Source of the random numbers.
    """
    residuals = vectors - replace(prior, mean=torch.zeros_like(prior.mean)).means(features, len(vectors))
    mean, precision = draw_mean_and_precision(residuals, prior, hyperpriors, generator)
    residuals -= mean
    shape, rate = hyperpriors.precision
    coefficients, strengths = [], []
    for group, old, strength in zip(features, prior.coefficients, prior.coefficient_precision, strict=True):
        residuals.addmm_(group, old)  # less what the other groups explain
        rows = draw_coefficients(residuals, group, strength, precision, generator)
        residuals.addmm_(group, rows, alpha=-1)
        squares = torch.sum(rows @ precision * rows)
        coefficients.append(rows)
        strengths.append(draw_precision(shape, rate, rows.numel(), squares, generator))
    return VectorPrior(mean, precision, coefficients, strengths)


def draw_mean_and_precision(
    residuals: Tensor, prior: VectorPrior, hyperpriors: Hyperpriors, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Draw mu and Lambda of one side, given its vectors and B: the Normal-Wishart conditional.

    The vectors w - f B are n normal vectors of mean mu and precision Lambda. The rows of B are normal with precision
    lambda Lambda, so they tell of Lambda too. With m the mean and S the scatter matrix of the n vectors around it:

        Lambda ~ Wishart(K + extra + n + rows of B, (I + S + b0 n / (b0 + n) m m' + sum of lambda B'B)^-1)
        mu ~ N(n m / (b0 + n), ((b0 + n) Lambda)^-1)

    The K x K matrices are in double precision, on the CPU.

    Args:
        residuals: Vectors less what the features explain, [n, K].
        prior: The last draw.
        hyperpriors: Fixed numbers.
        generator: Source of the random numbers.

    Returns:
        mu [K] and Lambda [K, K].
    """
    count, size = residuals.shape
    centre = residuals.mean(dim=0)
    centred = residuals - centre
    degrees = size + hyperpriors.extra_degrees + count
    weight = hyperpriors.mean_weight
    inverse_scale = torch.eye(size, dtype=torch.float64) + (centred.T @ centred).cpu().double()
    average = centre.cpu().double()
    inverse_scale += weight * count / (weight + count) * average.outer(average)
    for rows, strength in zip(prior.coefficients, prior.coefficient_precision, strict=True):
        degrees += len(rows)
        inverse_scale += (strength * rows.T @ rows).cpu().double()
    scale = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(inverse_scale)))
    precision = wishart(degrees, scale, generator)
    noise = with_precision(normal((1, size), precision, generator), torch.linalg.cholesky(precision))[0]
    mean = (count * average + (weight + count) ** 0.5 * noise) / (weight + count)
    return mean.to(residuals), precision.to(residuals)


def draw_coefficients(
    residuals: Tensor, features: Tensor, strength: Tensor, precision: Tensor, generator: Generator
) -> Tensor:
    """Draw B of one group of features: ridge regression of the vectors on the features.

    The columns of the features are orthogonal (see `side_information`), so that the rows of B are independent: row j is
    normal with mean f_j' residuals / (f_j' f_j + lambda) and precision (f_j' f_j + lambda) Lambda.

    Args:
        residuals: Vectors less mu and less what the other groups explain, [n, K].
        features: [n, d].
        strength: lambda, [].
        precision: Lambda, [K, K].
        generator: Source of the random numbers.

    Returns:
        [d, K].
    """
    scale: Tensor = (torch.linalg.vector_norm(features, dim=0).square() + strength)[:, None]
    noise = normal((features.shape[1], residuals.shape[1]), residuals, generator)
    return features.T @ residuals / scale + with_precision(noise, torch.linalg.cholesky(precision)) / scale.sqrt()


def draw_noise_level(alpha: Tensor, hyperpriors: Hyperpriors, generator: Generator) -> Tensor:
    """Draw s, the noise variance of a typical user's ratings in alpha_u ~ Gamma(h, h s), given every alpha: [].

    With the prior Gamma(shape, rate), the conditional is Gamma(shape + h num_users, rate + h sum of alpha).
    """
    shape, rate = hyperpriors.precision
    total = hyperpriors.user_noise * alpha.sum()
    return gamma(shape + hyperpriors.user_noise * len(alpha), rate + total, generator)
