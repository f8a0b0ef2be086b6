"""The commands that need no training: what they print, and where, and their exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from movierec import __version__, cli
from movierec.cli import main
from movierec.sources.sample import is_sample

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
        (["report", "--format", "pdf"], "'pdf'"),
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
    assert "20 ratings by 5 users of 9 films for ml-latest-small and as many for ml-1m, in data/sample\n" in output
    assert output.endswith("fit --config configs/model1.yaml --config configs/sample.yaml\n")


def test_data_sample_obeys_every_option(elsewhere: Path) -> None:
    assert main(["data", "sample", "--root", "a/b", *SMALL, "--seed", "7", "--releases", "ml-latest-small"]) == 0
    content = json.loads((elsewhere / "a" / "b" / "sample.json").read_text())
    assert content == {
        "num_users": 5, "num_movies": 9, "num_ratings": 20, "seed": 7, "releases": ["ml-latest-small"]
    }  # fmt: skip
    assert not (elsewhere / "a" / "b" / "ml-1m").exists()


def test_data_sample_says_how_to_train_on_what_it_wrote(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "sample", "--root", "a/b", *SMALL, "--releases", "ml-1m"]) == 0
    output = capsys.readouterr().out
    assert "20 ratings by 5 users of 9 films for ml-1m, in a/b\n" in output
    assert output.endswith("--config configs/model5.yaml --config configs/sample.yaml --data.root a/b\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--users", "0"], "at least one user"),
        (["--ratings", "60001"], "at most 60000 ratings"),
        (["--ratings", "19"], "at least 20 ratings"),
        (["--releases", "ml-5m"], "releases among ml-latest-small, ml-1m, got ml-5m"),
        (["--seed", "-1"], "a seed of 0 or more"),
        (["--root", "full"], "holds other files"),
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


def test_report_shows_the_runs_of_the_folder_named(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = elsewhere / "runs" / "model1" / "version_0"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text('{"epoch": 4, "test": {"r2": 0.3125, "rmse": 0.19}}')
    assert main(["report", "--runs", "runs", "--format", "csv"]) == 0
    assert "model1,measured,test,,,no,1,0.3125," in capsys.readouterr().out
    assert (elsewhere / "report" / "index.html").is_file()


def test_report_without_runs_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report"]) == 1
    assert "Expected tested runs in lightning_logs, found none" in capsys.readouterr().err


def test_with_debug_an_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOVIEREC_DEBUG", "1")
    with pytest.raises(ValueError, match="at least one user"):
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
        "assert not {'torch', 'lightning', 'sklearn'} & set(sys.modules), 'a heavy import'\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=False)  # noqa: S603 - our code
    assert done.returncode == 0, done.stderr
