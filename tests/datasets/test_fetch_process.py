"""The whole command as a process of its own: killed, interrupted, and read by the readers."""

import csv
import json
import math
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pandas as pd
import pytest

from movierec.cli import main
from movierec.datasets.metadata import OMDB_FILE, TMDB_FILE, read_omdb, read_tmdb
from movierec.datasets.store import STORE_FILE, open_store

pytestmark = pytest.mark.slow

SERVER = Path(__file__).with_name("film_server.py")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of each service."""
    monkeypatch.setenv("TMDB_API_KEY", "key")
    monkeypatch.setenv("OMDB_API_KEY", "key")


def write_release(root: Path, links: list[str]) -> Path:
    folder = root / "ml-latest-small"
    folder.mkdir(parents=True)
    movies = [f"{link.split(',')[0]},Film,Drama" for link in links]
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *movies, ""]), encoding="utf-8")
    (folder / "links.csv").write_text("\n".join(["movieId,imdbId,tmdbId", *links, ""]), encoding="utf-8")
    return root


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@contextmanager
def film_server(folder: Path, *options: str) -> Iterator[tuple[str, Path]]:
    """Runs the server of films as a process of its own; gives its address and its log."""
    log = folder / "asked.log"
    command = [sys.executable, str(SERVER), "--log", str(log), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own command
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}", log
        finally:
            server.kill()


def fetch_command(service: str, root: Path, url: str, *more: str) -> list[str]:
    options = ["--root", str(root), "--base_url", url, "--rate", "2000", "--accept_terms", *more]
    return [sys.executable, "-m", "movierec", "data", "fetch", service, *options]


def stored_ids(root: Path) -> set[int]:
    with closing(sqlite3.connect(root / STORE_FILE, timeout=60)) as connection:
        return {film_id for (film_id,) in connection.execute("SELECT film_id FROM answers")}


def asked_films(log: Path) -> list[int]:
    return [int(line.split()[0]) for line in log.read_text(encoding="utf-8").splitlines()]


def test_a_fetch_that_is_killed_five_times_loses_nothing_and_asks_for_nothing_twice(tmp_path: Path) -> None:
    num_films, chance = 1_000, random.Random(7)  # noqa: S311 - no secret
    root = write_release(tmp_path / "data", [f"{n},{n:07d},{n}" for n in range(1, num_films + 1)])
    stored: set[int] = set()
    with open_store(root, "tmdb"):
        pass  # so that it is there to be looked into
    with film_server(tmp_path) as (url, log):
        log.touch()
        for kill in range(5):
            enough = num_films * kill // 8 + chance.randrange(1, num_films // 8)
            before = len(asked_films(log))
            with subprocess.Popen(  # noqa: S603 - our own command
                fetch_command("tmdb", root, url, "--rate", "500"),  # slow enough to be killed before the end
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as process:
                while len(stored_ids(root)) < enough and process.poll() is None:
                    time.sleep(0.01)
                assert process.poll() is None
                process.kill()
            assert not stored & set(asked_films(log)[before:])
            later = stored_ids(root)
            assert stored <= later
            stored = later
        before = len(asked_films(log))
        subprocess.run(fetch_command("tmdb", root, url), check=True, capture_output=True)  # noqa: S603 - our own
    assert not stored & set(asked_films(log)[before:])
    assert Counter(asked_films(log)).keys() == set(range(1, num_films + 1))
    assert [int(row["tmdbId"]) for row in rows(root / TMDB_FILE)] == list(range(1, num_films + 1))


@pytest.mark.skipif(os.name != "posix", reason="only there a process can be sent what Ctrl-C sends")
@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_stop_keeps_what_was_fetched_and_has_its_own_status(
    number: signal.Signals, status: int, word: str, tmp_path: Path
) -> None:
    root = write_release(tmp_path / "data", [f"{n},{n:07d},{n}" for n in range(1, 401)])
    with open_store(root, "omdb"):
        pass  # so that it is there to be looked into
    with film_server(tmp_path, "--latency", "0.05") as (url, log):
        with subprocess.Popen(  # noqa: S603 - our own command
            fetch_command("omdb", root, url), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            while len(stored_ids(root)) < 50 and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(number)
            assert process.stderr is not None
            error = process.stderr.read()
        assert process.returncode == status
        assert f"movierec: {word}; " in error
        assert "Traceback" not in error
        stored = stored_ids(root)
        assert len(rows(root / OMDB_FILE)) == len(stored) >= 50
        before = len(asked_films(log))
        subprocess.run(fetch_command("omdb", root, url), check=True, capture_output=True)  # noqa: S603 - our own
    assert not stored & set(asked_films(log)[before:])
    assert len(rows(root / OMDB_FILE)) == 400


def fetch_like(given: Path, folder: Path) -> Path:
    """Fetches the films of a data root from a server that has the rows of its metadata; returns the new root."""
    root = folder / "fetched"
    for entry in given.iterdir():
        if entry.name.startswith("ml-"):
            shutil.copytree(entry, root / entry.name)
    files = ("--tmdb", str(given / TMDB_FILE), "--omdb", str(given / OMDB_FILE))
    with film_server(folder, *files) as (url, _):
        for service in ("tmdb", "omdb"):
            command = fetch_command(service, root, url, "--limit", "1000")
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command
    return root


def assert_same_values(given: Path, fetched: Path) -> None:
    for read in (read_tmdb, read_omdb):
        before, after = read(given), read(fetched)
        before = before[before.index.isin(after.index)].sort_index()
        assert len(before) > 300
        pd.testing.assert_frame_equal(after, before)


def test_what_is_fetched_is_what_the_server_has_and_a_model_trains_on_it(
    sample_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fetch_like(sample_root, tmp_path)
    assert_same_values(sample_root, root)
    config = Path("configs/model4.yaml").absolute()
    monkeypatch.chdir(tmp_path)
    options = [
        "--config",
        str(config),
        "--data.root",
        str(root),
        "--trainer.max_epochs",
        "1",
        "--model.network.hidden",
        "[8]",
    ]
    assert main(["fit", *options, "--model.network.dropout", "[0.0]", "--trainer.accelerator", "cpu"]) == 0
    metrics = json.loads((tmp_path / "lightning_logs" / "model4" / "version_0" / "metrics.json").read_text("utf-8"))
    assert math.isfinite(metrics["val"]["rmse_stars"])


def test_the_real_films_fetched_have_the_values_of_the_real_files(real_root: Path, tmp_path: Path) -> None:
    assert_same_values(real_root, fetch_like(real_root, tmp_path))
