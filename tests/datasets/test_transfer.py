"""Getting a file from real servers that do what servers do: break off, stall, refuse, and send sign-in pages."""

import io
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from movierec.console import Console
from movierec.datasets.transfer import ATTEMPTS, Meter, get_file, proxy_variable
from movierec.errors import DownloadError

BODY = bytes(range(256)) * 400
Answer = Callable[[socket.socket, bytes], None]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "file"


def get(url: str, target: Path, *, timeout: float = 30.0, max_bytes: float = 1e6) -> tuple[bytes, str]:
    """Download a file; return it, and what was printed meanwhile."""
    console = Console(file=io.StringIO(), force_terminal=False)
    with Meter("it", console) as meter:
        get_file(url, target, max_bytes=max_bytes, meter=meter, timeout=timeout, pause=0.01)
    assert isinstance(console.file, io.StringIO)
    return target.read_bytes(), console.file.getvalue()


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


def test_a_file_comes_as_it_is_with_a_line_at_each_quarter_where_nobody_looks(
    httpserver: HTTPServer, target: Path
) -> None:
    body, output = get(serve(httpserver, Response(BODY)), target)
    assert body == BODY
    assert output.splitlines()[-1] == "it: 102.4 kB of 102.4 kB"
    assert len(output.splitlines()) <= 4


def test_on_a_terminal_a_bar_shows_size_and_rate_and_leaves_nothing(httpserver: HTTPServer, target: Path) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, legacy_windows=False)
    with Meter("it", console) as meter:
        get_file(serve(httpserver, Response(BODY)), target, max_bytes=1e6, meter=meter)
        meter.bar.refresh()
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "102.4/102.4 kB" in shown
    assert "B/s" in shown
    assert shown.endswith("\x1b[1A\x1b[2K")  # the line above, erased


def test_a_redirect_is_followed(httpserver: HTTPServer, target: Path) -> None:
    url = serve(httpserver, Response(status=302, headers={"Location": "/elsewhere"}))
    httpserver.expect_ordered_request("/elsewhere").respond_with_data(BODY)
    assert get(url, target)[0] == BODY


def test_a_redirect_in_circles_is_an_error(httpserver: HTTPServer, target: Path) -> None:
    httpserver.expect_request("/it").respond_with_response(Response(status=302, headers={"Location": "/it"}))
    with pytest.raises(DownloadError, match="maximum allowed redirects"):
        get(httpserver.url_for("/it"), target)


def test_a_server_in_trouble_is_asked_again(httpserver: HTTPServer, target: Path) -> None:
    trouble = [500, 502, 503, 429, 408]
    body, output = get(serve(httpserver, *[Response("busy", status) for status in trouble], Response(BODY)), target)
    assert body == BODY
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
    body, output = get(url, target)
    assert body == BODY
    assert "; again in 1 s\n" in output
    assert time.monotonic() - start >= 1.0  # the server's condition, not a measure of speed


def test_a_server_that_asks_for_an_hour_is_left_alone(httpserver: HTTPServer, target: Path) -> None:
    url = serve(httpserver, Response("busy", 503, {"Retry-After": "3600"}))
    with pytest.raises(DownloadError, match=r"answered 503 .*left alone for 60 minutes\. Try later, or get it from"):
        get(url, target)
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_named_at_once(httpserver: HTTPServer, target: Path, status: int) -> None:
    with pytest.raises(DownloadError, match=rf"/it answered {status} "):
        get(serve(httpserver, Response("no", status)), target)
    assert len(httpserver.log) == 1
    assert not target.exists()


def test_a_web_page_in_place_of_the_file_is_recognised(httpserver: HTTPServer, target: Path) -> None:
    page = "<!DOCTYPE html><html><head><title>Sign in to the café</title></head><body></body></html>"
    with pytest.raises(DownloadError, match="expected a file, got a web page, 'Sign in to the café'"):
        get(serve(httpserver, Response(page, content_type="text/html; charset=utf-8")), target)
    assert not target.exists()


def test_a_file_that_is_too_large_is_refused_whether_it_says_so_or_not(httpserver: HTTPServer, target: Path) -> None:
    for response in Response(BODY), Response(iter([BODY[:60_000], BODY[:60_000]])):
        with pytest.raises(DownloadError, match=r"at most 99\.9 kB, got 1\d\d\.\d kB or more"):
            get(serve(httpserver, response), target, max_bytes=99_900)
    assert not target.exists() or target.stat().st_size <= 99_900


@pytest.mark.parametrize("end", ["closed", "reset", "silent"])
@pytest.mark.parametrize("tag", ['ETag: "v1"', "Last-Modified: Wed, 26 Sep 2018 12:00:00 GMT"])
def test_a_broken_connection_is_taken_up_where_it_broke(target: Path, tag: str, end: str) -> None:
    half = len(BODY) // 2

    def breaks(connection: socket.socket, request: bytes) -> None:
        connection.sendall(head(len(BODY), tag) + BODY[:half])
        if end == "reset":
            time.sleep(0.2)  # a reset takes away what the other side has not read yet
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif end == "silent":
            connection.recv(1)  # returns when the other side has had enough

    def goes_on(connection: socket.socket, request: bytes) -> None:
        start = int(request.split(b"Range: bytes=")[1].split(b"-")[0])
        part = f"Content-Range: bytes {start}-{len(BODY) - 1}/{len(BODY)}"
        connection.sendall(head(len(BODY) - start, tag, part, status="206 Partial Content") + BODY[start:])

    with raw_server(breaks, goes_on) as (url, requests):
        assert get(url, target, timeout=1.0)[0] == BODY
    start = int(requests[1].split(b"Range: bytes=")[1].split(b"-")[0])
    assert start == half or (end == "reset" and 0 < start < half)  # the reset may come before all was read
    assert f"If-Range: {tag.split(': ')[1]}".encode() in requests[1]


@pytest.mark.parametrize("tag", ['ETag: W/"weak"', "X-Nothing: to name a version by"])
def test_a_part_without_a_version_is_not_gone_on_with(target: Path, tag: str) -> None:
    broken = sends(head(len(BODY), tag) + BODY[:100])
    with raw_server(broken, sends(head(len(BODY), tag) + BODY)) as (url, requests):
        assert get(url, target)[0] == BODY
    assert b"Range" not in requests[1]


@pytest.mark.parametrize("status", ["200 OK", "206 Partial Content", "416 Range Not Satisfiable"])
def test_a_server_that_cannot_go_on_is_asked_for_the_whole(target: Path, status: str) -> None:
    answers = [sends(head(len(BODY), 'ETag: "old"') + b"other bytes")]
    if status != "200 OK":
        answers.append(sends(head(0, f"Content-Range: bytes 0-{len(BODY)}/{len(BODY)}", status=status)))
    with raw_server(*answers, sends(head(len(BODY)) + BODY)) as (url, requests):
        assert get(url, target)[0] == BODY
    assert b"Range: bytes=11-" in requests[1]


def test_a_slow_server_is_waited_for_as_long_as_something_comes(target: Path) -> None:
    def drips(connection: socket.socket, request: bytes) -> None:
        connection.sendall(head(len(BODY)))
        for start in range(0, len(BODY), 1 + len(BODY) // 10):
            connection.sendall(BODY[start : start + 1 + len(BODY) // 10])
            time.sleep(0.1)

    with raw_server(drips) as (url, _):  # takes longer than the time-out, which is one of each wait
        assert get(url, target, timeout=0.8)[0] == BODY


def test_nobody_there_is_an_error_that_says_so(target: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(DownloadError, match=rf"could not be downloaded in {ATTEMPTS} attempts: Connection refused"):
        get(address, target)


def test_a_certificate_that_lapsed_is_named_at_once_with_the_other_ways(target: Path, lapsed: ssl.SSLContext) -> None:
    with HTTPServer("localhost", 0, ssl_context=lapsed) as server:
        with pytest.raises(DownloadError, match=r"certificate has expired.*--mirror URL, and --from-zip FILE"):
            get(f"https://localhost:{server.port}/it", target)
        assert server.log == []


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        ("socks5://127.0.0.1:9", "got the one that ALL_PROXY names"),
        ("nonsense://127.0.0.1:9", "got the one that ALL_PROXY names"),
        ("http://127.0.0.1:9", "could not be downloaded in 6 attempts through the proxy of ALL_PROXY"),
    ],
)
def test_a_proxy_that_does_not_work_is_named_by_its_variable(
    tmp_path: Path, proxy: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "HTTP_PROXY", "http_proxy", "all_proxy", "NO_PROXY", "no_proxy":
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(DownloadError, match=message):
        get("http://example.org/a.zip", tmp_path / "a.zip")
    assert proxy_variable("http://example.org") == "ALL_PROXY"
    monkeypatch.setenv("NO_PROXY", "example.org")
    assert proxy_variable("http://example.org") == ""
