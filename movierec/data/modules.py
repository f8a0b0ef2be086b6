"""A LightningDataModule per feature set, over one base that splits, encodes and batches."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from jsonargparse.typing import ClosedUnitInterval, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from lightning import LightningDataModule
from torch.utils.data import DataLoader

from movierec.console import busy, expand_home
from movierec.data.batches import ALONE, Batch, BatchSampler, Share, batch_loader, users_alone
from movierec.data.cache import Prepared
from movierec.data.features import TEXTS, USER_COLUMNS, Missing, check_columns, known_columns
from movierec.data.leakage import check_copies
from movierec.data.missing import download_missing
from movierec.data.options import Options
from movierec.data.pairs import read_pairs
from movierec.data.preparation import prepare
from movierec.data.scaling import Scaling
from movierec.data.side_information import OF_FILMS, SideInformation, read_side_information
from movierec.data.split import Split, Way
from movierec.data.statistics import Kind, Unrated
from movierec.datasets.catalog import RELEASES
from movierec.datasets.metadata import Source
from movierec.datasets.root import default_root
from movierec.errors import ConfigError

if TYPE_CHECKING:
    from movierec.data.tables import Tables

PARTS = Split._fields
MOST_WORKERS = max(16, os.cpu_count() or 1)  # each is a process, and a test has three loaders
TMDB_COLUMNS = tuple(name for name in known_columns() if name.startswith("tmdb_"))
IMDB_COLUMNS = tuple(name for name in known_columns() if name.startswith("imdb_"))

NOT_OF_THE_REPORT = ("imdb_countries", "imdb_directors", "imdb_actors", *TEXTS)
DEFAULT_TMDB_COLUMNS = tuple(name for name in TMDB_COLUMNS if name not in NOT_OF_THE_REPORT)
DEFAULT_IMDB_COLUMNS = tuple(name for name in IMDB_COLUMNS if name not in NOT_OF_THE_REPORT)


class MovieDataModule(LightningDataModule):
    """Ratings split into training, validation and test, with the tables that a network reads for them.

    Subclasses say which `sources` they join, and of the `available_columns` which the network reads by default
    (`default_columns`).

    Args:
        root: Folder that holds the releases and `metadata/`. Default: the environment variable MOVIEREC_DATA, else
            `data`.
        release: The MovieLens release whose ratings are learnt; or a folder of your own ratings below `root`, with
            ratings.csv (userId, movieId; perhaps rating, timestamp) and movies.csv (movieId, title; perhaps genres), or
            the same as .csv.gz or .parquet.
        ratings: A file of your own ratings instead of a release; the ids of films are their titles.
        columns_map: For your own ratings: what the columns are called there, as in `{userId: buyer, movieId: item}`.
        split: `random`: shuffle, then cut. `time`: the oldest ratings train, the newest test. `u1` to `u5`, `ua`, `ub`:
            the published splits of ml-100k; the test ratings are those of u1.test, and of u1.base some validate.
            `file`: the pairs of files are tested and validated. `users`: users are held out; a model trains on none of
            their ratings, and predicts some of them knowing the others.
        fractions: Share of the training, validation and test ratings; with `users`, of the users. A published split
            keeps its test ratings, and `file` those of `test_pairs`; of the others, the second divided by the sum of
            the first two is the share that validates.
        test_pairs: For `file`: a csv file with the columns userId and movieId of the ratings to test on.
        val_pairs: For `file`: one of the ratings to validate on. Default: a share of those that are not tested.
        history_share: For `users`: share of a held-out user's ratings that is known of them; at least one rating is.
        user_offset: For `users`: hold out others, by bringing so many from the end of the drawn order to its front.
        until: Leave out the ratings that were given later, in seconds since 1970, UTC.
        seed: Decides the split and the folds; not the network.
        statistics: Which ratings a row's statistics come from. `cross_fit` and `leave_one_out` hide its own rating
            from it; `self_inclusive` and `per_split` leak.
        folds: Number of folds of `cross_fit`.
        unrated: Statistics of users and films without ratings: `average`: those of the average user or film. `zero`: 0.
        scaling: `train`: statistics and ids are scaled by the training rows. `per_split`: each part by its own rows.
        missing: `drop`: ratings of films that lack a value are left out. `impute`: the median and an indicator.
        whole_stars: Cut half stars off before anything else: 4.5 becomes 4, and 0.5 becomes 0.
        columns: What the network reads beside the six rating statistics. Default: all that the published one read.
        side_information: The columns describe users and films to a factor model (see `read_side_information`), rather
            than being inputs of a network. No rating is left out for what is missing, and ids are not among them.
        liked: The lowest stars of a film that somebody likes, for lists and their metrics. Default: the upper quarter
            of the scale, 4 stars of 5.
        train_share: Share of the training ratings to train on, to see what more of them bring. Those of a smaller share
            are among those of a larger one; validation and test ratings stay the same.
        exclude_columns: One of these columns, or a list of some, that the network is not to read.
        allow_leaks: Train even if a column is nearly a copy of the ratings (a correlation above 0.99).
        batch_size: Ratings a training step, on each device.
        eval_batch_size: Ratings a step of validation, test and prediction, on each device.
        num_workers: Processes that cut batches; batches are a few integers, so 0 is the fastest. At most 16, or one for
            each core where there are more.
        cache: Keep the prepared tables in `prepared/` below the root, for the runs that follow.
        download: Download the releases that are read and not there, without asking.
        pairs: For `predict`: a csv file with the columns userId and movieId. Default: the test ratings.
    """

    sources: ClassVar[tuple[Source, ...]] = ()
    available_columns: ClassVar[tuple[str, ...]] = ("userId", "movieId", "genres", "movie_year", *USER_COLUMNS)
    default_columns: ClassVar[tuple[str, ...]] = ("userId", "movieId", "genres")

    def __init__(
        self,
        *,
        root: Path | None = None,
        release: str = "ml-latest-small",
        ratings: Path | None = None,
        columns_map: dict[str, str] | None = None,
        split: Way = "random",
        fractions: tuple[NonNegativeFloat, NonNegativeFloat, NonNegativeFloat] = (0.8, 0.1, 0.1),
        test_pairs: Path | None = None,
        val_pairs: Path | None = None,
        history_share: ClosedUnitInterval = 0.8,
        user_offset: NonNegativeInt = 0,
        until: int | None = None,
        seed: NonNegativeInt = 123,
        statistics: Kind = "cross_fit",
        folds: PositiveInt = 10,
        unrated: Unrated = "average",
        scaling: Scaling = "train",
        missing: Missing = "drop",
        whole_stars: bool = False,
        columns: list[str] | None = None,
        side_information: bool = False,
        liked: PositiveFloat | None = None,
        train_share: ClosedUnitInterval = 1.0,
        exclude_columns: list[str] | str | None = None,
        allow_leaks: bool = False,
        batch_size: PositiveInt = 1024,
        eval_batch_size: PositiveInt = 1024,
        num_workers: NonNegativeInt = 0,
        cache: bool = True,
        download: bool = False,
        pairs: Path | None = None,
    ) -> None:
        super().__init__()
        names = exclude_columns.split(",") if isinstance(exclude_columns, str) else exclude_columns or ()
        self.excluded = tuple(dict.fromkeys(name.strip() for name in names))
        default = self.side_columns(None if ratings else release) if side_information else self.default_columns
        read = default if columns is None else columns
        self.root = expand_home(root) if root else default_root()
        if ratings:
            self.root, release = expand_home(ratings).parent, ratings.name
        # The restricted types of numbers are classes of their own; a checkpoint takes plain ones only.
        self.options = Options(
            release=release,
            columns_map=tuple((columns_map or {}).items()),
            sources=self.sources,
            split=split,
            fractions=tuple(map(float, fractions)),
            test_pairs=expand_home(test_pairs) if test_pairs else None,
            val_pairs=expand_home(val_pairs) if val_pairs else None,
            history_share=float(history_share),
            user_offset=int(user_offset),
            until=until,
            seed=int(seed),
            statistics=statistics,
            folds=int(folds),
            unrated=unrated,
            scaling=scaling,
            missing=missing,
            whole_stars=whole_stars,
            # What is left is what counts: data without a column are the same, whichever way it was left out.
            columns=tuple(name for name in read if name not in self.excluded),
            side_information=side_information,
            liked=None if liked is None else float(liked),
            train_share=float(train_share),
        )
        self.batch_size, self.eval_batch_size, self.num_workers = batch_size, eval_batch_size, num_workers
        self.cache, self.download, self.allow_leaks = cache, download, allow_leaks
        self.prepare_data_per_node = False  # one process prepares, and keeps the result where the others find it
        self.pairs = expand_home(pairs) if pairs else None
        self.tables: Tables | None = None
        self.rows: dict[str, Batch] = {}

    @classmethod
    def side_columns(cls, release: str | None) -> tuple[str, ...]:
        """List the columns that are side information by default: those that were measured to help."""
        told = USER_COLUMNS if release in RELEASES and RELEASES[release].users else ()
        return tuple(name for name in cls.available_columns if name in (*OF_FILMS, *told))

    def read_side_information(self) -> SideInformation:
        """Read what describes users and films to a factor model, one row for each of the tables' users and films.

        Raises:
            MissingDataError: A file is not there.
            DataFormatError: A file does not hold what it should.
            ConfigError: Options contradict each other.
        """
        tables, rows = self.prepare()
        trained = np.bincount(rows["train"].movie.numpy(), minlength=len(tables.movie_ids)) > 0
        return read_side_information(self.root, self.options, tables.user_ids.numpy(), trained)

    def check(self) -> None:
        """Refuse columns, to read or left out that the feature set lacks, and too many workers.

        Raises:
            ConfigError: A column is unknown, repeated, or of a source that this feature set does not read; or there
                are more workers than the machine has use for.
        """
        if self.num_workers > MOST_WORKERS:
            raise ConfigError(
                f"Expected data.num_workers from 0 to {MOST_WORKERS} on this machine, got {self.num_workers}. Each is "
                "a process of its own; with 0, none is needed, and batches come the fastest."
            )
        for names in (self.options.columns, self.excluded):
            check_columns(names, self.available_columns)

    def prepare_data(self) -> None:
        """Download what is missing, if asked to, and prepare the tables; Lightning calls this in one process alone.

        Raises:
            MovierecError: As in `setup`, or a release cannot be downloaded.
        """
        if self.download:
            self.check()
            download_missing(self.root, self.options)
        with busy("reading the data"):
            self.prepare()

    def setup(self, stage: str | None = None) -> None:
        """Read, split and encode the data, once; before a fit, refuse columns that copy the ratings."""
        tables, _ = self.prepare()
        if stage == "fit" and not self.allow_leaks:
            check_copies(tables.record)

    def prepare(self) -> Prepared:
        """Return the tables and the rows of each part, prepared once."""
        if self.tables is None:
            self.check()
            self.tables, self.rows = prepare(self.root, self.options, cache=self.cache)
        return self.tables, self.rows

    def train_dataloader(self) -> DataLoader[Batch]:
        """Load the training ratings in an order that changes each epoch; for some tasks the users."""
        rows = self.rows["train"]
        if self.trainer is not None and getattr(self.trainer.lightning_module, "batches_of_users", False):
            assert self.tables is not None
            rows = users_alone(len(self.tables.user_ids))
        loader = self.loader(rows, self.batch_size, shuffle=True)
        if self.trainer is not None:  # Lightning tells the epoch of a resumed fit after it has taken the first batch
            assert isinstance(loader.sampler, BatchSampler)
            loader.sampler.set_epoch(self.trainer.fit_loop.epoch_progress.current.processed)  # type: ignore[attr-defined]
        return loader

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
        return self.loader(rows, self.eval_batch_size, shuffle=False)

    def loader(self, rows: Batch, batch_size: int, *, shuffle: bool) -> DataLoader[Batch]:
        """Load this process's share of some ratings."""
        return batch_loader(
            rows, batch_size=batch_size, num_workers=self.num_workers, shuffle=shuffle, share=self.share()
        )

    def share(self) -> Share:
        """Say which of the trainer's processes this is; the only one without a trainer."""
        if self.trainer is None:
            return ALONE
        # Worker processes cut batches on the CPU.
        device = self.trainer.strategy.root_device if self.num_workers == 0 else torch.device("cpu")
        return Share(self.trainer.global_rank, self.trainer.world_size, device)

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Move a batch to the device; Lightning's own way is slow, and mostly the batch is there already."""
        return batch.to(device)


class RatingsDataModule(MovieDataModule):
    """Ratings and the genres of MovieLens: models 1 and 6."""


class TMDbDataModule(MovieDataModule):
    """Ratings and genres, with TMDb's fields of each film: model 2."""

    sources = ("tmdb",)
    available_columns = (*MovieDataModule.available_columns, "tmdbId", "imdbId", *TMDB_COLUMNS)
    default_columns = (*MovieDataModule.default_columns, "tmdbId", "imdbId", *DEFAULT_TMDB_COLUMNS)


class IMDbDataModule(MovieDataModule):
    """Ratings and genres, with IMDb's fields of each film, through OMDb: model 3."""

    sources = ("omdb",)
    available_columns = (*MovieDataModule.available_columns, "tmdbId", "imdbId", *IMDB_COLUMNS)
    default_columns = (*MovieDataModule.default_columns, "tmdbId", "imdbId", *DEFAULT_IMDB_COLUMNS)


class CombinedDataModule(MovieDataModule):
    """Ratings and genres, with the fields of TMDb and of IMDb: model 4."""

    sources = ("tmdb", "omdb")
    available_columns = (*TMDbDataModule.available_columns, *IMDB_COLUMNS)
    default_columns = (*TMDbDataModule.default_columns, *DEFAULT_IMDB_COLUMNS)


class Combined1MDataModule(CombinedDataModule):
    """The combined feature set on MovieLens 1M: model 5."""

    def __init__(self, *, release: str = "ml-1m", **kwargs: Any) -> None:
        super().__init__(release=release, **kwargs)
