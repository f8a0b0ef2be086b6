"""The answers of the film services as they came, in a SQLite file: what is in it survives kill -9 and a power cut."""

import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from movierec.datasets.service import Verdict
from movierec.errors import StoreError

STORE_FILE = "metadata/answers.sqlite"
PATIENCE = 60.0  # seconds to wait while a fetch from another service writes
DAMAGED = {"SQLITE_CORRUPT", "SQLITE_NOTADB"}
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;  -- NORMAL may lose the newest answers in a power cut
PRAGMA fullfsync = TRUE;    -- macOS: fsync alone leaves them in the disk's own memory
CREATE TABLE IF NOT EXISTS answers (
    service TEXT NOT NULL,
    film_id INTEGER NOT NULL,
    verdict TEXT NOT NULL,  -- film, missing, or other: that of another film
    status INTEGER NOT NULL,  -- of HTTP
    fetched REAL NOT NULL,  -- seconds since 1970, UTC
    body BLOB NOT NULL,  -- as it came, compressed by zlib
    PRIMARY KEY (service, film_id)
);
CREATE TABLE IF NOT EXISTS consents (
    service TEXT NOT NULL,
    terms TEXT NOT NULL,
    accepted REAL NOT NULL,  -- seconds since 1970, UTC
    PRIMARY KEY (service, terms)
);
"""


class AnswerStore:
    """The answers of one service; only one store of a service can be open at a time.

    Args:
        root: The data root; the file is `metadata/answers.sqlite` below it, and all services share it.
        service: Name of the service.

    Raises:
        StoreError: Another process has it open, or the file cannot be opened.
    """

    def __init__(self, root: Path, service: str) -> None:
        self.path = root / STORE_FILE
        self.service = service
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(self.path.with_name(f"answers.{service}.lock"))
        try:
            self.lock.acquire(timeout=0)
        except Timeout:
            raise StoreError(
                f"Another fetch from {service} is at work in {root}. Wait until it has ended, or stop it; what it has "
                "fetched is kept."
            ) from None
        try:
            # SQLite does not wait for others while it changes the journal's mode, as it does in a new file.
            with FileLock(self.path.with_name("answers.lock"), timeout=PATIENCE), explain(self.path):
                self.connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
                self.connection.executescript(SCHEMA)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Use the store for a while."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the file, and let others open it."""
        if hasattr(self, "connection"):
            self.connection.close()
        self.lock.release()

    def put(self, film_id: int, verdict: Verdict, status: int, body: bytes) -> None:
        """Keep an answer in place of an earlier one; it is on the disk when this returns.

        Raises:
            StoreError: It cannot be written.
        """
        row = (self.service, film_id, verdict.value, status, time.time(), zlib.compress(body))
        with explain(self.path):
            self.connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)

    def known(self, since: float = 0.0) -> dict[int, Verdict]:
        """List the films that have an answer.

        Args:
            since: Leave out older answers, seconds since 1970, UTC.
        """
        query = "SELECT film_id, verdict FROM answers WHERE service = ? AND fetched >= ?"
        with explain(self.path):
            rows = self.connection.execute(query, (self.service, since)).fetchall()
        return {film_id: Verdict(verdict) for film_id, verdict in rows}

    def films(self) -> Iterator[tuple[int, bytes]]:
        """Read the answers that are films, by id: the id, and the body as it came."""
        query = "SELECT film_id, body FROM answers WHERE service = ? AND verdict = ? ORDER BY film_id"
        with explain(self.path):
            for film_id, body in self.connection.execute(query, (self.service, Verdict.FILM.value)):
                yield film_id, zlib.decompress(body)

    def accept(self, terms: str) -> None:
        """Remember that the user has accepted the service's terms."""
        with explain(self.path):
            row = (self.service, terms, time.time())
            self.connection.execute("INSERT OR REPLACE INTO consents VALUES (?, ?, ?)", row)

    def has_accepted(self, terms: str) -> bool:
        """Say whether the user has accepted these very terms."""
        query = "SELECT 1 FROM consents WHERE service = ? AND terms = ?"
        with explain(self.path):
            return self.connection.execute(query, (self.service, terms)).fetchone() is not None


@contextmanager
def explain(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one that says what to do.

    Raises:
        StoreError: Of any error of SQLite's.
    """
    try:
        yield
    except (sqlite3.Error, zlib.error) as error:
        if isinstance(error, zlib.error) or getattr(error, "sqlite_errorname", "") in DAMAGED:
            raise StoreError(
                f"{path}: expected a store of answers, found a damaged or foreign file ({error}). Move it away, and "
                "fetch again; films that are in the csv file stay there."
            ) from error
        raise StoreError(
            f"{path}: the answers cannot be kept or read: {error}. See that the disk has room and that you may write "
            "there, then run the same command again: all answers before this one are kept."
        ) from error
