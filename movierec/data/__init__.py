"""Data modules: a feature set each, over shared splits, statistics and tables."""

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
