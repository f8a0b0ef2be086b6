"""How far a fetch is, in a log file and on a terminal."""

import pytest

from movierec.datasets import meter
from movierec.datasets.meter import Meter


def test_a_line_tells_how_many_how_fast_and_how_long() -> None:
    progress = Meter("TMDb", 9_000)
    progress.done = 1_000
    assert progress.line(25.0, "") == "TMDb: 1,000 of 9,000 films, 40.0 a second, 0:03:20 left"
    assert progress.line(25.0, "2 without an answer").endswith("left  2 without an answer")


def test_a_log_file_gets_a_line_now_and_then_and_no_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(meter, "INTERVAL", 0.0)
    with Meter("OMDb", 2) as progress:
        progress.advance("")
        progress.advance("1 without an answer (status [500])")
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("OMDb: 1 of 2 films, ")
    assert second.endswith("0:00:00 left  1 without an answer (status [500])")
