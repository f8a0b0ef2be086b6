"""Memory that each step frees and the next one wants again."""

import platform
import subprocess
import sys

import pytest

from movierec.training.memory import keep_freed_memory

# Sixteen tensors of 16 megabytes that come and go.
STEP = """
import os, torch
from pathlib import Path
from movierec.training.memory import keep_freed_memory
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
keep_freed_memory()
before = resident()
tensors = [torch.ones(1 << 22) for _ in range(16)]
del tensors
print(resident() - before)
"""


def kept(code: str) -> int:
    """Runs a step in a process of its own; gives the bytes that it still has afterwards."""
    command = [sys.executable, "-c", code]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - ours


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library is left alone")
def test_freed_memory_is_kept_for_the_next_step() -> None:
    size = 16 << 24
    assert kept(STEP) > 0.9 * size
    assert kept(STEP.replace("keep_freed_memory()\nbefore", "before")) < 0.5 * size


def test_a_system_without_glibc_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: pytest.fail("it was touched"))
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    keep_freed_memory()
