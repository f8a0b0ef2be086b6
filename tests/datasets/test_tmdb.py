"""What TMDb's answers mean, and the rows made of them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movierec.datasets.service import Key, Verdict
from movierec.datasets.tmdb import TMDb

tmdb = TMDb()
deterministic = settings(derandomize=True, deadline=None, max_examples=300, database=None)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FIELDS = (
    "id", "title", "status_code", "status_message", "success", "origin_country", "genres", "keywords", "credits",
    "budget", "runtime", "vote_average", "release_date", "overview",
)  # fmt: skip
AMELIE: dict[str, Any] = {
    "id": 194,
    "title": "Amélie",
    "original_title": "Le Fabuleux Destin d'Amélie Poulain",
    "vote_average": 7.9,
    "vote_count": 12000,
    "release_date": "2001-04-25",
    "original_language": "fr",
    "origin_country": ["FR", "DE"],
    "budget": 10000000,
    "revenue": 174200000,
    "runtime": 122,
    "popularity": 20.5,
    "overview": "At a tiny Parisian café,\nthe adorable yet painfully shy Amélie …",
    "genres": [{"id": 35, "name": "Comedy"}, {"id": 10749, "name": "Romance"}],
    "keywords": {"keywords": [{"id": 1, "name": "paris, france"}, {"id": 2, "name": "café"}]},
    "credits": {
        "cast": [{"name": f"Actor {n}"} for n in range(12)],
        "crew": [{"name": "Jean-Pierre Jeunet", "job": "Director"}, {"name": "Someone", "job": "Editor"}],
    },
}


def judged(status: int, body: Any) -> Verdict:
    return tmdb.judge(194, status, body if isinstance(body, bytes) else json.dumps(body).encode()).verdict


def error(code: int) -> dict[str, Any]:
    return {"success": False, "status_code": code, "status_message": "Why."}


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, AMELIE, Verdict.FILM),
        (404, error(34), Verdict.MISSING),
        (404, error(6), Verdict.MISSING),
        (401, error(7), Verdict.REFUSED),
        (401, error(10), Verdict.REFUSED),
        (401, error(35), Verdict.REFUSED),
        (429, error(25), Verdict.FAILED),
        (429, b"slow down", Verdict.FAILED),
        (200, error(25), Verdict.FAILED),
        (500, error(11), Verdict.FAILED),
        (503, error(9), Verdict.FAILED),
        (404, b"<html>no such page</html>", Verdict.FAILED),
        (401, b"<html>log in to this network</html>", Verdict.FAILED),
        (200, b"<html>welcome</html>", Verdict.FAILED),
        (200, b'{"id": 194, "tit', Verdict.FAILED),
        (200, b"[194]", Verdict.FAILED),
        (200, AMELIE | {"id": 195}, Verdict.OTHER),
        (200, AMELIE | {"id": "194"}, Verdict.FAILED),
        (200, {"title": "Amélie"}, Verdict.FAILED),
        (301, AMELIE, Verdict.FAILED),
        (200, b"", Verdict.FAILED),
    ],
)
def test_an_answer_is_judged_by_tmdbs_own_codes_and_by_its_id(status: int, body: Any, verdict: Verdict) -> None:
    assert judged(status, body) is verdict


def test_film_1_is_not_taken_for_true() -> None:
    assert tmdb.judge(1, 200, b'{"id": true}').verdict is Verdict.FAILED


def test_a_film_becomes_a_row_of_one_line_values() -> None:
    assert tmdb.row(194, json.dumps(AMELIE).encode()) == {
        "tmdbId": "194",
        "title": "Amélie",
        "vote_average": "7.9",
        "vote_count": "12000",
        "release_date": "2001-04-25",
        "original_language": "fr",
        "origin_country": "FR, DE",
        "budget": "10000000",
        "revenue": "174200000",
        "runtime": "122",
        "popularity": "20.5",
        "genres": "Comedy|Romance",
        "overview": "At a tiny Parisian café, the adorable yet painfully shy Amélie …",
        "keywords": "paris, france|café",
        "cast": "Actor 0|Actor 1|Actor 2|Actor 3|Actor 4|Actor 5|Actor 6|Actor 7|Actor 8|Actor 9",
        "directors": "Jean-Pierre Jeunet",
    }


def test_a_field_of_another_type_becomes_an_empty_value() -> None:
    row = tmdb.row(
        1, b'{"id": 1, "title": 7, "budget": "much", "runtime": true, "revenue": NaN, "origin_country": "US"}'
    )
    assert row == dict.fromkeys(tmdb.columns, "") | {"tmdbId": "1"}


def test_numbers_too_large_for_a_float_are_left_out() -> None:
    assert tmdb.row(1, b'{"id": 1, "budget": 1' + b"0" * 400 + b"}")["budget"] == ""


def test_a_read_token_goes_into_a_header_and_an_older_key_into_the_parameters() -> None:
    token = tmdb.question(194, Key("TMDB_READ_TOKEN", 1, "secret"))
    key = tmdb.question(194, Key("TMDB_API_KEY", 1, "secret"))
    assert (token.path, token.params) == ("/movie/194", {"append_to_response": "credits,keywords"})
    assert token.headers == {"Authorization": "Bearer secret"}
    token_elsewhere = tmdb.question(194, Key("TMDB_API_KEY", 1, "eyJhbGciOi"))
    assert token_elsewhere.headers == {"Authorization": "Bearer eyJhbGciOi"}
    assert key.params == {"append_to_response": "credits,keywords", "api_key": "secret"}
    assert key.headers == {}


@deterministic
@given(st.integers(100, 599), st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_judged_and_parsed(status: int, body: bytes) -> None:
    assert tmdb.judge(194, status, body).verdict in Verdict
    assert tmdb.row(194, body).keys() == set(tmdb.columns)


@deterministic
@given(st.integers(100, 599), st.dictionaries(st.sampled_from(FIELDS), json_values) | json_values)
def test_any_json_is_judged_and_becomes_a_row_that_utf8_can_hold(status: int, value: Any) -> None:
    body = json.dumps(value).encode()
    assert tmdb.judge(194, status, body).verdict in Verdict
    row = tmdb.row(194, body)
    assert row.keys() == set(tmdb.columns)
    assert all(len(text.encode().splitlines()) < 2 and "\0" not in text for text in row.values())


def test_lists_nested_too_deep_for_the_parser_are_a_failure() -> None:
    assert judged(200, b"[" * 100_000) is Verdict.FAILED
