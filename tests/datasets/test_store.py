"""The store of answers: what is put into it stays, whatever happens."""

import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from movierec.datasets.service import Verdict
from movierec.datasets.store import STORE_FILE, open_store
from movierec.errors import StoreError

HOUR = 3600.0


def test_an_answer_is_read_back_as_it_came(tmp_path: Path) -> None:
    body = '{"title": "千年の \\ud800"}\r\n'.encode()
    with open_store(tmp_path, "tmdb") as store:
        store.put(2, Verdict.FILM, 200, body)
        store.put(1, Verdict.MISSING, 404, b"")
    with open_store(tmp_path, "tmdb") as store:
        assert store.known() == {1, 2}
        assert list(store.films()) == [(2, body)]


def test_a_later_answer_replaces_the_earlier_one(tmp_path: Path) -> None:
    with open_store(tmp_path, "tmdb") as store:
        store.put(1, Verdict.FILM, 200, b"old")
        store.put(1, Verdict.FILM, 200, b"new")
        assert list(store.films()) == [(1, b"new")]
        store.put(1, Verdict.MISSING, 404, b"gone")
        assert list(store.films()) == []


def test_services_share_the_file_and_not_the_films(tmp_path: Path) -> None:
    with open_store(tmp_path, "tmdb") as tmdb, open_store(tmp_path, "omdb") as omdb:
        tmdb.put(1, Verdict.FILM, 200, b"tmdb")
        omdb.put(1, Verdict.FILM, 200, b"omdb")
        assert list(tmdb.films()) == [(1, b"tmdb")]
        assert list(omdb.films()) == [(1, b"omdb")]


def test_answers_older_than_asked_for_are_not_known(tmp_path: Path) -> None:
    with open_store(tmp_path, "tmdb") as store:
        for film_id in (1, 2):
            store.put(film_id, Verdict.FILM, 200, b"")
        (now,) = store.connection.execute("SELECT fetched FROM answers WHERE film_id = 2").fetchone()
        store.connection.execute("UPDATE answers SET fetched = fetched - ? WHERE film_id = 1", (2 * HOUR,))
        assert store.known(since=now - HOUR) == {2}
        assert store.known() == {1, 2}


def test_a_service_has_one_store_at_a_time(tmp_path: Path) -> None:
    with (
        open_store(tmp_path, "tmdb"),
        pytest.raises(StoreError, match="Another fetch from tmdb is running"),
        open_store(tmp_path, "tmdb"),
    ):
        pass
    with open_store(tmp_path, "tmdb"):
        pass


def test_a_process_that_was_killed_leaves_its_answers_and_no_lock(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from movierec.datasets.store import open_store, Verdict\n"
        "with open_store(Path(sys.argv[1]), 'tmdb') as store: store.put(7, Verdict.FILM, 200, b'seven'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 9  # noqa: S603 - our own command
    with open_store(tmp_path, "tmdb") as store:
        assert list(store.films()) == [(7, b"seven")]


def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    with open_store(tmp_path, "tmdb") as store:
        assert store.connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert store.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def fill(root: Path) -> None:
    """Put an answer, and a second one when SQLite reports a full disk."""
    with open_store(root, "tmdb") as store:
        store.put(1, Verdict.FILM, 200, b"first")
        pages = store.connection.execute("PRAGMA page_count").fetchone()[0]
        store.connection.execute(f"PRAGMA max_page_count = {pages}")
        store.put(2, Verdict.FILM, 200, random.Random(0).randbytes(100_000))  # noqa: S311 - cannot be compressed


def test_a_full_disk_is_an_error_that_keeps_the_earlier_answers(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"disk is full.*make room"):
        fill(tmp_path)
    with open_store(tmp_path, "tmdb") as store:
        assert list(store.films()) == [(1, b"first")]


def test_a_foreign_file_in_its_place_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / STORE_FILE
    path.parent.mkdir()
    path.write_bytes(b"this is no database, however long it is" * 100)
    for _ in range(2):  # the lock is given back
        with pytest.raises(StoreError, match=r"not a database.*move it away"), open_store(tmp_path, "tmdb"):
            pass
    assert path.read_bytes().startswith(b"this is no database")


def test_other_programs_can_read_the_answers(tmp_path: Path) -> None:
    with open_store(tmp_path, "tmdb") as store:
        store.put(1, Verdict.MISSING, 404, b"")
    connection = sqlite3.connect(tmp_path / STORE_FILE)
    row = connection.execute("SELECT service, film_id, verdict, status FROM answers").fetchone()
    connection.close()
    assert row == ("tmdb", 1, "missing", 404)
