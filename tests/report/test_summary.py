"""What the report says in words, from numbers written by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from movierec.report.results import gather
from movierec.report.summary import read_published, summarise

WriteRun = Callable[..., Path]


def test_the_least_error_on_the_same_test_ratings_comes_first(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", error=0.9)
    write_run("model2", error=0.8)
    (found,) = summarise(gather(runs)[0])
    assert (found.best.name, found.error, found.sd) == ("model2", "0.800", "")
    assert "trained once" in found.sure
    assert found.compared == ["model1: 0.900 stars. Test again to compare the two."]


def test_one_model_is_called_better_only_with_the_interval_over_the_same_rows(runs: Path, write_run: WriteRun) -> None:
    errors = np.random.default_rng(0).normal(0, 0.8, 2_000)
    write_run("model1", error=0.9, errors=1.1 * errors)
    write_run("model2", error=0.8, errors=errors)
    (found,) = summarise(gather(runs)[0])
    assert found.compared[0].startswith("model2 is better than model1 by 0.08")
    assert found.sure.startswith("Over other test users like these, from 0.7")


def test_seeds_give_the_range_that_the_error_had(runs: Path, write_run: WriteRun) -> None:
    for seed, error in enumerate((0.800, 0.804, 0.808)):
        write_run("model1", seed, seed=seed, error=error)
    (found,) = summarise(gather(runs)[0])
    assert (found.error, found.sd) == ("0.804", "0.004")
    assert found.sure == "Over 3 trainings that differ in their seed, from 0.800 to 0.808."


def test_errors_on_other_test_ratings_are_not_ranked(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", error=0.9)
    write_run("model2", error=0.8, data={"ratings": 7_000, "ratings_left_out": 3_000})
    (found,) = summarise(gather(runs)[0])
    assert found.best.name == "model1"
    assert found.compared == ["Tested on other ratings, so not comparable with model1: model2 (0.800)."]


def test_each_release_is_summarised_by_itself(runs: Path, write_run: WriteRun) -> None:
    write_run("model1")
    write_run("model5", options={"release": "ml-1m"})
    assert [(one.release, one.best.name) for one in summarise(gather(runs)[0])] == [
        ("ml-1m", "model5"),
        ("ml-latest-small", "model1"),
    ]


def test_a_model_that_reads_the_ratings_it_predicts_does_not_come_first(runs: Path, write_run: WriteRun) -> None:
    write_run("published/model1", error=0.7)
    write_run("model1", error=0.9)
    assert summarise(gather(runs)[0])[0].best.name == "model1"


def test_a_model_that_reads_columns_newer_than_the_ratings_is_said_to_look_ahead(
    runs: Path, write_run: WriteRun
) -> None:
    write_run("model4", options={"columns": ["genres", "imdb_rating", "tmdb_vote_count", "tmdb_budget"]})
    (found,) = summarise(gather(runs)[0])
    assert found.ahead.startswith("model4 reads tmdb_vote_count, imdb_rating: averages and counts of votes")
    assert found.ahead.endswith("--data.exclude_columns '[tmdb_vote_count, imdb_rating]'.")


@pytest.mark.parametrize("columns", [["genres", "tmdb_budget"], [], None, "imdb_rating"])
def test_a_model_without_such_columns_is_not(runs: Path, write_run: WriteRun, columns: object) -> None:
    write_run("model4", options={"columns": columns})
    assert summarise(gather(runs)[0])[0].ahead == ""


def test_how_good_a_model_is_stands_in_stars_and_r2(runs: Path, write_run: WriteRun) -> None:
    write_run("model1")
    (found,) = summarise(gather(runs)[0])
    assert found.good == (
        "On 1,000 ratings that it had never seen, model1 is off by 0.800 stars (root mean square), 0.630 stars on "
        "average. R2 is 0.36; 0 is what guessing the mean reaches."
    )


def test_baselines_of_the_same_test_rows_stand_beside_the_model(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", error=0.9, baselines={"bias": {"rmse_stars": 0.95}})
    write_run("model2", error=0.8)
    (found,) = summarise(gather(runs)[0])
    assert found.bars == {"model2": 0.8, "baseline, bias": 0.95}


def test_a_run_of_an_older_version_is_read_as_far_as_it_goes(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", test={"rmse_stars": 0.9}, data={"rows": {}}, unit_scale=None, epochs=None)
    (found,) = summarise(gather(runs)[0])
    assert found.good == "On the ratings that it had never seen, model1 is off by 0.900 stars (root mean square)."
    assert found.bars == {"model1": 0.9}


def test_without_a_test_error_in_stars_there_is_nothing_to_summarise(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", test={"r2": 0.3})
    assert summarise(gather(runs)[0]) == []


def test_the_published_numbers_are_called_what_they_are(runs: Path, write_run: WriteRun) -> None:
    write_run("published/model1", test={"r2": -0.11})
    write_run("published/model4", test={"r2": 0.2})
    write_run("published/model3", test={"r2": -0.9}, epochs={"trained": 2, "planned": 2})  # not run the same way
    text = " ".join(read_published(gather(runs)[0]))
    for sentence in (
        "The published numbers were measured on the training rows: ratings that the model had already seen.",
        "Run the same way, our R2 of training rows comes within 0.018 of theirs (model4 is the farthest).",
        "On ratings held out from training, the same networks reach an R2 from -0.11 to 0.20;",
    ):
        assert sentence in text


def test_published_numbers_are_not_compared_with_generated_ratings(runs: Path, write_run: WriteRun) -> None:
    write_run("sample/published/model1", data={"sample": True})
    assert read_published(gather(runs)[0]) == []
