"""Fixtures that all tests share; Lightning is imported before scikit-learn, as `movierec.training` explains."""

import os
from pathlib import Path

import pytest

import movierec.training  # noqa: F401
from movierec import console
from movierec.cli import main
from movierec.data import TMDbDataModule
from movierec.data.cache import FOLDER
from movierec.data.tables import Tables
from movierec.datasets.sample import SampleSize, write_sample
from movierec.recommend.recommender import Recommender


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine, commands say that they are busy, and a test would find that among the errors."""
    monkeypatch.setattr(console, "PATIENCE", 3600.0)


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


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, sample_root: Path) -> Path:
    """The best checkpoint of a small model that was trained on the sample; tests must not change it."""
    folder = tmp_path_factory.mktemp("trained")
    arguments = [
        "--model.network.hidden",
        "[16,8]",
        "--model.optimizer.lr",
        "0.01",
        "--trainer.max_epochs",
        "5",
        "--trainer.enable_progress_bar",
        "false",
    ]
    arguments += ["--data", "TMDbDataModule", "--data.root", str(sample_root), "--name", "small"]
    (folder / "small.yaml").write_text("{}\n")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(["fit", "--config", "small.yaml", *arguments]) == 0
    finally:
        os.chdir(before)
    return folder / "lightning_logs" / "small" / "version_0" / "checkpoints" / "best.ckpt"


@pytest.fixture(scope="session")
def trained(checkpoint: Path) -> Recommender:
    """What the small model recommends."""
    return Recommender.from_checkpoint(checkpoint)


@pytest.fixture(scope="session")
def tables(sample_root: Path) -> Tables:
    """The sample's tables with ids, genres and TMDb's columns; ratings of films that lack any are left out."""
    module = TMDbDataModule(root=sample_root)
    module.setup()
    assert module.tables is not None
    return module.tables
