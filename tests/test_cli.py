"""The commands that need no training: what they print, and where, and their exit status."""

import errno
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from movierec import __version__, cli
from movierec.cli import main
from movierec.datasets.root import is_sample

SMALL = ["--users", "5", "--movies", "9", "--ratings", "20"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOVIEREC_DEBUG", raising=False)
    return tmp_path


def test_help_lists_every_command_and_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    output = capsys.readouterr()
    assert output.err == ""
    for words in ("fit", "validate", "test", "predict", "report", "data", "--config configs/model1.yaml"):
        assert words in output.out


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"movierec {__version__}\n"


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (["fti"], "'fti'"),
        ([], "COMMAND"),
        (["data"], "ACTION"),
        (["data", "smaple"], "'smaple'"),
        (["data", "sample", "--users", "many"], "'many'"),
        (["data", "download"], "NAME"),
        (["data", "download", "ml-5m"], "'ml-5m'"),
        (["data", "download", "ml-1m", "--mirror", "http://x", "--from-zip", "x.zip"], "not allowed with argument"),
        (["report", "--colour"], "--colour"),
    ],
)
def test_wrong_usage_ends_with_status_2_and_names_the_word(
    args: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert named in output.err


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (["tset"], "test"),
        (["recomend", "--user_id", "1"], "recommend"),
        (["data", "smaple"], "sample"),
        (["data", "download", "ml-20"], "ml-20m"),
        (["similar", "Heat", "--format", "cvs"], "csv"),
    ],
)
def test_a_misspelt_word_leads_to_the_nearest_one(
    args: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == 2
    assert capsys.readouterr().err.endswith(f"\nDid you mean {meant}?\n")


def test_a_word_that_is_near_to_none_leads_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["zzz"])
    assert "Did you mean" not in capsys.readouterr().err


def test_without_arguments_main_reads_those_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["movierec", "--version"])
    with pytest.raises(SystemExit):
        main()
    assert __version__ in capsys.readouterr().out


def test_data_sample_writes_where_the_sample_overlay_reads(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "sample", *SMALL]) == 0
    assert is_sample(elsewhere / "data" / "sample")
    output = capsys.readouterr().out
    assert "20 ratings by 5 users of 9 films for each of ml-latest-small, ml-1m, in data/sample\n" in output
    assert output.endswith("fit --config configs/model1.yaml --config configs/sample.yaml\n")


def test_data_sample_obeys_every_option(elsewhere: Path) -> None:
    assert main(["data", "sample", "--root", "a/b", *SMALL, "--seed", "7"]) == 0
    content = json.loads((elsewhere / "a" / "b" / "sample.json").read_text())
    assert content == {
        "num_users": 5, "num_movies": 9, "num_ratings": 20, "seed": 7, "releases": ["ml-latest-small", "ml-1m"]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--users", "0"], "0 users"),
        (["--ratings", "60001"], "20 to 60000 ratings"),
        (["--ratings", "19"], "20 to 60000 ratings"),
        (["--seed", "-1"], "a seed of 0 or more"),
        (["--root", "full"], "an empty folder or an earlier sample"),
        (["--root", "full/thesis.tex"], "thesis.tex"),
    ],
)
def test_a_sample_that_cannot_be_made_is_one_clear_message_and_status_1(
    elsewhere: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "full").mkdir()
    (elsewhere / "full" / "thesis.tex").write_text("years of work")
    assert main(["data", "sample", *options]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("movierec: error: ")
    assert message in output.err
    assert "Traceback" not in output.err
    assert "unexpected" not in output.err
    assert (elsewhere / "full" / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["ml-1m", "ml-100k", "--from-zip", "a.zip"], "Expected one release with --from-zip, got ml-1m, ml-100k"),
        (["ml-1m", "--from-zip", "a.zip"], "Expected the data file a.zip, found no such file. Check the path after"),
    ],
)
def test_a_download_that_cannot_be_is_one_clear_message_and_status_1(
    options: list[str], message: str, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "download", *options, "--root", "data"]) == 1
    output = capsys.readouterr()
    assert output.err.startswith(f"movierec: error: {message}")
    assert output.out == ""


def test_data_download_goes_where_fit_looks(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "sample", "--root", "a/b", *SMALL]) == 0
    (elsewhere / "a/b/sample.json").unlink()
    monkeypatch.setenv("MOVIEREC_DATA", "a/b")
    assert main(["data", "download", "ml-1m", "ml-1m", "ml-latest-small"]) == 0
    there = "{name} is already complete in a/b/{name}; add --again to replace it.\n"
    expected = "".join(there.format(name=name) for name in ("ml-1m", "ml-latest-small"))
    assert capsys.readouterr().out.endswith(expected)


@pytest.fixture
def checked(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A generated root, in a folder whose name is not plain."""
    root = elsewhere / "Données [bold]β"
    main(["data", "sample", "--root", str(root), "--users", "20", "--movies", "30", "--ratings", "200"])
    capsys.readouterr()
    return root


def test_data_check_tells_what_is_there_in_80_columns(checked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", str(checked)]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    first, *lines = output.out.splitlines()
    assert first == f"Data in {checked} (generated sample)"
    assert max(map(len, lines)) <= 80
    words = [line.split() for line in lines]
    assert ["ml-1m", "200", "20"] in [line[:3] for line in words]
    assert "model1, 6, 7, 8  ml-latest-small              yes, on 200 ratings" in output.out
    assert "Problems" not in output.out


def test_data_check_of_damaged_data_names_file_and_line_and_ends_with_status_1(
    checked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = checked / "ml-1m" / "ratings.dat"
    path.write_text(path.read_text().replace("::", ";", 1))
    assert main(["data", "check", str(checked)]) == 1
    output = capsys.readouterr().out
    assert f"Problems:\n  {path}, line 1: expected 4 fields, found 3" in output
    assert "To train more of them:\n  python -m movierec data sample --root '" in output


def test_data_check_looks_where_the_environment_says_and_then_in_data(
    checked: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MOVIEREC_DATA", str(checked))
    assert main(["data", "check"]) == 0
    assert str(checked) in capsys.readouterr().out
    monkeypatch.delenv("MOVIEREC_DATA")
    assert main(["data", "check"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("movierec: error: Expected the data folder data, found none.")


def test_data_check_of_an_empty_folder_says_how_to_fill_it(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", "."]) == 1
    output = capsys.readouterr().out
    assert "model1, 6, 7, 8  ml-latest-small              no: lacks ml-latest-small" in output
    assert "  python -m movierec data download ml-1m --root .\n" in output
    assert "  python -m movierec data fetch tmdb --root .\n" in output


def test_report_shows_the_runs_of_the_folder_named(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = elsewhere / "runs" / "model1" / "version_0"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text('{"epoch": 4, "test": {"r2": 0.3125, "rmse": 0.19}}')
    assert main(["report", "--runs", "runs"]) == 0
    assert "model1,measured,test,,,no,1,0.3125," in (elsewhere / "report" / "table.csv").read_text()
    assert (elsewhere / "report" / "index.html").is_file()


def test_report_without_runs_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report"]) == 1
    assert "Expected tested runs in lightning_logs, found none" in capsys.readouterr().err


def test_a_file_that_is_named_in_bytes_is_named_in_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(arguments: list[str]) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", b"runs/events")  # as TensorBoard's writer does

    monkeypatch.setattr(cli, "dispatch", fail)
    assert main(["report"]) == 1
    assert capsys.readouterr().err == "movierec: error: runs/events: Permission denied\n"


@pytest.mark.skipif(os.name != "posix", reason="a shell closes streams there")
def test_closed_streams_count_as_empty_ones(elsewhere: Path) -> None:
    code = "import sys; from movierec.cli import main; from movierec.console import is_attended\n"
    code += f"status = main(['data', 'sample', *{SMALL!r}]); sys.exit(status or is_attended())"
    command = f"{shlex.join([sys.executable, '-c', code])} <&- >&- 2>&-"
    assert subprocess.run(command, cwd=elsewhere, shell=True, check=False).returncode == 0  # noqa: S602 - our code
    assert is_sample(elsewhere / "data" / "sample")


def test_with_debug_an_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOVIEREC_DEBUG", "1")
    with pytest.raises(ValueError, match="0 users"):
        main(["data", "sample", "--users", "0"])


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ZeroDivisionError("division by zero"), 1, "unexpected ZeroDivisionError: division by zero"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (KeyboardInterrupt("stopped after epoch 3"), 130, "stopped after epoch 3"),
    ],
)
def test_an_unforeseen_error_and_ctrl_c_end_without_a_traceback(
    error: BaseException, status: int, message: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def fail(arguments: list[str]) -> int:
        raise error

    monkeypatch.setattr(cli, "dispatch", fail)
    assert main(["report"]) == status
    output = capsys.readouterr()
    assert message in output.err
    assert "Traceback" not in output.err


def test_light_commands_import_neither_torch_nor_lightning(elsewhere: Path) -> None:
    code = (
        "import sys; from movierec.cli import main\n"
        f"assert main(['data', 'sample', *{SMALL!r}]) == 0; main(['report'])\n"
        "assert main(['data', 'download', 'ml-1m', '--root', 'data/sample']) == 1\n"
        "assert main(['data', 'check', 'data/sample']) == 0\n"
        "assert not {'torch', 'lightning', 'sklearn'} & set(sys.modules), 'a heavy import'\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=False)  # noqa: S603 - our code
    assert done.returncode == 0, done.stderr
