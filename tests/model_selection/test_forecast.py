"""How long the rest will take."""

from pathlib import Path

import pytest
from movierec.model_selection.forecast import Forecast, epoch_in, seconds_of, share_done
from movierec.model_selection.plan import Entry, Job, Resolved

from movierec.console import duration


def job(name: str, seconds: float) -> Job:
    found = Resolved(config={}, root="", missing=[], fingerprint="", sample=True, epochs=20, seconds=seconds)
    return Job(Entry(name, (), (1,)), 1, found)


def test_before_anything_is_measured_the_expected_seconds_count() -> None:
    assert Forecast().total([job("model1", 30), job("model3", 300)]) == 330


def test_a_measured_configuration_tells_of_its_other_seeds_and_its_speed_of_the_rest() -> None:
    forecast = Forecast()
    forecast.learn(job("model1", 30), 40)
    forecast.learn(job("model1", 30), 80)
    assert forecast.estimate(job("model1", 30)) == 60
    assert forecast.estimate(job("model3", 300)) == 600  # 120 s where 60 were expected


def test_what_a_run_took_counts_the_start_of_both_processes() -> None:
    assert seconds_of({"seconds": {"fit": 10.0, "test": 2.5, "validate": 99.0}}) == 2 * 7 + 12.5


def test_the_newest_epoch_of_the_newest_command_is_read_from_a_log(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    assert epoch_in(log) == 0
    log.write_text("$ python -m movierec fit a\nepoch 9/20 train\n$ python -m movierec fit b\nfoo\n")
    assert epoch_in(log) == 0
    with log.open("a") as file:
        file.write("".join(f"epoch {number}/20  train rmse 0.3\n" for number in range(1, 12)))
    assert epoch_in(log) == 11
    assert share_done(job("model1", 1), log) == 11 / 20


def test_a_run_is_not_done_before_its_test_is(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("epoch 20/20\n")
    assert share_done(job("model1", 1), log) < 1


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (83, "1 min 23 s"), (7810, "2 h 10 min")]
)
def test_a_duration_is_written_as_people_say_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words
