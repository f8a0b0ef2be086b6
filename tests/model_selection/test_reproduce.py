"""Reproductions on the generated sample: stopped, failed, and gone on with."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from movierec.cli import main
from movierec.model_selection.reproduce import GROUPS, experiments
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
NAME = "same_rows/model1"
OTHER = "time/same_rows/model1"
MODEL1 = ["reproduce", "--root", "sample", "--overlay", "small.yaml", "--only", NAME]
Say = Callable[..., str]


@pytest.fixture(scope="module")
def finished_folder(tmp_path_factory: pytest.TempPathFactory, sample_root: Path) -> Path:
    """A folder where one run of model1 was made; tests work on copies."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(sample_root, folder / "sample")
    (folder / "small.yaml").write_text(SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(MODEL1) == 0
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
    metrics = metrics_of(f"{NAME}/version_0")
    assert (metrics["config"], metrics["seed"], metrics["end"]) == (NAME, 123, "planned")
    assert {"train", "val", "test", "retrieval"} <= metrics.keys()


def test_what_is_done_is_not_repeated_and_the_rest_is_added(here: Path, say: Say) -> None:
    before = stamps()
    output = say(*MODEL1, OTHER)
    assert f"[1/2] {NAME}: done before" in output
    assert f"[2/2] {OTHER}: R2 " in output
    assert metrics_of(f"{OTHER}/version_0")["data"]["options"]["split"] == "time"
    assert stamps().items() >= before.items()


def test_other_options_make_a_run_of_their_own(here: Path, say: Say) -> None:
    Path("small.yaml").write_text(SMALL.replace("dropout: 0.1", "dropout: 0.3"))
    assert "done before" not in say(*MODEL1)
    assert (RUNS / NAME / "version_1/metrics.json").is_file()


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
        assert "The same command goes on; 1 of 2 runs are done." in say(*MODEL1, OTHER, status=130)
    assert metrics_of(f"{OTHER}/version_0")["end"] == "interrupted"
    assert f"[2/2] {OTHER}: R2 " in say(*MODEL1, OTHER)
    assert metrics_of(f"{OTHER}/version_0")["end"] == "planned"
    assert not (RUNS / OTHER / "version_1").exists()


def test_a_run_that_fails_is_reported_and_the_others_go_on(here: Path, say: Say) -> None:
    Path("sample/metadata/tmdb.csv").write_text("nothing of use\n")
    output = say(*MODEL1, "same_rows/model2", OTHER, status=1)
    assert "[2/3] same_rows/model2: FAILED. " in output
    assert "metadata/tmdb.csv" in output
    assert f"[3/3] {OTHER}: R2 " in output
    assert "failed: same_rows/model2." in output


def test_missing_data_are_named_before_anything_is_trained(here: Path, say: Say, sample_root: Path) -> None:
    shutil.copytree(sample_root / "ml-latest-small", "bare/ml-latest-small")
    message = say("reproduce", "--root", "bare", "--only", "same_rows/model2", status=1)
    assert "Expected all data of same_rows/model2 in bare; missing are:" in message
    assert "data fetch tmdb --root bare" in message


def test_a_misspelt_name_is_refused(say: Say) -> None:
    assert "got same_rows/modle1" in say("reproduce", "--only", "same_rows/modle1", status=1)


def test_the_plan_is_shown_and_nothing_done(here: Path, say: Say) -> None:
    before = stamps()
    assert f"1 of 2 runs are done. To do:\n{OTHER}\n" in say(*MODEL1, OTHER, "--plan")
    assert stamps() == before


def test_a_run_has_the_name_that_fit_gives_it_and_what_differs_before_it() -> None:
    known = experiments()
    assert len(known) == sum(len(models) for _, models, _, _ in GROUPS)  # no name twice
    assert known["time/same_rows/model3"] == (
        tuple(f"configs/{name}.yaml" for name in ("model3", "same_rows", "time", "patience")), {},
    )  # fmt: skip
    assert known["split_124/same_rows/model6"][1] == {"data.seed": 124}
    assert known["ml-1m/share_0.1/same_rows/model7"][1] == {"data.release": "ml-1m", "data.train_share": 0.1}
    assert known["published/model4"] == (("configs/published/model4.yaml",), {})
