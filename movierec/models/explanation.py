"""What moved a prediction: exact Shapley values of groups of inputs.

Of all orders in which the groups of an average row can be replaced by the row's own, a group's value is the mean change
of the prediction when it is its turn; the values of all groups add up to the prediction less the average one's (L. S.
Shapley, 1953; for models: Lundberg and Lee, 2017). With six groups there are 64 mixed rows a film, so that all of them
are computed and nothing is sampled.
"""

import math
from itertools import chain, combinations

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from movierec.data.tables import Tables
from movierec.models.layers import TableLinear
from movierec.models.network import weighted_mean

GROUPS = {
    "user": ("user_", "userId"),
    "film_ratings": ("movie_rating_",),
    "genres": ("genres=",),
    "year": ("movie_year",),
    "tmdb": ("tmdb_",),
    "imdb": ("imdb_",),
}
IDS = "ids"  # of the film, in each of the sources


class Explainer:
    """Tell the shares that groups of inputs have in a prediction.

    Args:
        tables: The tables of a data set.
        first: The first layer of a trained network over them.
        rest: Its other layers, in evaluation mode.
    """

    def __init__(self, tables: Tables, first: TableLinear, rest: nn.Sequential) -> None:
        self.tables, self.first, self.rest = tables, first, rest
        groups = [group_of(name) for name in tables.feature_names]
        self.groups = [name for name in (*GROUPS, IDS) if name in groups]
        self.members = torch.tensor([[group == name for group in groups] for name in self.groups])
        weight = torch.from_numpy(tables.num_ratings) * tables.complete
        movies = torch.cat([tables.movie_features, tables.movie_statistics[tables.scoring_bank]], dim=1)
        users = tables.user_statistics[tables.scoring_bank]
        activity = tables.seen_offsets.diff()
        self.average = torch.cat([weighted_mean(movies, weight), weighted_mean(users, activity)])
        self.weight = first.dense_weight()

    @torch.inference_mode()
    def explain(self, statistics: Tensor, rows: Tensor) -> pd.DataFrame:
        """Divide predictions into the average row's and what each group adds to it, in stars.

        Args:
            statistics: The user's, scaled as in the tables, [d_user_statistics].
            rows: Rows of the films, [size] int64.

        Returns:
            average, from_user and so on for each group, and prediction, which they add up to and which is not clipped
            to the scale; [size] rows.
        """
        bank = self.tables.scoring_bank
        person = statistics.expand(len(rows), -1)
        own = torch.cat([self.tables.movie_features[rows], self.tables.movie_statistics[bank, rows], person], dim=1)
        number = len(self.groups)
        coalitions = list(chain.from_iterable(combinations(range(number), size) for size in range(number + 1)))
        value = {coalition: self.predict(own, coalition) for coalition in coalitions}
        frame = pd.DataFrame({"average": value[()].numpy()})
        for group, name in enumerate(self.groups):
            share = torch.zeros(len(rows), dtype=torch.float64)
            for coalition in coalitions:
                if group not in coalition:
                    weight = math.factorial(len(coalition)) * math.factorial(number - len(coalition) - 1)
                    joined = tuple(sorted((*coalition, group)))
                    share += weight / math.factorial(number) * (value[joined] - value[coalition])
            frame[f"from_{name}"] = share.numpy()
        frame["prediction"] = value[tuple(range(number))].numpy()
        return frame

    def predict(self, own: Tensor, coalition: tuple[int, ...]) -> Tensor:
        """Predict rows whose inputs are their own in some groups, and the average ones in the others.

        Returns:
            Stars, not clipped, [size] float64.
        """
        replaced = self.members[list(coalition)].any(dim=0)
        mixed = torch.where(replaced, own, self.average)
        first = functional.linear(mixed, self.weight, self.first.bias)
        unit: Tensor = self.rest(first).squeeze(-1).double()
        return self.tables.min_stars + unit * (self.tables.max_stars - self.tables.min_stars)


def group_of(feature: str) -> str:
    """Name the group of an input."""
    name = feature.removeprefix("missingindicator_")
    return next((group for group, starts in GROUPS.items() if name.startswith(starts)), IDS)
