"""A fetch that begins with something: answers of one that was killed, or a csv file from elsewhere."""

import json
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from movierec.cli import main
from movierec.datasets.metadata import OMDB_FILE
from movierec.datasets.service import Verdict
from movierec.datasets.store import open_store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root with a release of 1,500 films."""
    root = tmp_path / "data"
    folder = root / "ml-latest-small"
    folder.mkdir(parents=True)
    numbers = range(1, 1_501)
    movies = "".join(f"{n},Film,Drama\n" for n in numbers)
    (folder / "movies.csv").write_text(f"movieId,title,genres\n{movies}", encoding="utf-8")
    links = "".join(f"{n},{n:07d},{n}\n" for n in numbers)
    (folder / "links.csv").write_text(f"movieId,imdbId,tmdbId\n{links}", encoding="utf-8")
    return root


@pytest.fixture
def url(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A server that has all films; there is a key for it."""
    monkeypatch.setenv("OMDB_API_KEY", "key")
    httpserver.expect_request("/").respond_with_handler(lambda request: Response(film(request.args["i"])))
    return httpserver.url_for("")


def film(name: str) -> str:
    return json.dumps({"Response": "True", "imdbID": name, "Title": "New"})


def asked(server: HTTPServer) -> list[str]:
    return sorted(request.args["i"] for request, _ in server.log)


def fetch(root: Path, url: str, *options: str) -> int:
    return main(["data", "fetch", "omdb", "--root", str(root), "--base_url", url, "--rate", "500", *options])


def titles(root: Path) -> list[str]:
    lines = (root / OMDB_FILE).read_text(encoding="utf-8").splitlines()[1:]
    return [",".join(line.split(",")[:2]) for line in lines]


def test_what_a_killed_fetch_has_kept_is_written_before_a_key_is_asked_for(
    root: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_store(root, "omdb") as store:
        store.put(7, Verdict.FILM, 200, film("tt0000007").encode())
    monkeypatch.delenv("OMDB_API_KEY")
    assert fetch(root, url) == 1
    assert "Expected a key of OMDb" in capsys.readouterr().err
    assert titles(root) == ["tt0000007,New"]


def test_films_of_a_csv_file_from_elsewhere_are_not_asked_for(root: Path, url: str, httpserver: HTTPServer) -> None:
    (root / OMDB_FILE).parent.mkdir()
    (root / OMDB_FILE).write_text("imdbID,Title\ntt0000001,Old\ntt0000002,Old\n", encoding="utf-8")
    assert fetch(root, url, "--limit", "2") == 0
    assert asked(httpserver) == ["tt0000003", "tt0000004"]
    assert titles(root) == ["tt0000001,Old", "tt0000002,Old", "tt0000003,New", "tt0000004,New"]
    assert fetch(root, url, "--limit", "2", "--max_age", "0") == 0
    assert asked(httpserver) == ["tt0000003", "tt0000003", "tt0000004", "tt0000004"]


def test_the_days_that_a_free_key_takes_are_told_before_the_first_request(
    root: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OMDB_API_KEY")
    fetch(root, url)
    assert (
        "Fetching 1,500 films takes about 2 days with one free key, which allows 1,000 films a day."
        in capsys.readouterr().out
    )
    fetch(root, url, "--limit", "1000", "--rate", "10")
    assert "Fetching 1,000 films takes about 0:01:40 at 10 a second." in capsys.readouterr().out


def test_without_any_film_no_file_is_written_and_the_message_says_so(
    root: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMDB_API_KEY", "key")

    def used_up(_: Request) -> Response:
        return Response('{"Response":"False","Error":"Request limit reached!"}', 401)

    httpserver.expect_request("/").respond_with_handler(used_up)
    assert fetch(root, httpserver.url_for(""), "--limit", "1") == 1
    output = capsys.readouterr()
    assert f"Nothing fetched. {root / OMDB_FILE} is not written.\n" in output.out
    assert "1,500 films are left. Run the same command again" in output.err
