"""Store the raw answers of the film services in a SQLite file that survives kill -9 and a power cut."""

import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from movierec.datasets.service import Verdict
from movierec.errors import StoreError

STORE_FILE = "metadata/answers.sqlite"
PATIENCE = 60.0  # seconds to wait while a fetch from another service writes
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;  -- NORMAL may lose the newest answers in a power cut
PRAGMA fullfsync = TRUE;    -- macOS: fsync alone leaves them in the disk's own memory
CREATE TABLE IF NOT EXISTS answers (
    service TEXT NOT NULL,
    film_id INTEGER NOT NULL,
    verdict TEXT NOT NULL,  -- film or missing
    status INTEGER NOT NULL,  -- of HTTP
    fetched REAL NOT NULL,  -- seconds since 1970, UTC
    body BLOB NOT NULL,  -- as it came, compressed by zlib
    PRIMARY KEY (service, film_id)
);
"""


class AnswerStore:
    """The answers of one service.

    Args:
        connection: The open file.
        service: Name of the service.
    """

    def __init__(self, connection: sqlite3.Connection, service: str) -> None:
        self.connection, self.service = connection, service

    def put(self, film_id: int, verdict: Verdict, status: int, body: bytes) -> None:
        """Store an answer, replacing an earlier one; it is on the disk when this returns."""
        row = (self.service, film_id, verdict.value, status, time.time(), zlib.compress(body))
        self.connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)

    def known(self, since: float = 0.0) -> set[int]:
        """List the films with an answer not older than `since`, in seconds since 1970, UTC."""
        query = "SELECT film_id FROM answers WHERE service = ? AND fetched >= ?"
        return {film_id for (film_id,) in self.connection.execute(query, (self.service, since))}

    def films(self) -> Iterator[tuple[int, bytes]]:
        """Read the id and the raw body of each answer that is a film, by id."""
        query = "SELECT film_id, body FROM answers WHERE service = ? AND verdict = ? ORDER BY film_id"
        for film_id, body in self.connection.execute(query, (self.service, Verdict.FILM.value)):
            yield film_id, zlib.decompress(body)


@contextmanager
def open_store(root: Path, service: str) -> Iterator[AnswerStore]:
    """Open the answers of a service below a data root, for one process at a time; all services share the file."""
    path = root / STORE_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            FileLock(path.with_name(f"answers.{service}.lock"), timeout=0),
            closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection,
        ):
            connection.executescript(SCHEMA)
            yield AnswerStore(connection, service)
    except Timeout:
        raise StoreError(
            f"Another fetch from {service} is running in {root}. Wait until it ends, or stop it; what it has "
            "fetched is kept."
        ) from None
    except sqlite3.Error as error:
        raise StoreError(
            f"{path}: the answers cannot be stored or read: {error}. If the disk is full, make room and run the same "
            "command again; if the file is damaged, move it away. Films that are in the csv file stay there."
        ) from error
