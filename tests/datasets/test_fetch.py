"""The whole command against local servers: what it asks, keeps, writes and says."""

import csv
import io
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from movierec.cli import main
from movierec.datasets import transfer
from movierec.datasets.fetch import SERVICES, Plan, fetch, find_releases, wanted_films
from movierec.datasets.metadata import OMDB_FILE, TMDB_FILE
from movierec.datasets.store import open_store
from movierec.errors import ConfigError, MissingDataError

SECRET = "k3y-that-nobody-may-see"  # noqa: S105 - a marker to search for
Asked = list[tuple[int, str]]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of each service, and no other; no long wait after a failure."""
    monkeypatch.delenv("MOVIEREC_DEBUG", raising=False)
    monkeypatch.delenv("TMDB_READ_TOKEN", raising=False)
    monkeypatch.setenv("TMDB_API_KEY", SECRET)
    monkeypatch.setenv("OMDB_API_KEY", SECRET)
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    monkeypatch.setattr(transfer, "BACKOFF", 0.01)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root with five films: two share their ids at the services, one has none."""
    rows = ["1,0000101,11", "2,0000102,12", "3,0000103,13", "4,0000103,13", "5,,"]
    return write_release(tmp_path / "data", rows)


def write_release(root: Path, links: list[str]) -> Path:
    folder = root / "ml-latest-small"
    folder.mkdir(parents=True)
    movies = [f"{link.split(',')[0]},Film,Drama" for link in links]
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *movies, ""]), encoding="utf-8")
    (folder / "links.csv").write_text("\n".join(["movieId,imdbId,tmdbId", *links, ""]), encoding="utf-8")
    return root


def film_of(film_id: int, title: str = "Fjörð 千年の") -> Response:
    return Response(json.dumps({"id": film_id, "title": title, "vote_average": 7.5, "origin_country": ["JP", "US"]}))


def gone() -> Response:
    return Response('{"success": false, "status_code": 34, "status_message": "Not found."}', 404)


def serve(server: HTTPServer, answer: Callable[[int, str], Response]) -> Asked:
    """Let a server answer for each film id and key; returns the list of what it is asked, as it grows."""
    asked: Asked = []

    def handle(request: Request) -> Response:
        name = request.args.get("i", request.path).rsplit("/", 1)[-1].removeprefix("tt")
        key = request.args.get("apikey") or request.args.get("api_key") or request.headers["Authorization"]
        asked.append((int(name), key))
        return answer(int(name), key)

    server.expect_request("/").respond_with_handler(handle)
    for film_id in range(1, 60):
        server.expect_request(f"/movie/{film_id}").respond_with_handler(handle)
    return asked


def run(service: str, root: Path, server: HTTPServer, *options: str) -> int:
    given = ["--root", str(root), "--base_url", server.url_for(""), "--accept_terms", "--rate", "500", *options]
    return main(["data", "fetch", service, *given])


def plan_of(root: Path, **options: Any) -> Plan:
    given: dict[str, Any] = {
        "service": SERVICES["tmdb"],
        "base_url": "http://127.0.0.1:9",
        "max_age": None,
        "rate": 500.0,
    }
    return Plan(**given | {"root": root} | options)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_film_is_asked_for_once_and_written_sorted(
    root: Path, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = serve(httpserver, lambda film_id, _: film_of(film_id))
    assert run("tmdb", root, httpserver) == 0
    assert sorted(asked) == [(11, SECRET), (12, SECRET), (13, SECRET)]
    assert [(row["tmdbId"], row["title"]) for row in rows(root / TMDB_FILE)] == [
        ("11", "Fjörð 千年の"),
        ("12", "Fjörð 千年の"),
        ("13", "Fjörð 千年の"),
    ]
    output = capsys.readouterr().out
    assert "TMDb: 3 films of ml-latest-small, 0 of them answered before or in " in output
    assert f"3 fetched. {root / TMDB_FILE} has 3 films." in output
    assert "This product uses the TMDB API but is not endorsed or certified by TMDB." in output


def test_a_second_run_asks_for_nothing_and_needs_no_key(
    root: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = serve(httpserver, lambda film_id, _: film_of(film_id))
    run("tmdb", root, httpserver)
    before = (root / TMDB_FILE).read_bytes()
    monkeypatch.delenv("TMDB_API_KEY")
    assert run("tmdb", root, httpserver) == 0
    assert len(asked) == 3
    assert (root / TMDB_FILE).read_bytes() == before


def test_films_that_are_not_found_are_remembered_until_they_are_too_old(root: Path, httpserver: HTTPServer) -> None:
    asked = serve(httpserver, lambda film_id, _: gone() if film_id == 12 else film_of(film_id))
    run("tmdb", root, httpserver)
    run("tmdb", root, httpserver)
    assert len(asked) == 3
    assert [row["tmdbId"] for row in rows(root / TMDB_FILE)] == ["11", "13"]
    assert run("tmdb", root, httpserver, "--max_age", "0") == 0
    assert len(asked) == 6


def test_tmdbs_answers_are_asked_for_again_after_half_a_year_and_omdbs_are_not(
    root: Path, httpserver: HTTPServer
) -> None:
    omdb_film = '{{"Response": "True", "imdbID": "tt{:07d}"}}'
    asked = serve(
        httpserver, lambda film_id, _: film_of(film_id) if film_id < 60 else Response(omdb_film.format(film_id))
    )
    for service in ("tmdb", "omdb"):
        run(service, root, httpserver)
        with open_store(root, service) as store:
            store.connection.execute("UPDATE answers SET fetched = fetched - 181 * 86400")
    asked.clear()
    run("tmdb", root, httpserver)
    run("omdb", root, httpserver)
    assert sorted(film_id for film_id, _ in asked) == [11, 12, 13]


def test_limit_takes_some_films_now_and_the_others_later(
    root: Path, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = serve(httpserver, lambda film_id, _: film_of(film_id))
    assert run("tmdb", root, httpserver, "--limit", "2") == 0
    assert "1 film is left. Run the same command again to go on." in capsys.readouterr().out
    assert run("tmdb", root, httpserver, "--limit", "2") == 0
    assert sorted(film_id for film_id, _ in asked) == [11, 12, 13]


def test_a_damaged_csv_file_is_left_alone_and_nothing_is_asked(
    root: Path, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = serve(httpserver, lambda film_id, _: film_of(film_id))
    (root / TMDB_FILE).parent.mkdir()
    (root / TMDB_FILE).write_text("title\nOld\n", encoding="utf-8")
    assert run("tmdb", root, httpserver) == 1
    assert f"{root / TMDB_FILE}, line 1: expected a column tmdbId" in capsys.readouterr().err
    assert (root / TMDB_FILE).read_text(encoding="utf-8") == "title\nOld\n"
    assert asked == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"rate": 0.0}, r"Expected --rate above 0, got 0\.0"),
        ({"rate": math.nan}, "Expected --rate above 0, got nan"),
        ({"limit": 0}, "Expected --limit of 1 or more, got 0"),
        ({"max_age": -1.0}, r"Expected --max_age of 0 or more, got -1\.0"),
    ],
)
def test_options_that_make_no_sense_are_refused(root: Path, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        plan_of(root, **options)


@pytest.mark.parametrize(
    ("options", "films"),
    [
        ({}, [11, 12, 13]),
        ({"service": SERVICES["omdb"]}, [101, 102, 103]),
        ({"releases": ("ml-1m",)}, [12]),
        ({"releases": ("ml-1m", "ml-latest-small")}, [12, 11, 13]),
    ],
)
def test_each_film_of_the_releases_is_wanted_once(root: Path, options: dict[str, Any], films: list[int]) -> None:
    (root / "ml-1m").mkdir()
    (root / "ml-1m" / "movies.dat").write_text("2::Film::Drama\n", encoding="latin-1")
    plan = plan_of(root, **options)
    assert wanted_films(plan, find_releases(plan)) == films


def test_the_films_of_own_ratings_with_links_are_wanted(tmp_path: Path) -> None:
    for name, text in ("ratings", "user,item\nann,a1\n"), ("movies", "movieId,title\na1,Film\n"):
        (tmp_path / "club").mkdir(exist_ok=True)
        (tmp_path / "club" / f"{name}.csv").write_text(text)
    with pytest.raises(MissingDataError, match="Expected a MovieLens release with links"):
        find_releases(plan_of(tmp_path))
    (tmp_path / "club" / "links.csv").write_text("movieId,imdbId,tmdbId\na1,0000005,7\n")
    plan = plan_of(tmp_path)
    assert wanted_films(plan, find_releases(plan)) == [7]


def test_a_release_that_is_not_there_is_named_with_the_way_to_get_it(root: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="ml-20m"):
        fetch(plan_of(root, releases=("ml-20m",)))
    command = f"python -m movierec data download ml-latest-small --root {tmp_path}"
    with pytest.raises(MissingDataError, match=f"Expected a MovieLens release with links in .*{command}"):
        fetch(plan_of(tmp_path))


def test_a_used_up_quota_stops_the_run_and_the_next_day_goes_on(
    root: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = {"one": 1, "two": 1}
    monkeypatch.setenv("OMDB_API_KEY", "one, two")

    def answer(film_id: int, key: str) -> Response:
        left[key] -= 1
        if left[key] < 0:
            return Response('{"Response":"False","Error":"Request limit reached!"}', 401)
        return Response(json.dumps({"Response": "True", "imdbID": f"tt{film_id:07d}", "Title": "Été"}))

    asked = serve(httpserver, answer)
    assert run("omdb", root, httpserver) == 1
    output = capsys.readouterr()
    assert "The daily quota of all keys in OMDB_API_KEY is used up." in output.err
    assert "2 fetched." in output.out
    assert [row["Title"] for row in rows(root / OMDB_FILE)] == ["Été", "Été"]
    left.update(one=10, two=10)
    asked.clear()
    assert run("omdb", root, httpserver) == 0
    assert len(asked) == 1
    assert [row["imdbID"] for row in rows(root / OMDB_FILE)] == ["tt0000101", "tt0000102", "tt0000103"]


def test_an_invalid_key_stops_the_run_with_the_variables_name(
    root: Path, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = '{"status_code": 7, "status_message": "Invalid API key: You must be granted a valid key."}'
    serve(httpserver, lambda *_: Response(refusal, 401))
    assert run("tmdb", root, httpserver) == 1
    error = capsys.readouterr().err
    assert 'TMDb does not accept key 1 of TMDB_API_KEY ("status code 7: Invalid API key' in error
    assert SECRET not in error
    assert not (root / TMDB_FILE).exists()


def test_a_film_without_an_answer_is_left_for_the_next_run(
    root: Path, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = {12}
    serve(httpserver, lambda film_id, _: Response("<html>", 502) if film_id in broken else film_of(film_id))
    assert run("tmdb", root, httpserver) == 1
    output = capsys.readouterr()
    assert "2 fetched, 1 without an answer (HTTP status 502 without a film)." in output.out
    assert "1 without an answer (HTTP status 502 " in output.err
    assert "1 film is left. Run the same command again to go on: what has been fetched is kept." in output.err
    assert len(rows(root / TMDB_FILE)) == 2
    broken.clear()
    assert run("tmdb", root, httpserver) == 0
    assert len(rows(root / TMDB_FILE)) == 3


def test_a_film_for_which_another_is_answered_is_not_asked_for_again(
    root: Path, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = serve(httpserver, lambda film_id, _: film_of(13 if film_id == 12 else film_id))
    assert run("tmdb", root, httpserver) == 0
    assert "2 fetched, 1 not found." in capsys.readouterr().out
    asked.clear()
    assert run("tmdb", root, httpserver) == 0
    assert asked == []
    assert [row["tmdbId"] for row in rows(root / TMDB_FILE)] == ["11", "13"]


def test_a_service_that_is_down_stops_the_run_after_ten_films(
    tmp_path: Path, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_release(tmp_path / "data", [f"{n},{n:07d},{n}" for n in range(1, 51)])
    asked = serve(httpserver, lambda *_: Response("", 503))
    assert run("tmdb", root, httpserver) == 1
    assert "10 films in a row got no answer, the last because of: HTTP status 503" in (error := capsys.readouterr().err)
    assert "50 films are left." in error
    assert len({film_id for film_id, _ in asked}) < 50


def test_without_a_key_nothing_is_asked(
    root: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TMDB_API_KEY")
    assert run("tmdb", root, httpserver) == 1
    assert "in the environment variable TMDB_READ_TOKEN or TMDB_API_KEY, found none" in capsys.readouterr().err


def test_tmdbs_terms_must_be_accepted_once_and_are_shown_before_the_first_request(
    root: Path, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = serve(httpserver, lambda film_id, _: film_of(film_id))
    command = ["data", "fetch", "tmdb", "--root", str(root), "--base_url", httpserver.url_for(""), "--limit", "1"]
    assert main(command) == 1
    output = capsys.readouterr()
    assert "forbid to train machine learning models on" in output.out
    assert "Expected --accept_terms" in output.err
    with monkeypatch.context() as terminal:
        for name in "CI", "TERM":
            terminal.delenv(name, raising=False)
        terminal.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        for typed, status, num_asked in ("n\n", 1, 0), ("", 1, 0), ("Yes\n", 0, 1):
            stdin = io.StringIO(typed)
            stdin.isatty = lambda: True  # type: ignore[method-assign]
            terminal.setattr(sys, "stdin", stdin)
            assert main(command) == status
            assert len(asked) == num_asked
            assert "Do you accept these terms? [y/N] " in capsys.readouterr().out
    assert main(command) == 0
    assert len(asked) == 2
    assert "This product uses the TMDB API but is not endorsed or certified by TMDB.\n" in capsys.readouterr().out


def test_omdbs_licence_is_shown_and_needs_no_consent(
    root: Path, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(httpserver, lambda film_id, _: Response(f'{{"Response": "True", "imdbID": "tt{film_id:07d}"}}'))
    command = ["data", "fetch", "omdb", "--root", str(root), "--base_url", httpserver.url_for("")]
    assert main(command) == 0
    assert "CC BY-NC 4.0" in capsys.readouterr().out


def test_the_services_are_not_asked_about_invented_films(sample_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "fetch", "tmdb", "--root", str(sample_root), "--accept_terms"]) == 1
    assert "whose films are invented" in capsys.readouterr().err


def test_a_second_fetch_at_once_says_so(root: Path, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]) -> None:
    with open_store(root, "tmdb"):
        assert run("tmdb", root, httpserver) == 1
    assert "Another fetch from tmdb is running" in capsys.readouterr().err
