"""What the commands of `data` take and say."""

import json
from pathlib import Path

import pytest

from movierec.cli import main

SMALL = ["--users", "5", "--movies", "9", "--ratings", "20"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOVIEREC_DATA", raising=False)
    return tmp_path


def test_data_sample_generates_a_release_once_that_is_named_twice(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "sample", *SMALL, "--releases", "ml-1m", "ml-1m"]) == 0
    assert "9 films for ml-1m, in data/sample\n" in capsys.readouterr().out
    assert json.loads((elsewhere / "data/sample/sample.json").read_text())["releases"] == ["ml-1m"]


@pytest.mark.parametrize(
    ("action", "words"),
    [("download", ["ml-20m (198.7 MB)", "https://files.grouplens.org"]), ("sample", ["300", "data/sample"])],
)
def test_help_states_sizes_and_defaults(action: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["data", action, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert all(word in shown for word in words)


def test_data_check_takes_the_root_in_either_way_and_not_in_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "sample", "--root", "a", "--users", "9", "--movies", "30", "--ratings", "100"]) == 0
    for options in ["a"], ["--root", "a"]:
        assert main(["data", "check", *options]) == 0
        assert "Data in a (generated sample)" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["data", "check", "a", "--root", "b"])
    assert "not allowed with argument" in capsys.readouterr().err
