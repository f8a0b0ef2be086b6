"""Getting a file from real servers that do what servers do: break off, stall, and refuse."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from movierec.datasets import transfer
from movierec.datasets.meter import Meter
from movierec.datasets.transfer import ATTEMPTS, get_file, retry_after
from movierec.errors import DownloadError

BODY = bytes(range(256)) * 400
Answer = Callable[[socket.socket, bytes], None]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A next attempt comes soon."""
    monkeypatch.setattr(transfer, "BACKOFF", 0.01)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "file"


def get(url: str, target: Path) -> bytes:
    """Download a file, and return it."""
    with Meter("it", "bytes") as meter:
        get_file(url, target, meter)
    return target.read_bytes()


def serve(server: HTTPServer, *responses: Response) -> str:
    """Answer requests with these, in turn."""
    for response in responses:
        server.expect_ordered_request("/it").respond_with_response(response)
    return server.url_for("/it")


@contextmanager
def raw_server(*answers: Answer) -> Iterator[tuple[str, list[bytes]]]:
    """Answer each connection by the next function, which gets it with the request; yield address and requests."""
    requests: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)

    def work() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                requests.append(connection.recv(1 << 16))
                answer(connection, requests[-1])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/it", requests
    finally:
        thread.join()
        listener.close()


def head(length: int, *headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {length}", *headers, "", ""]).encode()


def sends(data: bytes) -> Answer:
    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(data)

    return answer


def test_a_redirect_is_followed(httpserver: HTTPServer, target: Path) -> None:
    url = serve(httpserver, Response(status=302, headers={"Location": "/elsewhere"}))
    httpserver.expect_ordered_request("/elsewhere").respond_with_data(BODY)
    assert get(url, target) == BODY


def test_a_server_in_trouble_is_asked_again(
    httpserver: HTTPServer, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trouble = [500, 502, 503, 429, 408]
    url = serve(httpserver, *[Response("busy", status) for status in trouble], Response(BODY))
    assert get(url, target) == BODY
    output = capsys.readouterr().err
    for status, pause in zip(trouble, ["0.01", "0.02", "0.04", "0.08", "0.16"], strict=True):
        assert f"/it answered {status} " in output
        assert f"; again in {pause} s\n" in output


def test_a_server_that_stays_in_trouble_is_named_after_several_attempts(httpserver: HTTPServer, target: Path) -> None:
    url = serve(httpserver, *[Response("busy", 503)] * ATTEMPTS)
    with pytest.raises(DownloadError, match=rf"in {ATTEMPTS} attempts: .*answered 503 .*--mirror URL, and --from-zip"):
        get(url, target)
    assert len(httpserver.log) == ATTEMPTS


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_a_pause_is_given_it(httpserver: HTTPServer, target: Path, status: int) -> None:
    url = serve(httpserver, Response("busy", status, {"Retry-After": "1"}), Response(BODY))
    start = time.monotonic()
    assert get(url, target) == BODY
    assert time.monotonic() - start >= 1.0  # the server's condition, not a measure of speed


def test_a_server_that_asks_for_an_hour_is_left_alone(httpserver: HTTPServer, target: Path) -> None:
    url = serve(httpserver, Response("busy", 503, {"Retry-After": "3600"}))
    with pytest.raises(DownloadError, match=r"answered 503 .*pause of 60 minutes.* Try later, or get it from"):
        get(url, target)
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_named_at_once(httpserver: HTTPServer, target: Path, status: int) -> None:
    with pytest.raises(DownloadError, match=rf"/it answered {status} "):
        get(serve(httpserver, Response("no", status)), target)
    assert len(httpserver.log) == 1
    assert not target.exists()


@pytest.mark.parametrize("end", ["closed", "reset", "silent"])
def test_a_broken_connection_is_taken_up_where_it_broke(
    target: Path, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "TIMEOUT", 1.0)
    half = len(BODY) // 2

    def breaks(connection: socket.socket, request: bytes) -> None:
        connection.sendall(head(len(BODY)) + BODY[:half])
        if end == "reset":
            time.sleep(0.2)  # a reset takes away what the other side has not read yet
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif end == "silent":
            connection.recv(1)  # returns when the other side has had enough

    def goes_on(connection: socket.socket, request: bytes) -> None:
        start = int(request.split(b"Range: bytes=")[1].split(b"-")[0])
        part = f"Content-Range: bytes {start}-{len(BODY) - 1}/{len(BODY)}"
        connection.sendall(head(len(BODY) - start, part, status="206 Partial Content") + BODY[start:])

    with raw_server(breaks, goes_on) as (url, requests):
        assert get(url, target) == BODY
    start = int(requests[1].split(b"Range: bytes=")[1].split(b"-")[0])
    assert start == half or (end == "reset" and 0 < start < half)  # the reset may come before all was read


def test_a_server_that_cannot_go_on_sends_the_whole(target: Path) -> None:
    with raw_server(sends(head(len(BODY)) + b"some bytes."), sends(head(len(BODY)) + BODY)) as (url, requests):
        assert get(url, target) == BODY
    assert b"Range: bytes=11-" in requests[1]


def test_a_slow_server_is_waited_for_as_long_as_something_comes(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "TIMEOUT", 0.8)

    def drips(connection: socket.socket, request: bytes) -> None:
        connection.sendall(head(len(BODY)))
        for start in range(0, len(BODY), 1 + len(BODY) // 10):
            connection.sendall(BODY[start : start + 1 + len(BODY) // 10])
            time.sleep(0.1)

    with raw_server(drips) as (url, _):  # takes longer than the time-out, which is one of each wait
        assert get(url, target) == BODY


def test_nobody_there_is_an_error_that_says_so(target: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(DownloadError, match=rf"could not be downloaded in {ATTEMPTS} attempts: .*Connection refused"):
        get(address, target)


def test_a_certificate_that_lapsed_is_named_at_once_with_the_other_ways(target: Path, lapsed: ssl.SSLContext) -> None:
    with HTTPServer("localhost", 0, ssl_context=lapsed) as server:
        with pytest.raises(DownloadError, match=r"certificate has expired.*--mirror URL, and --from-zip FILE"):
            get(f"https://localhost:{server.port}/it", target)
        assert server.log == []


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        ("socks5://127.0.0.1:9", "Change the variables of the proxy"),
        ("nonsense://127.0.0.1:9", "Change the variables of the proxy"),
        ("http://127.0.0.1:9", r"could not be downloaded in 6 attempts: .*Connection refused"),
    ],
)
def test_a_proxy_that_does_not_work_is_an_error_without_a_traceback(
    target: Path, proxy: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "http_proxy", "https_proxy", "all_proxy", "no_proxy":
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(DownloadError, match=message):
        get("http://example.org/a.zip", target)


@pytest.mark.parametrize("url", ["ftp://example.org", "example.org/data", "https://", ""])
def test_an_address_that_is_none_of_http_is_refused(target: Path, url: str) -> None:
    with pytest.raises(DownloadError, match=r"^\S* could not be downloaded: "):
        get(url, target)


def waits(header: str) -> float:
    return retry_after(httpx.Response(503, headers={"Retry-After": header}))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("12", 12),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
    ],
)
def test_retry_after_holds_seconds(header: str, seconds: float) -> None:
    assert waits(header) == seconds
