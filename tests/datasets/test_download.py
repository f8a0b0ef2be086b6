"""Downloading a release: what is installed is whole and checked, and what fails leaves nothing."""

import dataclasses
import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from movierec.datasets import transfer
from movierec.datasets.catalog import CITATION, RELEASES, Release
from movierec.datasets.download import download_releases
from movierec.datasets.movielens import read_movies, read_ratings
from movierec.datasets.root import is_complete
from movierec.errors import ChecksumError, DataFormatError

SMALL = RELEASES["ml-latest-small"]
RELEASE_FILES = ["README.txt", "movies.dat", "ratings.dat", "users.dat"]


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A next attempt comes soon."""
    monkeypatch.setattr(transfer, "BACKOFF", 0.01)


def serve(server: HTTPServer, release: Release, *responses: Response) -> str:
    """Answer requests for a release's archive with these, in turn."""
    for response in responses:
        server.expect_ordered_request(f"/{release.name}.zip").respond_with_response(response)
    return server.url_for("")


def left(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def test_a_release_is_put_where_the_readers_find_it(
    httpserver: HTTPServer, archives: Path, release: Release, body: bytes, tmp_path: Path
) -> None:
    download_releases([release], tmp_path / "new" / "root", server=serve(httpserver, release, Response(body)))
    assert left(tmp_path / "new" / "root") == ["ml-1m", *(f"ml-1m/{name}" for name in RELEASE_FILES)]
    for read in read_ratings, read_movies:
        assert read(tmp_path / "new" / "root", release).equals(read(archives / "sample", release))


def test_what_is_there_costs_no_request(
    httpserver: HTTPServer, release: Release, body: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = serve(httpserver, release, Response(body))
    download_releases([release], tmp_path, server=where)
    capsys.readouterr()
    download_releases([release], tmp_path, server=where)
    assert len(httpserver.log) == 1
    there = f"ml-1m is already complete in {tmp_path / 'ml-1m'}; add --again to replace it.\n"
    assert capsys.readouterr().out == there


def test_terms_and_citation_are_said_once_with_the_release_that_has_the_links(
    httpserver: HTTPServer, release: Release, archives: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = (archives / "ml-1m.zip").read_bytes()
    small = dataclasses.replace(SMALL, md5=md5((archives / "ml-latest-small.zip").read_bytes()))
    where = serve(httpserver, release, Response(body))
    httpserver.expect_ordered_request("/ml-latest-small.zip").respond_with_data(
        (archives / "ml-latest-small.zip").read_bytes()
    )
    download_releases([release, small], tmp_path, server=where)
    output = capsys.readouterr().out
    assert "It may not be redistributed without permission" in output
    assert f"all terms: {tmp_path / 'ml-1m' / 'README.txt'}" in output
    assert f"python -m movierec data download ml-latest-small --root {tmp_path}\n" in output
    assert output.count(CITATION) == 1
    (tmp_path / "ml-1m" / "ratings.dat").unlink()
    download_releases([release], tmp_path, server=serve(httpserver, release, Response(body)))
    assert "data download" not in capsys.readouterr().out


def test_a_web_page_in_place_of_the_archive_is_recognised(
    httpserver: HTTPServer, release: Release, tmp_path: Path
) -> None:
    page = "<!DOCTYPE html><html><head><title>Sign in to the café</title></head><body></body></html>"
    with pytest.raises(DataFormatError, match="got a web page"):
        download_releases(
            [release],
            tmp_path,
            server=serve(httpserver, release, Response(page, content_type="text/html; charset=utf-8")),
        )
    assert left(tmp_path) == []


def test_another_archive_than_the_published_one_is_refused_with_both_checksums(
    httpserver: HTTPServer, release: Release, body: bytes, tmp_path: Path
) -> None:
    other = bytes([body[0], *body[1:-1], body[-1] ^ 1]) + b"\0"
    with pytest.raises(ChecksumError, match="was not unpacked") as caught:
        download_releases([release], tmp_path, server=serve(httpserver, release, Response(other)))
    assert f"expected the md5 checksum {md5(body)}, got {md5(other)}" in str(caught.value)
    assert left(tmp_path) == []


def test_an_archive_that_changes_has_no_checksum_and_its_content_is_looked_at(
    httpserver: HTTPServer, archives: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = (archives / "ml-latest-small.zip").read_bytes()
    download_releases([SMALL], tmp_path, server=serve(httpserver, SMALL, Response(body)))
    assert is_complete(tmp_path, SMALL)
    assert "It may be redistributed under the same terms" in capsys.readouterr().out


def test_two_downloads_at_once_do_not_hurt_each_other(release: Release, body: bytes, tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=30)

    def respond(request: Request) -> Response:
        both.wait()
        return Response(body)

    with HTTPServer(threaded=True) as server, ThreadPoolExecutor(2) as pool:
        server.expect_request("/ml-1m.zip").respond_with_handler(respond)
        url = server.url_for("")
        attempts = [pool.submit(download_releases, [release], tmp_path, server=url) for _ in range(2)]
        for attempt in attempts:
            attempt.result()
    assert left(tmp_path) == ["ml-1m", *(f"ml-1m/{name}" for name in RELEASE_FILES)]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_ctrl_c_leaves_nothing_and_ends_with_status_130(httpserver: HTTPServer, body: bytes, tmp_path: Path) -> None:
    asked, over = threading.Event(), threading.Event()

    def drip() -> Iterator[bytes]:
        yield body[:100]
        asked.set()
        over.wait(30)

    httpserver.expect_request("/ml-1m.zip").respond_with_response(Response(drip()))
    command = [sys.executable, "-m", "movierec", "data", "download", "ml-1m", "--mirror", httpserver.url_for("")]
    process = subprocess.Popen([*command, "--root", str(tmp_path)], stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    assert asked.wait(30)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    over.set()
    assert process.returncode == 130
    assert errors == "\nmovierec: interrupted.\n"
    assert left(tmp_path) == []


@pytest.mark.parametrize("size", [None, 18_000], ids=["while unpacking", "while downloading"])
def test_a_full_disk_is_left_as_it_was(httpserver: HTTPServer, body: bytes, tiny_disk: Path, size: int | None) -> None:
    full = bytes((size or len(body)) - len(body)) + body  # zip files may begin with anything
    release = dataclasses.replace(RELEASES["ml-1m"], md5=md5(full), megabytes=0.002)  # seems to fit
    with pytest.raises(OSError, match="No space left"):
        download_releases([release], tiny_disk, server=serve(httpserver, release, Response(full)))
    assert left(tiny_disk) == []
