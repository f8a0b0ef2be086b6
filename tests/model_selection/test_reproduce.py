"""Trainings for real, on the generated sample: stopped, killed, failed, and gone on with."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from movierec.cli import main
from movierec.errors import BusyError
from movierec.model_selection.reproduce import alone

SMALL = "trainer:\n  max_epochs: {epochs}\nmodel:\n  hidden: [16, 8]\n  dropout: 0.1\n"
MODEL1 = ["--only", "model1", "--overlay", "small.yaml"]
RUNS = Path("lightning_logs")
LOGS = RUNS / "reproduction"
posix = pytest.mark.skipif(os.name != "posix", reason="sends signals")


def start(folder: Path, *args: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "movierec", "reproduce", "--root", "sample", *args]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True)  # noqa: S603 - our own module


def finish(process: subprocess.Popen[str], status: int) -> str:
    """Wait for the end of a process; return all it has printed."""
    out, err = process.communicate()
    assert process.returncode == status, out + err
    assert "Traceback" not in err
    return out + err


def wait_until(done: Callable[[], bool]) -> None:
    while not done():
        time.sleep(0.05)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def stamps(folder: Path, name: str) -> dict[str, int]:
    """The files of a configuration's runs, with the time of their last change."""
    files = sorted((folder / RUNS / name).rglob("*"))
    return {str(path): path.stat().st_mtime_ns for path in files if path.is_file()}


@pytest.fixture(scope="module")
def finished_folder(tmp_path_factory: pytest.TempPathFactory, sample_root: Path) -> Path:
    """A folder where a configuration was reproduced with one seed; tests work on copies."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(sample_root, folder / "sample")
    (folder / "small.yaml").write_text(SMALL.format(epochs=30))
    output = finish(start(folder, *MODEL1, "--seeds", "1"), 0)
    assert "0 of 1 runs are done; about" in output
    assert "[1/1] model1, seed 123: R2 " in output
    return folder


@pytest.fixture
def finished(finished_folder: Path, tmp_path: Path) -> Path:
    """A copy of the finished folder."""
    return Path(shutil.copytree(finished_folder, tmp_path / "copy"))


def test_a_reproduction_leaves_tested_runs_logs_and_the_page(finished_folder: Path) -> None:
    metrics = json.loads((finished_folder / RUNS / "model1/version_0/metrics.json").read_text())
    assert metrics["config"] == "model1"
    assert metrics["epochs"] == {"trained": 30, "planned": 30}
    assert metrics["end"] == "planned"
    assert {"train", "val", "test"} <= metrics.keys()
    assert metrics["hardware"]["cores"] >= 1
    assert text_of(finished_folder / LOGS / "model1-seed123.log").count("$ python -m movierec") == 2
    page = text_of(finished_folder / LOGS / "results.md")
    assert "These ratings were generated" in page
    assert f"| model1 | test 2,000 | {metrics['test']['r2']:.3f} |" in page


def test_a_second_start_does_nothing_again(finished: Path) -> None:
    before = stamps(finished, "model1")
    output = finish(start(finished, *MODEL1, "--seeds", "1"), 0)
    assert "1 of 1 runs are done." in output
    assert stamps(finished, "model1") == before


def start_second_seed(folder: Path) -> subprocess.Popen[str]:
    """Start a reproduction that trains a second seed, and wait until it is in the middle of that."""
    log = folder / LOGS / "model1-seed124.log"
    process = start(folder, *MODEL1, "--seeds", "2")
    wait_until(lambda: "epoch 3/30" in text_of(log) or process.poll() is not None)
    return process


@posix
def test_ctrl_c_stops_the_training_too_and_says_what_is_kept(finished: Path) -> None:
    process = start_second_seed(finished)
    process.send_signal(signal.SIGINT)
    assert (
        "interrupted. 1 of 2 runs are done; of the one that was under way, all whole epochs are kept. Go on with"
        in finish(process, 130)
    )
    with FileLock(finished / LOGS / "training.lock", timeout=0):
        metrics = json.loads((finished / RUNS / "model1/version_1/metrics.json").read_text())
    assert metrics["end"] == "interrupted"
    assert 3 <= metrics["epochs"]["trained"] < 30


@posix
def test_what_was_killed_goes_on_and_what_was_done_is_left_alone(finished: Path) -> None:
    before = stamps(finished, "model1")
    process = start_second_seed(finished)
    process.kill()
    process.communicate()
    output = finish(start(finished, *MODEL1, "--seeds", "2"), 0)
    assert "1 of 2 runs are done; about" in output
    assert "[2/2] model1, seed 124: R2 " in output
    log = text_of(finished / LOGS / "model1-seed124.log")
    assert "--config lightning_logs/model1/version_1/config.yaml --ckpt_path last" in log
    assert json.loads((finished / RUNS / "model1/version_1/metrics.json").read_text())["epochs"]["trained"] == 30
    assert not (finished / RUNS / "model1/version_2").exists()
    after = stamps(finished, "model1")
    assert {path: after[path] for path in before} == before


def test_a_run_that_fails_is_reported_and_the_others_go_on(finished: Path) -> None:
    (finished / "sample/metadata/tmdb.csv").write_text("nothing of use\n")
    record = finished / RUNS / "model1/version_0/metrics.json"  # as if it had been stopped before its test
    record.write_text(
        json.dumps({key: value for key, value in json.loads(record.read_text()).items() if key != "test"})
    )
    output = finish(
        start(finished, "--only", "model1", "published/model2", "--overlay", "small.yaml", "--seeds", "1"), 1
    )
    assert "[1/2] published/model2, seed 123: FAILED. `fit` ended with status 1. The end of lightning_logs/" in output
    assert "metadata/tmdb.csv" in output
    assert "[2/2] model1, seed 123: R2 " in output
    assert "failed: published/model2, seed 123; its log is " in output
    assert not (finished / RUNS / "model1/version_1").exists()


def test_missing_data_are_named_with_the_commands_that_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sample_root: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sample_root / "ml-latest-small", "bare/ml-latest-small")
    assert main(["reproduce", "--root", "bare"]) == 1
    message = capsys.readouterr().err
    assert "Expected metadata/omdb.csv, metadata/tmdb.csv, ml-1m/movies.dat, ml-1m/ratings.dat in the data" in message
    for words in ("data download ml-1m", "data fetch tmdb", "data fetch omdb"):
        assert f"python -m movierec {words} --root bare\n" in message
    assert "ml-latest-small" not in message
    assert not (tmp_path / RUNS).exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--only", "modle1"], "got modle1"),
        (["--seeds", "0"], "--seeds of 1 or more"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_trained(
    args: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", *args]) == 1
    assert message in capsys.readouterr().err


def test_the_plan_is_shown_and_nothing_done(finished: Path, capsys: pytest.CaptureFixture[str],
                                             monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(finished)
    assert main(["reproduce", "--root", "sample", *MODEL1, "--seeds", "2", "--plan"]) == 0
    output = capsys.readouterr().out
    assert "1 of 2 runs are done" in output
    assert "[2/2] model1, seed 124: about " in output
    assert not (finished / RUNS / "model1/version_1").exists()


def test_two_reproductions_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / "reproduce.lock"),
        pytest.raises(BusyError, match="Expected no other reproduction"),
        alone(tmp_path),
    ):
        pass
    with alone(tmp_path):  # a lock file that nobody holds is no obstacle
        pass
