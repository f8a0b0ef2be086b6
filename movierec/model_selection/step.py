"""What is left to do for a run, as its folder tells; nothing else remembers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

from movierec.model_selection.plan import Job
from movierec.runs import Run, find_runs

NOT_COMPARED = {  # these change nothing of what is measured; the fingerprint tells what the root holds
    "name", "out", "ckpt_path", "resume", "trainer.default_root_dir", "trainer.logger", "trainer.enable_progress_bar",
    "data.init_args.root", "data.init_args.cache", "data.init_args.num_workers", "data.init_args.pairs",
}  # fmt: skip


class Step(NamedTuple):
    """A command to run.

    Attributes:
        what: Train from the start, go on training, or test.
        arguments: Of `python -m movierec`.
    """

    what: Literal["fit", "resume", "test"]
    arguments: list[str]


def finished_run(job: Job, root: Path) -> Run | None:
    """Find the newest run that is trained to its end and tested with just these options and data."""
    return next((run for run in runs_of(job, root) if is_tested(run, job)), None)


def next_step(job: Job, root: Path, *, resume: bool = True) -> Step | None:
    """Say what is to be done next for a job; None if it is done.

    Args:
        job: The run to be had.
        root: The folder of all runs.
        resume: Go on with an interrupted run, if there is one.
    """
    runs = list(runs_of(job, root))
    if any(is_tested(run, job) for run in runs):
        return None
    for run in runs:
        if is_trained(run, job):
            return Step("test", ["test", "--config", str(run.config), *place(root)])
    for run in runs if resume else ():
        if (run.checkpoints / "last.ckpt").is_file():
            return Step("resume", ["fit", "--config", str(run.config), "--ckpt_path", "last", *place(root)])
    return Step("fit", ["fit", *fit_arguments(job), *place(root)])


def fit_arguments(job: Job) -> list[str]:
    """List the arguments that train a job from the start, but for the place of its run."""
    configs = [argument for config in job.entry.configs for argument in ("--config", config)]
    return [*configs, "--name", job.name, "--seed_everything", str(job.seed), "--data.root", job.resolved.root]


def place(root: Path) -> list[str]:
    """List the arguments that say where the runs are."""
    return [] if root.parent == Path() else ["--trainer.default_root_dir", str(root.parent)]


def runs_of(job: Job, root: Path) -> Iterator[Run]:
    """List the runs of a job's name, options and data, the newest first."""
    wanted = comparable(job.resolved.config | {"seed_everything": job.seed})
    for run in reversed([run for name, run in find_runs(root) if name == job.name]):
        fingerprint = run.read_metrics().get("data", {}).get("fingerprint")
        if fingerprint in (None, job.resolved.fingerprint) and saved_config(run, job.seed) == wanted:
            yield run


def saved_config(run: Run, seed: int) -> dict[str, Any] | None:
    """Read the configuration of a run if it has this seed."""
    try:
        text = run.config.read_text(encoding="utf-8")
        # Only parse what can be the right one: that takes a while.
        config = yaml.safe_load(text) if f"seed_everything: {seed}\n" in text else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return comparable(config) if isinstance(config, dict) else None


def comparable(config: dict[str, Any]) -> dict[str, Any]:
    """Keep of a configuration what decides the numbers that a run comes to; options that are not set say nothing."""
    return {name: value for name, value in flatten(config) if name not in NOT_COMPARED and value not in (None, False)}


def flatten(config: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """List the options of a configuration by their dotted names."""
    for name, value in config.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def is_trained(run: Run, job: Job) -> bool:
    """Say whether a run was trained to its end, by the record of its fit, on the job's data."""
    content = run.read_metrics()
    epochs = content.get("epochs", {})
    ended = content.get("end") in ("planned", "early") or epochs.get("trained", 0) == epochs.get("planned", -1)
    same = content.get("seed") == job.seed and content.get("data", {}).get("fingerprint") == job.resolved.fingerprint
    return ended and same and (run.checkpoints / "best.ckpt").is_file()


def is_tested(run: Run, job: Job) -> bool:
    """Say whether a run was trained, and its best checkpoint tested."""
    content = run.read_metrics()
    return is_trained(run, job) and "test" in content and content.get("checkpoint") == "checkpoints/best.ckpt"
