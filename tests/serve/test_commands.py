"""The command `serve`, before and while it serves."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from movierec.cli import main
from movierec.serve.commands import bind


def test_a_port_that_is_taken_is_named(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bind(0) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "--ckpt_path", str(checkpoint), "--port", port]) == 1
    assert f"Expected a free --port of 127.0.0.1, got {port}" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve", "--ckpt_path", str(checkpoint)]) == 1
    assert "pip install 'movierec[serve]'" in capsys.readouterr().err


@pytest.mark.slow
def test_it_serves_this_machine_until_it_is_interrupted(checkpoint: Path) -> None:
    command = [sys.executable, "-m", "movierec", "serve", "--ckpt_path", str(checkpoint)]
    command += ["--host", "0.0.0.0", "--port", "0"]  # noqa: S104 - the warning is tested
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]  # noqa: S603
        address, said = process.stdout.readline().split("  ", 1)
        assert "order by small, version 0" in said
        assert httpx.get(f"{address}/api/model").json()["sample"]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert "there is no login" in process.stderr.read()
