"""A fit that is killed and resumed ends as one that was never killed, bit for bit."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from movierec.cli import main
from movierec.datasets.sample import SampleSize, write_sample
from movierec.models.checkpoint import read_checkpoint
from movierec.runs import Run
from movierec.training.rating_task import RatingTask
from movierec.training.resume import hold

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the fits are forked, which this system cannot do")

EPOCHS = 4
TIMES = ("seconds", "fit_seconds")
RUN = Path("lightning_logs/a/version_0")
LAST = RUN / "checkpoints" / "last.ckpt"
KILLED = ("model1", "model5", "published/model3")  # both formats of ratings, with and without metadata and a leak
CHANCE = random.Random(7)  # noqa: S311 - no secret
MOMENTS = {  # and how often each comes before the end of the fit, at least
    "start": 1,
    "batch": 2 * EPOCHS,
    "validation": EPOCHS,
    "metrics": EPOCHS,
    "curves": 2 * EPOCHS,
    "flush": EPOCHS,
    "half a checkpoint": EPOCHS + 1,
    "rename": 2 * EPOCHS,
    "record": 1,
    "end": 1,
}


class Fits:
    """Runs commands in processes of their own; see tests/fits.py."""

    def __init__(self, server: "subprocess.Popen[str]") -> None:
        self.server = server

    def start(self, folder: Path, *arguments: str, kill: tuple[str, int] | None = None) -> int:
        """Starts a command; gives the number of its process."""
        assert self.server.stdin is not None
        folder.mkdir(parents=True, exist_ok=True)
        request = {"folder": str(folder), "arguments": arguments, "kill": kill}
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        return self.answer()

    def answer(self) -> int:
        """Waits for the status of what was started."""
        assert self.server.stdout is not None
        return int(self.server.stdout.readline())

    def run(self, folder: Path, *arguments: str, kill: tuple[str, int] | None = None) -> int:
        """Runs a command to its end; gives its status."""
        self.start(folder, *arguments, kill=kill)
        return self.answer()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample that is small enough for a hundred fits."""
    folder = tmp_path_factory.mktemp("data") / "sample"
    write_sample(folder, SampleSize(num_users=100, num_movies=150, num_ratings=4_000))
    return folder


@pytest.fixture(scope="module")
def fits() -> Iterator[Fits]:
    command = [sys.executable, str(Path(__file__).with_name("fits.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - ours
        yield Fits(server)
        assert server.stdin is not None
        server.stdin.close()


def fit(config: str, root: Path, *more: str) -> list[str]:
    """The arguments of a short fit: a network that is narrow where the configuration's is wide."""
    layers = 5 if config.endswith(("3", "4", "5")) else 4
    options = ["--name", "a", "--data.root", str(root), "--model.network.hidden", str([8] * layers).replace(" ", "")]
    options += ["--trainer.max_epochs", str(EPOCHS), "--trainer.enable_progress_bar", "false"]
    return ["fit", "--config", config, *options, *more]


def without_times(content: Any) -> Any:
    """Leaves out what differs from run to run: the times."""
    if isinstance(content, dict):
        return {name: without_times(value) for name, value in content.items() if name not in TIMES}
    return [without_times(value) for value in content] if isinstance(content, list | tuple) else content


def assert_same(first: Any, second: Any) -> None:
    """Compares what checkpoints hold, bit for bit."""
    if isinstance(first, torch.Tensor):
        assert first.dtype == second.dtype
        assert torch.equal(first.reshape(-1).view(torch.uint8), second.reshape(-1).view(torch.uint8))
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for name in first:
            assert_same(first[name], second[name])
    elif isinstance(first, list | tuple):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same(one, other)
    else:
        assert first == second


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Reads what TensorBoard shows of a run, epoch by epoch."""
    events = EventAccumulator(str(folder / RUN), size_guidance={"scalars": 0}).Reload()
    tags = set(events.Tags()["scalars"]) - {"train/seconds"}
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags}


def assert_equal_runs(whole: Path, killed: Path) -> None:
    """Compares a run that was killed and resumed with one that was not: checkpoints, metrics.json and curves."""
    assert_equal_checkpoints(whole, killed)
    assert curves(whole) == curves(killed)
    assert [step for step, _ in curves(killed)["train/rmse"]] == list(range(EPOCHS))


def assert_equal_checkpoints(whole: Path, killed: Path) -> None:
    """Compares the checkpoints and metrics.json of two runs."""
    for name in ("best", "last"):
        first, second = (
            without_times(read_checkpoint(folder / RUN / "checkpoints" / f"{name}.ckpt")) for folder in (whole, killed)
        )
        for part in ("state_dict", "optimizer_states", "lr_schedulers", "metrics", "random_states", "epoch", "run"):
            assert_same(first[part], second[part])
    first, second = (
        without_times(json.loads((folder / RUN / "metrics.json").read_text())) for folder in (whole, killed)
    )
    assert first == second


def draw_kills() -> list[Any]:
    """Draws the kills of each configuration; together, each moment comes."""
    kills = [(moment, CHANCE.randint(1, times)) for moment, times in MOMENTS.items()]
    CHANCE.shuffle(kills)
    drawn = [(config, kills[number :: len(KILLED)]) for number, config in enumerate(KILLED)]
    return [
        pytest.param(config, some, id=f"{config}, " + ", ".join(f"{moment} {passes}" for moment, passes in some))
        for config, some in drawn
    ]


@pytest.mark.parametrize(("config", "kills"), draw_kills())
def test_a_fit_that_is_killed_and_resumed_ends_as_one_that_is_not(
    config: str, kills: list[tuple[str, int]], fits: Fits, root: Path, tmp_path: Path
) -> None:
    arguments = fit(config, root)
    assert fits.run(tmp_path / "whole", *arguments) == 0
    for number, kill in enumerate(kills):
        folder = tmp_path / str(number)
        assert fits.run(folder, *arguments, kill=kill) == -signal.SIGKILL
        assert fits.run(folder, *arguments, "--resume") == 0
        assert [path.name for path in (folder / RUN).parent.iterdir()] == ["version_0"]
        assert_equal_runs(tmp_path / "whole", folder)


def test_a_fit_that_is_killed_again_and_again_ends_as_one_that_is_not(fits: Fits, root: Path, tmp_path: Path) -> None:
    arguments = fit("model1", root)
    assert fits.run(tmp_path / "whole", *arguments) == 0
    for kill in [("rename", 2), ("batch", 3), ("half a checkpoint", 2), ("validation", 2), ("end", 1)]:
        assert fits.run(tmp_path / "killed", *arguments, "--resume", kill=kill) == -signal.SIGKILL
    assert fits.run(tmp_path / "killed", *arguments, "--resume") == 0
    assert_equal_runs(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.parametrize(
    "options",
    [
        ["--model.scheduler", "cosine"],
        ["--model.scheduler", "plateau", "--model.optimizer.lr", "0.3"],
        ["--data.num_workers", "1"],
        ["--trainer.check_val_every_n_epoch", "2"],
        ["--trainer.accumulate_grad_batches", "3"],
        ["--trainer.precision", "bf16-mixed"],
        ["--model.network.normalisation", "batch"],
    ],
    ids=" ".join,
)
def test_other_ways_to_train_are_resumed_bit_for_bit_too(
    options: list[str], fits: Fits, root: Path, tmp_path: Path
) -> None:
    arguments = fit("model1", root, *options)
    assert fits.run(tmp_path / "whole", *arguments) == 0
    assert fits.run(tmp_path / "killed", *arguments, kill=("half a checkpoint", 4)) == -signal.SIGKILL
    assert fits.run(tmp_path / "killed", *arguments, "--resume") == 0
    assert_equal_runs(tmp_path / "whole", tmp_path / "killed")


def test_patience_that_has_run_out_is_not_given_another_epoch(fits: Fits, root: Path, tmp_path: Path) -> None:
    stopping = tmp_path / "stopping.yaml"
    stopping.write_text(
        "trainer:\n  callbacks:\n    - class_path: lightning.pytorch.callbacks.EarlyStopping\n"
        "      init_args: {monitor: val/rmse, patience: 1, min_delta: 10}\n"
    )
    arguments = fit("model1", root, "--config", str(stopping))
    assert fits.run(tmp_path / "whole", *arguments) == 0
    assert json.loads((tmp_path / "whole" / RUN / "metrics.json").read_text())["epochs"]["trained"] == 2
    assert fits.run(tmp_path / "killed", *arguments, kill=("end", 1)) == -signal.SIGKILL
    assert fits.run(tmp_path / "killed", *arguments, "--resume") == 0
    for name in ("metrics.json", "checkpoints/last.ckpt"):
        assert (tmp_path / "killed" / RUN / name).exists()
    assert read_checkpoint(tmp_path / "killed" / LAST)["epoch"] == 1
    first, second = (
        without_times(json.loads((tmp_path / name / RUN / "metrics.json").read_text())) for name in ("whole", "killed")
    )
    assert first == second


@pytest.fixture(scope="module")
def whole(fits: Fits, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a fit that came to its end; tests work on copies."""
    folder = tmp_path_factory.mktemp("whole")
    assert fits.run(folder, *fit("model1", root)) == 0
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, to run in; its run was not told that it is over."""
    folder = tmp_path / "copy"
    shutil.copytree(whole, folder)
    (folder / RUN / "metrics.json").unlink()
    monkeypatch.chdir(folder)
    return folder


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def test_a_damaged_newest_checkpoint_is_passed_over_with_a_warning(
    copy: Path, whole: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(LAST)
    assert main([*fit("model1", root), "--resume"]) == 0
    said = capsys.readouterr().err
    assert f"movierec: warning: Expected a checkpoint at {LAST}, but it is damaged" in said
    assert f"Going on from {LAST.with_name('previous.ckpt')} instead." in said
    assert_equal_runs(whole, copy)


def test_a_newest_checkpoint_that_is_gone_is_passed_over(copy: Path, whole: Path, root: Path) -> None:
    LAST.unlink()  # as a kill between two renames leaves it
    assert main([*fit("model1", root), "--ckpt_path", "last"]) == 0
    assert_equal_runs(whole, copy)


def test_nothing_is_begun_anew_when_all_checkpoints_are_damaged(
    copy: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (copy / RUN / "checkpoints").iterdir():
        damage(path)
    assert main([*fit("model1", root), "--resume"]) == 1
    assert f"Expected a checkpoint at {LAST}, but it is damaged" in capsys.readouterr().err


def test_a_run_that_is_over_is_not_touched(
    whole: Path, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(whole, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    before = {path: path.read_bytes() for path in RUN.rglob("*") if path.is_file()}
    assert main([*fit("model1", root), "--resume"]) == 0
    assert capsys.readouterr().out == f"{RUN} is finished: its {EPOCHS} epochs are trained.\n"
    assert {path: path.read_bytes() for path in RUN.rglob("*") if path.is_file()} == before


def test_resuming_what_was_never_begun_begins_it(
    tmp_path: Path, whole: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*fit("model1", root), "--resume"]) == 0
    assert_equal_runs(whole, tmp_path)


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        (["--model.optimizer.lr", "0.5"], "model.optimizer.lr is 0.5 here, 0.001 there"),
        (["--data.batch_size", "99"], "data.batch_size is 99 here, 1024 there"),
        (["--trainer.precision", "bf16-mixed"], "trainer.precision is bf16-mixed here, None there"),
        (["--trainer.gradient_clip_val", "1.5"], "trainer.gradient_clip_val is 1.5 here, None there"),
        (["--checkpoint.monitor", "val/r2"], "checkpoint.monitor is val/r2 here, val/rmse there"),
        (["--data.seed", "5"], "data.seed is 5 here, 123 there"),
    ],
)
def test_other_options_are_refused_on_resume_with_the_way_to_a_new_run(
    options: list[str], difference: str, copy: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = LAST.read_bytes()
    assert main([*fit("model1", root), "--resume", "--trainer.max_epochs", "6", *options]) == 1
    said = capsys.readouterr().err
    assert difference in said
    assert f"fit --initial_checkpoint {LAST}" in said or "Use the run's own config.yaml" in said
    assert LAST.read_bytes() == before


def test_a_new_run_begins_with_the_weights_of_another(copy: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[dict[str, Any]] = []
    started = RatingTask.on_train_start

    def on_train_start(task: RatingTask) -> None:
        begun.append({name: value.clone() for name, value in task.state_dict().items()})
        started(task)

    monkeypatch.setattr(RatingTask, "on_train_start", on_train_start)
    options = [
        "--initial_checkpoint",
        str(LAST),
        "--model.optimizer.lr",
        "0.5",
        "--trainer.max_epochs",
        "1",
        "--name",
        "b",
    ]
    assert main([*fit("model1", root), *options]) == 0
    assert_same(begun[0], read_checkpoint(LAST)["state_dict"])
    new = json.loads(Path("lightning_logs/b/version_0/metrics.json").read_text())
    assert (new["initial_checkpoint"], new["epoch"]) == (str(LAST), 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model.network.hidden", "[4,8,8,8]"], "Expected the model of the initial checkpoint"),
        (["--data.seed", "5"], "data.seed: 123 then, 5 now"),
        (["--ckpt_path", "last"], "Expected one of --ckpt_path and --initial_checkpoint"),
        (["--initial_checkpoint", "nowhere.ckpt"], "Expected a checkpoint file at nowhere.ckpt, found none"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    options: list[str], message: str, copy: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*fit("model1", root), "--initial_checkpoint", str(LAST), *options]) == 1
    assert message in capsys.readouterr().err


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} does not come"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_fit_that_is_asked_twice_to_end_keeps_its_epochs_and_is_resumed(
    number: signal.Signals, fits: Fits, whole: Path, tmp_path: Path, root: Path
) -> None:
    status = 128 + number
    longer = fit("model1", root, "--trainer.max_epochs", "100000")
    process = fits.start(tmp_path, *longer)
    wait_for(tmp_path / LAST)
    os.kill(process, number)
    os.kill(process, number)
    assert fits.answer() == status
    said = (tmp_path / "err.txt").read_text()
    assert "Traceback" not in said
    word = "terminated" if status == 143 else "interrupted"
    epochs = read_checkpoint(tmp_path / LAST)["epoch"] + 1
    assert f"movierec: {word}. All up to epoch {epochs} is kept in {LAST}" in said
    assert f"go on with: python -m movierec fit --config {RUN}/config.yaml --resume" in said
    assert json.loads((tmp_path / RUN / "metrics.json").read_text())["end"] == "interrupted"
    assert not (tmp_path / RUN / "fit.lock").exists()
    first = [(step, value) for step, value in curves(tmp_path)["val/rmse"] if step < EPOCHS]
    assert first == curves(whole)["val/rmse"][: len(first)]
    options = ["--config", str(RUN / "config.yaml"), "--resume", "--trainer.max_epochs", str(epochs + 1)]
    assert fits.run(tmp_path, "fit", *options) == 0
    assert [step for step, _ in curves(tmp_path)["val/rmse"]] == list(range(epochs + 1))


@pytest.mark.slow
def test_two_fits_cannot_be_in_one_folder(fits: Fits, tmp_path: Path, root: Path) -> None:
    longer = fit("model1", root, "--trainer.max_epochs", "100000")
    process = fits.start(tmp_path, *longer)
    wait_for(tmp_path / LAST)
    second = [sys.executable, "-m", "movierec", *longer, "--resume"]
    refused = subprocess.run(second, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    os.kill(process, signal.SIGTERM)
    assert fits.answer() == 143
    assert refused.returncode == 1
    assert f"movierec: error: Another process is training in {RUN}." in refused.stderr


def test_two_fits_that_start_at_once_get_folders_of_their_own(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("movierec.training.resume.next_version", lambda *_: 0)  # what both have found, at once
    for _ in range(2):
        assert main([*fit("model1", root), "--trainer.max_epochs", "1"]) == 0
    assert {path.name for path in RUN.parent.iterdir()} == {"version_0", "version_1"}
    for version in (0, 1):
        folder = RUN.with_name(f"version_{version}")
        assert {path.name for path in (folder / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
        assert (folder / "metrics.json").is_file()
        assert len(list(folder.glob("events*"))) == 1


def test_the_events_of_a_resumed_fit_get_a_name_that_sorts_after_those_before(tmp_path: Path) -> None:
    second = int(time.time())
    (tmp_path / f"events.out.tfevents.{second:010}.host.99.9").touch()  # the next process may be number 100
    with ExitStack() as until:
        hold(Run(tmp_path), until, is_new=False)
        assert int(time.time()) > second


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 4 megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount(folder, "tmpfs", "-t", "tmpfs", "-o", "size=4m")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607 - ours


def mount(folder: Path, *arguments: str) -> None:
    """Mounts a disk, or skips the test where that is not allowed."""
    try:
        subprocess.run(["mount", *arguments, str(folder)], check=True, capture_output=True)  # noqa: S603, S607 - ours
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here: {error}")


def fill(disk: Path, *, room: int) -> Path:
    """Fills a disk but for some bytes; gives the file that does it."""
    filler = disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(disk).free - room))
    return filler


@pytest.mark.parametrize("room", [0, 30_000, 100_000])
def test_a_full_disk_ends_a_fit_with_a_message_and_loses_no_whole_epoch(
    room: int, small_disk: Path, whole: Path, root: Path, fits: Fits
) -> None:
    folder = small_disk.parent
    arguments = fit("model1", root, "--trainer.default_root_dir", str(small_disk), "--resume")
    assert fits.run(folder, *arguments, kill=("half a checkpoint", 4)) == -signal.SIGKILL
    filler = fill(small_disk, room=room)
    assert fits.run(folder, *arguments) == 1
    said = (folder / "err.txt").read_text()
    assert "No space left on device" in said
    assert "kept" in said
    assert "Traceback" not in said
    assert read_checkpoint(small_disk / LAST)["epoch"] >= 0
    filler.unlink()
    assert fits.run(folder, *arguments) == 0
    assert_equal_runs(whole, small_disk)


def test_a_disk_that_cannot_be_written_to_is_refused_as_a_place_for_runs_and_no_obstacle_for_data(
    small_disk: Path, whole: Path, root: Path, fits: Fits, tmp_path: Path
) -> None:
    shutil.copytree(root, small_disk / "data", ignore=shutil.ignore_patterns("prepared"))
    mount(small_disk, "-o", "remount,ro")
    assert fits.run(tmp_path, *fit("model1", root, "--trainer.default_root_dir", str(small_disk))) == 1
    assert "Read-only file system" in (tmp_path / "err.txt").read_text()
    assert fits.run(tmp_path, *fit("model1", small_disk / "data")) == 0
    assert_equal_runs(whole, tmp_path)


@pytest.mark.parametrize("jump", [-10_000_000, 10_000_000])
def test_a_clock_that_jumps_changes_no_number(
    jump: int, copy: Path, whole: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(LAST)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    assert main([*fit("model1", root), "--resume"]) == 0
    assert_equal_checkpoints(whole, copy)
    assert {tag: dict(curve) for tag, curve in curves(copy).items()} == {
        tag: dict(curve) for tag, curve in curves(whole).items()
    }
    assert 0 < json.loads((copy / RUN / "metrics.json").read_text())["seconds"]["fit"] < 1_000
