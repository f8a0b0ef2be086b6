"""The API, asked as another program would."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from httpx import Client

from movierec.datasets.exports import MOST_BYTES
from movierec.recommend.recommender import Recommender

BINARY = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def ratings(trained: Recommender) -> list[dict[str, float]]:
    films = trained.films
    return [{"movie_id": int(one), "stars": 4.5} for one in films.ids[films.listed][:4]]


def films_of(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    films: list[dict[str, Any]] = answer.json()["films"]
    return films


def test_the_list_is_that_of_the_recommender(
    client: Client, trained: Recommender, ratings: list[dict[str, float]]
) -> None:
    films = films_of(client.post("/api/recommend", json={"ratings": ratings, "top": 5, "novelty": 0.3}))
    expected = trained.recommend(ratings={int(one["movie_id"]): 4.5 for one in ratings}, top=5, novelty=0.3)
    assert [film["movie_id"] for film in films] == expected["movie_id"].tolist()
    assert [film["stars"] for film in films] == pytest.approx(expected["stars"].tolist())
    assert [film["num_ratings"] for film in films] == expected["num_ratings"].tolist()
    assert f"{films[0]['title']} ({films[0]['year']})" == expected["title"][0]


def test_excluded_films_and_other_genres_and_decades_are_not_listed(
    client: Client, ratings: list[dict[str, float]]
) -> None:
    first = films_of(client.post("/api/recommend", json={"ratings": ratings}))[0]
    asked = {"ratings": ratings, "exclude": [first["movie_id"], 10**9], "genres": ["Drama"], "years": [1990, 1999]}
    films = films_of(client.post("/api/recommend", json=asked))
    assert films
    assert first["movie_id"] not in [film["movie_id"] for film in films]
    assert all("Drama" in film["genres"] and 1990 <= film["year"] <= 1999 for film in films)


def test_only_films_of_the_language_and_the_length_are_listed(
    client: Client, facts: pd.DataFrame, ratings: list[dict[str, float]]
) -> None:
    for asked in {"languages": ["sv", "fi"]}, {"minutes": [1, 90]}:
        films = films_of(client.post("/api/recommend", json={"ratings": ratings, "top": 100, **asked}))
        assert len(films) > 20
        assert {(film["language"], film["minutes"]) for film in films} == {("sv", 80)}
    assert films_of(client.post("/api/recommend", json={"minutes": [81, 200]})) == []
    about = client.get("/api/model").json()
    assert (about["languages"], about["has_minutes"]) == (["sv"], True)


def test_without_ratings_the_list_is_what_most_people_like(client: Client, trained: Recommender) -> None:
    films = films_of(client.post("/api/recommend", json={}))
    assert [film["movie_id"] for film in films] == trained.recommend()["movie_id"].tolist()


def test_unknown_films_are_left_out_with_a_note(client: Client, ratings: list[dict[str, float]]) -> None:
    answer = client.post("/api/recommend", json={"ratings": [*ratings, {"movie_id": 10**9, "stars": 5}]})
    assert films_of(answer) == films_of(client.post("/api/recommend", json={"ratings": ratings}))
    assert answer.json()["notes"][0].startswith("Left out: 1 film that you rated")


def test_stars_below_the_scale_are_raised_to_it(client: Client, ratings: list[dict[str, float]]) -> None:
    least, zero = ([{**ratings[0], "stars": stars}] for stars in (0.5, 0))
    assert films_of(client.post("/api/recommend", json={"ratings": least})) == films_of(
        client.post("/api/recommend", json={"ratings": zero})
    )


def test_stars_of_chosen_films_are_predicted(
    client: Client, trained: Recommender, ratings: list[dict[str, float]]
) -> None:
    listed = films_of(client.post("/api/recommend", json={"ratings": ratings, "top": 3}))
    asked = {"ratings": ratings, "movie_ids": [film["movie_id"] for film in listed]}
    films = films_of(client.post("/api/predict", json=asked))
    assert [film["stars"] for film in films] == pytest.approx([film["stars"] for film in listed], abs=1e-5)


def test_similar_films_are_those_of_the_model(client: Client, trained: Recommender) -> None:
    movie_id = int(trained.films.ids[trained.films.listed][0])
    films = films_of(client.get(f"/api/similar/{movie_id}?top=3"))
    assert [film["movie_id"] for film in films] == trained.similar(movie_id, top=3)["movie_id"].tolist()


def test_films_are_found_in_spite_of_typing_errors(client: Client, trained: Recommender) -> None:
    title = max(
        (one.rpartition(" (")[0] for one in trained.films.titles if one.isascii() and one.count("(") == 1), key=len
    )
    wrong = title[:4].upper() + title[5:]
    assert title in [film["title"] for film in films_of(client.get("/api/films", params={"search": wrong}))]
    assert films_of(client.get("/api/films", params={"search": "?!"})) == []


def test_the_questions_are_known_films_that_divide_people(client: Client, trained: Recommender) -> None:
    films = films_of(client.get("/api/questions"))
    counts = np.sort(trained.films.num_ratings)
    assert len(films) >= 10
    assert min(film["num_ratings"] for film in films) > np.median(counts)
    assert {film["movie_id"] for film in films[:10]} != set(
        trained.films.ids[np.argsort(-trained.films.num_ratings)[:10]].tolist()
    )


def test_a_file_is_read_and_nothing_of_it_is_kept(client: Client, trained: Recommender) -> None:
    movie_id = int(trained.films.ids[0])
    content = "Const,Your Rating,Title,Year\ntt0114709,9,x,1995\ntt1,2,<b>No</b>,1900\n"
    answer = client.post("/api/import", content=content, headers=BINARY).json()
    assert [(film["movie_id"], film["stars"]) for film in answer["ratings"]] == [(movie_id, 4.5)]
    assert answer["ratings"][0]["imdb_url"] == "https://www.imdb.com/title/tt0114709/"
    assert answer["ratings"][0]["tmdb_url"] == "https://www.themoviedb.org/movie/862"
    assert answer["unmatched"] == ["<b>No</b> (1900)"]


def test_the_models_are_named(client: Client) -> None:
    about = client.get("/api/model").json()
    assert [(model["role"], model["name"]) for model in about["models"]] == [("order", "small, version 0")]
    assert about["sample"]
    assert "invented" in client.get("/").text


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("recommend", {"ratings": [{"movie_id": 1, "stars": 9}]}, 422, "ratings.0.stars"),
        ("recommend", {"top": 0}, 422, "top"),
        ("recommend", {"no_such_option": 0}, 422, "no_such_option"),
        ("recommend", {"genres": ["No Such Genre"]}, 422, None),
        ("predict", {"ratings": [], "movie_ids": [1]}, 422, "ratings"),
        ("nowhere", {}, 404, None),
    ],
)
def test_errors_are_one_message_with_the_field(
    client: Client, path: str, body: dict[str, Any], status: int, field: str | None
) -> None:
    answer = client.post(f"/api/{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["field"] == field
    assert answer.json()["message"]


def test_a_film_that_nobody_knows_is_not_found(client: Client, ratings: list[dict[str, float]]) -> None:
    assert client.get("/api/similar/1000000000").status_code == 404
    assert client.post("/api/predict", json={"ratings": ratings, "movie_ids": [10**9]}).status_code == 404


def test_what_is_no_number_is_refused(client: Client) -> None:
    body = '{"ratings": [{"movie_id": 1, "stars": NaN}], "novelty": 0}'
    answer = client.post("/api/recommend", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


def test_other_sites_and_other_names_are_refused(client: Client) -> None:
    assert client.get("/api/model", headers={"Host": "evil.example:8000"}).status_code == 403
    assert client.post("/api/recommend", json={}, headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post("/api/recommend", json={}, headers={"Origin": str(client.base_url)}).status_code == 200
    assert client.get("/api/model", headers={"Host": "192.168.1.5:8000"}).status_code == 200  # no name, no rebinding


def test_too_large_a_body_is_refused(client: Client) -> None:
    answer = client.post("/api/import", content=b"x" * (MOST_BYTES + 1), headers=BINARY)
    assert answer.status_code == 413
    assert "20 MB" in answer.json()["message"]


def test_pages_load_nothing_from_elsewhere(client: Client) -> None:
    for path in ("/", "/docs", "/page.js", "/page.css"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert "http://" not in answer.text
    paths = json.loads(client.get("/openapi.json").text)["paths"]
    assert all(path in client.get("/docs").text for path in paths)
