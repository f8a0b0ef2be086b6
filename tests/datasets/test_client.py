"""The client against real servers that misbehave in every way we know of."""

import asyncio
import json
import logging
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from movierec.datasets import transfer
from movierec.datasets.client import Answer, Client
from movierec.datasets.service import Verdict
from movierec.datasets.tmdb import TMDb
from movierec.datasets.transfer import AttemptError
from movierec.errors import FetchError

SECRET = "k3y-that-nobody-may-see"  # noqa: S105 - a marker to search for
FILM = {"id": 7, "title": "Film"}
GOOD = Answer(Verdict.FILM, 200, json.dumps(FILM).encode())


@pytest.fixture(autouse=True)
def few_and_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three attempts at most, one soon after the other."""
    monkeypatch.setattr(transfer, "ATTEMPTS", 3)
    monkeypatch.setattr(transfer, "BACKOFF", 0.01)


def ask(url: str, *film_ids: int, rate: float = 1000.0) -> list[Answer]:
    """Ask for films at once."""

    async def together() -> list[Answer]:
        asked = Client(TMDb(), {"key 1 of TMDB_API_KEY": SECRET}, rate=rate, base_url=url)
        async with asked.http:
            return await asyncio.gather(*(asked.ask(film_id) for film_id in film_ids or (7,)))

    return asyncio.run(together())


def answers(server: HTTPServer, *responses: Response) -> str:
    """Let the server give one answer after the other."""
    for response in responses:
        server.expect_ordered_request("/movie/7").respond_with_response(response)
    return server.url_for("").rstrip("/")


def film(status: int = 200, **headers: str) -> Response:
    return Response(GOOD.body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def problem(status: int, code: int, message: str = "Why.", **headers: str) -> Response:
    body = json.dumps({"success": False, "status_code": code, "status_message": message})
    return Response(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.fixture
def raw_server() -> Iterator[Callable[[list[Callable[[socket.socket], None]]], str]]:
    """Starts a server that deals with each connection by the next of some functions."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve(actions: list[Callable[[socket.socket], None]]) -> None:
            for act in actions:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    act(connection)

        def start(actions: list[Callable[[socket.socket], None]]) -> str:
            threading.Thread(target=serve, args=(actions,), daemon=True).start()
            return f"http://127.0.0.1:{listener.getsockname()[1]}"

        yield start


def send_film(connection: socket.socket) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(GOOD.body)}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode() + GOOD.body)


def send_half(connection: socket.socket) -> None:
    connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(GOOD.body)}\r\n\r\n".encode() + GOOD.body[:9])


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closes with a reset


def send_nonsense(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


def test_a_film_is_the_answer_as_it_came(httpserver: HTTPServer) -> None:
    assert ask(answers(httpserver, film())) == [GOOD]


def test_a_film_that_is_not_there_is_an_answer_too(httpserver: HTTPServer) -> None:
    (answer,) = ask(answers(httpserver, problem(404, 34)))
    assert (answer.verdict, answer.status) == (Verdict.MISSING, 404)


@pytest.mark.parametrize(
    "failure",
    [
        problem(500, 11),
        Response("<html>Bad gateway</html>", 502),
        Response("<html>Welcome to the hotel's network</html>", 200),
        Response('{"id": 7, "title": "Fi', 200),
        Response("", 301, {"Location": "http://127.0.0.1:9/elsewhere"}),
        Response(b"no gzip", 200, {"Content-Encoding": "gzip"}),
    ],
)
def test_an_answer_that_is_no_film_is_asked_for_again(httpserver: HTTPServer, failure: Response) -> None:
    assert ask(answers(httpserver, failure, failure, film())) == [GOOD]
    assert len(httpserver.log) == 3


def test_after_the_last_attempt_the_reason_is_told(httpserver: HTTPServer) -> None:
    url = answers(httpserver, *[problem(500, 11, "Internal error: Something went wrong.")] * 3)
    with pytest.raises(AttemptError, match="status code 11: Internal error: Something went wrong"):
        ask(url)
    assert len(httpserver.log) == 3


def test_what_a_terminal_would_obey_is_left_out_of_the_reason(httpserver: HTTPServer) -> None:
    with pytest.raises(AttemptError) as stop:
        ask(answers(httpserver, *[problem(500, 11, "A \x1b[31mred\x07 reason, à propos.")] * 3))
    assert str(stop.value) == "status code 11: A [31mred reason, à propos."


@pytest.mark.parametrize("fail", [send_half, reset, send_nonsense])
def test_a_broken_connection_is_tried_again(raw_server: Any, fail: Callable[[socket.socket], None]) -> None:
    assert ask(raw_server([fail, fail, send_film])) == [GOOD]


def test_without_a_server_the_reason_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(AttemptError, match="connection"):
        ask(f"http://127.0.0.1:{port}")


def test_a_busy_service_is_given_the_seconds_that_it_asks_for(httpserver: HTTPServer) -> None:
    url = answers(httpserver, problem(429, 25, Retry_After="1"), film())
    start = time.monotonic()
    assert ask(url) == [GOOD]
    assert time.monotonic() - start >= 1.0  # the server's condition, not a measure of speed


def test_a_busy_service_that_names_no_time_is_asked_again_later(httpserver: HTTPServer) -> None:
    assert ask(answers(httpserver, problem(429, 25), Response("slow down", 429), film())) == [GOOD]


def test_a_service_that_asks_for_an_hour_is_left_alone(httpserver: HTTPServer) -> None:
    with pytest.raises(AttemptError, match="pause of 60 minutes"):
        ask(answers(httpserver, problem(429, 25, Retry_After="3600")))
    assert len(httpserver.log) == 1


def test_an_invalid_key_stops_at_once_and_is_named_by_its_variable(httpserver: HTTPServer) -> None:
    url = answers(httpserver, problem(401, 7, f"Invalid API key {SECRET}: You must be granted a valid key."))
    with pytest.raises(FetchError, match=r"does not accept key 1 of TMDB_API_KEY \(.*valid key") as stop:
        ask(url)
    assert SECRET not in str(stop.value)
    assert len(httpserver.log) == 1


def test_no_log_message_and_no_error_holds_a_key(
    httpserver: HTTPServer, raw_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ask(answers(httpserver, problem(500, 11), film()))
    with pytest.raises(AttemptError) as stop:
        ask(raw_server([reset, send_nonsense, send_half]))
    assert not [record for record in caplog.records if record.name != "werkzeug" and SECRET in record.getMessage()]
    chain: BaseException | None = stop.value
    while chain is not None:
        assert SECRET not in repr(chain)
        chain = None if chain.__suppress_context__ else chain.__context__


def test_the_rate_holds_over_many_requests(httpserver: HTTPServer) -> None:
    times: list[float] = []

    def answer(request: Request) -> Response:
        times.append(time.monotonic())
        return Response(json.dumps({"id": int(request.path.rsplit("/", 1)[1])}))

    for film_id in range(30):
        httpserver.expect_request(f"/movie/{film_id}").respond_with_handler(answer)

    ask(httpserver.url_for(""), *range(30), rate=40.0)
    assert len(times) == 30
    assert times[-1] - times[0] >= 0.5  # all but the first four wait 25 ms each, less what the first took to arrive


def test_a_server_that_cannot_show_who_it_is_gets_no_key(lapsed: ssl.SSLContext) -> None:
    with HTTPServer("localhost", 0, ssl_context=lapsed) as server:
        with pytest.raises(FetchError, match="certificate has expired"):
            ask(f"https://localhost:{server.port}")
        assert server.log == []


@pytest.mark.parametrize("url", ["", "example.org", "ftp://example.org", "http://", "http://a:b:c", "file:///tmp"])
def test_an_address_that_is_none_ends_the_fetch(url: str) -> None:
    with pytest.raises(FetchError, match="could not be asked"):
        ask(url)
