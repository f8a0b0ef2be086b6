"""What the answers of TMDb and OMDb mean, and the rows made of them."""

import json
from typing import Any

import pytest

from movierec.datasets.field import load_object
from movierec.datasets.omdb import OMDb
from movierec.datasets.service import Service, Verdict
from movierec.datasets.tmdb import TMDb

tmdb, omdb = TMDb(), OMDb()
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
TOY_STORY = {
    "Title": "Toy Story", "Year": "1995", "Rated": "G", "Released": "22 Nov 1995", "Runtime": "81 min",
    "Genre": "Animation, Adventure", "Director": "John Lasseter", "Writer": "N/A", "Actors": "Tom Hanks",
    "Plot": "A cowboy doll\r\nis threatened.", "Language": "English", "Country": "United States", "Awards": "N/A",
    "Poster": "https://example.org/p.jpg", "Ratings": [{"Source": "IMDb", "Value": "8.3/10"}], "Metascore": "96",
    "imdbRating": "8.3", "imdbVotes": "1,112,586", "imdbID": "tt0114709", "Type": "movie",
    "BoxOffice": "$223,225,679", "Response": "True",
}  # fmt: skip


def judged(service: Service, film_id: int, status: int, body: Any) -> Verdict:
    answer = load_object(body if isinstance(body, bytes) else json.dumps(body).encode())
    return service.judge(film_id, status, answer).verdict


def problem(code: int) -> dict[str, Any]:
    return {"success": False, "status_code": code, "status_message": "Why."}


def refusal(text: str) -> dict[str, str]:
    return {"Response": "False", "Error": text}


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, AMELIE, Verdict.FILM),
        (404, problem(34), Verdict.MISSING),
        (404, problem(6), Verdict.MISSING),
        (401, problem(7), Verdict.REFUSED),
        (401, problem(10), Verdict.REFUSED),
        (401, problem(35), Verdict.REFUSED),
        (429, problem(25), Verdict.FAILED),
        (429, b"slow down", Verdict.FAILED),
        (200, problem(25), Verdict.FAILED),
        (500, problem(11), Verdict.FAILED),
        (503, problem(9), Verdict.FAILED),
        (404, b"<html>no such page</html>", Verdict.FAILED),
        (401, b"<html>log in to this network</html>", Verdict.FAILED),
        (200, b"<html>welcome</html>", Verdict.FAILED),
        (200, b'{"id": 194, "tit', Verdict.FAILED),
        (200, b"[194]", Verdict.FAILED),
        (200, AMELIE | {"id": 195}, Verdict.MISSING),
        (200, AMELIE | {"id": "194"}, Verdict.FAILED),
        (200, {"title": "Amélie"}, Verdict.FAILED),
        (301, AMELIE, Verdict.FAILED),
        (200, b"", Verdict.FAILED),
    ],
)
def test_tmdbs_answer_is_judged_by_its_own_codes_and_by_its_id(status: int, body: Any, verdict: Verdict) -> None:
    assert judged(tmdb, 194, status, body) is verdict


def test_a_film_of_tmdb_becomes_a_row_of_one_line_values() -> None:
    assert tmdb.row(194, AMELIE) == {
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
    row = tmdb.row(1, {"id": 1, "title": 7, "budget": "much", "runtime": True, "revenue": None, "credits": None})
    assert row == dict.fromkeys(tmdb.columns, "") | {"tmdbId": "1"}


def test_a_read_token_goes_into_a_header_and_an_older_key_into_the_parameters() -> None:
    token, key = tmdb.question(194, "eyJhbGciOi"), tmdb.question(194, "secret")
    assert (token.path, token.params) == ("/movie/194", {"append_to_response": "credits,keywords"})
    assert token.headers == {"Authorization": "Bearer eyJhbGciOi"}
    assert key.params == {"append_to_response": "credits,keywords", "api_key": "secret"}
    assert key.headers == {}


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, TOY_STORY, Verdict.FILM),
        (200, refusal("Incorrect IMDb ID."), Verdict.MISSING),
        (200, refusal("Error getting data."), Verdict.MISSING),
        (401, refusal("Request limit reached!"), Verdict.USED_UP),
        (200, refusal("Request limit reached!"), Verdict.USED_UP),
        (401, refusal("Invalid API key!"), Verdict.REFUSED),
        (401, refusal("No API key provided."), Verdict.REFUSED),
        (200, refusal("Something new."), Verdict.FAILED),
        (200, {"Response": "False"}, Verdict.FAILED),
        (401, b"<html>log in to this network</html>", Verdict.FAILED),
        (429, b"", Verdict.FAILED),
        (503, b"The service is unavailable.", Verdict.FAILED),
        (200, b'{"Response":"False","Error":"Conversion from string "x" to type \'Double\'"}', Verdict.FAILED),
        (200, TOY_STORY | {"imdbID": "tt0114710"}, Verdict.MISSING),
        (200, TOY_STORY | {"imdbID": None}, Verdict.FAILED),
        (302, TOY_STORY, Verdict.FAILED),
    ],
)
def test_omdbs_answer_is_judged_by_its_error_and_its_id(status: int, body: Any, verdict: Verdict) -> None:
    assert judged(omdb, 114709, status, body) is verdict


def test_a_film_becomes_a_row_in_omdbs_own_strings() -> None:
    row = omdb.row(114709, TOY_STORY)
    kept = {name: value for name, value in TOY_STORY.items() if name not in ("Poster", "Ratings", "Response")}
    assert row == kept | {"Plot": "A cowboy doll is threatened."}
    assert tuple(row) == omdb.columns


def test_half_a_character_of_a_text_that_was_cut_off_is_replaced() -> None:
    assert omdb.row(9, load_object(b'{"Plot": "A doll \\ud83d"}'))["Plot"] == "A doll ?"


def test_a_field_that_omdb_lacks_is_not_available() -> None:
    assert omdb.row(9, {"imdbID": "tt0000009", "Runtime": 81}) == dict.fromkeys(omdb.columns, "N/A") | {
        "imdbID": "tt0000009"
    }


def test_the_question_to_omdb_pads_the_id_to_seven_digits() -> None:
    assert omdb.question(9, "secret").params["i"] == "tt0000009"
    assert omdb.question(10872600, "secret").params["i"] == "tt10872600"
