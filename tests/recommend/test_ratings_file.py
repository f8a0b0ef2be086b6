from dataclasses import replace
from pathlib import Path

import pytest

from movierec.errors import DataFormatError, MissingDataError, UnknownIdError
from movierec.models.mlp import MLP
from movierec.recommend.people import new_user
from movierec.recommend.ratings_file import read_ratings_file
from movierec.recommend.recommender import Recommender

TITLES = ["Matrix, The (1999)", "Godzilla (1998)", "Godzilla (Gojira) (1954)", 'Say "Cheese", Louise (1987)']


@pytest.fixture(scope="module")
def named(trained: Recommender) -> Recommender:
    """The small model, whose first four films have well-known names."""
    tables = replace(trained.tables, titles=[*TITLES, *trained.tables.titles[4:]])
    assert isinstance(trained.model, MLP)
    network = MLP(tables, **trained.model.hyper_parameters)
    network.load_state_dict(trained.model.state_dict())
    return Recommender(network.eval())


@pytest.fixture
def ids(named: Recommender) -> list[int]:
    first: list[int] = named.films.ids[:4].tolist()
    return first


def write(folder: Path, text: str) -> Path:
    path = folder / "my.csv"
    path.write_bytes(text.encode())
    return path


def test_titles_are_matched_forgivingly(named: Recommender, ids: list[int], tmp_path: Path) -> None:
    path = write(tmp_path, 'title,rating\nthe matrix,4.5\n"Say ""Cheese"", Louise",3\nGODZILLA (1998),1\n')
    assert read_ratings_file(path, named)[:2] == ({ids[0]: 4.5, ids[3]: 3.0, ids[1]: 1.0}, [])


def test_a_byte_order_mark_and_windows_line_ends_are_read_over(
    named: Recommender, ids: list[int], tmp_path: Path
) -> None:
    path = write(tmp_path, f"\ufeffmovieId,rating\r\n{ids[0]},4\r\n{ids[2]},2.5\r\n")
    assert read_ratings_file(path, named)[:2] == ({ids[0]: 4.0, ids[2]: 2.5}, [])


@pytest.mark.parametrize("header", ["movie_id,stars", "movieId,rating", "stars,movie_id", "title,movie_id,stars,when"])
def test_columns_may_have_either_name_and_any_order(
    header: str, named: Recommender, ids: list[int], tmp_path: Path
) -> None:
    fields = {
        "movie_id": str(ids[1]),
        "movieId": str(ids[1]),
        "stars": "5",
        "rating": "5",
        "title": "Godzilla",
        "when": "y",
    }
    line = ",".join(fields[name] for name in header.split(","))
    assert read_ratings_file(write(tmp_path, f"{header}\n{line}\n"), named)[:2] == ({ids[1]: 5.0}, [])


def test_unknown_and_ambiguous_films_are_left_out_and_named(named: Recommender, ids: list[int], tmp_path: Path) -> None:
    path = write(tmp_path, "title,rating\nMatrix,4\nGodzilla,2\nMatricks,3\n")
    ratings, (ambiguous, unknown) = read_ratings_file(path, named)[:2]
    assert ratings == {ids[0]: 4.0}
    assert ambiguous == (
        f"Left out 'Godzilla': it may be any of Godzilla (1998) (id {ids[1]}), Godzilla (Gojira) (1954) (id {ids[2]})."
    )
    assert unknown == f"Left out 'Matricks': no such film. Did you mean The Matrix (1999) (id {ids[0]})?"


def test_unknown_ids_are_left_out_and_named(named: Recommender, ids: list[int], tmp_path: Path) -> None:
    ratings, notes = read_ratings_file(write(tmp_path, f"movieId,rating\n{ids[0]},4\n987654,2\n"), named)[:2]
    assert ratings == {ids[0]: 4.0}
    assert notes == ["Left out '987654': no such film."]


@pytest.mark.parametrize("nothing", ["", "NaN"])
def test_a_film_without_a_rating_is_left_out(nothing: str, named: Recommender, ids: list[int], tmp_path: Path) -> None:
    path = write(tmp_path, f"title,rating\nMatrix,4\nGodzilla (1998),{nothing}\n")
    assert read_ratings_file(path, named)[:2] == ({ids[0]: 4.0}, ["Left out 'Godzilla (1998)': no rating."])


@pytest.mark.parametrize("column", ["Year", "year"])
def test_the_year_of_a_remake_is_not_passed_over(
    column: str, named: Recommender, ids: list[int], tmp_path: Path
) -> None:
    path = write(tmp_path, f"Date,title,{column},rating\n2022-05-01,The Matrix,2021,1\n,Godzilla,1954,5\n,Matrix,,2\n")
    ratings, (note,) = read_ratings_file(path, named)[:2]
    assert ratings == {ids[2]: 5.0, ids[0]: 2.0}
    assert note == f"Left out 'The Matrix' (2021): no such film. Did you mean The Matrix (1999) (id {ids[0]})?"


def test_an_id_with_the_title_or_the_year_of_another_film_is_not_believed(
    named: Recommender, ids: list[int], tmp_path: Path
) -> None:
    lines = [f"{ids[0]},Godzilla,,5", f"{ids[1]},Godzilla,1954,5", f"{ids[2]},Gojirra,1955,4", f"{ids[3]},,,3"]
    ratings, notes = read_ratings_file(write(tmp_path, "\n".join(["movieId,title,year,rating", *lines])), named)[:2]
    assert ratings == {ids[2]: 4.0, ids[3]: 3.0}  # a letter or a year more is no other film
    assert notes == [
        f"Left out '{ids[0]}': the film of that id is The Matrix (1999), and not 'Godzilla'.",
        f"Left out '{ids[1]}': the film of that id is Godzilla (1998), and not 'Godzilla' (1954).",
    ]


def test_ratings_of_one_user_are_read_whoever_that_is(named: Recommender, ids: list[int], tmp_path: Path) -> None:
    path = write(tmp_path, f"userId,movieId,rating\n7,{ids[0]},4\n7,{ids[1]},2\n")
    assert read_ratings_file(path, named)[0] == {ids[0]: 4.0, ids[1]: 2.0}


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("title,rating\nMatrix,inf\n", DataFormatError, "line 2: expected a rating from 0.5 to 5 stars, found 'inf'"),
        (
            "userId,title,rating\n1,Matrix,4\n2,Godzilla (1998),3\n",
            DataFormatError,
            "expected the ratings of one user, found those of 2. Keep the lines of one of them. .* use --user_id",
        ),
        ("title,rating,year\nMatrix,4,soon\n", DataFormatError, "line 2: expected a number as year, found 'soon'"),
        (
            "title,rating\nMatrix,4\nThe Matrix (1999),3\n",
            DataFormatError,
            "line 3: film 'The Matrix .1999.' is rated twice",
        ),
        (
            "title,rating\nMatrix,4\nGodzilla (1998),1e9\n",
            DataFormatError,
            "line 3: expected a rating from 0.5 to 5 stars",
        ),
        ("movieId,rating\n1,-4\n", DataFormatError, "line 2: expected a rating from 0.5 to 5 stars, found '-4.0'"),
        ("title,rating\nMatrix,good\n", DataFormatError, "line 2"),
        ("movieId,rating\n1.5,4\n", DataFormatError, "line 2"),
        ("name,rating\nMatrix,4\n", DataFormatError, "movieId or movie_id or title"),
        ("title,when\nMatrix,4\n", DataFormatError, "rating or stars"),
        ("title,rating\nNo such film at all,4\n", UnknownIdError, "none of its films is known"),
        ("title,rating\n", UnknownIdError, "none of its films is known"),
        ("", DataFormatError, "the file is empty"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_and_says_why(
    text: str, error: type[Exception], message: str, named: Recommender, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        read_ratings_file(write(tmp_path, text), named)


def test_a_file_that_is_not_there_is_named(named: Recommender, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"nowhere\.csv"):
        read_ratings_file(tmp_path / "nowhere.csv", named)


@pytest.mark.parametrize(
    ("stamps", "days"),
    [
        (("978300760", "978309000.5"), [11322, 11323]),  # 2000-12-31, and half an hour into 2001
        (("978307199", "978307200"), [11322, 11323]),
        (("978300760", ""), None),
        (("2001-01-01", "inf"), None),
    ],
)
def test_a_timestamp_says_on_which_day_a_rating_was_given(
    tmp_path: Path, named: Recommender, stamps: tuple[str, str], days: list[int] | None
) -> None:
    first, second = named.films.ids[:2].tolist()
    path = write(tmp_path, f"movieId,rating,timestamp\n{first},4,{stamps[0]}\n{second},2,{stamps[1]}\n")
    ratings, notes, found = read_ratings_file(path, named)
    assert (ratings, notes) == ({first: 4.0, second: 2.0}, [])
    history, _ = new_user(named.films, ratings, found)
    assert (None if history.days is None else history.days.tolist()) == days
    assert new_user(named.films, ratings)[0].days is None
