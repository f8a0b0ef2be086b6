"""The keys of a service, from the environment, some of which are used up or not valid."""

import asyncio

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from movierec.datasets.client import Answer, Client
from movierec.datasets.omdb import OMDb
from movierec.datasets.service import Verdict, read_keys
from movierec.datasets.tmdb import TMDb
from movierec.errors import ConfigError, FetchError

ERRORS = {"used": "Request limit reached!", "bad": "Invalid API key!"}


@pytest.fixture
def url(httpserver: HTTPServer) -> str:
    """A server that knows each key by what its name begins with: used..., bad..., or good."""

    def answer(request: Request) -> Response:
        error = ERRORS.get(request.args["apikey"].rstrip("0123456789"))
        if error:
            return Response(f'{{"Response":"False","Error":"{error}"}}', 401)
        return Response('{"Response":"True","imdbID":"tt0000007"}')

    httpserver.expect_request("/").respond_with_handler(answer)
    return httpserver.url_for("")


def ask(url: str, *values: str, times: int = 1) -> list[Answer]:
    """Ask several times at once."""
    keys = {f"key {number} of OMDB_API_KEY": value for number, value in enumerate(values, start=1)}

    async def together() -> list[Answer]:
        client = Client(OMDb(), keys, rate=1000.0, base_url=url)
        async with client.http:
            return await asyncio.gather(*(client.ask(7) for _ in range(times)))

    return asyncio.run(together())


def asked(server: HTTPServer) -> list[str]:
    return [request.args["apikey"] for request, _ in server.log]


def test_keys_are_used_in_turn_as_they_are_used_up(
    url: str, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [answer.verdict for answer in ask(url, "used1", "used2", "good")] == [Verdict.FILM]
    assert asked(httpserver) == ["used1", "used2", "good"]
    assert capsys.readouterr().err == ""


def test_a_bad_key_is_named_once_and_the_next_one_used(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert [answer.verdict for answer in ask(url, "bad", "good", times=8)] == [Verdict.FILM] * 8
    assert capsys.readouterr().err == (
        'movierec: warning: OMDb does not accept key 1 of OMDB_API_KEY ("Invalid API key!"). '
        "Copy it from https://www.omdbapi.com/apikey.aspx. Going on with the next key.\n"
    )


def test_when_all_keys_are_used_up_it_stops(url: str, httpserver: HTTPServer) -> None:
    with pytest.raises(FetchError, match="The daily quota of all keys in OMDB_API_KEY is used up"):
        ask(url, "used1", "used2")
    assert len(asked(httpserver)) == 2


@pytest.mark.parametrize("keys", [("used", "bad"), ("bad", "used")])
def test_a_bad_key_beside_a_used_up_one_leaves_hope_for_tomorrow(url: str, keys: tuple[str, str]) -> None:
    with pytest.raises(FetchError, match="The daily quota of all keys in OMDB_API_KEY is used up"):
        ask(url, *keys)


def test_when_no_key_is_good_the_last_one_is_named(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FetchError, match=r'does not accept key 2 of OMDB_API_KEY \("Invalid API key!"\)'):
        ask(url, "bad1", "bad2")
    assert "does not accept key 1 of OMDB_API_KEY" in capsys.readouterr().err


def test_keys_come_from_the_environment_separated_by_commas() -> None:
    assert read_keys(OMDb(), {"OMDB_API_KEY": " one, two,,three"}) == {
        "key 1 of OMDB_API_KEY": "one",
        "key 2 of OMDB_API_KEY": "two",
        "key 3 of OMDB_API_KEY": "three",
    }
    both = read_keys(TMDb(), {"TMDB_API_KEY": "older", "TMDB_READ_TOKEN": "token"})
    assert [*both.values()] == ["token", "older"]


@pytest.mark.parametrize("value", ["", " ", ",", ", ,"])
def test_without_a_key_the_message_says_where_to_get_one(value: str) -> None:
    with pytest.raises(ConfigError, match=r"OMDB_API_KEY, found none\. Get one at https://www\.omdbapi\.com"):
        read_keys(OMDb(), {"OMDB_API_KEY": value})


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "schlüssel", '"quoted"'])
def test_a_key_with_characters_that_no_key_has_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(ConfigError, match="found other characters") as stop:
        read_keys(OMDb(), {"OMDB_API_KEY": value})
    assert value not in str(stop.value)
