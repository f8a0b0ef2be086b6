"""What OMDb's answers mean, and the rows made of them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movierec.datasets.omdb import OMDb
from movierec.datasets.service import Key, Verdict

omdb = OMDb()
deterministic = settings(derandomize=True, deadline=None, max_examples=300, database=None)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
TOY_STORY = {
    "Title": "Toy Story", "Year": "1995", "Rated": "G", "Released": "22 Nov 1995", "Runtime": "81 min",
    "Genre": "Animation, Adventure", "Director": "John Lasseter", "Writer": "N/A", "Actors": "Tom Hanks",
    "Plot": "A cowboy doll\r\nis threatened.", "Language": "English", "Country": "United States", "Awards": "N/A",
    "Poster": "https://example.org/p.jpg", "Ratings": [{"Source": "IMDb", "Value": "8.3/10"}], "Metascore": "96",
    "imdbRating": "8.3", "imdbVotes": "1,112,586", "imdbID": "tt0114709", "Type": "movie",
    "BoxOffice": "$223,225,679", "Response": "True",
}  # fmt: skip


def error(text: str) -> dict[str, str]:
    return {"Response": "False", "Error": text}


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, TOY_STORY, Verdict.FILM),
        (200, error("Incorrect IMDb ID."), Verdict.MISSING),
        (200, error("Error getting data."), Verdict.MISSING),
        (401, error("Request limit reached!"), Verdict.USED_UP),
        (200, error("Request limit reached!"), Verdict.USED_UP),
        (401, error("Invalid API key!"), Verdict.REFUSED),
        (401, error("No API key provided."), Verdict.REFUSED),
        (200, error("Something new."), Verdict.FAILED),
        (200, {"Response": "False"}, Verdict.FAILED),
        (401, b"<html>log in to this network</html>", Verdict.FAILED),
        (429, b"", Verdict.FAILED),
        (503, b"The service is unavailable.", Verdict.FAILED),
        (200, b'{"Response":"False","Error":"Conversion from string "x" to type \'Double\'"}', Verdict.FAILED),
        (200, TOY_STORY | {"imdbID": "tt0114710"}, Verdict.OTHER),
        (200, TOY_STORY | {"imdbID": None}, Verdict.FAILED),
        (302, TOY_STORY, Verdict.FAILED),
    ],
)
def test_an_answer_is_judged_by_its_error_and_its_id(status: int, body: Any, verdict: Verdict) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert omdb.judge(114709, status, raw).verdict is verdict


def test_a_film_becomes_a_row_in_omdbs_own_strings() -> None:
    row = omdb.row(114709, json.dumps(TOY_STORY).encode())
    kept = {name: value for name, value in TOY_STORY.items() if name not in ("Poster", "Ratings", "Response")}
    assert row == kept | {"Plot": "A cowboy doll is threatened."}
    assert tuple(row) == omdb.columns


def test_a_missing_field_is_not_available() -> None:
    assert omdb.row(9, b'{"imdbID": "tt0000009", "Runtime": 81}') == dict.fromkeys(omdb.columns, "N/A") | {
        "imdbID": "tt0000009"
    }


def test_the_question_pads_the_id_to_seven_digits() -> None:
    assert omdb.question(9, Key("OMDB_API_KEY", 1, "secret")).params["i"] == "tt0000009"
    assert omdb.question(10872600, Key("OMDB_API_KEY", 1, "secret")).params["i"] == "tt10872600"


@deterministic
@given(st.integers(100, 599), st.binary())
def test_any_bytes_are_judged_and_parsed(status: int, body: bytes) -> None:
    assert omdb.judge(9, status, body).verdict in Verdict
    assert tuple(omdb.row(9, body)) == omdb.columns


@deterministic
@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from([*TOY_STORY, "Error"]), json_values) | json_values,
)
def test_any_json_is_judged_and_becomes_a_row_that_utf8_can_hold(status: int, value: Any) -> None:
    body = json.dumps(value).encode()
    assert omdb.judge(9, status, body).verdict in Verdict
    assert all(len(text.encode().splitlines()) < 2 for text in omdb.row(9, body).values())
