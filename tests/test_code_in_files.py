"""Checkpoints that would run code if they were unpickled carelessly: every way to read one refuses them."""

import os
import pickle
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from movierec.cli import main
from movierec.errors import CheckpointError
from movierec.recommend.recommender import Recommender

Write = Callable[[Path, Path], None]


@dataclass
class Trap:
    """Makes a folder when it is unpickled carelessly."""

    proof: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.proof),)


def bare(checkpoint: Path, proof: Path) -> None:
    """A pickle and nothing else."""
    checkpoint.write_bytes(pickle.dumps(Trap(proof)))


def hidden(checkpoint: Path, proof: Path) -> None:
    """A checkpoint that works, with one entry more."""
    torch.save(torch.load(checkpoint, weights_only=True) | {"note": Trap(proof)}, checkpoint)


@pytest.fixture(params=[bare, hidden])
def proof(request: pytest.FixtureRequest, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All checkpoints of a run are traps that make this folder; they have been seen to work."""
    shutil.copytree(checkpoint.parents[4], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    proof = tmp_path / "proof"
    for name in "best", "last", "previous":
        file = tmp_path / checkpoint.parent.relative_to(checkpoint.parents[4]) / f"{name}.ckpt"
        request.param(file, proof)
        if request.param is bare:
            pickle.loads(file.read_bytes())  # noqa: S301 - our own trap
        else:
            torch.load(file, weights_only=False)
        proof.rmdir()
    return proof


REASON = r"a pickle that asks for \w+\.mkdir|Unsupported operand|File is not a zip file"
REFUSAL = rf"(best|last)\.ckpt, but it is damaged or something else \(({REASON})"
RUN = "lightning_logs/small/version_0"
RUNS_OWN = ["--config", f"{RUN}/config.yaml", "--trainer.enable_progress_bar", "false"]


@pytest.mark.parametrize(
    "command",
    [
        ["fit", *RUNS_OWN, "--ckpt_path", "last"],
        ["test", *RUNS_OWN],
        ["predict", *RUNS_OWN, "--ckpt_path", f"{RUN}/checkpoints/last.ckpt"],
        ["recommend", "--user_id", "1"],
    ],
    ids=" ".join,
)
def test_no_command_runs_the_code_of_a_checkpoint(
    proof: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert main(command) == 1
    output = capsys.readouterr()
    assert not proof.exists()
    assert re.search(REFUSAL, output.err)
    assert "weights_only" not in output.err  # torch advises to turn it off


def test_a_recommender_runs_no_code_of_a_checkpoint(proof: Path) -> None:
    with pytest.raises(CheckpointError, match=REFUSAL):
        Recommender.from_checkpoint(RUN + "/checkpoints/best.ckpt")
    assert not proof.exists()
