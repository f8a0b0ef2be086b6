"""What ratings, films and their metadata hold, in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from movierec.datasets.metadata import Source, join_fields
from movierec.datasets.movielens import NO_ID

SOURCE_SETS: tuple[tuple[Source, ...], ...] = (("tmdb",), ("omdb",), ("tmdb", "omdb"))


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """What the ratings of a release are.

    Attributes:
        rows: How many there are.
        users: How many users gave them.
        films: How many films got them.
        min_stars: The lowest.
        max_stars: The highest.
        mean_stars: Their mean.
        first: When the oldest was given, ISO 8601, UTC; None if all times are equal, as in copies without times.
        last: When the newest was given; None likewise.
    """

    rows: int
    users: int
    films: int
    min_stars: float
    max_stars: float
    mean_stars: float
    first: str | None
    last: str | None


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How many films, and ratings of them, have metadata.

    Attributes:
        films: Rated films that the metadata hold.
        ratings: Ratings of those films.
        complete_films: Rated films of which all is known that the models read by default.
        complete_ratings: Ratings of those films: what a model with `missing: drop` is trained and tested on.
    """

    films: int
    ratings: int
    complete_films: int
    complete_ratings: int


@dataclass(frozen=True, kw_only=True)
class Films:
    """What the films of a release are.

    Attributes:
        listed: How many there are.
        unlisted: How many are rated and not listed; there should be none.
        unlinked: How many listed ones lack an id at IMDb or at TMDb; None without links.
        coverage: What `tmdb`, `omdb` and `tmdb+omdb` (both) hold of them, so far as these can be read.
    """

    listed: int
    unlisted: int
    unlinked: int | None
    coverage: dict[str, Coverage]


def describe_ratings(ratings: pd.DataFrame) -> Ratings:
    """Count ratings, and those who gave and got them.

    Args:
        ratings: As `read_ratings` reads them.
    """
    stars, first, last = ratings["stars"], ratings["timestamp"].min(), ratings["timestamp"].max()
    return Ratings(
        rows=len(ratings),
        users=ratings["user_id"].nunique(),
        films=ratings["movie_id"].nunique(),
        min_stars=float(stars.min()),
        max_stars=float(stars.max()),
        mean_stars=float(stars.mean()),
        first=iso_time(first) if first < last else None,
        last=iso_time(last) if first < last else None,
    )


def iso_time(seconds: int) -> str:
    """Write seconds since 1970 as ISO 8601; NumPy also knows years that `datetime` does not."""
    return f"{np.datetime64(int(seconds), 's')}Z"


def describe_films(
    movies: pd.DataFrame, ratings: pd.DataFrame, links: pd.DataFrame | None, fields: Mapping[Source, pd.DataFrame]
) -> Films:
    """Count films, and compare them with the ratings, the links and the metadata.

    Args:
        movies: As `read_movies` reads them.
        ratings: As `read_ratings` reads them.
        links: As `read_links` reads them, if the release has any.
        fields: What `read_tmdb` and `read_omdb` read, so far as it is there.
    """
    counts = ratings["movie_id"].value_counts()
    unlinked, coverage = None, {}
    if links is not None:
        linked = links.loc[(links[["imdb_id", "tmdb_id"]] != NO_ID).all(axis="columns"), "movie_id"]
        unlinked = int((~movies["movie_id"].isin(linked)).sum())
        for chosen in SOURCE_SETS:
            if set(chosen) <= set(fields):
                coverage["+".join(chosen)] = cover(movies, links, [fields[source] for source in chosen], counts)
    return Films(
        listed=len(movies),
        unlisted=int((~counts.index.isin(movies["movie_id"])).sum()),
        unlinked=unlinked,
        coverage=coverage,
    )


def cover(movies: pd.DataFrame, links: pd.DataFrame, fields: list[pd.DataFrame], counts: pd.Series) -> Coverage:
    """Count the films that have a row in each of some metadata, and those that have all their fields.

    The models read all fields of the metadata that they read at all, and both ids.

    Args:
        movies: As `read_movies` reads them.
        links: As `read_links` reads them.
        fields: What `read_tmdb` and `read_omdb` read, of either or both.
        counts: Number of ratings of each rated film, by movie_id.
    """
    joined = join_fields(movies, links, fields)
    held = np.all([joined[frame.index.name].isin(frame.index) for frame in fields], axis=0)
    complete = held & joined.notna().all(axis="columns").to_numpy()
    ratings = joined["movie_id"].map(counts).fillna(0).to_numpy().astype(np.int64)
    rated = ratings > 0
    return Coverage(
        films=int((held & rated).sum()),
        ratings=int(ratings[held].sum()),
        complete_films=int((complete & rated).sum()),
        complete_ratings=int(ratings[complete].sum()),
    )
