"""A key in the environment is sent to its service, and found nowhere afterwards: not in what is printed or kept."""

import json
import logging
import re
import sqlite3
import time
import traceback
import zlib
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from movierec.cli import main
from movierec.datasets import client, transfer
from movierec.datasets.fetch import SERVICES, Plan, fetch
from movierec.datasets.root import MARKER
from movierec.datasets.sample import SampleSize, write_sample
from movierec.datasets.store import STORE_FILE

KEY = "m4rk3r/key+that=nobody-may-see"
TMDB = {
    "vote_average": 7.5, "vote_count": 12, "release_date": "1999-04-01", "original_language": "en",
    "origin_country": ["US"], "budget": 1000, "revenue": 2000, "runtime": 90,
}  # fmt: skip
OMDB = {
    "Response": "True", "Released": "22 Nov 1995", "Runtime": "81 min", "Language": "English", "Country": "USA",
    "Metascore": "80", "imdbRating": "8.0", "imdbVotes": "1,112", "BoxOffice": "$1,000",
}  # fmt: skip


def film(request: Request) -> Response:
    if "/movie/" in request.path:
        return Response(json.dumps(TMDB | {"id": int(request.path.rsplit("/", 1)[1]), "title": "Film"}))
    return Response(json.dumps(OMDB | {"imdbID": request.args["i"], "Title": "Film"}))


def refusal(request: Request) -> Response:
    key = request.args.get("api_key") or request.args["apikey"]
    told = {"status_code": 7, "status_message": f"Invalid key: {key}", "Response": "False", "Error": "Invalid API key!"}
    return Response(json.dumps(told), 401)


def redirect(request: Request) -> Response:
    return Response("", 302, {"Location": request.url.replace("/films", "/elsewhere")})


def failure(request: Request) -> Response:
    return Response(f"<html>{request.url}", 500)


def delay(request: Request) -> Response:
    time.sleep(0.3)  # the client waits for less
    return film(request)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with ratings, and none of the metadata; the keys are in the environment."""
    write_sample(tmp_path / "data", SampleSize(num_users=30, num_movies=60, num_ratings=600))
    for name in MARKER, "metadata/tmdb.csv", "metadata/omdb.csv":
        (tmp_path / "data" / name).unlink()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("MOVIEREC_DEBUG", "1")
    monkeypatch.delenv("TMDB_READ_TOKEN", raising=False)
    for variable in "TMDB_API_KEY", "OMDB_API_KEY":
        monkeypatch.setenv(variable, KEY)
    (tmp_path / "model4.yaml").write_text(
        "data: {class_path: movierec.data.CombinedDataModule}\n"
        "model: {network: {class_path: MLP, init_args: {hidden: [4]}}}\ntrainer: {max_epochs: 1}\n"
    )
    return tmp_path


def said(*command: str) -> str:
    """Run a command; the traceback if it ends in one, as MOVIEREC_DEBUG shows it."""
    try:
        main(command)
    except (Exception, SystemExit):  # noqa: BLE001 - whatever it is, it is shown
        return traceback.format_exc()
    return ""


def kept(folder: Path) -> bytes:
    """All that lies below a folder, and what is packed inside the store."""
    found = [path.name.encode() + path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    with closing(sqlite3.connect(folder / "data" / STORE_FILE)) as store:
        found += [zlib.decompress(body) for (body,) in store.execute("SELECT body FROM answers")]
    return b"\n".join(found)


def assert_no_trace(text: str) -> None:
    for written in KEY, quote(KEY, safe=""), quote(KEY), json.dumps(KEY)[1:-1], KEY.replace("/", "\\/"):
        assert written not in text


def test_nothing_printed_logged_or_kept_holds_a_key(
    folder: Path,
    httpserver: HTTPServer,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    monkeypatch.setattr(transfer, "BACKOFF", 0.01)
    caplog.set_level(logging.DEBUG)
    texts = []
    for answer in failure, redirect, delay, refusal, film:
        httpserver.clear()
        httpserver.expect_request(re.compile("/films.*")).respond_with_handler(answer)
        for service in SERVICES.values():
            plan = Plan(
                service=service, root=folder / "data", base_url=httpserver.url_for("/films"), max_age=180.0,
                rate=500.0, accept_terms=True, limit=1 if answer is delay else None,
            )  # fmt: skip
            monkeypatch.setattr(client, "TIMEOUT", 0.1 if answer is delay else 30.0)
            try:
                fetch(plan)
            except Exception:  # noqa: BLE001 - whatever it is, it is shown
                texts.append(traceback.format_exc())
    assert len(texts) == 8

    run = ("--config", "model4.yaml", "--data.root", "data")
    ask = ("data", "fetch", "omdb", "--root", "data", "--base_url")
    commands = (
        (*ask, "nowhere"), (*ask, "http://127.0.0.1:1", "--limit", "0"), ("data", "fetch", "--help"),
        ("fit", "--help"), ("fit", *run), ("fit", *run, "--data.seed", "-1"), ("test", *run), ("predict", *run),
        ("test", *run, "--ckpt_path", "none"), ("recommend", "--user_id", "1", "--min_ratings", "0"), ("report",),
    )  # fmt: skip
    texts += [said(*command) for command in commands]
    assert list(folder.glob("lightning_logs/model4/version_0/predictions.csv"))

    output = capfd.readouterr()
    records = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    assert_no_trace("\n".join([*texts, output.out, output.err, *records]))
    assert_no_trace(kept(folder).decode("latin-1"))
