"""The effects of time in the factor model: one for each user and day, one for each film and period.

Users are stricter on some days than on others, and films are liked more or less as years pass. Source: Koren,
"Collaborative filtering with temporal dynamics", 2009.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

DAY, PERIOD = "day", "period"  # the effects: of a user on a day, of a film in a period


def period_of(days: Tensor, starts: Tensor) -> Tensor:
    """Find the period of each day, [size] int64; days after the training ratings are in the last one.

    Args:
        days: Days since 1970, UTC, [size] int.
        starts: First day of each period but the first, ascending, [num_periods - 1] int.
    """
    return torch.bucketize(days, starts, right=True)


@dataclass(frozen=True)
class Times:
    """The effects of the training ratings. A "slot" is an effect's number within its kind, day or period.

    Attributes:
        starts: First day of each period but the first, [num_periods - 1] int64.
        user_days: user * 2^32 + day of each day on which a user has training ratings, ascending, [num_days] int64.
        num_slots: How many effects of each kind there are.
    """

    starts: Tensor
    user_days: Tensor
    num_slots: dict[str, int]

    @classmethod
    def of(cls, users: Tensor, days: Tensor, *, num_periods: int, num_films: int) -> Self:
        """Cut the time of the training ratings into periods of equally many, and list the days of each user.

        Args:
            users: Rows of the users, [num_ratings] int64.
            days: Days since 1970, UTC, [num_ratings] int64.
            num_periods: How many periods there are.
            num_films: How many films there are.
        """
        starts = days.sort().values[torch.arange(1, num_periods, device=days.device) * len(days) // num_periods]
        user_days = torch.unique((users << 32) + days)
        return cls(starts, user_days, {DAY: len(user_days), PERIOD: num_films * num_periods})

    def slots(self, users: Tensor, films: Tensor, days: Tensor) -> dict[str, Tensor]:
        """Find the effects on ratings, in training or not.

        Args:
            users: Rows of the users, [size] int64.
            films: Rows of the films, [size] int64.
            days: Days since 1970, UTC, [size] int64.

        Returns:
            Slot of each kind, [size] int64; on a day without training ratings of the user, the number of slots.
        """
        wanted = (users << 32) + days
        place = torch.searchsorted(self.user_days, wanted).clamp(max=len(self.user_days) - 1)
        return {
            DAY: torch.where(self.user_days[place] == wanted, place, len(self.user_days)),
            PERIOD: films * (len(self.starts) + 1) + period_of(days, self.starts),
        }
