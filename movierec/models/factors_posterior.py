"""Predictions of the factor model for anybody with ratings, by all samples of a chain at once.

Given the films' vectors, a person's vector has a normal distribution in closed form, a linear regression on the films
they rated (see `factors.vector_posterior`). So a new user is scored like one of the training ratings: "folding in".
Shapes begin with the number of samples, S.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from movierec.models.factor_priors import HYPERPRIORS
from movierec.models.factor_samples import Sample
from movierec.models.factor_times import DAY, PERIOD
from movierec.models.factors import regressors, sum_by

STEPS = 3  # rounds of `fold_in`; a fourth changes predictions by .002 stars on average


@dataclass(frozen=True)
class Regression:
    """A person's ratings as a regression on the films' vectors, in each sample.

    Attributes:
        films: Rows of the rated films, [num_rated] int64.
        inputs: x = [1, q] of each rated film, [S, num_rated, K].
        weighted: The same times the film's beta, [S, num_rated, K].
        squares: Sum of beta x x', [S, K, K].
        target: Stars less g, film bias and period effect, [S, num_rated].
        prior_mean: Prior mean of [b, p] without what the choice of films says, [S, K].
        implicit_mean: What the choice of films adds to it, [S, K].
    """

    films: Tensor
    inputs: Tensor
    weighted: Tensor
    squares: Tensor
    target: Tensor
    prior_mean: Tensor
    implicit_mean: Tensor


@dataclass(frozen=True)
class Person:
    """What the samples say of a person, and how it came about.

    Attributes:
        vectors: Means of [b, p], [S, K].
        cholesky: Lower Cholesky factors of their precision matrices, [S, K, K].
        alpha: Precision of the person's ratings, [S].
        days: The days on which they rated, [num_days] int64; none if unknown.
        day_effects: [S, num_days].
        regression: Their ratings.
        target: `regression.target` less the day effects, that the means were solved for, [S, num_rated].
        weight: alpha that they were solved with, [S].
    """

    vectors: Tensor
    cholesky: Tensor
    alpha: Tensor
    days: Tensor
    day_effects: Tensor
    regression: Regression
    target: Tensor
    weight: Tensor


class Posterior:
    """The samples of a chain, side by side.

    Args:
        samples: As kept after the chain's burn-in, side by side as `factor_samples.unstack` builds them.
        average: g, mean of the training ratings.
        rated: Whether each film has training ratings, [num_films] bool.
        implicit: What each rated film adds to the users' first group of features, which says what they rated (times
            the square root of their number of ratings), [num_films, d]; none if users and films have no such group.
        film_features: The other groups of the films' features, [num_films, d_group].
    """

    def __init__(
        self,
        samples: Sample,
        *,
        average: float,
        rated: Tensor,
        implicit: Tensor | None = None,
        film_features: Sequence[Tensor] = (),
    ) -> None:
        self.average, self.rated, self.implicit, self.film_features = average, rated, implicit, film_features
        self.films, self.beta, self.noise = samples.films.float(), samples.beta, samples.noise
        self.mean, self.precision = samples.user_prior.mean, samples.user_prior.precision
        self.coefficients = samples.user_prior.coefficients
        self.film_precision, film_coefficients = samples.film_prior.precision, samples.film_prior.coefficients
        self.film_coefficients = film_coefficients if implicit is None else film_coefficients[1:]
        self.periods = samples.effects[PERIOD].float() if PERIOD in samples.effects else None
        self.day_precision = samples.effect_precision.get(DAY)

    @torch.inference_mode()
    def fold_in(
        self,
        films: Tensor,
        stars: Tensor,
        *,
        days: Tensor | None = None,
        periods: Tensor | None = None,
        features: Sequence[Tensor] = (),
    ) -> Person:
        """Infer a person's vector, noise and day effects from their ratings.

        The noise and the day effects depend on the vector and the vector on them; three rounds of conditional means
        settle them.

        Args:
            films: Rows of the films they rated, [num_rated] int64; may be empty.
            stars: [num_rated].
            days: Day of each rating, as in training, [num_rated] int64; none if unknown.
            periods: Period of each rating, [num_rated] int64; none if unknown.
            features: The person's, of each group but the implicit one, [d_group]; none for the average person's.
        """
        regression = self.regression(films, stars, periods, features)
        alpha, of_day = 1 / self.noise, torch.zeros_like(regression.target)
        no_days = torch.zeros(0, dtype=torch.int64)
        own_days, slots = (no_days, no_days) if days is None else torch.unique(days, return_inverse=True)
        effects = of_day.new_zeros(len(alpha), len(own_days))
        for _ in range(STEPS):
            target, weight = regression.target - of_day, alpha
            vectors, cholesky = self.solve(regression, target, weight)
            residuals = regression.target - (regression.inputs @ vectors[:, :, None])[:, :, 0]
            beta = self.beta[:, films]
            if self.day_precision is not None and days is not None:
                precision = weight[:, None] * beta  # of each rating; for the means, see `factors.draw_effects`
                certainty = sum_by(slots, precision, len(own_days)) + self.day_precision[:, None]
                effects = sum_by(slots, precision * residuals, len(own_days)) / certainty
                of_day = effects[:, slots]
            # alpha: mean of Gamma(h + n / 2, h s + E[sum of beta e^2] / 2), with the uncertainty of the vector in E.
            uncertainty = torch.cholesky_solve(regression.squares, cholesky).diagonal(dim1=1, dim2=2).sum(dim=1)
            error = (beta * (residuals - of_day).square()).sum(dim=1) + uncertainty
            prior = 2 * HYPERPRIORS.user_noise
            alpha = (prior + len(films)) / (prior * self.noise + error)
        return Person(vectors, cholesky, alpha, own_days, effects, regression, target, weight)

    def regression(
        self, films: Tensor, stars: Tensor, periods: Tensor | None = None, features: Sequence[Tensor] = ()
    ) -> Regression:
        """Set up the regression of a person's ratings; see `fold_in`."""
        vectors = self.films[:, films]
        inputs = regressors(vectors)
        weighted = inputs * self.beta[:, films, None]
        target = stars - self.average - vectors[:, :, 0] - self.of_period(films, periods)
        prior_mean, implicit_mean, groups = self.mean.clone(), torch.zeros_like(self.mean), self.coefficients
        if self.implicit is not None:
            implicit_mean = self.implicit_rows(films).sum(dim=0) @ groups[0]
            groups = groups[1:]
        for row, group in zip(features, groups, strict=bool(features)):
            prior_mean += row @ group
        return Regression(films, inputs, weighted, weighted.mT @ inputs, target, prior_mean, implicit_mean)

    def implicit_rows(self, films: Tensor) -> Tensor:
        """Look up what each rated film adds to the person's implicit features, [num_rated, d]."""
        assert self.implicit is not None
        rows: Tensor = self.implicit[films] / max(len(films), 1) ** 0.5
        return rows

    def solve(self, regression: Regression, target: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the person's vector given their noise and day effects.

        Args:
            regression: Of their ratings.
            target: The regression's, less the day effects, [S, num_rated].
            alpha: Precision of their ratings, [S].

        Returns:
            Means [S, K] and lower Cholesky factors of the precision matrices [S, K, K].
        """
        cholesky = torch.linalg.cholesky(self.precision + alpha[:, None, None] * regression.squares)
        prior_mean = regression.prior_mean + regression.implicit_mean
        right = self.precision @ prior_mean[:, :, None] + alpha[:, None, None] * (
            regression.weighted.mT @ target[:, :, None]
        )
        return torch.cholesky_solve(right, cholesky)[:, :, 0], cholesky

    def of_period(self, films: Tensor, periods: Tensor | None) -> Tensor:
        """Look up the effects of films' periods, [S, size]; 0 where the moment is not known."""
        if self.periods is None or periods is None:
            return self.films.new_zeros(len(self.films), len(films))
        num_periods = self.periods.shape[1] // self.films.shape[1]
        return self.periods[:, films * num_periods + periods]

    @torch.inference_mode()
    def centres(
        self, person: Person, films: Tensor, *, days: Tensor | None = None, periods: Tensor | None = None
    ) -> Tensor:
        """Predict ratings by each sample, not clamped.

        Args:
            person: From `fold_in`.
            films: Rows of the films, [size] int64.
            days: Day of each prediction, [size] int64; none if unknown, as tonight's is of no day in training.
            periods: Period of each prediction, [size] int64; none if unknown.

        Returns:
            Stars, [S, size].
        """
        taste = regressors(person.vectors)[:, :, None]  # [c, q] . [1, p] = c + p . q
        if 2 * len(films) < self.films.shape[1]:
            of_films = (self.films[:, films] @ taste)[:, :, 0]
        else:  # picking the products is faster than picking the vectors
            of_films = (self.films @ taste)[:, films, 0]
        centres = of_films + self.average + person.vectors[:, :1] + self.of_period(films, periods)
        if days is not None:
            is_on = (days == person.days[:, None]).to(centres)
            centres += person.day_effects @ is_on
        return centres

    @torch.inference_mode()
    def deviations(self, person: Person, films: Tensor) -> Tensor:
        """Compute the standard deviation of ratings around `centres`, from noise and from what is not known.

        The person's vector is known up to its posterior, that of a film without ratings up to its prior. How far other
        films are known shows in the difference between samples.

        Returns:
            Stars, [S, size].
        """
        inputs = regressors(self.films[:, films])
        variance = quadratic(inputs, person.cholesky) + 1 / (person.alpha[:, None] * self.beta[:, films])
        of_film = quadratic(regressors(person.vectors)[:, None], torch.linalg.cholesky(self.film_precision))
        return (variance + of_film * ~self.rated[films]).sqrt()


def quadratic(rows: Tensor, cholesky: Tensor) -> Tensor:
    """Compute x' (L L')^-1 x of each row x, [S, size, K] and [S, K, K] to [S, size]."""
    solved: Tensor = torch.linalg.solve_triangular(cholesky, rows.mT, upper=False)
    return solved.square().sum(dim=1)
