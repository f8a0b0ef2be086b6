"""A small world with ids up to 2^53 and titles in any script, and a model of it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from movierec.cli import main
from movierec.recommend.recommender import Recommender
from tests.fuzzing import world

SECONDS = 60


class HangError(BaseException):
    """A case that would go on for ever; no Exception, which the command would turn into a clean error."""


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """End a case that would go on for ever."""
    if not hasattr(signal, "alarm"):
        yield
        return
    signal.signal(signal.SIGALRM, end)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)


def end(number: int, frame: object) -> None:
    raise HangError(f"still at work after {SECONDS} seconds")


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small world in `data`, and a run that was trained on it; tests must not change it."""
    folder = tmp_path_factory.mktemp("world")
    world.write(folder / "data")
    (folder / "small.yaml").write_text("{}\n")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(world.FIT) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(scope="session")
def small_checkpoint(trained_folder: Path) -> Path:
    """A checkpoint of a few kilobytes; tests must not change it."""
    return trained_folder / "lightning_logs/small/version_0/checkpoints/best.ckpt"


@pytest.fixture(scope="session")
def small(small_checkpoint: Path) -> Recommender:
    """What the small model recommends."""
    return Recommender.from_checkpoint(small_checkpoint)
