from typing import get_args

from movierec.data.split import Way
from movierec.datasets.catalog import RELEASES


def test_the_options_take_every_published_split() -> None:
    published = dict.fromkeys(split for release in RELEASES.values() for split in release.splits)
    assert get_args(Way) == ("random", "time", "users", "file", *published)


def test_the_files_of_a_release_lie_in_its_folder() -> None:
    assert RELEASES["ml-10m"].ratings == "ml-10M100K/ratings.dat"
    assert RELEASES["ml-100k"].movies == "ml-100k/u.item"
    assert RELEASES["ml-100k"].split_files("ua") == ("ml-100k/ua.base", "ml-100k/ua.test")
