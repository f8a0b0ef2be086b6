"""What is said of two configurations, from errors whose difference is known."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from movierec.metrics.test_rows import write_lists
from movierec.report.comparison import compare, error_interval, say_differences, say_lists
from movierec.report.results import gather
from movierec.runs import Run

WriteRun = Callable[..., Path]
ERRORS = np.random.default_rng(0).normal(0, 0.8, 2_000)


def test_the_better_of_two_is_named_with_the_interval_whatever_their_order(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", errors=ERRORS)
    write_run("model2", errors=0.9 * ERRORS)
    one, other = gather(runs)[0]
    (said,) = say_differences(one, [other])
    assert said.startswith("model2 is better than model1 by 0.080 stars (0.07")
    assert say_differences(other, [one]) == [said]


def test_no_difference_is_said_with_the_interval(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", errors=ERRORS)
    write_run("model2", errors=np.random.default_rng(1).permutation(ERRORS))
    one, other = gather(runs)[0]
    (said,) = say_differences(one, [other])
    assert said.startswith("model1 and model2: no difference shown (-0.0")
    assert " to +0.0" in said


def test_nothing_is_said_of_other_test_rows_or_of_runs_that_kept_none(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", errors=ERRORS)
    write_run("model2", errors=ERRORS[:1_000])
    write_run("model3")
    one, other, bare = gather(runs)[0]
    assert compare(one, other) is compare(one, bare) is error_interval(bare) is None
    assert say_differences(one, [other, bare]) == ["", ""]


def test_several_seeds_are_averaged_before_they_are_compared(runs: Path, write_run: WriteRun) -> None:
    for seed, factor in enumerate((0.9, 1.1)):
        write_run("model1", seed, seed=seed, errors=factor * ERRORS)
    write_run("model2", errors=ERRORS)
    one, other = gather(runs)[0]
    found = compare(one, other)
    assert found is not None
    assert abs(found.value) < 1e-12


def test_lists_are_compared_with_the_most_rated_films_user_by_user(runs: Path, write_run: WriteRun) -> None:
    run = Run(write_run("model1"))
    (one,) = gather(runs)[0]
    assert say_lists(one) == ""
    hits = np.random.default_rng(0).integers(0, 5, 300) / 10
    tables = [
        pd.DataFrame({"ranking": name, "user_id": np.arange(300), "recall@10": hits + more})
        for name, more in (("model", 0.1), ("popularity", 0.0))
    ]
    write_lists(pd.concat(tables), run.path)
    assert say_lists(one) == (
        "The lists of model1 find more than the most rated films: +0.100 recall@10 (+0.100 to +0.100)."
    )
