"""The ratings that the factor model is trained on, sorted for its Gibbs sampler."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class TrainingRatings:
    """The ratings that a chain is conditioned on, sorted by user; make them by `build`.

    Attributes:
        users: Rows of the users, [num_ratings] int64.
        films: Rows of the films, [num_ratings] int64.
        stars: [num_ratings].
        user_offsets: User u has the ratings from user_offsets[u] to user_offsets[u + 1], [num_users + 1] int64.
        film_order: Positions of the ratings when sorted by film, [num_ratings] int64.
        film_offsets: The same as user_offsets, for films and in that order, [num_films + 1] int64.
        average: Mean of the stars.
        slots: Slot of each rating, for each kind of effect, [num_ratings] int64.
        num_slots: Number of slots, for each kind of effect.
        user_features: Of each group, with orthogonal columns, [num_users, d_group].
        film_features: The same for films, [num_films, d_group].
    """

    users: Tensor
    films: Tensor
    stars: Tensor
    user_offsets: Tensor
    film_order: Tensor
    film_offsets: Tensor
    average: float
    slots: dict[str, Tensor] = field(default_factory=dict)
    num_slots: dict[str, int] = field(default_factory=dict)
    user_features: Sequence[Tensor] = ()
    film_features: Sequence[Tensor] = ()

    @classmethod
    def build(
        cls,
        users: Tensor,
        films: Tensor,
        stars: Tensor,
        *,
        num_users: int,
        num_films: int,
        slots: Mapping[str, Tensor] | None = None,
        num_slots: Mapping[str, int] | None = None,
        user_features: Sequence[Tensor] = (),
        film_features: Sequence[Tensor] = (),
    ) -> Self:
        """Sort ratings, which may come in any order; for the arguments see the attributes."""
        order = torch.argsort(users, stable=True)
        users, films, stars = users[order], films[order], stars[order]
        return cls(
            users=users,
            films=films,
            stars=stars,
            user_offsets=offsets_of(users, num_users),
            film_order=torch.argsort(films, stable=True),
            film_offsets=offsets_of(films, num_films),
            average=float(stars.cpu().double().mean()),
            slots={kind: values[order] for kind, values in (slots or {}).items()},
            num_slots=dict(num_slots or {}),
            user_features=user_features,
            film_features=film_features,
        )

    @property
    def num_ratings_of_user(self) -> Tensor:
        """[num_users] int64."""
        return self.user_offsets.diff()

    @property
    def num_ratings_of_film(self) -> Tensor:
        """[num_films] int64."""
        return self.film_offsets.diff()


def offsets_of(rows: Tensor, count: int) -> Tensor:
    """Count ratings before each row, [count + 1] int64."""
    return torch.cat([rows.new_zeros(1), torch.bincount(rows, minlength=count).cumsum(0)])
