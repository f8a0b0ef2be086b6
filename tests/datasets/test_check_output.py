"""What `data check` prints of a data root."""

import json
import shutil
from pathlib import Path

import pytest

from movierec.cli import main


def check(capsys: pytest.CaptureFixture[str], *args: str, status: int = 0) -> str:
    assert main(["data", "check", *args]) == status
    return capsys.readouterr().out


def test_all_that_is_there_fits_80_columns(
    sample_root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    output = check(capsys, str(sample_root))
    assert output.startswith(f"Data in {sample_root} (generated sample)")
    assert all(len(line) <= 80 for line in output.splitlines()[1:])
    assert [line.split()[-2] for line in output.splitlines() if line.startswith("model1")] == ["20,000"]


def test_what_is_wrong_is_listed_with_the_command_that_helps(
    sample_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = shutil.copytree(sample_root, tmp_path / "root")
    (root / "sample.json").unlink()
    (root / "metadata/omdb.csv").unlink()
    (root / "ml-1m/ratings.dat").write_text("1::1::6::0\n")
    output = check(capsys, str(root), status=1)
    assert "model3  ml-latest-small, omdb        no: lacks omdb" in output
    assert f"python -m movierec data fetch omdb --root {root}" in output.partition("To train more of them:")[2]
    assert "ratings.dat, line 1: expected a rating from 1.0 to 5.0 stars" in output.partition("Problems:")[2]


def test_programs_get_all_of_it_as_json(sample_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(check(capsys, str(sample_root), "--json"))
    assert found["ok"] is True
    assert found["releases"]["ml-1m"]["ratings"]["rows"] == 20_000
    assert found["models"]["model5"]["lacks"] == {}
