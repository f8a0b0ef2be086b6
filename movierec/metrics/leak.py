"""What the network knows too early: rows whose statistics hold their own ratings, columns newer than the ratings."""

from collections.abc import Mapping
from typing import Any

LEAKING = {"self_inclusive": ("train",), "per_split": ("train", "val")}  # by the kind of statistics

# The services count and average the votes of all people up to today, those that came after a rating too.
NEWER = ("tmdb_vote_average", "tmdb_vote_count", "imdb_rating", "imdb_votes", "imdb_metascore")


def newer_columns(data: Mapping[str, Any]) -> list[str]:
    """List the columns that a network reads and that are newer than the ratings.

    Args:
        data: What metrics.json says of the data.
    """
    read = data.get("options", {}).get("columns")
    return [name for name in NEWER if name in read] if isinstance(read, list) else []
