"""Two processes that train, measure and predict together, as real ones over gloo; each is started as a user would."""

import csv
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from movierec.cli import main
from movierec.data.modules import PARTS
from movierec.metrics.registry import METRICS as NAMES
from movierec.models.checkpoint import read_checkpoint

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc, as on Linux"),
]

TIMEOUT = 110  # seconds, for what takes 15; processes that wait for each other in vain wait for ever
SOON = 60  # seconds, in which a broken run is over
RUN = Path("lightning_logs/small/version_0")
BEST = RUN / "checkpoints" / "best.ckpt"
LAST = RUN / "checkpoints" / "last.ckpt"
ONE = ("--trainer.devices", "1", "--trainer.accelerator", "cpu", "--trainer.strategy", "auto")
TWO = ("--trainer.devices", "2", "--trainer.accelerator", "cpu", "--trainer.strategy", "ddp")
RUNNING = ("loss", "r2", "rmse")  # the metrics of a training epoch that TensorBoard shows
# 20,000 ratings: 16,000 to train, 1,999 to validate, 2,001 to test, which two processes cannot halve.
SMALL_CONFIG = """\
data:
  class_path: RatingsDataModule
  init_args:
    root: data
    fractions: [0.8, 0.09996, 0.10004]
    eval_batch_size: 300
model:
  network:
    class_path: MLP
    init_args:
      hidden: [16, 8]
      dropout: 0.0
"""
# The processes' gradients are averaged, so with all training ratings in a step, and halves of the same size, two
# processes make the step that one does. SGD is linear in the gradient: rounding stays rounding.
WHOLE_STEPS = (
    *("--data.batch_size", "16000", "--trainer.max_epochs", "10"),
    *("--model.optimizer", "SGD", "--model.optimizer.lr", "0.5"),
)
# Python imports this at its start, in each process of a run: note who writes prepared tables.
SITECUSTOMIZE = """\
import os, sys
def note(event, arguments):
    if event == "open" and "prepared" in str(arguments[0]) and "w" in str(arguments[1]):
        file = os.open("written.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{os.getpid()} {os.path.basename(arguments[0])}\\n".encode())
        os.close(file)
sys.addaudithook(note)
"""
# The first film of the training part of the second process, and of no batch of the first one.
POISON = """\
import math
from lightning import Callback

class Poison(Callback):
    def on_train_epoch_start(self, trainer, task):
        mine, others = (set(trainer.datamodule.rows["train"].movie[part].tolist())
                        for part in (slice(8_000, None), slice(8_000)))
        if trainer.current_epoch == 2:
            task.model.first.movie_statistics[:, min(mine - others)] = math.nan
"""


class Done(NamedTuple):
    """What a command left behind."""

    status: int
    output: str
    errors: str


class Trained(NamedTuple):
    """A folder in which two processes have trained, what they printed, and one in which one process has."""

    folder: Path
    done: Done
    alone: Path


class LongFit(NamedTuple):
    """A fit of two processes that goes on until it is ended, and its folder."""

    folder: Path
    process: subprocess.Popen[str]


def environment(**variables: str) -> dict[str, str]:
    """The environment without what other distributed runs, or a user's settings, have left in it."""
    left_out = ("LOCAL_RANK", "RANK", "NODE_RANK", "WORLD_SIZE", "PL_GLOBAL_SEED", "MOVIEREC_DEBUG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MASTER_", "TORCHELASTIC_"))}
    return {name: value for name, value in kept.items() if name not in left_out} | variables


def process_state(process: int) -> tuple[str, int, int]:
    """State, parent and process group of a process; X, which means dead, when there is none."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "X", 0, 0
    return fields[0], int(fields[1]), int(fields[2])


def living() -> dict[int, tuple[int, int]]:
    """Parent and process group of each process; one that only waits for its parent to take note of its end is dead."""
    states = {int(path.name): process_state(int(path.name)) for path in Path("/proc").glob("[0-9]*")}
    return {process: state[1:] for process, state in states.items() if state[0] not in "ZX"}


def members(group: int) -> list[int]:
    return [process for process, (_, its_group) in living().items() if its_group == group]


def child_of(process: int) -> int:
    (child,) = (child for child, (parent, _) in living().items() if parent == process)
    return child


def signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


@contextmanager
def started(folder: Path, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Start Python in a process group of its own, and leave nothing of the group behind."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(  # noqa: S603 - our own command
        command,
        cwd=folder,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if members(process.pid):
                signal_group(
                    process.pid, signal.SIGTERM
                )  # torchrun then ends its workers, which are groups of their own
                deadline = time.monotonic() + 5
                while members(process.pid) and time.monotonic() < deadline:
                    time.sleep(0.1)
                signal_group(process.pid, signal.SIGKILL)


def finish(process: subprocess.Popen[str], timeout: float = TIMEOUT) -> Done:
    """Wait for the end of all processes that hold the output; one that goes on for too long fails the test."""
    output, errors = process.communicate(timeout=timeout)
    return Done(process.returncode, output, errors)


def run_two(folder: Path, *arguments: str, **variables: str) -> Done:
    """Run a command in two processes; it must succeed."""
    with started(folder, "-m", "movierec", *arguments, *TWO, **variables) as process:
        done = finish(process)
    assert done.status == 0, done.errors
    return done


def run_alone(folder: Path, *arguments: str) -> None:
    """Run a command in the process of the tests; it must succeed."""
    with chdir(folder):
        assert main([*arguments, *ONE]) == 0


def middle(fit: LongFit) -> subprocess.Popen[str]:
    """Wait until the first epoch of a long fit is saved, and others follow."""
    deadline = time.monotonic() + TIMEOUT
    while not (fit.folder / LAST).exists() and fit.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (fit.folder / LAST).exists(), finish(fit.process, 1).errors
    return fit.process


def new_folder(folder: Path, sample_root: Path) -> Path:
    """Make a folder to run in, with data of its own that no run has prepared yet."""
    folder.mkdir()
    shutil.copytree(sample_root, folder / "data", ignore=shutil.ignore_patterns("prepared"))
    (folder / "small.yaml").write_text(SMALL_CONFIG, encoding="utf-8")
    return folder


@pytest.fixture
def here(tmp_path: Path, sample_root: Path) -> Path:
    """A folder to run in."""
    return new_folder(tmp_path / "here", sample_root)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, sample_root: Path) -> Trained:
    """The same fit by two processes and by one; tests leave it as it is."""
    place = tmp_path_factory.mktemp("distributed")
    folder, alone = (new_folder(place / name, sample_root) for name in ("two", "one"))
    (place / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
    fit = ("fit", "--config", "small.yaml", *WHOLE_STEPS)
    done = run_two(folder, *fit, PYTHONPATH=str(place))
    run_alone(alone, *fit)
    return Trained(folder, done, alone)


@pytest.fixture(scope="module")
def evaluated(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """For each command, a copy of the trained folder where two processes ran it, and one where one process did."""
    place = tmp_path_factory.mktemp("evaluated")
    best = ("--ckpt_path", str(BEST))  # with the configuration that lies beside it
    folders = {}
    with ExitStack() as stack:
        processes = []
        for command in ("validate", "test", "predict"):
            together, alone = folders[command] = place / f"{command}-together", place / f"{command}-alone"
            for folder in folders[command]:
                shutil.copytree(trained.folder, folder)
            arguments = ("-m", "movierec", command, *best, *TWO)
            processes.append(stack.enter_context(started(together, *arguments)))  # all at once: they start slowly
            run_alone(alone, command, *best)
        for process in processes:
            done = finish(process)
            assert done.status == 0, done.errors
    return folders


@pytest.fixture(scope="module")
def long_fits(tmp_path_factory: pytest.TempPathFactory, sample_root: Path) -> Iterator[Iterator[LongFit]]:
    """A fit for each of four tests to end; started at once, because they start slowly."""
    place = tmp_path_factory.mktemp("long")
    fit = ("-m", "movierec", "fit", "--config", "small.yaml", *TWO, "--trainer.max_epochs", "1000000")
    with ExitStack() as stack:
        folders = [new_folder(place / str(number), sample_root) for number in range(4)]
        yield iter([LongFit(folder, stack.enter_context(started(folder, *fit))) for folder in folders])


@pytest.fixture
def long_fit(long_fits: Iterator[LongFit]) -> LongFit:
    """A fit to end."""
    return next(long_fits)


def read_metrics(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / RUN / "metrics.json").read_text(encoding="utf-8"))
    return content


def curve(folder: Path, tag: str) -> list[float]:
    """A metric of each epoch, as TensorBoard shows it."""
    return [event.value for event in EventAccumulator(str(folder / RUN)).Reload().Scalars(tag)]


def read_diagnostics(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / RUN / "diagnostics.json").read_text(encoding="utf-8"))
    return content


def metrics_of_one_process(folder: Path, command: str) -> dict[str, Any]:
    """What one process measures at the best checkpoint of a run, in a copy of it."""
    copy = folder.with_name("measured")
    shutil.copytree(folder, copy)
    run_alone(copy, command, "--ckpt_path", str(BEST))
    return read_metrics(copy)


def test_two_processes_leave_one_run(trained: Trained) -> None:
    logs = trained.folder / "lightning_logs"
    names = sorted(path.relative_to(trained.folder).as_posix() for path in logs.rglob("*") if path.is_file())
    (events,) = (name for name in names if "events.out.tfevents" in name)
    checkpoints = [f"checkpoints/{name}.ckpt" for name in ("best", "last", "previous")]
    kept = (*checkpoints, "config.yaml", "hparams.yaml", "metrics.json")
    assert names == sorted([events, *(f"{RUN}/{name}" for name in kept)])
    assert Path(events).parent == RUN


def test_two_processes_find_the_errors_that_one_finds(evaluated: dict[str, tuple[Path, Path]]) -> None:
    together, alone = (read_diagnostics(folder) for folder in evaluated["test"])
    assert together["rows"] == 2_001
    for group in ("by_genre", "by_movie_ratings", "by_user_ratings"):
        assert together[group]["count"] == alone[group]["count"]
        for name in ("rmse", "bias"):
            assert together[group][name] == pytest.approx(alone[group][name], abs=1e-5)


def test_two_processes_speak_with_one_voice(trained: Trained) -> None:
    for text in (f"logging to {RUN}", "16,000 to train, 1,999 to validate, 2,001 to test", "checkpoint:", "next:"):
        assert trained.done.output.count(text) == 1, text
    busy, *lines = trained.done.errors.splitlines()
    assert busy == "loading PyTorch and Lightning ..."
    slow = "drawing the learning curves ..."  # printed, once, only where it takes more than a moment
    epochs = [line.split()[1] for line in lines if line != slow]
    assert epochs == [f"{epoch}/10" for epoch in range(1, 11)]  # and nothing else there
    assert lines.count(slow) <= 1


def test_one_process_prepares_the_data_for_both(trained: Trained) -> None:
    (prepared,) = (trained.folder / "data" / "prepared").iterdir()
    (written,) = (trained.folder / "written.txt").read_text(encoding="utf-8").splitlines()
    _, name = written.split()
    assert name.startswith(f"{prepared.name}.")


def test_steps_on_all_ratings_learn_what_one_process_learns(trained: Trained) -> None:
    for part in ("train", "val"):
        for name in RUNNING:
            together, alone = (curve(folder, f"{part}/{name}") for folder in (trained.folder, trained.alone))
            assert len(together) == 10
            assert together == pytest.approx(alone, rel=1e-4, abs=1e-5), f"{part}/{name}"
    together, alone = (read_checkpoint(folder / LAST)["state_dict"] for folder in (trained.folder, trained.alone))
    assert together.keys() == alone.keys()
    for name in together:
        torch.testing.assert_close(together[name], alone[name], rtol=1e-4, atol=1e-5)
    assert curve(trained.folder, "train/loss")[-1] < 0.9 * curve(trained.folder, "train/loss")[0]


@pytest.mark.parametrize(("command", "parts"), [("validate", ("val",)), ("test", PARTS)])
def test_two_processes_measure_what_one_does(
    command: str, parts: tuple[str, ...], evaluated: dict[str, tuple[Path, Path]]
) -> None:
    together, alone = (read_metrics(folder) for folder in evaluated[command])
    assert command in together["seconds"]
    for part in parts:
        assert set(together[part]) == {*NAMES, "prediction_sd_stars", "rating_sd_stars"}
        assert together[part] == pytest.approx(alone[part], rel=0, abs=1e-6), part


def test_two_processes_write_the_predictions_of_one_in_its_order(evaluated: dict[str, tuple[Path, Path]]) -> None:
    files = [folder / RUN / "predictions.csv" for folder in evaluated["predict"]]
    tables = []
    for path in files:
        with path.open(encoding="utf-8", newline="") as file:
            tables.append(list(csv.DictReader(file)))
    together, alone = tables
    assert len(together) == 2_001
    for name in ("user_id", "movie_id", "title", "rating"):
        assert [row[name] for row in together] == [row[name] for row in alone]
    predictions = [[float(row["prediction"]) for row in table] for table in tables]
    assert predictions[0] == pytest.approx(predictions[1], rel=0, abs=1.01e-4)  # of four decimals the last may differ
    assert max(predictions[0]) > min(predictions[0]) + 0.1
    assert list(files[0].parent.glob("*.partial")) == []


def test_torchrun_starts_one_run_that_uses_each_training_rating_once_an_epoch(here: Path) -> None:
    # A network that does not learn measures in each epoch what it measures afterwards on the same ratings; a rating
    # left out or repeated would show. The 15,999 of them are an odd number, in batches that do not divide them.
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m")
    fractions = ("--data.fractions", "[0.79996, 0.1, 0.10004]")
    still = ("--model.optimizer.lr", "1e-30", "--data.batch_size", "700", "--trainer.max_epochs", "2")
    fit = ("movierec", "fit", "--config", "small.yaml", *TWO, *fractions, *still)
    with started(here, *torchrun, *fit) as process:
        done = finish(process)
    assert done.status == 0, done.errors
    assert done.output.count("15,999 to train") == 1
    assert [path.name for path in (here / RUN.parent).iterdir()] == ["version_0"]
    afterwards = metrics_of_one_process(here, "test")["train"]
    for name in RUNNING:
        assert curve(here, f"train/{name}") == pytest.approx([afterwards[name]] * 2, rel=3e-6), name


def test_batch_normalisation_learns_and_the_checkpoint_is_what_was_validated(here: Path) -> None:
    options = ("--model.network.normalisation", "batch", "--trainer.max_epochs", "3", "--model.optimizer.lr", "0.01")
    run_two(here, "fit", "--config", "small.yaml", *options)
    losses = curve(here, "val/loss")
    assert losses[-1] < losses[0]
    # Each process has running statistics; those of the one that saves must be those that both validate with.
    assert metrics_of_one_process(here, "validate")["val"] == pytest.approx(read_metrics(here)["val"], rel=0, abs=1e-6)


def test_a_process_that_is_killed_ends_the_other_with_a_message(long_fit: LongFit) -> None:
    process = middle(long_fit)
    os.kill(child_of(process.pid), signal.SIGKILL)
    done = finish(process, SOON)
    assert members(process.pid) == []
    assert done.status in (1, -signal.SIGKILL), done.errors
    assert read_checkpoint(long_fit.folder / LAST)["epoch"] >= 0
    for text in ("unexpected", "Traceback", "gloo"):
        assert text not in done.errors
    if done.status == -signal.SIGKILL:
        return  # Lightning kills what has not ended in five seconds, which a busy machine may need to say why
    message = done.errors[done.errors.index("movierec: error:") :]
    assert "process" in message
    assert "--resume" in message


def test_killing_the_main_process_ends_the_other(long_fit: LongFit) -> None:
    process = middle(long_fit)
    process.kill()
    done = finish(process, SOON)  # which waits for the output of the child too
    deadline = time.monotonic() + SOON
    while members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert members(process.pid) == []
    assert done.status == -signal.SIGKILL
    assert read_checkpoint(long_fit.folder / LAST)["epoch"] >= 0
    assert "Traceback" not in done.errors
    assert "unexpected" not in done.errors


@pytest.mark.parametrize(("number", "word"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")])
def test_a_signal_ends_both_processes_and_one_says_what_is_kept(
    number: signal.Signals, word: str, long_fit: LongFit
) -> None:
    process = middle(long_fit)
    os.killpg(process.pid, number)  # as a terminal or a scheduler does
    done = finish(process, SOON)
    assert members(process.pid) == []
    assert done.status == 128 + number
    epochs = read_checkpoint(long_fit.folder / LAST)["epoch"] + 1
    for text in (word, f"All up to epoch {epochs} is kept in {LAST}", "go on with: python -m movierec fit"):
        assert done.errors.count(text) == 1, done.errors
    assert "Traceback" not in done.errors
    assert math.isfinite(read_metrics(long_fit.folder)["val"]["rmse"])


def test_two_processes_that_are_resumed_end_as_two_that_were_not_interrupted(tmp_path: Path, sample_root: Path) -> None:
    whole, resumed = (new_folder(tmp_path / name, sample_root) for name in ("whole", "resumed"))
    fit = ("fit", "--config", "small.yaml", "--model.network.dropout", "0.3", "--trainer.max_epochs")
    run_two(whole, *fit, "3")
    run_two(resumed, *fit, "2")
    run_two(resumed, *fit, "3", "--resume")
    first, second = (read_checkpoint(folder / LAST) for folder in (whole, resumed))
    assert second["epoch"] == 2
    assert all(torch.equal(value, second["state_dict"][name]) for name, value in first["state_dict"].items())
    assert curve(whole, "train/loss") == curve(resumed, "train/loss")


def test_two_processes_refit_for_as_many_epochs(here: Path) -> None:
    run_two(here, "fit", "--config", "small.yaml", "--refit", "train_val", "--trainer.max_epochs", "2")
    best = read_checkpoint(here / BEST)
    assert read_metrics(here)["refit"] == best["run"]["refit"] == "train_val"
    assert best["global_step"] == (best["epoch"] + 1) * 9  # batches of 1,024 of each half of 17,999 ratings


def test_a_loss_of_one_process_that_is_not_finite_ends_both_with_one_message(here: Path) -> None:
    (here / "poison.py").write_text(POISON, encoding="utf-8")
    options = ("--trainer.callbacks", "poison.Poison", "--trainer.max_epochs", "9", "--data.batch_size", "500")
    with started(here, "-m", "movierec", "fit", "--config", "small.yaml", *options, *TWO) as process:
        done = finish(process)
    assert members(process.pid) == []
    assert done.status == 1, done.errors
    message = done.errors[done.errors.index("movierec: error:") :]
    assert message.count("movierec: error:") == 1
    for text in (
        "Expected a finite loss, got nan in batch ",
        " of 16 in epoch 3: ",
        " of its 500 predictions",
        "film ",
    ):
        assert text in message
    for text in ("unexpected", "Traceback", "gloo", "Warning"):
        assert text not in done.errors
    assert "All up to epoch 2 is kept" in message
    assert read_checkpoint(here / LAST)["epoch"] == 1
    assert read_metrics(here)["end"] == "diverged"


def test_these_tests_leave_no_trace_in_their_own_process() -> None:
    names = ("LOCAL_RANK", "RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    assert not [name for name in names if name in os.environ]
