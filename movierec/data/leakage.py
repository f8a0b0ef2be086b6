"""What gives the ratings away: columns that are nearly a copy of them, and options that leak by their name."""

from collections.abc import Mapping
from typing import Any

import torch

from movierec.data.batches import Batch
from movierec.data.statistics import is_statistic
from movierec.data.tables import Tables
from movierec.errors import LeakageError

LIMIT = 0.99  # a column whose correlation with the ratings is beyond it counts as their copy
LEAK_FREE = ("cross_fit", "leave_one_out", "train")  # of the options `statistics` and `scaling`
ROWS = 10_000


def correlate(tables: Tables, train: Batch) -> dict[str, float]:
    """Compute Pearson's correlation of each of the network's inputs with the training ratings.

    Of more than 10,000 training rows, as many are read, evenly spaced: a copy of the ratings is one in a sample too.

    Args:
        tables: The tables.
        train: The training rows.

    Returns:
        The correlation of each column, -1 to 1, by its name, in the order of the inputs; 0 if it is constant.
    """
    size = len(train.rating)
    rows = train.take(torch.linspace(0, size - 1, min(size, ROWS), dtype=torch.float64).long())
    user, movie, bank = rows.user.long(), rows.movie.long(), rows.bank.long()
    statistics = tables.movie_statistics[bank, movie], tables.user_statistics[bank, user]
    inputs = torch.cat([tables.movie_features[movie], *statistics], dim=1).double()
    rating = rows.rating.double()
    centred, deviation = inputs - inputs.mean(dim=0), rating - rating.mean()
    product = centred.norm(dim=0) * deviation.norm()
    varies = product > inputs.norm(dim=0) * deviation.norm() * 1e-7  # else it is rounding
    found = torch.where(varies, deviation @ centred / product.where(varies, 1.0), 0.0)
    return dict(zip(tables.feature_names, found.clamp(-1, 1).tolist(), strict=True))


def describe_inputs(tables: Tables, train: Batch) -> dict[str, Any]:
    """Record which input follows the training ratings most, which are copies of them, and what leaks."""
    correlations = correlate(tables, train)
    largest = max(correlations, key=lambda name: abs(correlations[name]))
    copies = find_copies(correlations)
    options = tables.record["options"]
    leaks = [f"{name}: {options[name]}" for name in ("statistics", "scaling") if options[name] not in LEAK_FREE]
    leaks += [f"column {name}: correlation {value:.4f}" for name, value in copies.items()]
    recorded = {name: value for name, value in correlations.items() if name in {largest, *copies}}
    return {"correlations": recorded, "leaks": leaks}


def find_copies(correlations: Mapping[str, float]) -> dict[str, float]:
    """Pick the columns that are copies of the ratings, or nearly so."""
    return {name: value for name, value in correlations.items() if abs(value) > LIMIT}


def check_copies(record: Mapping[str, Any]) -> None:
    """Refuse columns that are copies of the ratings, or nearly so.

    Args:
        record: What the tables' `record` says.

    Raises:
        LeakageError: There are some; the message names them.
    """
    copies = find_copies(record["correlations"])
    if not copies:
        return
    sources = dict.fromkeys(source_of(name) for name in copies if not is_statistic(name))
    actions = [f"leave out the column with --data.exclude_columns '[{', '.join(sources)}]'"] if sources else []
    if any(map(is_statistic, copies)) and record["options"]["statistics"] != "cross_fit":
        actions.append("compute statistics from other rows with --data.statistics cross_fit")
    remedy = f"Either {' and '.join(actions)}, or train" if actions else "Train"
    raise LeakageError(
        f"Expected inputs that do not give the ratings away; beyond {LIMIT} correlate with the training ratings: "
        f"{', '.join(f'{name} ({value:.4f})' for name, value in copies.items())}. "
        f"{remedy} all the same with --data.allow_leaks true, which metrics.json records."
    )


def source_of(name: str) -> str:
    """Name the column that an input was encoded from."""
    return name.removeprefix("missingindicator_").split("=")[0]
