"""What a terminal or a spreadsheet would obey is taken out of texts, and all else is left."""

import csv
import json
import os
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from movierec.cli import main
from movierec.console import Console, busy, cell, printable
from movierec.datasets.titles import TitleIndex
from movierec.recommend.output import writer_to
from movierec.recommend.recommender import Recommender

ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31m"  # sets a window's title, clears the screen, writes in red
LEFT = "]0;owned[2J31m"  # what is left of it does nothing
TITLE = f'=HYPERLINK("http://127.0.0.1","{ESCAPE}")'
GENRE = f"+1{ESCAPE}[bold]"


@given(st.text())
def test_what_is_printed_moves_no_cursor_and_keeps_all_other_letters(text: str) -> None:
    kept = [letter for letter in text if letter in "\t\n" or unicodedata.category(letter) != "Cc"]
    assert printable(text) == "".join(kept)


@pytest.mark.parametrize("text", ["Été 千年の Ночь 🎬", "क्‍ष (2001)", "(500) Days of Summer", "'71", "a=b", "1-2", ""])
def test_a_text_that_does_nothing_is_left_as_it_is(text: str) -> None:
    assert printable(text) == cell(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-30- (1959)", "'-30- (1959)"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"), ("\n=1", "'\n=1"), ("\r=1", "'=1"), ("\x1b=1", "'=1"), ("\0-1", "'-1"),
    ],
)  # fmt: skip
def test_a_formula_gets_an_apostrophe_also_behind_what_is_taken_out(text: str, expected: str) -> None:
    assert cell(text) == expected


def test_a_guarded_title_is_the_same_film_in_a_file_of_ratings() -> None:
    assert TitleIndex(["30 (1959)", "-30- (1960)"], [1, 1]).find(cell("-30- (1960)")) == [1]


def test_the_console_shows_tables_and_lines_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(ESCAPE, title=ESCAPE)
    table.add_row(f"[red]{ESCAPE}")
    console = Console(width=60)
    console.print(table)
    console.print(f"[red]{ESCAPE}", soft_wrap=True)
    output = capsys.readouterr().out
    assert output.count(LEFT) == 4
    assert output.count("[red]") == 2  # is not read as markup
    assert printable(output) == output


def test_the_console_has_colours_of_its_own_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Console(force_terminal=True, color_system="standard").print(f"a{ESCAPE}", style="red")
    assert capsys.readouterr().out == f"\x1b[31ma{LEFT}\x1b[0m\n"


@pytest.fixture
def hostile(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint whose films all have a title and genres that would do something."""
    content = torch.load(checkpoint, weights_only=True)
    number = len(content["tables"]["movie_ids"])
    content["tables"] |= {"titles": json.dumps([TITLE] * number), "genres": json.dumps([GENRE] * number)}
    content["tables"]["record"]["options"]["release"] = ESCAPE
    torch.save(content, tmp_path / "hostile.ckpt")
    return tmp_path / "hostile.ckpt"


@pytest.mark.parametrize("form", ["table", "csv", "json"])
@pytest.mark.parametrize("whom", [["recommend", "--user_id", "1"], ["similar", "1"]], ids=" ".join)
def test_recommendations_are_shown_without_control_characters(
    hostile: Path, capsys: pytest.CaptureFixture[str], whom: list[str], form: str, trained: Recommender
) -> None:
    whom = whom if whom[0] == "recommend" else [*whom[:-1], str(trained.films.ids[0])]
    assert main([*whom, "--ckpt_path", str(hostile), "--format", form, "--min_ratings", "0"]) == 0
    output = capsys.readouterr()
    assert printable(output.out + output.err) == output.out + output.err
    if form == "json":
        assert json.loads(output.out)["films"][0]["title"] == TITLE
    if form == "csv":
        row = next(csv.DictReader(output.out.splitlines()))
        assert (row["title"], row["genres"]) == (f"'{printable(TITLE)}", f"'{printable(GENRE)}")


def test_an_error_about_a_title_is_shown_without_control_characters(
    hostile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["similar", f"{ESCAPE}hyperlink", "--ckpt_path", str(hostile)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("movierec: error: '")
    assert printable(error) == error


def test_numbers_in_a_csv_file_are_left_alone(tmp_path: Path) -> None:
    with writer_to(tmp_path / "top.csv") as write:
        write(pd.DataFrame({"title": ["-1"], "genres": ["@a"], "stars": [-0.5], "user_id": [-3]}))
    assert (tmp_path / "top.csv").read_text() == "title,genres,stars,user_id\n'-1,'@a,-0.5000,-3\n"


def test_a_pipe_gets_utf8_whatever_the_encoding_of_the_system(checkpoint: Path) -> None:
    command = [sys.executable, "-m", "movierec", "recommend", "--user_id", "1", "--top", "50", "--format", "csv"]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--ckpt_path", str(checkpoint), "--min_ratings", "0"],
        env=os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}, capture_output=True, check=True,
    )  # fmt: skip
    assert not done.stdout.decode().isascii()


class AtOnce:
    """A timer whose time is up when it starts."""

    def __init__(self, _seconds: float, function: Callable[[], None]) -> None:
        self.start = function

    def cancel(self) -> None:
        """Too late."""

    join = cancel


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "Timer", AtOnce)


def test_what_takes_a_while_is_named_in_a_log(impatient: None, capsys: pytest.CaptureFixture[str]) -> None:
    with busy("reading the [bold] data"):
        assert capsys.readouterr().err == "reading the [bold] data ...\n"
    assert capsys.readouterr().err == ""


def test_on_a_terminal_it_goes_away_again(
    impatient: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with busy("reading the data"):
        pass
    error = capsys.readouterr().err
    assert "reading the data ..." in error
    assert error.endswith("\x1b[2K")  # the line is cleared


def test_what_is_done_at_once_is_not_named(capsys: pytest.CaptureFixture[str]) -> None:
    with busy("reading the data"):
        pass
    assert capsys.readouterr().err == ""


def test_of_several_processes_the_first_one_speaks(
    impatient: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    with busy("reading the data"):
        pass
    assert capsys.readouterr().err == ""


def test_commands_name_what_takes_them_long(
    impatient: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    loading = "loading PyTorch and Lightning ..."
    config = ["--config", "model1", "--config", "sample", "--trainer.max_epochs", "1"]
    for command, said in (
        (["data", "sample", "--users", "40", "--movies", "60", "--ratings", "900"], ["generating ratings ..."]),
        (["data", "check", "data/sample"], ["reading the data ..."]),
        (["fit", *config], [loading, "reading the data ...", "drawing the learning curves ..."]),
        (["test", *config], [loading, "reading the data ...", "drawing the test ..."]),
        (["report"], ["loading Matplotlib ...", "reading the runs ...", "drawing the figures ..."]),
        (["recommend", "--user_id", "1"], ["loading PyTorch ...", "reading the model ..."]),
        (["reproduce", "--plan", "--root", "data/sample", "--only", "same_rows/model1"], [loading, "reading the c"]),
    ):
        assert main(command) == 0
        error = capsys.readouterr().err
        assert [line for line in said if line not in error] == []
