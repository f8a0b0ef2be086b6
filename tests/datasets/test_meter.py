"""How much has come of a download or a fetch, in a log file and on a terminal."""

import pytest

from movierec.console import Console
from movierec.datasets import meter
from movierec.datasets.meter import Meter


@pytest.mark.parametrize(
    ("unit", "scale", "lines"),
    [
        ("films", 1, ["it: 1 of 4 films", "it: 2 of 4 films, 0:00:10 left  a note"]),
        ("MB", 1_000_000, ["it: 1 of 4 MB", "it: 2 of 4 MB, 0:00:10 left  a note"]),
    ],
)
def test_a_log_file_gets_a_line_now_and_then_and_no_bar(
    unit: str, scale: int, lines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    with Meter("it", unit) as shown:
        monkeypatch.setattr(shown, "get_time", lambda: clock[0])
        shown.show(scale, 4 * scale)
        monkeypatch.setattr(meter, "INTERVAL", 0.0)
        shown.show(scale, 4 * scale)
        clock[0] = 5.0
        shown.show(2 * scale, 4 * scale, "a note")
    assert capsys.readouterr().err.splitlines() == lines


def test_on_a_terminal_a_bar_shows_what_comes_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def console(*, stderr: bool) -> Console:
        return Console(stderr=stderr, force_terminal=True, width=100, legacy_windows=False)

    monkeypatch.setattr(meter, "Console", console)
    with Meter("it", "MB") as shown:
        shown.show(102_400, 204_800)
        shown.refresh()
    output = capsys.readouterr().err
    assert "102.4/204.8 kB" in output
    assert output.endswith("\x1b[1A\x1b[2K")  # the line above, erased
