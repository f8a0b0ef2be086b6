"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest

from movierec.sources.sample import SampleSize, write_sample


@pytest.fixture(scope="session")
def sample_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated data root of the default size; tests must not change it."""
    root = tmp_path_factory.mktemp("data") / "sample"
    write_sample(root, SampleSize())
    return root


@pytest.fixture(scope="session")
def real_root() -> Path:
    """The data root that MOVIEREC_DATA names."""
    root = os.environ.get("MOVIEREC_DATA")
    if not root:
        pytest.skip("MOVIEREC_DATA does not name a folder with the real data")
    return Path(root)
