"""Data modules: a feature set each, over shared splits, statistics and tables.

They are imported when they are asked for: scoring from a checkpoint needs the tables, and not Lightning.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from movierec.data.modules import (
        Combined1MDataModule,
        CombinedDataModule,
        IMDbDataModule,
        MovieDataModule,
        RatingsDataModule,
        TMDbDataModule,
    )

__all__ = [
    "Combined1MDataModule",
    "CombinedDataModule",
    "IMDbDataModule",
    "MovieDataModule",
    "RatingsDataModule",
    "TMDbDataModule",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from movierec.data import modules

    return getattr(modules, name)
