"""Why the factor model predicts what it predicts: shares of the person, the film, its features, and each rated film.

A prediction is g + b + c + p . q in each sample, and given noise and day effects p is linear in the stars of the
history (see `Posterior.solve`). So the mean prediction is a sum over the rated films, exactly.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from movierec.models.factors import regressors
from movierec.models.factors_posterior import Person, Posterior


@dataclass(frozen=True)
class Shares:
    """Parts of predictions, in stars; with `average` they add up to the predictions before those are clamped.

    Attributes:
        average: Mean of the training ratings.
        user: Of the person's bias, [size].
        film: Of the film, which any person would give it, beside its features, [size].
        features: Of what the film's features make of it for any person, [size].
        rated: Of each rated film, by its stars and by its having been rated, [size, num_rated].
    """

    average: float
    user: Tensor
    film: Tensor
    features: Tensor
    rated: Tensor


@torch.inference_mode()
def explain(posterior: Posterior, person: Person, films: Tensor) -> Shares:
    """Divide predictions, before they are clamped.

    The taste p is a sum: of a part for each rated film, and of what the prior alone says. Times q, the latter counts
    for the film, or for its features as far as they predict c and q.

    Args:
        posterior: The samples.
        person: From `Posterior.fold_in`.
        films: Rows of the films, [size] int64.
    """
    vectors = posterior.films[:, films]
    from_features = torch.zeros_like(vectors)
    for features, coefficients in zip(posterior.film_features, posterior.film_coefficients, strict=True):
        from_features += features[films] @ coefficients
    prior = posterior.precision @ person.regression.prior_mean[:, :, None]
    anybody = regressors(torch.cholesky_solve(prior, person.cholesky)[:, :, 0])[:, :, None]
    film = ((vectors - from_features) @ anybody)[:, :, 0]
    return Shares(
        average=posterior.average,
        user=person.vectors[:, 0].mean(dim=0).repeat(len(films)),
        film=film.mean(dim=0),
        features=(from_features @ anybody)[:, :, 0].mean(dim=0),
        rated=shares_of_rated(posterior, person, vectors),
    )


def shares_of_rated(posterior: Posterior, person: Person, vectors: Tensor) -> Tensor:
    """Multiply each film's [0, q] by P^-1 and by what each rated film adds to the right-hand side of the solve.

    Args:
        posterior: The samples.
        person: From `Posterior.fold_in`.
        vectors: Of the films, [S, size, K].

    Returns:
        [size, num_rated].
    """
    regression = person.regression
    taste = torch.cat([torch.zeros_like(vectors[:, :, :1]), vectors[:, :, 1:]], dim=2)  # the bias is a share of its own
    reach = torch.cholesky_solve(taste.mT, person.cholesky).mT
    by_stars = person.weight[:, None, None] * regression.weighted * person.target[:, :, None]
    shares: Tensor = (reach @ by_stars.mT).mean(dim=0)
    if posterior.implicit is not None:
        by_choice = reach @ posterior.precision @ posterior.coefficients[0].mT
        shares += by_choice.mean(dim=0) @ posterior.implicit_rows(regression.films).T
    return shares
