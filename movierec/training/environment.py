"""Describe the machine, the versions of packages and the revision of the code."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule

import movierec
from movierec.models.memory import GB, memory_bytes

PACKAGES = ("lightning", "torch", "torchmetrics", "pandas", "scikit-learn", "numpy")
CPU_INFO = Path("/proc/cpuinfo")  # Linux; platform.processor() is empty there
GIT_SECONDS = 2.0  # for what takes hundredths; a checkout may lie on a disk that does not answer


def describe_hardware(task: LightningModule) -> dict[str, Any]:
    """Name processor, cores, memory (in units of 2^30 bytes), accelerator, processes and threads; null if unknown."""
    is_gpu = task.device.type == "cuda"
    memory = memory_bytes()
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(memory / GB, 1) if memory else None,
        "accelerator": torch.cuda.get_device_name(task.device) if is_gpu else task.device.type,
        "processes": task.trainer.world_size,
        "threads": torch.get_num_threads(),
    }


def cpu_model() -> str | None:
    """Name the processor."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(named), platform.processor() or platform.machine() or None)


def versions() -> dict[str, str]:
    """List the versions of Python and of the packages that numbers depend on."""
    found = {name: version(name) for name in PACKAGES}
    return {"movierec": movierec.__version__, "python": platform.python_version()} | found


def describe_revision(package: Path = Path(movierec.__file__).parent) -> dict[str, Any] | None:
    """Ask git for the `revision` of a package at the top of a checkout, and whether its files have changed: `dirty`.

    None for an installed package, or where git is missing, slow, or refuses.
    """
    git = shutil.which("git")
    if git is None or not (package.parent / ".git").exists():  # a file in a linked worktree
        return None
    # Hooks of git set variables that name another repository; and a program that watches files is not ours to start.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = [git, "--no-optional-locks", "-c", "core.fsmonitor=false", "status"]
    options = ["--porcelain=v2", "--branch", "--", package.name]
    try:
        answer = subprocess.run(  # noqa: S603 - fixed arguments, and no shell
            [*command, *options], cwd=package.parent, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=GIT_SECONDS, check=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return read_status(answer.stdout.splitlines(), package.name)


def read_status(lines: list[str], package: str) -> dict[str, Any] | None:
    """Read what `git status --porcelain=v2 --branch` says of a package; None if there is no revision."""
    headers = dict(line[2:].split(" ", maxsplit=1) for line in lines if line.startswith("# ") and " " in line[2:])
    changes = [line for line in lines if not line.startswith("#")]
    revision = headers.get("branch.oid", "(initial)")
    if revision == "(initial)" or f"? {package}/" in changes:
        return None
    return {"revision": revision, "dirty": bool(changes)}
