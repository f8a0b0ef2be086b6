"""The options that decide the tables, and the record of the options and files that data were made from."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from movierec.data.features import USER_COLUMNS, Missing
from movierec.data.scaling import Scaling
from movierec.data.split import LARGEST_SEED, Refit, Way
from movierec.data.statistics import Kind, Unrated
from movierec.datasets import metadata, movielens
from movierec.datasets.catalog import RELEASES, Release
from movierec.datasets.file import require_file, sha256
from movierec.datasets.metadata import Source
from movierec.datasets.own_ratings import find_release
from movierec.datasets.root import is_sample
from movierec.errors import ConfigError

MOST_FOLDS = 1000  # each takes room for the statistics of all users and films


@dataclass(frozen=True, kw_only=True)
class Options:
    """What decides the tables, beside the content of the files; `MovieDataModule` says what each of them means.

    Attributes:
        refit: What is trained on, of a refit; None: the training ratings. `fit --refit` sets it.
    """

    release: str
    columns_map: tuple[tuple[str, str], ...] = ()
    sources: tuple[Source, ...]
    split: Way
    fractions: tuple[float, ...]
    test_pairs: Path | None = None
    val_pairs: Path | None = None
    history_share: float = 0.8
    user_offset: int = 0
    until: int | None = None
    seed: int
    statistics: Kind
    folds: int
    unrated: Unrated
    scaling: Scaling
    missing: Missing
    whole_stars: bool
    columns: tuple[str, ...]
    side_information: bool = False
    liked: float | None = None
    train_share: float = 1.0
    refit: Refit | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that a network reads: none where they are side information of a factor model."""
        return () if self.side_information else self.columns

    @property
    def user_columns(self) -> list[str]:
        """The columns that describe users."""
        return [name for name in self.columns if name in USER_COLUMNS]

    @property
    def is_published(self) -> bool:
        """Whether the split is one that was published with the ratings."""
        return self.split not in ("random", "time", "users", "file")

    def find_release(self, root: Path) -> Release:
        """Find the release, or the user's own ratings, below a data root; see `datasets.own_ratings.find_release`."""
        return find_release(root, self.release, dict(self.columns_map))

    def check(self, root: Path) -> None:
        """Refuse options that contradict each other, or the release.

        Raises:
            ConfigError: They do.
            MissingDataError: There is no such release.
        """
        release = self.find_release(root)
        if self.scaling == "per_split" and self.statistics != "per_split":
            raise ConfigError("Expected `statistics: per_split` with `scaling: per_split`; each part needs its bank.")
        if self.statistics == "cross_fit" and not 1 < self.folds <= MOST_FOLDS:
            raise ConfigError(
                f"Expected at least 2 folds to hide a row's rating from it, and at most {MOST_FOLDS}; got {self.folds}."
            )
        if self.seed > LARGEST_SEED:
            raise ConfigError(f"Expected a seed from 0 to {LARGEST_SEED}, got {self.seed}.")
        if (self.split == "file") != (self.test_pairs is not None) or (self.val_pairs and not self.test_pairs):
            raise ConfigError(
                "Expected `split: file` with a file of the test pairs, and that of the validation pairs only with it; "
                f"got split {self.split}, test_pairs {self.test_pairs} and val_pairs {self.val_pairs}."
            )
        if self.is_published and self.split not in release.splits:
            having = [one.name for one in RELEASES.values() if self.split in one.splits]
            raise ConfigError(
                f"Expected `split: random` or `split: time` with {self.release}, got {self.split}: that is a published "
                f"split of {', '.join(having)}. Choose another split, or that release."
            )
        if self.user_columns and release.users is None:
            telling = [one.name for one in RELEASES.values() if one.users]
            raise ConfigError(
                f"Expected no {', '.join(self.user_columns)} with {self.release}, which tells nothing of its users. "
                f"Leave the columns out, or choose {' or '.join(telling)}."
            )
        if self.sources and release.links is None:
            raise ConfigError(
                f"Expected a release whose films are known to TMDb and IMDb, got {self.release}: its film ids are its "
                "own. Use RatingsDataModule with it, or another release; to a folder of your own, add links.csv."
            )


def describe_origin(root: Path, options: Options) -> dict[str, Any]:
    """Record what data are made of: options, files, and a fingerprint of both.

    Raises:
        MissingDataError: A file is not there.
    """
    chosen = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(options).items()}
    if options.statistics != "cross_fit":
        chosen["folds"] = None  # without meaning then
    if options.split != "users":
        chosen["history_share"] = None
    for name in "user_offset", "until":
        if not chosen[name]:
            del chosen[name]  # so that runs from before there were these options count as the same
    for name, path in ("test_pairs", options.test_pairs), ("val_pairs", options.val_pairs):
        chosen[name] = sha256(require_file(path)) if path else None  # what is in it counts, and not where it is
    files = {name: sha256(movielens.find(root, name)) for name in file_names(root, options)}
    return {
        "sample": is_sample(root),
        "options": chosen,
        "files": files,
        "fingerprint": hashlib.sha256(json.dumps([chosen, files]).encode()).hexdigest(),
    }


def file_names(root: Path, options: Options) -> list[str]:
    """List the files below the root that the options need."""
    release = options.find_release(root)
    links = [release.links] if options.sources and release.links else []
    split = release.split_files(options.split) if options.is_published else ()
    users = [release.users] if options.user_columns and release.users else []
    of_sources = [metadata.FILES[source] for source in options.sources]
    return list(dict.fromkeys([release.ratings, release.movies, *split, *links, *users, *of_sources]))
