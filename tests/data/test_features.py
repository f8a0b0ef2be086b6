from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from movierec.data import (
    Combined1MDataModule,
    CombinedDataModule,
    IMDbDataModule,
    RatingsDataModule,
    TMDbDataModule,
)
from movierec.data.features import (
    NUMBERS,
    ZERO_IS_UNKNOWN,
    Missing,
    check_columns,
    complete_films,
    encode_films,
    encode_users,
    film_columns,
    known_columns,
)
from movierec.data.preparation import read_movies
from movierec.errors import ConfigError

ALL = tuple(film_columns(CombinedDataModule.available_columns))
EVERY_FILM = np.ones(4, dtype=bool)


def films(**columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})


def reference(
    movies: pd.DataFrame, columns: tuple[str, ...], missing: Missing, trained: np.ndarray
) -> dict[str, list[float]]:
    complete = movies[list(columns)].notna().all(axis="columns") | (missing == "impute")
    fitted = trained & complete.to_numpy()
    table: dict[str, list[float]] = {}
    for name in [name for name in columns if name in NUMBERS]:
        values = movies[name].astype("float64")
        if missing == "impute" and name in ZERO_IS_UNKNOWN:
            values = values.where(values != 0)
        filled = values.fillna(values[fitted].median()) if missing == "impute" else values
        low, high = filled[fitted].min(), filled[fitted].max()
        table[name] = [(value - low) / ((high - low) or 1) for value in filled]
        if missing == "impute" and values[fitted].isna().any():
            table[f"missingindicator_{name}"] = [float(np.isnan(value)) for value in values]
    for name in [name for name in columns if name not in NUMBERS]:
        sets = [{v} if isinstance(v, str) else set(v) if isinstance(v, list) else set() for v in movies[name]]
        count = Counter(label for labels, fit in zip(sets, fitted, strict=True) if fit for label in labels)
        least = 3 if name in ("imdb_directors", "imdb_actors") else 1
        for label in sorted(label for label, number in count.items() if number >= least):
            table[f"{name}={label}"] = [float(label in labels) for labels in sets]
    return {
        name: [value if whole else 0.0 for value, whole in zip(column, complete, strict=True)]
        for name, column in table.items()
    }


@pytest.mark.parametrize("missing", ["drop", "impute"])
def test_encoding_agrees_with_one_written_out_film_by_film(sample_root: Path, missing: Missing) -> None:
    options = CombinedDataModule(root=sample_root, missing=missing, columns=list(ALL)).options
    movies = read_movies(sample_root, options)
    trained = np.random.default_rng(0).random(len(movies)) < 0.6
    encoded = encode_films(movies, columns=ALL, missing=missing, trained=trained)
    expected = reference(movies, ALL, missing, trained)
    assert set(encoded.names) == set(expected)
    assert len(encoded.names) == encoded.table.shape[1]
    for column, name in enumerate(encoded.names):
        np.testing.assert_allclose(encoded.table[:, column], expected[name], atol=1e-6, err_msg=name)


def test_numbers_come_first_and_labels_follow_in_alphabetical_order() -> None:
    movies = films(
        genres=[["Drama", "Action"], ["Drama"]], imdb_country=["Japan", "France, Italy"], imdb_runtime=[60, 80]
    )
    encoded = encode_films(
        movies, columns=("userId", "genres", "imdb_country", "imdb_runtime"), missing="drop", trained=EVERY_FILM[:2]
    )
    assert encoded.names == [
        "imdb_runtime", "genres=Action", "genres=Drama", "imdb_country=France, Italy", "imdb_country=Japan",
    ]  # fmt: skip
    assert encoded.table.tolist() == [[0, 1, 1, 0, 1], [1, 0, 1, 1, 0]]
    assert encoded.table.dtype == np.float32


@pytest.mark.parametrize("missing", ["drop", "impute"])
@pytest.mark.parametrize("column", ["tmdb_budget", "imdb_rating"])
def test_an_extreme_number_of_an_untrained_film_changes_no_other_film(column: str, missing: Missing) -> None:
    trained = np.array([True, True, True, False])
    plain, extreme = (
        encode_films(films(**{column: [1.0, 2.0, 5.0, last]}), columns=(column,), missing=missing, trained=trained)
        for last in (3.0, 1e9)
    )
    assert plain.table[:3].tolist() == extreme.table[:3].tolist() == [[0], [0.25], [1]]
    assert extreme.scalers[column] == plain.scalers[column]
    assert extreme.table[3, 0] > 1e8


def test_an_incomplete_training_film_does_not_change_the_scale_of_the_others() -> None:
    movies = films(imdb_votes=[10.0, 20.0, 9e9], imdb_rating=[5.0, 6.0, None])
    encoded = encode_films(movies, columns=("imdb_votes", "imdb_rating"), missing="drop", trained=EVERY_FILM[:3])
    assert encoded.table.tolist() == [[0, 0], [1, 1], [0, 0]]
    assert encoded.scalers == {"imdb_votes": {"min": 10, "max": 20}, "imdb_rating": {"min": 5, "max": 6}}


@pytest.mark.parametrize("missing", ["drop", "impute"])
def test_a_genre_that_only_untrained_films_have_gets_no_column(missing: Missing) -> None:
    movies = films(genres=[["Drama"], ["Drama", "War"], ["Horror", "War"]])
    trained = np.array([True, True, False])
    encoded = encode_films(movies, columns=("genres",), missing=missing, trained=trained)
    assert encoded.names == ["genres=Drama", "genres=War"]
    assert encoded.table.tolist() == [[1, 0], [1, 1], [0, 1]]


def test_a_label_column_that_no_training_film_has_is_left_out() -> None:
    movies = films(genres=[["War"], ["War"]], imdb_languages=[None, ["French"]])
    trained = np.array([True, False])
    encoded = encode_films(movies, columns=("genres", "imdb_languages"), missing="impute", trained=trained)
    assert encoded.names == ["genres=War"]


@pytest.mark.parametrize("missing", ["drop", "impute"])
def test_people_of_three_training_films_become_columns(missing: Missing) -> None:
    movies = films(
        imdb_actors=[["Ann", "Bob"], ["Ann", "Bob"], ["Ann"], ["Bob"], ["Cy", "Cy", "Cy"]],
        imdb_directors=[["Di"], ["Di"], ["Ed"], ["Di"], ["Ed"]],
    )
    trained = np.array([True, True, True, False, True])
    columns = ("imdb_actors", "imdb_directors")
    encoded = encode_films(movies, columns=columns, missing=missing, trained=trained)
    assert encoded.names == ["imdb_actors=Ann"]  # Bob and Di are of two training films, and of one more
    assert encoded.table.tolist() == [[1], [1], [1], [0], [0]]


def test_the_most_frequent_labels_become_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("movierec.data.features.MOST_CELLS", 10)
    movies = films(genres=[["A", "B"], ["C"], ["B", "C"], ["D"], ["C"]])
    trained = np.array([True, True, True, True, False])
    encoded = encode_films(movies, columns=("genres",), missing="impute", trained=trained)
    assert encoded.names == ["genres=B", "genres=C"]
    assert encoded.table.tolist() == [[1, 0], [0, 1], [1, 1], [0, 0], [0, 1]]


def test_each_text_of_a_training_user_becomes_a_column() -> None:
    users = pd.DataFrame({"user_gender": ["F", "M", None, "M"], "user_age": ["18", "25", "18", "56"]})
    columns = ("userId", "user_gender", "user_age")
    table, names = encode_users(users, columns, trained=np.array([True, True, True, False]))
    assert names == ["user_gender=F", "user_gender=M", "user_age=18", "user_age=25"]
    assert table.tolist() == [[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]]
    assert encode_users(users, ("userId",), trained=EVERY_FILM)[0].shape == (4, 0)


def test_the_published_models_read_what_they_read_before_by_default() -> None:
    tmdb = [
        "tmdb_vote_average", "tmdb_release_year", "tmdb_vote_count", "tmdb_budget", "tmdb_revenue", "tmdb_runtime",
        "tmdb_original_language", "tmdb_origin_countries",
    ]  # fmt: skip
    imdb = [
        "imdb_box_office", "imdb_metascore", "imdb_release_year", "imdb_runtime", "imdb_rating", "imdb_votes",
        "imdb_country", "imdb_languages",
    ]  # fmt: skip
    ids = ["tmdbId", "imdbId"]
    own = ["userId", "movieId", "genres"]
    modules = [RatingsDataModule, TMDbDataModule, IMDbDataModule, CombinedDataModule, Combined1MDataModule]
    expected = [own, own + ids + tmdb, own + ids + imdb, *[own + ids + tmdb + imdb] * 2]
    assert [list(module().options.columns) for module in modules] == expected


def test_a_film_that_repeats_a_label_has_it_once() -> None:
    encoded = encode_films(
        films(imdb_languages=[["French", "French"], ["German"]]),
        columns=("imdb_languages",),
        missing="drop",
        trained=EVERY_FILM[:2],
    )
    assert encoded.table.tolist() == [[1, 0], [0, 1]]


def test_impute_fills_in_the_median_of_the_training_films_and_says_so() -> None:
    trained = np.array([True, True, True, True, True, False, False])
    movies = films(tmdb_budget=[0.0, 10.0, 20.0, 60.0, None, 0.0, 1e9])  # TMDb writes 0 for an unknown budget
    encoded = encode_films(movies, columns=("tmdb_budget",), missing="impute", trained=trained)
    assert encoded.names == ["tmdb_budget", "missingindicator_tmdb_budget"]
    assert encoded.table[:6] == pytest.approx(np.array([[0.2, 1], [0, 0], [0.2, 0], [1, 0], [0.2, 1], [0.2, 1]]))
    assert encoded.scalers["tmdb_budget"] == {"min": 10, "max": 60, "median": 20}
    assert encoded.complete.all()


def test_drop_keeps_a_budget_of_zero_as_a_number() -> None:
    movies = films(tmdb_budget=[0.0, 10.0, 40.0, None])
    encoded = encode_films(movies, columns=("tmdb_budget",), missing="drop", trained=EVERY_FILM)
    assert encoded.table.tolist() == [[0], [0.25], [1], [0]]
    assert encoded.complete.tolist() == [True, True, True, False]


def test_impute_leaves_other_zeros_alone() -> None:
    movies = films(tmdb_vote_count=[0.0, 10.0, 40.0])
    encoded = encode_films(movies, columns=("tmdb_vote_count",), missing="impute", trained=EVERY_FILM[:3])
    assert encoded.table.tolist() == [[0], [0.25], [1]]


def test_impute_does_without_a_number_that_no_training_film_has() -> None:
    movies = films(tmdb_budget=[0.0, 0.0, 7.0], tmdb_runtime=[60.0, 80.0, 70.0])
    trained = np.array([True, True, False])
    encoded = encode_films(movies, columns=("tmdb_budget", "tmdb_runtime"), missing="impute", trained=trained)
    assert len(encoded.names) == encoded.table.shape[1]
    assert np.isfinite(encoded.table).all()
    assert encoded.table[:, encoded.names.index("tmdb_runtime")].tolist() == [0, 1, 0.5]


def test_a_film_without_labels_is_all_zeros_under_impute() -> None:
    movies = films(imdb_country=["Japan", None], imdb_languages=[["French", "German"], None])
    encoded = encode_films(movies, columns=("imdb_country", "imdb_languages"), missing="impute", trained=EVERY_FILM[:2])
    assert encoded.table.tolist() == [[1, 1, 1], [0, 0, 0]]


def test_ids_of_rows_alone_leave_the_films_without_columns() -> None:
    encoded = encode_films(films(genres=[["War"]] * 4), columns=("userId",), missing="drop", trained=EVERY_FILM)
    assert (encoded.table.shape, encoded.names, encoded.scalers) == ((4, 0), [], {})


@pytest.mark.parametrize(("missing", "expected"), [("drop", [True, False, False]), ("impute", [True, True, True])])
def test_films_are_complete_when_they_lack_nothing_or_everything_is_imputed(
    missing: Missing, expected: list[bool]
) -> None:
    movies = films(imdb_rating=[7.0, None, 5.0], imdb_country=["Japan", "India", None], imdb_votes=[None, 1.0, 1.0])
    assert complete_films(movies, ("movieId", "imdb_rating", "imdb_country"), missing).tolist() == expected


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("genres", "colour"), "'colour': unknown"),
        (("genres", "imdb_rating"), "'imdb_rating': belongs to a source that this data module does not read"),
        (("genres", "userId", "genres"), "each column once"),
    ],
)
def test_columns_that_cannot_be_read_are_refused(columns: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_columns(columns, ("userId", "movieId", "genres"))


def test_all_columns_there_are_can_be_asked_for() -> None:
    check_columns(known_columns(), known_columns())
    assert set(known_columns()) == set(CombinedDataModule.available_columns)
