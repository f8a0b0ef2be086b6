"""The contract, for each model of the package and for the one that docs/models.md shows."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from movierec.cli import main
from movierec.models.ease_model import EaseModel
from movierec.models.model import Model
from tests.contract import ListModelContract, RatingModelContract

DOCUMENT = (Path(__file__).parents[2] / "docs/models.md").read_text(encoding="utf-8")
PYTHON, YAML = (
    re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL) for language in ("python", "yaml")
)
FAST = {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.01}}


class TestMLP(RatingModelContract):
    config: ClassVar[dict[str, Any]] = {
        "network": {"class_path": "MLP", "init_args": {"hidden": [16, 8], "dropout": 0.2}},
        "optimizer": FAST,
    }


class TestBiasModel(RatingModelContract):
    config: ClassVar[dict[str, Any]] = {"class_path": "movierec.training.bias_task.BiasTask"}

    def test_it_is_the_baseline_of_every_model(self, folder: Path) -> None:
        metrics = json.loads((folder / "lightning_logs/own/version_0/metrics.json").read_text())
        names = [name for name in metrics["test"] if name != "loss"]
        expected = [metrics["test"][name] for name in names]
        assert [metrics["baselines"]["bias"][name] for name in names] == pytest.approx(expected, abs=2e-3)

    def test_several_processes_are_refused_before_they_start(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(folder)
        options = ["--trainer.devices", "2", "--trainer.accelerator", "cpu", "--name", "two"]
        assert main(["fit", "--config", "own.yaml", *options]) == 1
        assert "Expected one process, got 2" in capsys.readouterr().err
        assert not Path("lightning_logs/two").exists()


class TestFactorModel(RatingModelContract):
    config: ClassVar[dict[str, Any]] = {
        "class_path": "movierec.training.gibbs_task.GibbsTask",
        "init_args": {"rank": 4, "implicit_rank": 8, "keep_every": 1},
    }


class TestEase(ListModelContract):
    config: ClassVar[dict[str, Any]] = {
        "class_path": "movierec.training.ease_task.EaseTask",
        "init_args": {"l2": [50, 100], "p": [1]},
    }

    def test_the_penalties_of_the_best_epoch_are_kept(self, model: Model, folder: Path) -> None:
        metrics = json.loads((folder / "lightning_logs/own/version_0/metrics.json").read_text())
        assert isinstance(model, EaseModel)
        assert model.penalty.tolist() == [[50, 1], [100, 1]][metrics["epoch"]]


class TestHistoryNetwork(ListModelContract):
    config: ClassVar[dict[str, Any]] = {
        "class_path": "movierec.training.history_task.HistoryTask",
        "init_args": {"width": 8},
    }


class TestBlend(ListModelContract):
    config: ClassVar[dict[str, Any]] = {
        "class_path": "movierec.training.history_task.BlendTask",
        "init_args": {"width": 8},
    }


class TestPopularity(ListModelContract):
    config: ClassVar[dict[str, Any]] = {"class_path": "movierec.training.list_baseline_task.ListBaselineTask"}


class TestItemKNN(ListModelContract):
    config: ClassVar[dict[str, Any]] = {
        "class_path": "movierec.training.list_baseline_task.ListBaselineTask",
        "init_args": {"ranking": "item_knn"},
    }


class TestDocumentedModel(RatingModelContract):
    config: ClassVar[dict[str, Any]] = yaml.safe_load(YAML[0])["model"] | {"optimizer": FAST}

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def module(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        """The file of the document, where Python finds it."""
        folder = tmp_path_factory.mktemp("own")
        (folder / "film_embedding.py").write_text(PYTHON[0], encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(folder)
            yield
        sys.modules.pop("film_embedding", None)

    def test_the_document_shows_it_in_less_than_thirty_lines(self) -> None:
        assert len(PYTHON[0].splitlines()) < 30
