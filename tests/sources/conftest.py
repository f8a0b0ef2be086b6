"""Fixtures of the tests that get data."""

import dataclasses
import hashlib
import zipfile
from pathlib import Path

import pytest

from movierec.sources.catalog import RELEASES, Release
from movierec.sources.sample import SampleSize, write_sample


@pytest.fixture(autouse=True)
def directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers are on this machine, whatever proxy leads out of it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with archives in the published format, of a few ratings."""
    folder = tmp_path_factory.mktemp("archives")
    write_sample(folder / "sample", SampleSize(num_users=30, num_movies=60, num_ratings=600))
    for name in "ml-latest-small", "ml-1m":
        with zipfile.ZipFile(folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((folder / "sample" / name).iterdir()):
                archive.write(path, f"{name}/{path.name}")
            archive.writestr(f"{name}/README.txt", "The terms.\n")
    return folder


@pytest.fixture
def body(archives: Path) -> bytes:
    return (archives / "ml-1m.zip").read_bytes()


@pytest.fixture
def release(body: bytes) -> Release:
    """MovieLens 1M with the checksum of the small archive."""
    return dataclasses.replace(RELEASES["ml-1m"], md5=hashlib.md5(body, usedforsecurity=False).hexdigest())
