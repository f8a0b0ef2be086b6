"""Lists in the terminal."""

import pandas as pd
import pytest

from movierec.datasets.movielens import NO_GENRES
from movierec.recommend.lists import show

FILMS = pd.DataFrame({"rank": [1, 2], "title": ["Heat", "Alien"], "stars": [4.2345, 3.96], "num_ratings": [50, 60]})


def test_a_table_shows_the_range_beside_the_stars_where_it_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    show(FILMS.assign(low=[3.5, 3.0], high=[5.0, 4.5], p_liked=[0.8, 0.6]), "films", [], "table")
    out = capsys.readouterr().out
    assert "4.2 (3.5 to 5)" in out
    assert "4.0 (3 to 4.5)" in out
    assert "In brackets" in out
    assert "low" not in out
    assert "liked" not in out


def test_genres_are_shown_if_any_film_of_the_list_has_some(capsys: pytest.CaptureFixture[str]) -> None:
    for genres, is_shown in ([NO_GENRES, "War"], True), ([NO_GENRES, NO_GENRES], False):
        show(FILMS.assign(genres=genres), "films", [], "table")
        assert ("genres" in capsys.readouterr().out) == is_shown


def test_without_a_range_there_are_stars_alone(capsys: pytest.CaptureFixture[str]) -> None:
    show(FILMS, "films", [], "table")
    out = capsys.readouterr().out
    assert "4.23" in out
    assert " to " not in out
    assert "In brackets" not in out
