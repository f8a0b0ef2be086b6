"""What the commands of `data` take and say."""

from pathlib import Path

import pytest

from movierec.cli import main


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOVIEREC_DATA", raising=False)
    return tmp_path


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
