"""Checkpoints on a full disk."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from movierec.training.checkpoints import WholeCheckpointIO

# In a process of its own: no file beyond a few kilobytes can be written there, as on a full disk.
FULL = """
import resource, torch
from movierec.errors import CheckpointError
from movierec.training.checkpoints import WholeCheckpointIO
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    WholeCheckpointIO().save_checkpoint({"epoch": 2, "large": torch.zeros(100_000)}, "last.ckpt")
except CheckpointError as error:
    print(error)
"""


def save_on_a_full_disk(folder: Path) -> str:
    """Try to write last.ckpt, and return what is said."""
    pytest.importorskip("resource")  # not on Windows
    command = [sys.executable, "-c", FULL]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours


def test_a_full_disk_leaves_the_previous_checkpoint(tmp_path: Path) -> None:
    torch.save({"epoch": 1}, tmp_path / "last.ckpt")
    said = save_on_a_full_disk(tmp_path)
    assert "could not be written: File too large. The previous last.ckpt is kept. Free some disk space" in said
    assert "go on with `fit --resume`." in said
    assert torch.load(tmp_path / "last.ckpt")["epoch"] == 1
    assert [left.name for left in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_disk_that_is_full_at_the_first_checkpoint_leaves_nothing_to_go_on_from(tmp_path: Path) -> None:
    said = save_on_a_full_disk(tmp_path)
    assert "File too large. There is no earlier one." in said
    assert said.endswith("then start again.\n")
    assert list(tmp_path.iterdir()) == []


class InterruptedFile(io.FileIO):
    """A file during whose writing the user presses Ctrl-C."""

    def write(self, data: Any) -> int:
        if self.tell() > 1_000:
            raise KeyboardInterrupt
        return super().write(data)


def open_interrupted(path: Path, mode: str) -> InterruptedFile:
    return InterruptedFile(path, mode)


def test_ctrl_c_in_the_middle_of_a_checkpoint_is_ctrl_c_and_leaves_the_previous_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    torch.save({"epoch": 1}, path)
    monkeypatch.setattr(Path, "open", open_interrupted)
    with pytest.raises(KeyboardInterrupt):
        WholeCheckpointIO().save_checkpoint({"epoch": 2, "large": torch.zeros(100_000)}, path)
    assert torch.load(path)["epoch"] == 1
    assert [left.name for left in tmp_path.iterdir()] == ["last.ckpt"]
