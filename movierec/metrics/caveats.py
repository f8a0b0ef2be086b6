"""Detect leaks, look-ahead and collapsed networks, which make metrics misleading."""

from collections.abc import Mapping
from typing import Any

LEAKING = {"self_inclusive": ("train",), "per_split": ("train", "val")}  # by the kind of statistics

# The services count and average the votes of all people up to today, those that came after a rating too.
NEWER = ("tmdb_vote_average", "tmdb_vote_count", "imdb_rating", "imdb_votes", "imdb_metascore")

PREDICTION, RATING = "prediction_sd_stars", "rating_sd_stars"  # as in metrics.json
# With s = sd(prediction) / sd(rating), and a correlation of 1 at most, R2 <= 2 s - s^2: below this, R2 is below 0.02.
LEAST_SPREAD = 0.01


def newer_columns(data: Mapping[str, Any]) -> list[str]:
    """List the columns of a network's inputs that are newer than the ratings, by what metrics.json says of the data."""
    read = data.get("options", {}).get("columns")
    return [name for name in NEWER if name in read] if isinstance(read, list) else []


def is_constant(values: Mapping[str, float | None]) -> bool:
    """Tell whether predictions are almost constant although the ratings vary; False if not measured."""
    prediction, rating = values.get(PREDICTION), values.get(RATING)
    return prediction is not None and rating is not None and prediction < LEAST_SPREAD * rating


def describe_constant(values: Mapping[str, float | None], rows: str) -> str:
    """Describe constant predictions of some rows, such as "test rows"."""
    return (
        f"its predictions of the {rows} are all alike: their standard deviation is {values[PREDICTION]:.4f} stars, "
        f"that of the ratings {values[RATING]:.4f}"
    )
