"""The bar and the lines that show how far a fit is, on a terminal of 80 columns and in a log file."""

import re
from pathlib import Path

import pytest

from movierec.cli import main
from movierec.console import Console
from movierec.training import progress, terminal
from tests.small import SMALL, write_small

EPOCH = r"epoch (\d)/3  val rmse \d\.\d{4} stars  \(unit: val 0\.\d{4}, train 0\.\d{4}\)(  best)?"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_root: Path) -> None:
    """An empty folder to run in, with a small configuration."""
    monkeypatch.chdir(tmp_path)
    write_small(tmp_path, sample_root)


def test_a_log_file_gets_a_line_an_epoch_and_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", *SMALL]) == 0
    lines = [re.fullmatch(EPOCH, line) for line in capsys.readouterr().err.splitlines()]
    assert [line and line[1] for line in lines] == ["1", "2", "3"]
    assert lines[0]
    assert lines[0][2]  # the first epoch is the best one so far


@pytest.fixture
def terminal_of_80(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns that shows each state of a bar."""

    def console(*, stderr: bool = False) -> Console:
        return Console(stderr=stderr, force_terminal=True, color_system=None, width=80, legacy_windows=False)

    monkeypatch.setattr(progress, "Console", console)
    monkeypatch.setattr(terminal, "Console", console)


def shown(capsys: pytest.CaptureFixture[str]) -> tuple[list[str], list[str]]:
    """What was printed, and the lines of the bar, without what moves the cursor."""
    output = capsys.readouterr()
    lines = [re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9?]*[A-Za-z]", "", text)) for text in (output.out, output.err)]
    return lines[0], lines[1]


def test_a_terminal_shows_the_time_left_the_error_in_stars_and_a_line_an_epoch(
    terminal_of_80: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", *SMALL]) == 0
    _, lines = shown(capsys)
    assert all(len(line) <= 80 for line in lines)
    assert any(re.fullmatch(r"epoch 3/3 ━\S* +\d+% [\d:-]+ left val rmse \d\.\d{4} stars", line) for line in lines)
    assert [line[:9] for line in lines if re.fullmatch(EPOCH, line)] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]


def test_lines_break_at_words_and_the_end_says_how_long_it_took_and_which_epoch_was_best(
    terminal_of_80: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", *SMALL]) == 0
    lines, _ = shown(capsys)
    first = lines.index("  20,000 ratings by 300 users of 381 films: 16,000 to train, 2,000 to validate,")
    assert lines[first + 1] == "  2,000 to test; 25 inputs"
    assert any(re.fullmatch(r"Trained 3 epochs in \d+ s; epoch [123] is the best\.", line) for line in lines)


@pytest.mark.parametrize("command", ["validate", "test", "predict"])
def test_an_evaluation_shows_a_bar_of_its_batches(
    command: str, terminal_of_80: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", *SMALL, "--trainer.enable_progress_bar", "false"]) == 0
    _, lines = shown(capsys)
    assert lines == [""]
    assert main([command, *SMALL]) == 0
    _, lines = shown(capsys)
    assert any(re.match(rf"{command} ━+ +100%", line) for line in lines)
