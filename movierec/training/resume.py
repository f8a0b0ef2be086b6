"""Where a fit begins: anew, or after the newest whole epoch of a run, with the options it was trained with."""

import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout
from jsonargparse import Namespace

from movierec.errors import BusyError, CheckpointError, ConfigError, MovierecError
from movierec.models.checkpoint import read_checkpoint
from movierec.runs import Run, existing_checkpoint, find_run, newest_run, next_version, run_of

WAYS = ("last", "previous", "best")  # the newest first; the second is there in case the first was damaged
# What changes the numbers of a resumed fit, beside the model's own options; `data` is compared by its fingerprint.
FIXED = (
    "data.init_args.batch_size",
    "checkpoint.monitor",
    "trainer.precision",
    "trainer.accumulate_grad_batches",
    "trainer.gradient_clip_val",
    "trainer.gradient_clip_algorithm",
    "trainer.limit_train_batches",
    "trainer.limit_val_batches",
    "trainer.overfit_batches",
    "trainer.val_check_interval",
    "trainer.check_val_every_n_epoch",
)


class NothingToDoError(MovierecError):
    """The run that is to be resumed is over."""


@dataclass(frozen=True)
class Start:
    """Where a fit begins.

    Attributes:
        run: The run it is part of.
        checkpoint: What it goes on from; nothing if it begins with the first epoch.
        epoch: The epoch it begins with, if the run's folder may hold later ones already.
    """

    run: Run | None
    checkpoint: Path | None = None
    epoch: int | None = None

    @property
    def is_new(self) -> bool:
        """Whether the run's folder is not there yet."""
        return self.epoch is None


def choose_start(options: Namespace, root: Path, name: str, own: Run | None) -> Start:
    """Find the run and the checkpoint that a fit goes on with, or number its new run.

    Args:
        options: The options of the fit; `resume` and `ckpt_path` decide.
        root: The folder of all runs.
        name: Name of the run.
        own: The run whose config.yaml was given.

    Raises:
        NothingToDoError: All that is left to do is done.
        CheckpointError: There is no checkpoint to go on from, or it is damaged.
        ConfigError: The checkpoint was trained with other options.
    """
    if options.ckpt_path not in (None, "last"):
        path = find_checkpoint(options.ckpt_path, root, name, own)
        return go_on(options, path, read_checkpoint(path))
    if options.resume:
        run = own or find_run(root, name)
    else:
        run = (own or newest_run(root, name)) if options.ckpt_path else None
    if run is None:
        return Start(Run(root / name / f"version_{next_version(root, name)}"))
    if options.resume and is_finished(run, options.trainer.max_epochs):
        raise NothingToDoError(f"{run.path} is over: its {options.trainer.max_epochs} epochs are trained.")
    newest = newest_checkpoint(run)
    if newest is not None:
        return go_on(options, *newest)
    if options.ckpt_path:
        existing_checkpoint(run.checkpoints / "last.ckpt")
    return Start(run, epoch=0)


def go_on(options: Namespace, path: Path, checkpoint: dict[str, Any]) -> Start:
    """Go on from a checkpoint.

    Raises:
        ConfigError: It was trained with other options.
    """
    check_trained_with(options, checkpoint, path)
    check_resumed(options, checkpoint, path)
    return Start(run_of(path), path, checkpoint["epoch"] + 1)


def hold(run: Run, until: ExitStack, *, is_new: bool) -> Run:
    """Take a run's folder for this process alone.

    Args:
        run: The run; if it is new and another process has just made its folder, the next number is taken.
        until: When it is closed, the folder is free again.
        is_new: Whether the run is new.

    Returns:
        The run whose folder was taken.

    Raises:
        BusyError: Another process is training in it.
    """
    while is_new:
        try:
            run.path.mkdir(parents=True)
        except FileExistsError:
            run = Run(run.path.with_name(f"version_{run.version + 1}"))
        else:
            break
    lock = run.path / "fit.lock"
    try:
        until.enter_context(FileLock(lock, timeout=0))
    except Timeout as error:
        raise BusyError(
            f"Expected {run.path} for this fit alone; another process is training in it. Wait for its end, or start a "
            "new run without --resume and --ckpt_path."
        ) from error
    until.callback(remove, lock)
    wait_for_next_second(run)
    return run


def wait_for_next_second(run: Run) -> None:
    """Wait until this second is over if the run has events of it.

    TensorBoard reads a run's files in the order of their names: the second, then the process's number, as text.
    """
    while any(path.name.split(".")[3] == f"{int(time.time()):010}" for path in run.path.glob("events.out.tfevents.*")):
        time.sleep(0.01)


def remove(lock: Path) -> None:
    """Remove the file of a lock, where the system can while it is open."""
    with suppress(OSError):
        lock.unlink()


def find_checkpoint(wanted: str | None, root: Path, name: str, own: Run | None) -> Path:
    """Find the file that `--ckpt_path` means: a path, or `best` (or nothing) or `last` of a run.

    The run is the one whose own config.yaml was given, else the newest one of the name.

    Raises:
        CheckpointError: There is no such file.
    """
    if wanted not in (None, "best", "last"):
        return existing_checkpoint(str(wanted))
    run = own or newest_run(root, name)
    return existing_checkpoint(run.checkpoints / f"{wanted or 'best'}.ckpt")


def newest_checkpoint(run: Run) -> tuple[Path, dict[str, Any]] | None:
    """Read the newest checkpoint of a run that is whole; nothing if the run has none at all.

    A damaged one is passed over with a warning.

    Raises:
        CheckpointError: All are damaged.
    """
    damaged = []
    for way in WAYS:
        path = run.checkpoints / f"{way}.ckpt"
        if not path.is_file():
            continue
        try:
            content = read_checkpoint(path)
        except CheckpointError as error:
            damaged.append(error)
            continue
        for passed_over in damaged:
            print(f"movierec: warning: {passed_over} Going on from {path} instead.", file=sys.stderr)
        return path, content
    if damaged:
        raise damaged[0]
    return None


def is_finished(run: Run, max_epochs: int | None) -> bool:
    """Say whether a run has come to its planned end, early or not, and has written it down."""
    metrics = run.read_metrics()
    return metrics.get("end") in ("planned", "early") and metrics["epochs"]["planned"] == max_epochs


def check_resumed(options: Namespace, checkpoint: dict[str, Any], path: Path) -> None:
    """Refuse to go on with options that would make other numbers than those of an uninterrupted run.

    Args:
        options: The options of the fit.
        checkpoint: What it is to go on from.
        path: Where that lies.

    Raises:
        ConfigError: A hyper-parameter, the seed, or another option that changes the numbers is not what it was, or all
            epochs are over; the message says how to start a new run with the weights.
    """
    if 0 <= options.trainer.max_epochs <= checkpoint["epoch"]:
        raise ConfigError(
            f"{path} is of epoch {checkpoint['epoch'] + 1}, and trainer.max_epochs is "
            f"{options.trainer.max_epochs}. Give a larger number to go on."
        )
    given = {"seed_everything": options.seed_everything}
    trained = {"seed_everything": checkpoint["run"]["seed"]}
    run = run_of(path)
    if run is not None:
        saved = yaml.safe_load(run.config.read_text(encoding="utf-8"))
        for name in FIXED:
            shown = name.replace("init_args.", "")
            given[shown], trained[shown] = look_up(options.as_dict(), name), look_up(saved, name)
    check_equal(given, trained, path)


def check_trained_with(options: Namespace, checkpoint: dict[str, Any], path: Path) -> None:
    """Refuse hyper-parameters that differ from the checkpoint's: Lightning would use the latter without a word.

    Raises:
        ConfigError: They differ; the message says where.
    """
    given = {f"model.{name}": value for name, value in options.model.as_dict().items()}
    trained = {f"model.{name}": value for name, value in checkpoint["hyper_parameters"].items() if name[0] != "_"}
    check_equal(given, trained, path)


def check_equal(given: dict[str, Any], trained: dict[str, Any], path: Path) -> None:
    """Refuse options that differ from those of a checkpoint.

    Raises:
        ConfigError: They differ; the message says where.
    """
    differing = [name for name in given.keys() | trained.keys() if plain(given.get(name)) != plain(trained.get(name))]
    if not differing:
        return
    listed = "; ".join(f"{name} is {given.get(name)} here, {trained.get(name)} there" for name in sorted(differing))
    own = run_of(path)
    raise ConfigError(
        f"Expected what {path} was trained with: {listed}. Use the options of the run"
        f"{f', --config {own.config}' if own else ''}; to train with others, start a new run, with these weights "
        f"if you like: fit --initial_checkpoint {path}"
    )


def look_up(content: Any, name: str) -> Any:
    """Find a value by the names on the way to it, joined by dots; nothing if it is not there."""
    for key in name.split("."):
        content = content.get(key) if isinstance(content, dict) else None
    return content


def plain(value: Any) -> Any:
    """Make tuples and lists compare equal."""
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value
