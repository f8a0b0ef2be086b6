"""Say in five lines what is understood of the user's own ratings."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import yaml

from movierec.console import quoted
from movierec.datasets.movielens import NO_GENRES, read_movies, read_ratings
from movierec.datasets.own_ratings import OwnRelease, column_names, find_release
from movierec.errors import DataFormatError

READ = ("userId", "movieId", "rating", "timestamp")


def describe_own(root: Path, name: str, columns_map: Mapping[str, str] | None = None) -> list[str]:
    """Read a folder or a file of ratings, and describe it.

    Raises:
        MovierecError: It cannot be read, or a film is rated and not listed.
    """
    release = find_release(root, name, columns_map)
    assert isinstance(release, OwnRelease)
    ratings, movies = read_ratings(root, release), read_movies(root, release)
    movie_ids = ratings["movie_id"].astype("str")
    if (is_stray := ~movie_ids.isin(movies["movie_id"].astype("str"))).any():
        raise DataFormatError(
            f"{root / release.ratings}: expected each rated film in {release.movies}, found {is_stray.sum():,} ratings "
            f"of others, such as {movie_ids[is_stray].iloc[0]}. Add the films, or remove the ratings."
        )
    names = column_names(root / release.ratings, release)
    columns = [names[one] for one in READ if one in names]
    if release.movies == release.ratings:
        options = ["--data.ratings", str(root / name)]
    else:
        options = ["--data.root", str(root), "--data.release", name]
    if columns_map:
        options += ["--data.columns_map", yaml.safe_dump(columns_map, default_flow_style=True, width=1000).strip()]
    model = "model7" if (ratings["stars"] == 1).all() else "model6"
    return [
        "{:,} ratings by {:,} users of {:,} films".format(len(ratings), *ratings[["user_id", "movie_id"]].nunique()),
        f"columns of {release.ratings}: {', '.join(columns)}; {describe_ids(ratings)}",
        f"{describe_stars(ratings['stars'])}; {describe_times(ratings['timestamp'])}",
        describe_films(movies, release),
        f"python -m movierec fit --config configs/{model}.yaml {quoted(options)}",
    ]


def describe_ids(ratings: pd.DataFrame) -> str:
    """Say whether ids are numbers, with an example of each."""
    user, film = (
        f"{'numbers' if ids.dtype == 'int64' else 'texts'} such as {ids.iloc[0]}"
        for ids in (ratings["user_id"], ratings["movie_id"])
    )
    return f"users are {user}, films {film}"


def describe_stars(stars: pd.Series) -> str:
    """Say how ratings are spread."""
    if stars.min() == stars.max():
        if stars.iloc[0] != 1:
            return f"all ratings are {stars.iloc[0]:g}, so no model learns; for likes, leave them out or make them 1"
        return "no stars: likes, for models of lists"
    return (
        f"ratings from {stars.min():g} to {stars.max():g}, {stars.nunique():,} different ones, mean {stars.mean():.3g}"
    )


def describe_times(timestamps: pd.Series) -> str:
    """Say when ratings were given."""
    if timestamps.min() == timestamps.max():
        return "no times, so no split by time"
    first, last = pd.to_datetime(timestamps.agg(["min", "max"]), unit="s").dt.date
    return f"given from {first} to {last}"


def describe_films(movies: pd.DataFrame, release: OwnRelease) -> str:
    """Say what is known of the films."""
    if release.movies == release.ratings:
        return "no file of films: ids are the titles; no genres, no metadata"
    has_genres = (movies["genres"].str.join("") != NO_GENRES).any()
    links = f"ids at TMDb and IMDb from {release.links}" if release.links else "no links.csv, so no metadata"
    return f"{len(movies):,} films in {release.movies}, with {'genres' if has_genres else 'no genres'}; {links}"
