"""The Bayesian factor model (see `factors`) of a data set: its kept samples, which predict for anybody with ratings."""

from functools import cached_property
from typing import Any, ClassVar

import pandas as pd
import torch
from torch import Tensor, nn

from movierec.data.histories import History, training_ratings
from movierec.data.tables import Tables
from movierec.models.factor_inputs import Features
from movierec.models.factor_samples import Sample, stack, unstack
from movierec.models.factor_times import period_of
from movierec.models.factors_explanation import explain
from movierec.models.factors_posterior import Person, Posterior
from movierec.models.model import RatingModel
from movierec.models.rating_levels import level_probabilities, midpoints

COMPARED = 4  # samples whose vectors place a film


class FactorModel(RatingModel):
    """The kept samples of a chain. There is nothing of a user among them: known users are their training ratings.

    Args:
        tables: The tables of a data set.
    """

    user_weights: ClassVar[tuple[str, ...]] = ("user_features",)

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self.samples = nn.ParameterDict()
        self.cuts = frozen(midpoints(tables.levels))
        self.forget()
        none = Features(torch.zeros(len(tables.user_ids), 0), torch.zeros(len(tables.movie_ids), 0))
        self.describe(none, none.films, torch.zeros(0, dtype=torch.int64))
        self.register_load_state_dict_pre_hook(make_room)  # type: ignore[no-untyped-call]

    def describe(self, features: Features, implicit: Tensor, period_starts: Tensor) -> None:
        """Take what the samples do not hold.

        Args:
            features: Of users and films.
            implicit: How the films that a person rated become implicit features, [num_movies, d].
            period_starts: First day of each period but the first, [num_periods - 1] int64.
        """
        self.user_features, self.film_features, self.implicit = map(frozen, (*features, implicit))
        self.period_starts = frozen(period_starts)

    def take(self, sample: Sample, *, anew: bool) -> None:
        """Keep a sample, beside those before or instead of them."""
        parts = stack(sample)
        if not anew:
            parts = {name: torch.cat([self.samples[name], part]) for name, part in parts.items()}
        self.samples = nn.ParameterDict({name: frozen(part) for name, part in parts.items()})
        self.forget()

    def forget(self) -> None:
        """Forget what was computed from the samples."""
        self.__dict__.pop("posterior", None)
        self.latest: tuple[History, Person] | None = None

    @cached_property
    def posterior(self) -> Posterior:
        """The samples side by side, on the CPU: the matrices of one person are small."""
        rated = training_ratings(self.tables)
        return Posterior(
            unstack({name: part.detach().cpu() for name, part in self.samples.items()}),
            average=float(rated.data.mean()),
            rated=torch.bincount(torch.from_numpy(rated.indices), minlength=len(self.tables.movie_ids)) > 0,
            implicit=self.implicit.detach().cpu() if self.implicit.shape[1] else None,
            film_features=[self.film_features.detach().cpu()] if self.film_features.shape[1] else [],
        )

    def person(self, history: History) -> Person:
        """Infer a person's taste; once for a list, since this takes longer than its predictions, ranges and reasons."""
        latest = self.latest  # another thread may replace it
        if latest is None or latest[0] is not history:
            latest = self.latest = history, self.fold_in(history)
        return latest[1]

    def fold_in(self, history: History) -> Person:
        """Infer a person's taste from their ratings, and of a user of the data from what describes them."""
        films, stars = torch.from_numpy(history.movies), torch.from_numpy(history.stars).float()
        days = None if history.days is None else torch.from_numpy(history.days)
        features = []
        if history.user_id is not None and self.user_features.shape[1]:
            row = torch.searchsorted(self.tables.user_ids, history.user_id)
            features = [self.user_features[row].cpu()]
        return self.posterior.fold_in(films, stars, days=days, periods=self.periods(days), features=features)

    def periods(self, days: Tensor | None) -> Tensor | None:
        """Find the periods of days."""
        return None if days is None else period_of(days, self.period_starts.cpu())

    def rank(self, history: History, films: Tensor, days: Tensor | None = None) -> Tensor:
        """Score films by the mean prediction of the samples, on the unit scale and not clipped; see `Model`.

        Args:
            history: The person's ratings.
            films: Rows of the films, [size] int64.
            days: Day of each prediction, in days since 1970, UTC, [size] int64. None if unknown, as for a list: time
                has no effect then.
        """
        centres = self.posterior.centres(self.person(history), films, days=days, periods=self.periods(days))
        return self.tables.to_unit(centres.mean(dim=0))

    def distributions(self, history: History, films: Tensor, days: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Compute means and standard deviations of ratings, which each sample has normally distributed; see `rank`.

        Returns:
            Stars, [num_samples, size] each.
        """
        person = self.person(history)
        centres = self.posterior.centres(person, films, days=days, periods=self.periods(days))
        return centres, self.posterior.deviations(person, films)

    def level_probabilities(self, history: History, films: Tensor, days: Tensor | None = None) -> Tensor:
        """Cut the distributions of ratings into levels, [size, num_levels]; see `RatingModel` and `rank`."""
        return level_probabilities(*self.distributions(history, films, days), self.cuts.cpu())

    def explain(self, history: History, films: Tensor) -> pd.DataFrame:
        """Divide predictions among the person, the film, its features and the films that the person rated; see `Model`.

        `from_rated_films` is what the stars of the rated films, and their choice, tell of the person's taste.
        """
        shares = explain(self.posterior, self.person(history), films)
        parts = {"user": shares.user, "film": shares.film}
        if self.posterior.film_features:
            parts["features"] = shares.features
        parts["rated_films"] = shares.rated.sum(dim=1)
        columns = {f"from_{name}": share.double().numpy() for name, share in parts.items()}
        frame = pd.DataFrame({"average": shares.average, **columns})
        return frame.assign(prediction=frame.sum(axis=1))

    def reasons(self, history: History, films: Tensor) -> Tensor:
        """Compute what each rated film adds to predictions, stars; see `Model`."""
        return explain(self.posterior, self.person(history), films).rated

    def film_vectors(self) -> Tensor:
        """Place films such that products of vectors are the covariances of what people's tastes make of them.

        That is q_i' S q_j, where S is the covariance of the users' tastes. Samples may differ by a rotation, so their
        vectors are put one behind the other: the products are averages over them. See `Model`.
        """
        posterior = self.posterior
        taste = torch.linalg.inv(posterior.precision[-COMPARED:])[:, 1:, 1:]
        vectors = posterior.films[-COMPARED:, :, 1:] @ torch.linalg.cholesky(taste)
        return torch.cat(list(vectors), dim=1)


def frozen(values: Tensor) -> nn.Parameter:
    """Make a weight of a tensor that no gradient changes."""
    return nn.Parameter(values, requires_grad=False)


def make_room(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Make tensors of the sizes that a checkpoint has: how many samples there are, only the checkpoint knows."""
    assert isinstance(module, FactorModel)
    start = f"{prefix}samples."
    parts = {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
    module.samples = nn.ParameterDict({name: frozen(torch.empty_like(value)) for name, value in parts.items()})
    for name in ("user_features", "film_features", "implicit", "period_starts"):
        setattr(module, name, frozen(torch.empty_like(state[f"{prefix}{name}"])))
    module.forget()
