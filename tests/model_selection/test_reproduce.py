"""Reproductions on the generated sample: stopped, failed, and gone on with."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from movierec.cli import main
from movierec.model_selection.reproduce import NAMES, plan
from movierec.training.rating_task import RatingTask

SMALL = """\
trainer:
  max_epochs: 2
  enable_progress_bar: false
model:
  network:
    class_path: MLP
    init_args:
      hidden: [16, 8]
      dropout: 0.1
"""
RUNS = Path("lightning_logs")
MODEL1 = ["reproduce", "--root", "sample", "--only", "model1", "--overlay", "small.yaml", "--seeds"]
Say = Callable[..., str]


@pytest.fixture(scope="module")
def finished_folder(tmp_path_factory: pytest.TempPathFactory, sample_root: Path) -> Path:
    """A folder where model1 was reproduced with one seed; tests work on copies."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(sample_root, folder / "sample")
    (folder / "small.yaml").write_text(SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main([*MODEL1, "1"]) == 0
    return folder


@pytest.fixture
def here(finished_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished folder, to run in."""
    copy = Path(shutil.copytree(finished_folder, tmp_path / "copy"))
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command, and return what it prints."""

    def run(*args: str, status: int = 0) -> str:
        assert main(list(args)) == status
        output = capsys.readouterr()
        return output.out + output.err

    return run


def metrics_of(run: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((RUNS / run / "metrics.json").read_text())
    return content


def stamps() -> dict[Path, int]:
    """The files of all runs, with the time of their last change."""
    return {path: path.stat().st_mtime_ns for path in RUNS.rglob("*") if path.is_file()}


def test_a_reproduction_leaves_a_trained_and_tested_run(here: Path) -> None:
    metrics = metrics_of("model1/version_0")
    assert (metrics["config"], metrics["seed"], metrics["end"]) == ("model1", 123, "planned")
    assert {"train", "val", "test", "retrieval"} <= metrics.keys()


def test_what_is_done_is_not_repeated_and_further_seeds_are_added(here: Path, say: Say) -> None:
    before = stamps()
    assert "[1/1] model1, seed 123: done before" in say(*MODEL1, "1")
    assert stamps() == before
    output = say(*MODEL1, "2")
    assert "[1/2] model1, seed 123: done before" in output
    assert "[2/2] model1, seed 124: R2 " in output
    assert metrics_of("model1/version_1")["seed"] == 124
    assert stamps().items() >= before.items()


def test_other_options_make_a_run_of_their_own(here: Path, say: Say) -> None:
    Path("small.yaml").write_text(SMALL.replace("dropout: 0.1", "dropout: 0.3"))
    assert "done before" not in say(*MODEL1, "1")
    assert (RUNS / "model1/version_1/metrics.json").is_file()


def test_ctrl_c_keeps_whole_epochs_and_the_same_command_goes_on(
    here: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = RatingTask.on_train_epoch_end

    def stop(task: RatingTask) -> None:
        begun(task)
        if task.current_epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RatingTask, "on_train_epoch_end", stop)
        assert "The same command goes on; 1 of 2 runs are done." in say(*MODEL1, "2", status=130)
    assert metrics_of("model1/version_1")["end"] == "interrupted"
    assert "[2/2] model1, seed 124: R2 " in say(*MODEL1, "2")
    assert metrics_of("model1/version_1")["end"] == "planned"
    assert not (RUNS / "model1/version_2").exists()


def test_a_run_that_fails_is_reported_and_the_others_go_on(here: Path, say: Say) -> None:
    Path("sample/metadata/tmdb.csv").write_text("nothing of use\n")
    only = ["--only", "model1", "published/model2", "--overlay", "small.yaml", "--seeds", "2"]
    output = say("reproduce", "--root", "sample", *only, status=1)
    assert "[1/3] published/model2, seed 123: FAILED. " in output
    assert "metadata/tmdb.csv" in output
    assert "[3/3] model1, seed 124: R2 " in output
    assert "failed: published/model2, seed 123." in output


def test_missing_data_are_named_before_anything_is_trained(here: Path, say: Say, sample_root: Path) -> None:
    shutil.copytree(sample_root / "ml-latest-small", "bare/ml-latest-small")
    message = say("reproduce", "--root", "bare", "--only", "model2", status=1)
    assert "Expected all data of model2 in bare; missing are:" in message
    assert "data fetch tmdb --root bare" in message


@pytest.mark.parametrize(
    ("args", "message"), [(["--only", "modle1"], "got modle1"), (["--seeds", "0"], "--seeds of 1 or more")]
)
def test_wrong_options_are_refused(args: list[str], message: str, say: Say) -> None:
    assert message in say("reproduce", *args, status=1)


def test_the_plan_is_shown_and_nothing_done(here: Path, say: Say) -> None:
    before = stamps()
    assert "1 of 2 runs are done. To do:\nmodel1, seed 124\n" in say(*MODEL1, "2", "--plan")
    assert stamps() == before


def test_published_configurations_run_once_with_their_own_seeds_and_the_largest_with_two(sample_root: Path) -> None:
    jobs = plan(seeds=5, full=False, only=[], overlays=[], root=sample_root)
    seeds = {name: [job.seed for job in jobs if job.name == name] for name in NAMES}
    assert seeds["published/model1"] == [123]
    assert seeds["published/model4"] == [1234]
    assert seeds["ablation/both"] == seeds["model3"] == [123, 124, 125, 126, 127]
    assert seeds["model5"] == [123, 124]
    assert len(jobs) == 47
