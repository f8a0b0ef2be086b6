"""The diagnostics of predictions: numbers computed by hand, and an independent reference in pandas."""

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from movierec.metrics.diagnostics import Background, Rated, diagnose

GENRES = ["Comedy|Drama", "Drama", "", "Comedy"]
FILMS = [0, 1, 3, 8]  # training ratings of the films
USERS = [5, 0, 16]


def background(**changes: Any) -> Background:
    known = Background(
        low=0.5,
        high=5.0,
        user_ratings=np.array(USERS),
        movie_ratings=np.array(FILMS),
        genres=GENRES,
    )
    return known._replace(**changes)


def rated(*rows: tuple[int, int, float, float]) -> Rated:
    user, movie, prediction, rating = zip(*rows, strict=True) if rows else ([], [], [], [])
    return Rated(
        np.array(user, dtype=np.int32),
        np.array(movie, dtype=np.int32),
        np.array(prediction, dtype=np.float32),
        np.array(rating, dtype=np.float32),
    )


# user, film, prediction, rating
FIVE = rated((0, 0, 3.5, 4.0), (0, 1, 3.6, 3.0), (1, 2, 2.0, 4.0), (2, 3, 5.0, 5.0), (2, 0, 0.5, 1.0))


def draw(size: int, *, step: float = 0.5) -> Rated:
    rng = np.random.default_rng(5)
    rating = rng.integers(round(0.5 / step), round(5 / step) + 1, size) * step
    prediction = np.clip(rating + rng.normal(0, 1, size), 0.5, 5)
    columns = rng.integers(0, 3, size), rng.integers(0, 4, size), prediction.astype(np.float32), rating
    return Rated(columns[0], columns[1], columns[2], columns[3].astype(np.float32))


def test_errors_by_ratings_of_the_film_by_hand() -> None:
    groups = diagnose(FIVE, background())["by_movie_ratings"]
    assert groups["lower"] == [0, 1, 2, 4, 8]
    assert groups["count"] == [2, 1, 1, 0, 1]
    assert groups["rmse"] == pytest.approx([0.5, 0.6, 2.0, None, 0.0], abs=1e-6)
    assert groups["bias"] == pytest.approx([-0.5, 0.6, -2.0, None, 0.0], abs=1e-6)


def test_errors_by_ratings_of_the_user_by_hand() -> None:
    groups = diagnose(FIVE, background())["by_user_ratings"]
    assert groups["lower"] == [0, 1, 2, 4, 8, 16]
    assert groups["count"] == [1, 0, 0, 2, 0, 2]
    assert groups["rmse"][3] == pytest.approx(math.sqrt((0.25 + 0.36) / 2))
    assert groups["bias"][5] == pytest.approx(-0.25)


def test_an_error_counts_in_each_genre_of_its_film_the_most_frequent_first() -> None:
    groups = diagnose(FIVE, background())["by_genre"]
    assert groups["genre"] == ["Comedy", "Drama", "(none)"]
    assert groups["count"] == [3, 3, 1]
    assert groups["bias"] == pytest.approx([-1 / 3, (-0.5 + 0.6 - 0.5) / 3, -2.0], abs=1e-6)


def test_calibration_by_hand() -> None:
    bins = diagnose(FIVE, background())["calibration"]
    assert (bins["lower"][0], bins["upper"][-1], len(bins["count"])) == (0.5, 5.0, 18)
    filled = [place for place, count in enumerate(bins["count"]) if count]
    assert [bins["lower"][place] for place in filled] == [0.5, 2.0, 3.5, 4.75]
    assert [bins["count"][place] for place in filled] == [1, 1, 2, 1]  # the top of the scale is in the last bin
    assert [bins["prediction"][place] for place in filled] == pytest.approx([0.5, 2.0, 3.55, 5.0])
    assert [bins["rating"][place] for place in filled] == [1.0, 4.0, 3.5, 5.0]
    assert bins["rating"][1] is None


def test_no_rating_at_all_gives_empty_groups() -> None:
    found = diagnose(rated(), background())
    assert found["rows"] == 0
    assert found["by_genre"] == {"genre": [], "count": [], "rmse": [], "bias": []}
    assert sum(found["calibration"]["count"]) == 0
    assert found["by_movie_ratings"]["count"] == []


def test_predictions_that_are_no_numbers_are_counted_and_left_out() -> None:
    with_nan = rated((0, 0, math.nan, 4.0), (0, 1, 3.5, 4.0))
    found = diagnose(with_nan, background())
    assert (found["rows"], found["not_finite"], sum(found["calibration"]["count"])) == (2, 1, 1)


def test_all_of_it_is_json_without_nan() -> None:
    for rows in (FIVE, rated(), draw(100)):
        found = diagnose(rows, background())
        assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_it_agrees_with_pandas_row_by_row() -> None:
    rows = draw(3_000)
    found = diagnose(rows, background())
    frame = pd.DataFrame(rows._asdict())
    frame["error"] = frame["prediction"].astype(float) - frame["rating"]
    frame["genre"] = [GENRES[film].split("|") for film in frame["movie"]]
    frame["films"] = [FILMS[film] for film in frame["movie"]]
    for name, group in frame.explode("genre").replace({"genre": {"": "(none)"}}).groupby("genre"):
        place = found["by_genre"]["genre"].index(name)
        assert found["by_genre"]["count"][place] == len(group)
        assert found["by_genre"]["rmse"][place] == pytest.approx((group["error"] ** 2).mean() ** 0.5)
        assert found["by_genre"]["bias"][place] == pytest.approx(group["error"].mean())
    bounds = found["by_movie_ratings"]["lower"]
    for place, (low, high) in enumerate(zip(bounds, [*bounds[1:], math.inf], strict=True)):
        group = frame[(frame["films"] >= low) & (frame["films"] < high)]
        assert found["by_movie_ratings"]["count"][place] == len(group)
        if len(group):
            assert found["by_movie_ratings"]["rmse"][place] == pytest.approx((group["error"] ** 2).mean() ** 0.5)
