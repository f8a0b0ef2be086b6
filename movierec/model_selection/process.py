"""Run one command of movierec as a process of its own, which writes to a log file."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

TICK = 0.5  # seconds between two looks at the progress
PATIENCE = 60.0  # seconds for a process to keep what it has, before it is killed
TAIL = 8
NEW_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # Windows' way of keeping Ctrl-C from a process


def run_logged(arguments: Sequence[str], *, log: Path, lock: Path, tick: Callable[[], None]) -> int:
    """Run a command and wait for its end.

    Args:
        arguments: Of `python -m movierec`.
        log: Where its output is added.
        lock: What it holds while it runs.
        tick: Called twice a second meanwhile.

    Returns:
        The exit status; below zero, the signal that has ended it.

    Raises:
        KeyboardInterrupt: Ctrl-C; the command has been stopped, as by Ctrl-C.
    """
    command = [sys.executable, "-m", "movierec.model_selection.child", str(lock), *arguments]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        out.write(f"$ python -m movierec {shlex.join(arguments)}\n".encode())
        out.flush()
        child = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            creationflags=NEW_GROUP, env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        try:
            return wait(child, tick)
        finally:
            stop(child)


def wait(child: subprocess.Popen[bytes], tick: Callable[[], None]) -> int:
    """Wait for the end of a process."""
    while True:
        try:
            return child.wait(TICK)
        except subprocess.TimeoutExpired:
            tick()


def stop(child: subprocess.Popen[bytes]) -> None:
    """End a process by closing its input; kill it when it does not end, or at a second Ctrl-C."""
    assert child.stdin is not None
    child.stdin.close()
    try:
        child.wait(PATIENCE)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()
        child.wait()


def explain(status: int, log: Path) -> str:
    """Say how a command has failed: its status, and the last lines that it wrote."""
    text = log.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.rpartition("$ python -m movierec ")[2].splitlines()[1:] if line.strip()]
    how = f"ended with status {status}"
    if status < 0:
        how = f"was killed by {signal.Signals(-status).name}; a system that is out of memory does that"
    tail = "".join(f"\n    {line}" for line in lines[-TAIL:])
    return f"{how}. The end of {log}:{tail or ' it is empty.'}"
