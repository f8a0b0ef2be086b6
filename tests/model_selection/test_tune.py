"""A search on the generated sample, and search spaces."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
import yaml

from movierec.cli import main
from movierec.errors import ConfigError
from movierec.model_selection.search_space import read_space, space_of, suggest

CONFIG = """\
data: {class_path: RatingsDataModule}
model: {network: {class_path: MLP, init_args: {hidden: [8], dropout: 0.0}}, optimizer: {class_path: AdamW}}
trainer: {max_epochs: 2, enable_progress_bar: false}
"""
SPACE = """\
model.optimizer.lr: {low: 0.00001, high: 0.1, log: true}
model.network.hidden: {choices: [[8], [16, 8]]}
"""


class Lowest:
    """A trial that suggests the first choice and the lowest number."""

    def suggest_categorical(self, name: str, choices: list[str]) -> str:
        return choices[0]

    def suggest_int(self, name: str, low: int, high: int, **options: Any) -> int:
        return low

    def suggest_float(self, name: str, low: float, high: float, **options: Any) -> float:
        return low


LOWEST: Any = Lowest()


@pytest.mark.parametrize(
    "task", ["RatingTask", "GibbsTask", "EaseTask", "HistoryTask", "movierec.training.history_task.BlendTask"]
)
def test_each_task_has_a_search_space(task: str) -> None:
    assert suggest(LOWEST, read_space(space_of(task)))


def test_choices_keep_their_types_and_ranges_their_ends(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("model.l2: {choices: [[20], [50]]}\nmodel.rank: {low: 8, high: 64}\nmodel.p: {low: 0.5, high: 1}\n")
    assert suggest(LOWEST, read_space(str(path))) == {"model.l2": [20], "model.rank": 8, "model.p": 0.5}


@pytest.mark.parametrize("text", ["model.rank: 8", "model.rank: {low: 1}", "model.rank: {choices: []}", "[1, 2]"])
def test_an_option_without_a_range_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"Expected options with ranges|expected model\.rank with"):
        read_space(str(tmp_path / "space.yaml"))


def test_a_trial_that_does_worse_than_others_is_ended() -> None:
    pytest.importorskip("optuna")
    from movierec.model_selection.tune import Pruning

    trial = Mock(**{"should_prune.side_effect": [False, True]})
    trainer = Mock(callback_metrics={"val/rmse": torch.tensor(0.25)}, current_epoch=4, should_stop=False)
    pruning = Pruning(trial, "val/rmse")
    for is_pruned in (False, True):
        pruning.on_validation_end(trainer, Mock())
        assert trainer.should_stop is pruning.is_pruned is is_pruned
    trial.report.assert_called_with(0.25, 4)


@pytest.mark.slow
def test_a_search_goes_on_where_it_stopped_and_ends_with_a_configuration_that_fit_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna")
    monkeypatch.chdir(tmp_path)
    Path("own.yaml").write_text(CONFIG)
    Path("space.yaml").write_text(SPACE)
    command = ["tune", "--config", "own.yaml", "--space", "space.yaml", "--root", str(sample_root), "--trials"]
    assert main([*command, "2"]) == 0
    assert main([*command, "4", "--time", "10m"]) == 0
    output = capsys.readouterr().out
    assert [output.count(f"\ntrial_{number}: model.optimizer.lr") for number in range(4)] == [1, 1, 1, 1]
    assert output.count("given: val/rmse") == 1
    values = {line.split()[0]: float(line.split()[2]) for line in output.splitlines() if ": val/rmse 0." in line}
    best = min((name for name in values if name.startswith("trial")), key=lambda name: values[name])
    tuned = yaml.safe_load(Path("tune/own/own_tuned.yaml").read_text())
    tried = yaml.safe_load(
        next(Path("tune/own/lightning_logs").glob(f"{best.strip(':')}/version_0/config.yaml")).read_text()
    )
    assert tuned["model"] == tried["model"]
    assert main(["fit", "--config", "tune/own/own_tuned.yaml"]) == 0
    assert "lightning_logs/own_tuned/version_0" in capsys.readouterr().out

    Path("space.yaml").write_text("model.optimizer.lr: {low: 0.001, high: 0.1}\n")
    assert main([*command, "4"]) == 1
    assert "it was begun with others" in capsys.readouterr().err
