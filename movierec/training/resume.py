"""Start a new run, or resume one after its newest whole epoch with the options it was trained with."""

import sys
import time
from collections.abc import Collection, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from movierec.errors import BusyError, CheckpointError, ConfigError, MovierecError
from movierec.models.checkpoint import read_checkpoint
from movierec.runs import (
    Run,
    differing_options,
    existing_checkpoint,
    find_run,
    flatten,
    newest_run,
    next_version,
    run_of,
)

# A resumed fit may train for longer and on other devices; the data are compared by their fingerprint.
MAY_CHANGE = {
    "trainer.max_epochs", "trainer.max_steps", "trainer.max_time", "trainer.accelerator", "trainer.devices",
    "trainer.strategy", "trainer.num_nodes", "trainer.num_sanity_val_steps",
}  # fmt: skip
WAYS = ("last", "previous", "best")  # the newest first; the second is there in case the first was damaged


class NothingToDoError(MovierecError):
    """The run to resume is finished."""

    def __init__(self, run: Run, epochs: int) -> None:
        super().__init__(f"{run.path} is finished: its {epochs} epochs are trained.")
        self.run = run


@dataclass(frozen=True)
class Start:
    """Where a fit begins.

    Attributes:
        run: The run of the fit.
        checkpoint: The checkpoint to resume; None to start with the first epoch.
        epoch: The first epoch, from 0, if the run's folder exists; None for a new run.
        is_trained: Whether all epochs are trained, and only the refit is left.
    """

    run: Run | None
    checkpoint: Path | None = None
    epoch: int | None = None
    is_trained: bool = False

    @property
    def is_new(self) -> bool:
        """Whether the run is new, so that its folder is not there yet."""
        return self.epoch is None


def choose_start(options: Mapping[str, Any], root: Path, name: str, own: Run | None) -> Start:
    """Find the run and the checkpoint to resume, or number a new run; `own` is the run whose config.yaml was given."""
    if options["ckpt_path"] not in (None, "last"):
        path = find_checkpoint(options["ckpt_path"], root, name, own)
        return go_on(options, path, read_checkpoint(path))
    if options["resume"]:
        run = own or find_run(root, name)
    else:
        run = (own or newest_run(root, name)) if options["ckpt_path"] else None
    if run is None:
        return Start(Run(root / name / f"version_{next_version(root, name)}"))
    is_trained = options["resume"] and is_finished(run, options["trainer"]["max_epochs"])
    if is_trained and run.read_metrics().get("refit") == options["refit"]:
        raise NothingToDoError(run, options["trainer"]["max_epochs"])
    newest = newest_checkpoint(run)
    if newest is not None:
        return go_on(options, *newest, is_trained=is_trained)
    if options["ckpt_path"]:
        existing_checkpoint(run.checkpoints / "last.ckpt")
    return Start(run, epoch=0)


def go_on(options: Mapping[str, Any], path: Path, checkpoint: dict[str, Any], *, is_trained: bool = False) -> Start:
    """Resume from a checkpoint, if the options give the same numbers as an uninterrupted fit."""
    epochs = options["trainer"]["max_epochs"]
    if not is_trained and 0 <= epochs <= checkpoint["epoch"]:
        raise ConfigError(
            f"{path} is from epoch {checkpoint['epoch'] + 1}, and trainer.max_epochs is {epochs}. Give a larger number "
            "to go on."
        )
    trained = {"model": checkpoint["run"]["model"], "seed_everything": checkpoint["run"]["seed"]}
    given: Mapping[str, Any] = {name: options[name] for name in trained}
    if run := run_of(path):
        given, trained = options, yaml.safe_load(run.config.read_text(encoding="utf-8")) | trained
    check_equal(given, trained, path, may_differ=MAY_CHANGE)
    return Start(run, path, checkpoint["epoch"] + 1, is_trained=is_trained)


def hold(run: Run, until: ExitStack, *, is_new: bool) -> Run:
    """Lock a run's folder for this process, until `until` is closed.

    A new run gets the next number if another process has just made its folder. Returns the run that was locked.
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
            f"Another process is training in {run.path}. Wait until it ends, or start a "
            "new run without --resume and --ckpt_path."
        ) from error
    until.callback(remove, lock)
    wait_for_next_second(run)
    return run


def wait_for_next_second(run: Run) -> None:
    """Wait for the next second if the run already has an events file of this one.

    TensorBoard reads a run's files in the order of their names: the second, then the process's number, as text.
    """
    while any(path.name.split(".")[3] == f"{int(time.time()):010}" for path in run.path.glob("events.out.tfevents.*")):
        time.sleep(0.01)


def remove(lock: Path) -> None:
    """Remove the file of a lock, if the system allows that while it is open."""
    with suppress(OSError):
        lock.unlink()


def find_checkpoint(wanted: str | None, root: Path, name: str, own: Run | None) -> Path:
    """Find the checkpoint that `--ckpt_path` names: a path, or `best` (the default) or `last` of a run.

    The run is the one whose config.yaml was given, or else the newest one of the name.
    """
    if wanted not in (None, "best", "last"):
        return existing_checkpoint(str(wanted))
    run = own or newest_run(root, name)
    return existing_checkpoint(run.checkpoints / f"{wanted or 'best'}.ckpt")


def newest_checkpoint(run: Run) -> tuple[Path, dict[str, Any]] | None:
    """Read the newest undamaged checkpoint of a run, and warn of damaged ones; None without checkpoints."""
    damaged = None
    for path in filter(Path.is_file, (run.checkpoints / f"{way}.ckpt" for way in WAYS)):
        try:
            content = read_checkpoint(path)
        except CheckpointError as error:
            damaged = damaged or error
            continue
        if damaged:
            print(f"movierec: warning: {damaged} Going on from {path} instead.", file=sys.stderr)
        return path, content
    if damaged:
        raise damaged
    return None


def is_finished(run: Run, max_epochs: int | None) -> bool:
    """Tell whether a run of `max_epochs` epochs has ended, early or not."""
    metrics = run.read_metrics()
    return metrics.get("end") in ("planned", "early") and metrics["epochs"]["planned"] == max_epochs


def check_untrained(command: str, checkpoint: dict[str, Any], path: Path) -> None:
    """Refuse to test or validate on ratings that a refit has trained on."""
    refit = checkpoint["run"].get("refit")
    part = {"test": "test", "validate": "validation"}.get(command)
    if part and (refit == "all" or (refit and command == "validate")):
        raise ConfigError(
            f"Expected a checkpoint that has not trained on the {part} ratings; {path} has (--refit {refit}). "
            f"Recommend and predict with it. To {command}, fit again{' with --refit train_val or' * (part == 'test')} "
            "without --refit."
        )


def check_equal(
    given: Mapping[str, Any], trained: Mapping[str, Any], path: Path, *, may_differ: Collection[str] = ()
) -> None:
    """Refuse options that change numbers and differ from those of a checkpoint."""
    differing = [name for name in differing_options(given, trained) if name not in may_differ]
    if not differing:
        return
    here, there = flatten(given), flatten(trained)
    listed = "; ".join(f"{name} is {here.get(name)} here, {there.get(name)} there" for name in differing)
    own = run_of(path)
    raise ConfigError(
        f"Expected what {path} was trained with: {listed}. Use the options of the run"
        f"{f', --config {own.config}' if own else ''}; to train with others, start a new run; to start it "
        f"with these weights: fit --initial_checkpoint {path}"
    )
