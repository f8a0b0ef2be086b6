"""Something that is no file, or may not be read, where a file is expected."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from movierec.data.pairs import read_pairs
from movierec.datasets.catalog import RELEASES
from movierec.datasets.metadata import READERS
from movierec.datasets.movielens import read_links, read_movies, read_ratings
from movierec.errors import MovierecError
from movierec.models.checkpoint import read_checkpoint
from movierec.recommend.ratings_file import read_ratings_file
from movierec.recommend.recommender import Recommender
from movierec.runs import existing_checkpoint
from movierec.training.config import split_configs
from tests.fuzzing.contract import assert_clear

CSV, DOUBLE_COLON, TAB = RELEASES["ml-latest-small"], RELEASES["ml-1m"], RELEASES["ml-100k"]
NOBODY = 65534
READS: dict[str, Callable[[Path, Recommender], object]] = {
    CSV.ratings: lambda root, _: read_ratings(root, CSV),
    CSV.movies: lambda root, _: read_movies(root, CSV),
    str(CSV.links): lambda root, _: read_links(root, CSV),
    DOUBLE_COLON.ratings: lambda root, _: read_ratings(root, DOUBLE_COLON),
    DOUBLE_COLON.movies: lambda root, _: read_movies(root, DOUBLE_COLON),
    TAB.ratings: lambda root, _: read_ratings(root, TAB),
    TAB.movies: lambda root, _: read_movies(root, TAB),
    "metadata/tmdb.csv": lambda root, _: READERS["tmdb"](root),
    "metadata/omdb.csv": lambda root, _: READERS["omdb"](root),
    "own/pairs.csv": lambda root, small: read_pairs(root / "own/pairs.csv", small.tables),
    "own/ratings.csv": lambda root, small: read_ratings_file(root / "own/ratings.csv", small),
    "own/mine.yaml": lambda root, _: split_configs(["fit", "--config", str(root / "own/mine.yaml")]),
    "own/best.ckpt": lambda root, _: read_checkpoint(existing_checkpoint(root / "own/best.ckpt")),
}
every_file = pytest.mark.parametrize("name", READS)


@pytest.fixture
def path(name: str) -> Iterator[Path]:
    """The place of a file, in a folder that everybody may look into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / name
        path.parent.mkdir()
        yield path


def assert_refused(path: Path, name: str, small: Recommender) -> None:
    """Read, and check that the error is ours and names the path."""
    with pytest.raises(MovierecError) as caught:
        READS[name](path.parent.parent, small)
    assert_clear(str(caught.value), path)


@every_file
def test_nothing(path: Path, name: str, small: Recommender) -> None:
    assert_refused(path, name, small)


@every_file
def test_a_folder(path: Path, name: str, small: Recommender) -> None:
    path.mkdir()
    assert_refused(path, name, small)


@every_file
def test_a_link_in_a_circle(path: Path, name: str, small: Recommender) -> None:
    path.symlink_to(path)
    assert_refused(path, name, small)


@every_file
def test_links_to_each_other(path: Path, name: str, small: Recommender) -> None:
    path.symlink_to(path.with_name("other"))
    path.with_name("other").symlink_to(path)
    assert_refused(path, name, small)


@every_file
def test_a_link_to_nothing(path: Path, name: str, small: Recommender) -> None:
    path.symlink_to("nowhere")
    assert_refused(path, name, small)


@every_file
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_that_nobody_writes_to(path: Path, name: str, small: Recommender) -> None:
    os.mkfifo(path)
    assert_refused(path, name, small)


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Lay down the right to read everything, if there is one."""
    if not hasattr(os, "geteuid"):
        pytest.skip("needs POSIX permissions")
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@every_file
@pytest.mark.parametrize("forbidden", ["the file", "its folder"])
def test_no_permission(path: Path, name: str, small: Recommender, forbidden: str) -> None:
    path.write_bytes(b"1")
    place = path if forbidden == "the file" else path.parent
    place.chmod(0)
    try:
        with as_somebody_else(), pytest.raises((MovierecError, PermissionError)) as caught:
            READS[name](path.parent.parent, small)
    finally:
        place.chmod(0o700)
    assert str(place) in str(caught.value)
    assert "denied" in str(caught.value)
