"""The csv file of a film service: what stays in it, and what the answers change."""

import csv
import json
from pathlib import Path

import pytest

from movierec.datasets.rows import read_rows, write_rows
from movierec.datasets.tmdb import TMDb
from movierec.errors import DataFormatError

tmdb = TMDb()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tmdb.csv"


def answer(film_id: int, title: str) -> tuple[int, bytes]:
    return film_id, json.dumps({"id": film_id, "title": title}).encode()


def test_rows_of_an_earlier_file_are_kept_and_the_answers_count_more(path: Path) -> None:
    path.write_text("tmdbId,title,mine\n99,Old,a\n11,Old,b\n12,Old,c\n99,Twice,d\n", encoding="utf-8")
    rows = read_rows(path, tmdb)
    assert write_rows(path, tmdb, rows, [answer(13, "Fjörð 千年の"), answer(11, "New")]) == 4
    with path.open(encoding="utf-8", newline="") as file:
        assert [(row["tmdbId"], row["title"], row["mine"]) for row in csv.DictReader(file)] == [
            ("11", "New", "b"),
            ("12", "Old", "c"),
            ("13", "Fjörð 千年の", ""),
            ("99", "Old", "a"),
        ]
    assert list(path.parent.iterdir()) == [path]


def test_without_films_no_file_is_written(path: Path) -> None:
    assert read_rows(path, tmdb) == {}
    assert write_rows(path, tmdb, {}, []) == 0
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("title\nOld\n", "line 1: expected a column tmdbId"),
        ("", "expected a header line"),
        ("tmdbId,title\n99,Old\nx,Old\n", "line 3: expected a film's id as tmdbId, found 'x'"),
        ("tmdbId,title\n99,Old,more\n", "line 2: expected 2 fields, found 3"),
        ("tmdbId,title\n99,\xe9\n", "line 2: expected UTF-8 text"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_the_line(path: Path, text: str, reason: str) -> None:
    path.write_text(text, encoding="latin-1")
    with pytest.raises(DataFormatError, match=reason) as caught:
        read_rows(path, tmdb)
    assert str(path) in str(caught.value)
