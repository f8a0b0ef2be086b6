"""How much has come of a download or a fetch, in a log file and on a terminal."""

import pytest

from movierec.console import Console
from movierec.datasets import meter
from movierec.datasets.meter import Meter


def test_a_log_file_gets_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with Meter("it", "films") as shown:
        shown.show(1, 4, "a note")
        shown.say("a line")
    assert capsys.readouterr().err == "a line\n"


def test_on_a_terminal_a_bar_shows_what_comes_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def console(*, stderr: bool) -> Console:
        return Console(stderr=stderr, force_terminal=True, width=100, legacy_windows=False)

    monkeypatch.setattr(meter, "Console", console)
    with Meter("it", "bytes") as shown:
        shown.show(102_400, 204_800)
        shown.refresh()
    output = capsys.readouterr().err
    assert "102.4/204.8 kB" in output
    assert output.endswith("\x1b[1A\x1b[2K")  # the line above, erased
