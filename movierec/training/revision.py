"""Which revision of the code is running, where that can be known: in a checkout of git."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import movierec

PATIENCE = 2.0  # seconds, for what takes hundredths; a checkout may lie on a disk that does not answer


def describe_revision(package: Path = Path(movierec.__file__).parent) -> dict[str, Any] | None:
    """Ask git for the revision of a package, and whether its files differ from that.

    Args:
        package: The package's folder, at the top of a checkout.

    Returns:
        `revision`, and `dirty`; None for an installed package, or where git is missing, slow, or refuses.
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
            capture_output=True, timeout=PATIENCE, check=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return read_status(answer.stdout.splitlines(), package.name)


def read_status(lines: list[str], package: str) -> dict[str, Any] | None:
    """Read what `git status --porcelain=v2 --branch` says of a package; None if it is of no revision."""
    headers = dict(line[2:].split(" ", maxsplit=1) for line in lines if line.startswith("# ") and " " in line[2:])
    changes = [line for line in lines if not line.startswith("#")]
    revision = headers.get("branch.oid", "(initial)")
    if revision == "(initial)" or f"? {package}/" in changes:
        return None
    return {"revision": revision, "dirty": bool(changes)}
