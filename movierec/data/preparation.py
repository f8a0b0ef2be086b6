"""From files to tables: read, leave out, split, compute statistics, encode."""

import hashlib
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from movierec.data.batches import Batch
from movierec.data.cache import Prepared, cache_path, load, store
from movierec.data.features import ROW_IDS, complete_films, encode_films, encode_users
from movierec.data.id_names import IdNames, number_films, number_users, same_type
from movierec.data.leakage import describe_inputs
from movierec.data.options import Options, describe_origin
from movierec.data.pairs import find_ratings
from movierec.data.scaling import fit_target, scale_statistics
from movierec.data.split import (
    Split,
    extend,
    file_split,
    published_split,
    random_split,
    thin,
    time_split,
    user_split,
)
from movierec.data.statistics import STATISTICS, build_banks
from movierec.data.tables import SECONDS_A_DAY, Tables, group_by_user
from movierec.datasets import metadata, movielens
from movierec.datasets.catalog import Release
from movierec.datasets.titles import year_of
from movierec.errors import DataFormatError


def prepare(root: Path, options: Options, *, cache: bool) -> Prepared:
    """Build the tables, and the rows of each part of the ratings, or find those of an earlier run.

    Args:
        root: The data root.
        options: What to read and how.
        cache: Whether to keep what is built below the root, and to take what is kept there.

    Raises:
        MissingDataError: A file is not there.
        DataFormatError: A file does not hold what it should.
        ConfigError: Options contradict each other, or a part of the split would be empty.
    """
    options.check(root)
    origin = describe_origin(root, options)
    if not cache:
        return build(root, options, origin)
    path = cache_path(root, origin)
    prepared = load(path)
    if prepared is None:
        prepared = build(root, options, origin)
        store(path, prepared)
    return prepared


def build(root: Path, options: Options, origin: dict[str, Any]) -> Prepared:
    """Build the tables and the rows from the files.

    Args:
        root: The data root.
        options: What to read and how.
        origin: What `describe_origin` says of them.
    """
    release = options.find_release(root)
    movies = read_movies(root, options)
    ratings = movielens.read_ratings(root, release)
    num_read = len(ratings)
    if options.is_published:
        ratings["is_test"] = movielens.read_test_part(root, release, options.split, ratings)
    user_names = number_users(ratings)
    ratings["movie_id"] = same_type(ratings["movie_id"], movies)
    ratings = keep_usable(ratings, movies, options, release)
    movie_names = number_films(ratings, movies)
    user_ids, user = np.unique(ratings["user_id"], return_inverse=True)
    movie_ids = movies["movie_id"].to_numpy()
    movie = np.searchsorted(movie_ids, ratings["movie_id"])
    stars = ratings["stars"].to_numpy()
    days = days_of(ratings["timestamp"].to_numpy())
    split = split_ratings(ratings, user, options, IdNames(user_names, movie_names))
    seen, seen_offsets = group_by_user(user, movie, len(user_ids))
    seen_movies = torch.tensor(movie[seen], dtype=torch.int32)
    if options.train_share < 1:
        split, kept = thin(split, options.train_share, options.seed, len(ratings))
        ratings = ratings.iloc[kept].reset_index(drop=True)
        user, movie, stars, days = user[kept], movie[kept], stars[kept], days[torch.tensor(kept)]
    if options.refit:
        split = extend(split, options.refit, user)
    described = describe_ratings(ratings, split, num_read=num_read)
    del ratings, seen  # gigabytes, where the tables of many films are as large
    banks = build_banks(
        kind=options.statistics,
        unrated=options.unrated,
        user=user,
        movie=movie,
        stars=stars,
        split=split,
        num_users=len(user_ids),
        num_movies=len(movies),
        num_folds=options.folds,
        seed=options.seed,
    )

    is_trained = np.bincount(user[split.train], minlength=len(user_ids)) > 0
    demographics, demographic_names = encode_users(
        read_users(root, options, user_ids), options.inputs, trained=is_trained
    )
    movie_id = [movie_ids[:, np.newaxis]] if "movieId" in options.inputs else []
    user_id = [user_ids[:, np.newaxis]] if "userId" in options.inputs else []
    scale = partial(scale_statistics, bank=banks.row, split=split, scaling=options.scaling)
    movie_statistics, movie_range = scale(join_columns(*movie_id, banks.movie), index=movie)
    user_statistics, user_range = scale(join_columns(*user_id, banks.user, demographics), index=user)
    trained = np.bincount(movie[split.train], minlength=len(movies)) > 0
    films = encode_films(movies, columns=options.inputs, missing=options.missing, trained=trained)
    min_stars, max_stars, median = fit_target(stars, split.train)
    readable = split.readable(len(stars))
    known, history_offsets = group_by_user(user[readable], movie[readable], len(user_ids))
    known = readable[known]
    tables = Tables(
        movie_features=torch.from_numpy(films.table),
        movie_statistics=movie_statistics,
        user_statistics=user_statistics,
        statistics_range=(movie_range, user_range),
        film_scalers=films.scalers,
        feature_names=films.names
        + statistic_names("movie", options)
        + statistic_names("user", options)
        + demographic_names,
        scoring_bank=banks.scoring,
        user_ids=torch.tensor(user_ids),
        movie_ids=torch.tensor(movie_ids),
        user_names=user_names,
        movie_names=movie_names,
        titles=movies["title"].tolist(),
        genres=movies["genres"].str.join("|").tolist(),
        complete=torch.tensor(films.complete),
        held_out=torch.tensor(~is_trained & np.diff(history_offsets).astype(bool)),
        history_offsets=history_offsets,
        history_days=days[torch.tensor(known)],
        history_movies=torch.tensor(movie[known], dtype=torch.int32),
        history_stars=compact(stars[known]),
        seen_offsets=seen_offsets,
        seen_movies=seen_movies,
        min_stars=min_stars,
        max_stars=max_stars,
        threshold=median,
        record=origin | described,
    )
    unit = tables.to_unit(torch.tensor(stars)).float()
    user_row, movie_row, bank = (torch.from_numpy(each).int() for each in (user, movie, banks.row))
    whole = Batch(user_row, movie_row, bank, unit, days)
    rows = {part: whole.take(torch.tensor(positions)) for part, positions in split._asdict().items()}
    tables.record.update(describe_inputs(tables, rows["train"]))
    return tables, rows


def read_movies(root: Path, options: Options) -> pd.DataFrame:
    """Read the films of the release, by ascending id, joined with the sources asked for."""
    release = options.find_release(root)
    movies = movielens.read_movies(root, release).sort_values("movie_id", ignore_index=True)
    if "movie_year" in options.columns:
        movies["movie_year"] = movies["title"].map(year_of).astype("float64")
    if not options.sources:
        return movies
    links = movielens.read_links(root, release)
    links["movie_id"] = same_type(links["movie_id"], movies)
    fields = [read(root) for source, read in metadata.READERS.items() if source in options.sources]
    return metadata.join_fields(movies, links, fields)


def read_users(root: Path, options: Options, user_ids: np.ndarray) -> pd.DataFrame:
    """Read the columns of users, in the order of their ids; NaN for users whom the file lacks."""
    if not options.user_columns:
        return pd.DataFrame(index=user_ids)
    return movielens.read_users(root, options.find_release(root))[options.user_columns].reindex(user_ids)


def keep_usable(ratings: pd.DataFrame, movies: pd.DataFrame, options: Options, release: Release) -> pd.DataFrame:
    """Leave out the ratings of films that lack a value and those after `until`, and cut half stars if asked for.

    Raises:
        DataFormatError: A film is rated but not listed, or no film has all columns.
    """
    if not (known := ratings["movie_id"].isin(movies["movie_id"])).all():
        stray = ratings.loc[~known, "movie_id"].iloc[0]
        raise DataFormatError(
            f"Expected each rated film of {release.ratings} in {release.movies}; film {stray} is not "
            f"({(~known).sum()} such ratings). Get both files again."
        )
    complete = movies.loc[complete_films(movies, options.inputs, options.missing), "movie_id"]
    is_usable = ratings["movie_id"].isin(complete)
    if options.until is not None:
        is_usable &= ratings["timestamp"] <= options.until
    ratings = ratings[is_usable].reset_index(drop=True)
    if ratings.empty:
        raise DataFormatError(
            f"Expected films that have all of {', '.join(options.inputs)}; none has. Check that the metadata are "
            "of these films, leave columns out, or use `missing: impute`."
        )
    if options.whole_stars:
        ratings["stars"] = np.floor(ratings["stars"])
    return ratings


def split_ratings(ratings: pd.DataFrame, user: np.ndarray, options: Options, names: IdNames) -> Split:
    """Divide the ratings into training, validation and test."""
    fractions, seed = options.fractions, options.seed
    if options.split == "time":
        return time_split(ratings["timestamp"].to_numpy(), fractions)
    if options.split == "users":
        return user_split(user, fractions, options.history_share, seed, options.user_offset)
    if options.split == "file":
        return file_split(*find_parts(ratings, options, names), fractions, seed)
    if options.is_published:
        return published_split(ratings["is_test"].to_numpy(), fractions, seed)
    return random_split(len(ratings), fractions, seed)


def find_parts(ratings: pd.DataFrame, options: Options, names: IdNames) -> tuple[np.ndarray, np.ndarray | None]:
    """Mark the test and the validation ratings that files of pairs name: [num_ratings] bool each, None without a file.

    Raises:
        DataFormatError: A pair is in both files.
    """
    assert options.test_pairs is not None
    is_test = find_ratings(options.test_pairs, ratings, names)
    if options.val_pairs is None:
        return is_test, None
    is_val = find_ratings(options.val_pairs, ratings, names)
    if (is_both := is_test & is_val).any():
        user_id, movie_id = ratings.loc[is_both, ["user_id", "movie_id"]].iloc[0]
        raise DataFormatError(
            f"Expected each pair in {options.test_pairs} or in {options.val_pairs}; user {user_id} and film {movie_id} "
            f"are in both ({is_both.sum():,} such pairs). Remove their lines from one of them."
        )
    return is_test, is_val


def days_of(timestamps: np.ndarray) -> Tensor:
    """Count days since 1970, UTC, [num_ratings] int32; -1 where all times are equal, as in files that have none."""
    is_known = timestamps.min() < timestamps.max()
    return torch.tensor(timestamps // SECONDS_A_DAY if is_known else np.full_like(timestamps, -1), dtype=torch.int32)


def compact(stars: np.ndarray) -> Tensor:
    """Keep stars as float16 if it holds them exactly, as it does half stars; else as float32."""
    half = torch.tensor(stars, dtype=torch.float16)
    return half if (half.numpy() == stars).all() else torch.tensor(stars, dtype=torch.float32)


def join_columns(*tables: np.ndarray) -> np.ndarray:
    """Put tables side by side: those of all banks, [size, d], and those of each, [num_banks, size, d]."""
    rows = np.broadcast_shapes(*(table.shape[:-1] for table in tables))
    return np.concatenate([np.broadcast_to(table, (*rows, table.shape[-1])) for table in tables], axis=-1)


def statistic_names(whose: Literal["movie", "user"], options: Options) -> list[str]:
    """Name the columns of a table of statistics."""
    ids = [name for name in ROW_IDS if name.startswith(whose) and name in options.inputs]
    return ids + [f"{whose}_rating_{statistic}" for statistic in STATISTICS]


def describe_ratings(ratings: pd.DataFrame, split: Split, *, num_read: int) -> dict[str, Any]:
    """Count the ratings, and those who gave and got them, and hash each part's rows: equal hashes, equal ratings.

    The ratings of histories are those of held-out users, which are in no part.
    """
    return {
        "ratings": len(ratings),
        "ratings_left_out": num_read - len(ratings),
        "ratings_of_histories": len(ratings) - len(np.unique(np.concatenate(split))),
        "users": int(ratings["user_id"].nunique()),
        "movies": int(ratings["movie_id"].nunique()),
        "rows": {part: len(positions) for part, positions in split._asdict().items()},
        "row_sets": {
            part: hash_pairs(*(ratings[name].to_numpy()[positions] for name in ("user_id", "movie_id")))
            for part, positions in split._asdict().items()
        },
    }


def hash_pairs(user_ids: np.ndarray, movie_ids: np.ndarray) -> str:
    """Hash pairs of user and film, whatever their order, to 16 hexadecimal digits."""
    order = np.lexsort((movie_ids, user_ids))
    return hashlib.sha256(np.stack([user_ids[order], movie_ids[order]]).tobytes()).hexdigest()[:16]
