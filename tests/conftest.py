"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest

from movierec.data.cache import FOLDER
from movierec.sources.sample import SampleSize, write_sample


@pytest.fixture(scope="session")
def sample_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated data root of the default size; tests must not change it."""
    root = tmp_path_factory.mktemp("data") / "sample"
    write_sample(root, SampleSize())
    return root


@pytest.fixture(scope="session")
def real_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with what MOVIEREC_DATA names, so that nothing is kept in that folder itself."""
    named = os.environ.get("MOVIEREC_DATA")
    if not named:
        pytest.skip("MOVIEREC_DATA does not name a folder with the real data")
    root = tmp_path_factory.mktemp("real")
    for entry in Path(named).resolve().iterdir():
        if entry.name != FOLDER:
            (root / entry.name).symlink_to(entry)
    return root
