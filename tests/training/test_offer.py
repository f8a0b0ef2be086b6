"""The offer to download: one question to a person at a terminal, none to anything else."""

import io
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from movierec.cli import main
from movierec.data import Combined1MDataModule, MovieDataModule, RatingsDataModule
from movierec.datasets import download
from movierec.errors import DownloadError
from movierec.training.commands import accepts_download

QUESTION = "ml-1m is not in {root}. Download it from files.grouplens.org (5.9 MB)? [y/N] "


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_terminal(text: str, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a person who types a text at a terminal; return what the terminal shows."""
    screen = Terminal()
    for name in "CI", "TERM":
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "stdin", Terminal(text))
    monkeypatch.setattr(sys, "stdout", screen)
    return screen


@pytest.fixture
def data(tmp_path: Path) -> MovieDataModule:
    return RatingsDataModule(root=tmp_path, release="ml-1m")


@pytest.mark.parametrize(
    ("text", "accepted"),
    [("y\n", True), ("Yes\n", True), (" y \n", True), ("n\n", False), ("\n", False), ("what?\n", False), ("", False)],
)
def test_only_a_yes_is_one(
    data: MovieDataModule, text: str, *, accepted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = at_terminal(text, monkeypatch)
    assert accepts_download(data) is accepted
    assert screen.getvalue().rstrip("\n") == QUESTION.format(root=data.root)


def test_the_release_with_the_links_is_in_the_same_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = at_terminal("y\n", monkeypatch)
    assert accepts_download(Combined1MDataModule(root=tmp_path))
    asked = "ml-1m and ml-latest-small are not in {root}. Download them from files.grouplens.org (6.9 MB)? [y/N] "
    first, question = screen.getvalue().splitlines()
    assert first.startswith(f"This also needs metadata/tmdb.csv and metadata/omdb.csv in {tmp_path}, which are not")
    assert question == asked.format(root=tmp_path)


@pytest.mark.parametrize("without", ["stdin", "stdout", "CI", "TERM", "sample", "release", "asked"])
def test_nobody_is_asked_who_cannot_answer_or_need_not(
    data: MovieDataModule, without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = at_terminal("y\n", monkeypatch)
    if without in {"stdin", "stdout"}:
        monkeypatch.setattr(sys, without, io.StringIO("y\n"))
    elif without == "sample":
        (data.root / "sample.json").write_text("{}")
    elif without == "release":
        data.root /= "ml-1m"
        data.root.mkdir()
        (data.root / "ratings.dat").write_text("1::1::1::1")
    elif without == "asked":
        data.download = True
    else:
        monkeypatch.setenv(without, {"CI": "true", "TERM": "dumb"}[without])
    assert not accepts_download(data)
    assert screen.getvalue() == ""


def test_what_is_there_is_not_offered(sample_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = shutil.copytree(sample_root, tmp_path / "root", ignore=shutil.ignore_patterns("sample.json"))
    screen = at_terminal("y\n", monkeypatch)
    assert not accepts_download(Combined1MDataModule(root=root))
    assert screen.getvalue() == ""


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX terminal")
def test_fit_asks_at_a_terminal_and_takes_no_for_an_answer(tmp_path: Path) -> None:
    keyboard, terminal = os.openpty()
    os.write(keyboard, b"n\n")
    command = [sys.executable, "-m", "movierec", "fit", "--config", "configs/model1.yaml", "--data.release", "ml-1m"]
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"TERM": "xterm"}
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--data.root", "nowhere"],
        cwd=tmp_path, env=environment, stdin=terminal, stdout=terminal, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    shown = ""
    while select.select([keyboard], [], [], 0)[0]:
        shown += os.read(keyboard, 1 << 16).decode()
    for end in keyboard, terminal:
        os.close(end)
    assert QUESTION.format(root="nowhere") in shown
    assert done.returncode == 1
    assert "`python -m movierec data download ml-1m --root nowhere`" in done.stderr


def test_a_download_that_fails_leaves_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise DownloadError("nobody there")

    monkeypatch.setattr(download, "download_releases", fail)
    config = Path("configs/model1.yaml").absolute()
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "--config", str(config), "--data.root", "none", "--data.download", "true"]) == 1
    assert "nobody there" in capsys.readouterr().err
    assert not (tmp_path / "lightning_logs").exists()
