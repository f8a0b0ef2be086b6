"""What the report says in words, from numbers written by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from movierec.report.results import gather
from movierec.report.summary import advise, guess_error, read_published, write_spread

WriteRun = Callable[..., Path]


def test_the_least_error_on_the_same_test_ratings_is_advised(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", error=0.9)
    write_run("model2", error=0.8)
    (advice,) = advise(gather(runs)[0])
    assert (advice.verdict, advice.error, advice.sd) == ("Use model2", "0.800", "")
    assert "trained once" in advice.sure
    (line,) = advice.others
    assert line.startswith("model1, on the same test ratings: 0.900 stars, 0.100 more. With one seed, that may be luck")


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ((0.900, 0.901, 0.902), "The seeds' spread does not explain that"),
        ((0.790, 0.815, 0.826), "The seeds' spread may explain that"),
    ],
)
def test_a_difference_counts_only_beyond_the_spread_of_the_seeds(
    runs: Path, write_run: WriteRun, errors: tuple[float, ...], words: str
) -> None:
    for seed, (best, other) in enumerate(zip((0.800, 0.804, 0.808), errors, strict=True)):
        write_run("model1", seed, seed=seed, error=best)
        write_run("model2", seed, seed=seed, error=other)
    (advice,) = advise(gather(runs)[0])
    assert (advice.verdict, advice.sd) == ("Use model1", "0.004")
    assert words in advice.others[0]
    assert "from 0.800 to 0.808 stars (standard deviation 0.004)" in advice.sure


def test_errors_on_other_test_ratings_are_not_ranked(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", error=0.9)
    write_run("model2", error=0.8, data={"ratings": 7_000, "ratings_left_out": 3_000})
    (advice,) = advise(gather(runs)[0])
    assert advice.verdict == "Use model1"
    (line,) = advice.others
    assert line.startswith("model2 (0.800): tested on other ratings than model1, so its error does not say")
    assert line.endswith("model1 is named because it covers all ratings: none was left out for missing metadata.")


def test_each_release_gets_an_advice_and_generated_ratings_get_none(runs: Path, write_run: WriteRun) -> None:
    write_run("model1")
    write_run("model5", options={"release": "ml-1m"})
    write_run("sample/model1", data={"sample": True})
    assert [(advice.release, advice.verdict) for advice in advise(gather(runs)[0])] == [
        ("ml-1m", "Use model5"),
        ("ml-latest-small", "Use model1"),
        ("ml-latest-small", "A trial of sample/model1"),
    ]


def test_a_model_that_reads_the_ratings_it_predicts_is_not_advised(runs: Path, write_run: WriteRun) -> None:
    write_run("published/model1", error=0.7)
    write_run("model1", error=0.9)
    assert advise(gather(runs)[0])[0].verdict == "Use model1"


def test_a_model_that_reads_columns_newer_than_the_ratings_is_said_to_look_ahead(
    runs: Path, write_run: WriteRun
) -> None:
    write_run("model4", options={"columns": ["genres", "imdb_rating", "tmdb_vote_count", "tmdb_budget"]})
    (advice,) = advise(gather(runs)[0])
    assert advice.ahead.startswith("model4 reads tmdb_vote_count, imdb_rating: averages and counts of votes")
    assert advice.ahead.endswith("--data.exclude_columns '[tmdb_vote_count, imdb_rating]'.")


@pytest.mark.parametrize("columns", [["genres", "tmdb_budget"], [], None, "imdb_rating"])
def test_a_model_without_such_columns_is_not(runs: Path, write_run: WriteRun, columns: object) -> None:
    write_run("model4", options={"columns": columns})
    assert advise(gather(runs)[0])[0].ahead == ""


def test_no_model_is_advised_that_guessing_the_mean_beats(runs: Path, write_run: WriteRun) -> None:
    test = {"r2": -0.21, "mse": 0.0484, "rmse": 0.22, "mae_stars": 0.9, "rmse_stars": 1.1}
    write_run("model1", test=test)
    (advice,) = advise(gather(runs)[0])
    assert advice.verdict == "Use none of these yet"
    assert "no better than always guessing the mean of those ratings, which is off by 1.000" in advice.good


def test_the_error_of_guessing_follows_from_r2(runs: Path, write_run: WriteRun) -> None:
    write_run("model1")
    (one,), _ = gather(runs)
    assert guess_error(one) == pytest.approx(1.0)  # 5 stars * sqrt(0.0256 / (1 - 0.36))
    (advice,) = advise([one])
    assert advice.share == pytest.approx(0.8)
    assert advice.good == (
        "On 1,000 ratings that it had never seen, model1 is off by 0.800 stars (root mean square), 0.630 stars on "
        "average. Always guessing the mean of those ratings is off by 1.000: the model explains 36% of how the "
        "ratings differ (R2)."
    )


def test_the_number_of_test_ratings_bounds_how_sure_we_are(runs: Path, write_run: WriteRun) -> None:
    write_run("model1")
    assert "would move it by about 0.018 stars" in advise(gather(runs)[0])[0].sure  # 0.8 / sqrt(2 * 1000)


def test_a_run_of_an_older_version_is_read_as_far_as_it_goes(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", test={"rmse_stars": 0.9}, data={"rows": {}}, unit_scale=None, epochs=None)
    (advice,) = advise(gather(runs)[0])
    assert advice.good == "On the ratings that it had never seen, model1 is off by 0.900 stars (root mean square)."
    assert advice.guess is None


def test_without_a_test_error_in_stars_there_is_nothing_to_advise(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", test={"r2": 0.3})
    assert advise(gather(runs)[0]) == []


@pytest.mark.parametrize(("stars", "text"), [(0.0123, "0.012"), (0.0005, "0.001"), (0.00042, "0.0004"), (0, "0.000")])
def test_a_small_spread_is_not_written_as_none(stars: float, text: str) -> None:
    assert write_spread(stars) == text


def test_the_published_numbers_are_called_what_they_are(runs: Path, write_run: WriteRun) -> None:
    write_run("published/model1", test={"r2": -0.11, "ndcg@10": 0.9166})
    write_run("published/model4", test={"r2": 0.2, "ndcg@10": 0.8961})
    text = " ".join(read_published(gather(runs)[0]))
    for sentence in (
        "The published numbers were measured on the training rows: ratings that the model had already seen.",
        "our R2 comes within 0.018 of the published one (model4 is the farthest).",
        "On ratings held out from training, the same networks reach an R2 from -0.11 to 0.20;",
        "The published NDCG@10 of 1.0000 ranked each rating alone, against itself.",
        "Ranking each user's test films, it is 0.896 to 0.917.",
    ):
        assert sentence in text


def test_published_numbers_are_not_compared_with_generated_ratings(runs: Path, write_run: WriteRun) -> None:
    write_run("sample/published/model1", data={"sample": True})
    assert read_published(gather(runs)[0]) == []
