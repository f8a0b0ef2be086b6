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
from movierec.reproduction.reproduce import alone

SMALL = "trainer:\n  max_epochs: {epochs}\nmodel:\n  hidden: [16, 8]\n  dropout: 0.1\n"
BOTH = ["--only", "model1", "published/model1", "--overlay", "small.yaml"]
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
    """A folder where two configurations were reproduced; tests work on copies."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(sample_root, folder / "sample")
    (folder / "small.yaml").write_text(SMALL.format(epochs=30))
    output = finish(start(folder, *BOTH, "--seeds", "1"), 0)
    assert "2 runs, of which 0 are done; about" in output
    assert "[1/2] published/model1, seed 123: R2 " in output
    assert "[2/2] model1, seed 123: R2 " in output
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
    before = stamps(finished, "model1") | stamps(finished, "published")
    output = finish(start(finished, *BOTH, "--seeds", "1"), 0)
    assert "2 runs, of which 2 are done." in output
    assert stamps(finished, "model1") | stamps(finished, "published") == before


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def interrupted(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    output = finish(process, 130)
    assert "interrupted. 2 of 3 runs are done and kept; go on with the same command." in output


@posix
@pytest.mark.parametrize("stop", [killed, interrupted])
def test_what_was_stopped_goes_on_and_what_was_done_is_left_alone(
    finished: Path, stop: Callable[[subprocess.Popen[str]], None]
) -> None:
    before = stamps(finished, "model1") | stamps(finished, "published")
    log = finished / LOGS / "model1-seed124.log"
    process = start(finished, *BOTH, "--seeds", "2")
    wait_until(lambda: "epoch 3/30" in text_of(log) or process.poll() is not None)
    stop(process)
    output = finish(start(finished, *BOTH, "--seeds", "2"), 0)
    assert "3 runs, of which 2 are done; about" in output
    assert "[3/3] model1, seed 124: R2 " in output
    assert "--config lightning_logs/model1/version_1/config.yaml --ckpt_path last" in text_of(log)
    assert json.loads((finished / RUNS / "model1/version_1/metrics.json").read_text())["epochs"]["trained"] == 30
    assert not (finished / RUNS / "model1/version_2").exists()
    after = stamps(finished, "model1") | stamps(finished, "published")
    assert {path: after[path] for path in before} == before


def test_a_run_that_fails_is_reported_and_the_others_go_on(finished: Path) -> None:
    (finished / "sample/metadata/tmdb.csv").write_text("nothing of use\n")
    shutil.rmtree(finished / RUNS / "model1")
    last = finished / RUNS / "model2/version_0/checkpoints/last.ckpt"
    output = finish(start(finished, "--only", "model1", "published/model2", *BOTH[3:], "--seeds", "1"), 1)
    assert "[1/2] published/model2, seed 123: FAILED. `fit` ended with status 1. The end of lightning_logs/" in output
    assert "metadata/tmdb.csv" in output
    assert "[2/2] model1, seed 123: R2 " in output
    assert "failed: published/model2, seed 123; its log is " in output
    assert not last.exists()


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
        (["--overlay", "absent.yaml"], "Expected a configuration file at absent.yaml"),
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
    assert main(["reproduce", "--root", "sample", *BOTH, "--seeds", "2", "--plan"]) == 0
    output = capsys.readouterr().out
    assert "3 runs, of which 2 are done" in output
    assert "[3/3] model1, seed 124: about " in output
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
