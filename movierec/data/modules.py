"""A LightningDataModule per feature set, over one base that splits, encodes and batches."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from jsonargparse.typing import NonNegativeFloat, NonNegativeInt, PositiveInt
from lightning import LightningDataModule
from torch.utils.data import DataLoader

from movierec.data.batches import Batch, batch_loader
from movierec.data.features import (
    ROW_IDS,
    Missing,
    check_columns,
    complete_films,
    encode_films,
    known_columns,
)
from movierec.data.pairs import read_pairs
from movierec.data.split import Split, random_split, time_split
from movierec.data.statistics import STATISTICS, Kind, build_banks
from movierec.data.tables import Scaling, Tables, group_by_user, scale_statistics
from movierec.errors import ConfigError, DataFormatError
from movierec.sources import metadata, movielens
from movierec.sources.sample import is_sample

PARTS = Split._fields
TMDB_COLUMNS = tuple(name for name in known_columns() if name.startswith("tmdb_"))
IMDB_COLUMNS = tuple(name for name in known_columns() if name.startswith("imdb_"))


def default_root() -> Path:
    """Return the data root that the environment variable MOVIEREC_DATA names, else `data`."""
    return Path(os.environ.get("MOVIEREC_DATA") or "data")


class MovieDataModule(LightningDataModule):
    """Ratings split into training, validation and test, with the tables that a network reads for them.

    Subclasses say which sources they join (`available_columns`) and what the network reads by default (`columns`).

    Args:
        root: Folder that holds the releases and `metadata/`. Default: the environment variable MOVIEREC_DATA, else
            `data`.
        release: The MovieLens release whose ratings are learnt.
        split: `random`: shuffle, then cut. `time`: the oldest ratings train, the newest test.
        fractions: Share of the training, validation and test ratings.
        seed: Decides the split and the folds; not the network.
        statistics: Which ratings a row's statistics come from. `cross_fit` and `leave_one_out` hide its own rating
            from it; `self_inclusive` and `per_split` leak.
        folds: Number of folds of `cross_fit`.
        scaling: `train`: statistics and ids are scaled by the training rows. `per_split`: each part by its own rows.
        missing: `drop`: ratings of films that lack a value are left out. `impute`: the median and an indicator.
        whole_stars: Cut half stars off before anything else: 4.5 becomes 4, and 0.5 becomes 0.
        columns: What the network reads beside the six rating statistics. Default: all that the feature set has.
        batch_size: Ratings a training step.
        eval_batch_size: Ratings a step of validation, test and prediction.
        num_workers: Processes that cut batches; batches are a few integers, so 0 is the fastest.
        pairs: For `predict`: a csv file with the columns userId and movieId. Default: the test ratings.
    """

    sources: ClassVar[tuple[str, ...]] = ()
    available_columns: ClassVar[tuple[str, ...]] = ("userId", "movieId", "genres")
    default_columns: ClassVar[tuple[str, ...]] = ("userId", "movieId", "genres")

    def __init__(
        self,
        *,
        root: Path | None = None,
        release: Literal["ml-latest-small", "ml-1m"] = "ml-latest-small",
        split: Literal["random", "time"] = "random",
        fractions: tuple[NonNegativeFloat, NonNegativeFloat, NonNegativeFloat] = (0.8, 0.1, 0.1),
        seed: NonNegativeInt = 123,
        statistics: Kind = "cross_fit",
        folds: PositiveInt = 10,
        scaling: Scaling = "train",
        missing: Missing = "drop",
        whole_stars: bool = False,
        columns: list[str] | None = None,
        batch_size: PositiveInt = 1024,
        eval_batch_size: PositiveInt = 8192,
        num_workers: NonNegativeInt = 0,
        pairs: Path | None = None,
    ) -> None:
        super().__init__()
        self.root = Path(root) if root else default_root()
        self.release = movielens.RELEASES[release]
        # The restricted types of the options are classes of their own; a checkpoint takes plain numbers only.
        self.split, self.fractions, self.seed = split, tuple(map(float, fractions)), int(seed)
        self.statistics: Kind = statistics
        self.folds = int(folds)
        self.scaling: Scaling = scaling
        self.missing: Missing = missing
        self.whole_stars = whole_stars
        self.columns = list(self.default_columns if columns is None else columns)
        self.batch_size, self.eval_batch_size, self.num_workers = batch_size, eval_batch_size, num_workers
        self.pairs = Path(pairs) if pairs else None
        check_columns(self.columns, self.available_columns)
        if scaling == "per_split" and statistics != "per_split":
            raise ConfigError("Expected `statistics: per_split` with `scaling: per_split`; each part needs its bank.")
        if statistics == "cross_fit" and folds <= 1:
            raise ConfigError(f"Expected at least 2 folds to hide a row's rating from it, got {folds}.")
        self.tables: Tables | None = None
        self.rows: dict[str, Batch] = {}

    def setup(self, stage: str | None = None) -> None:
        """Read, split and encode the data, once.

        Raises:
            MissingDataError: A file is not there.
            DataFormatError: A file does not hold what it should.
            ConfigError: A part of the split would be empty.
        """
        if self.tables is None:
            self.tables, self.rows = self.prepare()

    def prepare(self) -> tuple[Tables, dict[str, Batch]]:
        """Build the tables, and the rows of each part of the ratings."""
        movies = self.read_movies()
        ratings = movielens.read_ratings(self.root, self.release)
        num_read = len(ratings)
        ratings = self.keep_usable(ratings, movies)
        user_ids, user = np.unique(ratings["user_id"], return_inverse=True)
        movie = movies["movie_id"].searchsorted(ratings["movie_id"])
        stars = ratings["stars"].to_numpy()
        split = self.split_rows(ratings)
        trained = np.zeros(len(movies), dtype=bool)
        trained[movie[split.train]] = True

        banks = build_banks(
            kind=self.statistics,
            user=user,
            movie=movie,
            stars=stars,
            split=split,
            num_users=len(user_ids),
            num_movies=len(movies),
            num_folds=self.folds,
            seed=self.seed,
        )
        user_table, user_range = scale_statistics(
            self.with_ids(banks.user, user_ids, "userId"), index=user, bank=banks.row, split=split, scaling=self.scaling
        )
        movie_ids = movies["movie_id"].to_numpy()
        movie_table, movie_range = scale_statistics(
            self.with_ids(banks.movie, movie_ids, "movieId"),
            index=movie,
            bank=banks.row,
            split=split,
            scaling=self.scaling,
        )
        films = encode_films(movies, columns=self.columns, missing=self.missing, trained=trained)
        low, high = float(stars[split.train].min()), float(stars[split.train].max())
        if low == high:
            raise DataFormatError(f"Expected training ratings that differ; all of them are {low} stars.")

        def to_unit(stars: np.ndarray | np.floating) -> torch.Tensor:
            return torch.tensor((stars - low) / (high - low), dtype=torch.float32)

        tables = Tables(
            movie_features=torch.tensor(films.table),
            movie_statistics=movie_table,
            user_statistics=user_table,
            statistics_range=(movie_range, user_range),
            film_scalers=films.scalers,
            feature_names=films.names + self.statistic_names("movie") + self.statistic_names("user"),
            scoring_bank=banks.scoring,
            user_ids=torch.tensor(user_ids),
            movie_ids=torch.tensor(movie_ids),
            titles=movies["title"].tolist(),
            genres=movies["genres"].str.join("|").tolist(),
            complete=torch.tensor(films.complete),
            **group_by_user(user, movie, stars, len(user_ids)),
            min_stars=low,
            max_stars=high,
            threshold=to_unit(np.median(stars[split.train])).item(),
            record=self.describe(ratings, split, num_read=num_read),
        )
        every = Batch(
            user=torch.tensor(user, dtype=torch.int32),
            movie=torch.tensor(movie, dtype=torch.int32),
            bank=torch.tensor(banks.row, dtype=torch.int32),
            rating=to_unit(stars),
        )
        return tables, {part: every.take(torch.tensor(rows)) for part, rows in split._asdict().items()}

    def read_movies(self) -> pd.DataFrame:
        """Read the films of the release, by ascending id, joined with the sources of this feature set."""
        movies = movielens.read_movies(self.root, self.release).sort_values("movie_id", ignore_index=True)
        movies = movies.rename(columns={"imdb_id": "imdbId", "tmdb_id": "tmdbId"})
        if "tmdb" in self.sources:
            movies = movies.join(metadata.read_tmdb(self.root), on="tmdbId")
        if "omdb" in self.sources:
            movies = movies.join(metadata.read_omdb(self.root), on="imdbId")
        return movies

    def keep_usable(self, ratings: pd.DataFrame, movies: pd.DataFrame) -> pd.DataFrame:
        """Leave out the ratings of films that lack a value, and cut half stars where that is asked for."""
        if not (known := ratings["movie_id"].isin(movies["movie_id"])).all():
            stray = ratings.loc[~known, "movie_id"].iloc[0]
            raise DataFormatError(
                f"{self.root / self.release.ratings}: film {stray} is rated but not in "
                f"{self.root / self.release.movies} ({(~known).sum()} such ratings). Fetch both files again."
            )
        complete = movies.loc[complete_films(movies, self.columns, self.missing), "movie_id"]
        ratings = ratings[ratings["movie_id"].isin(complete)].reset_index(drop=True)
        if self.whole_stars:
            ratings["stars"] = np.floor(ratings["stars"])
        return ratings

    def split_rows(self, ratings: pd.DataFrame) -> Split:
        """Divide the ratings into training, validation and test."""
        if self.split == "time":
            return time_split(ratings["timestamp"].to_numpy(), self.fractions)
        return random_split(len(ratings), self.fractions, self.seed)

    def with_ids(self, statistics: np.ndarray, ids: np.ndarray, column: str) -> np.ndarray:
        """Put the id itself before the statistics, where the network reads it as a number."""
        if column not in self.columns:
            return statistics
        ids = np.broadcast_to(ids[None, :, None], (*statistics.shape[:2], 1))
        return np.concatenate([ids, statistics], axis=-1)

    def statistic_names(self, whose: Literal["movie", "user"]) -> list[str]:
        """Name the columns of a table of statistics."""
        ids = [name for name in ROW_IDS if name.startswith(whose) and name in self.columns]
        return ids + [f"{whose}_rating_{statistic}" for statistic in STATISTICS]

    def describe(self, ratings: pd.DataFrame, split: Split, *, num_read: int) -> dict[str, Any]:
        """Record what the data are: what was read, what was left out, and a fingerprint of files and options."""
        options = {
            "module": type(self).__name__,
            "release": self.release.name,
            "split": self.split,
            "fractions": list(self.fractions),
            "seed": self.seed,
            "statistics": self.statistics,
            "folds": self.folds if self.statistics == "cross_fit" else None,
            "scaling": self.scaling,
            "missing": self.missing,
            "whole_stars": self.whole_stars,
            "columns": self.columns,
        }
        files = {name: sha256(self.root / name) for name in self.file_names()}
        return {
            "sample": is_sample(self.root),
            "options": options,
            "files": files,
            "fingerprint": hashlib.sha256(json.dumps([options, files]).encode()).hexdigest(),
            "ratings": len(ratings),
            "ratings_left_out": num_read - len(ratings),
            "users": int(ratings["user_id"].nunique()),
            "movies": int(ratings["movie_id"].nunique()),
            "rows": {part: len(rows) for part, rows in split._asdict().items()},
        }

    def file_names(self) -> list[str]:
        """List the files below the root that this feature set reads."""
        names = [self.release.ratings, self.release.movies, self.release.links]
        names += [metadata.TMDB_FILE] if "tmdb" in self.sources else []
        return names + ([metadata.OMDB_FILE] if "omdb" in self.sources else [])

    def train_dataloader(self) -> DataLoader[Batch]:
        """Load the training ratings in an order that changes each epoch."""
        return batch_loader(self.rows["train"], batch_size=self.batch_size, num_workers=self.num_workers, shuffle=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Load the validation ratings."""
        return self.ordered(self.rows["val"])

    def test_dataloader(self) -> list[DataLoader[Batch]]:
        """Load each part of the ratings in the order of `PARTS`: a test measures all three."""
        return [self.ordered(self.rows[part]) for part in PARTS]

    def predict_dataloader(self) -> DataLoader[Batch]:
        """Load the pairs of the file that `pairs` names, else the test ratings.

        Raises:
            UnknownIdError: The file names a user or a film that the ratings do not hold.
        """
        if self.pairs is None:
            return self.ordered(self.rows["test"])
        assert self.tables is not None
        return self.ordered(read_pairs(self.pairs, self.tables))

    def ordered(self, rows: Batch) -> DataLoader[Batch]:
        """Load some ratings as they come."""
        return batch_loader(rows, batch_size=self.eval_batch_size, num_workers=self.num_workers, shuffle=False)


def sha256(path: Path) -> str:
    """Hash a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class RatingsDataModule(MovieDataModule):
    """Ratings and the genres of MovieLens: model 1."""


class TMDbDataModule(MovieDataModule):
    """Ratings and genres, with TMDb's fields of each film: model 2."""

    sources = ("tmdb",)
    available_columns = (*MovieDataModule.available_columns, "tmdbId", "imdbId", *TMDB_COLUMNS)
    default_columns = available_columns


class IMDbDataModule(MovieDataModule):
    """Ratings and genres, with IMDb's fields of each film, through OMDb: model 3."""

    sources = ("omdb",)
    available_columns = (*MovieDataModule.available_columns, "tmdbId", "imdbId", *IMDB_COLUMNS)
    default_columns = tuple(name for name in available_columns if name != "imdb_countries")


class CombinedDataModule(MovieDataModule):
    """Ratings and genres, with the fields of TMDb and of IMDb: model 4."""

    sources = ("tmdb", "omdb")
    available_columns = (*TMDbDataModule.available_columns, *IMDB_COLUMNS)
    default_columns = (*TMDbDataModule.default_columns, *(c for c in IMDB_COLUMNS if c != "imdb_countries"))


class Combined1MDataModule(CombinedDataModule):
    """The combined feature set on MovieLens 1M: model 5."""

    def __init__(self, *, release: Literal["ml-latest-small", "ml-1m"] = "ml-1m", **kwargs: Any) -> None:
        super().__init__(release=release, **kwargs)
