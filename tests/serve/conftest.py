"""A server of the small model, in a thread of the tests."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from movierec.recommend.matching import FilmIds
from movierec.recommend.recommender import Recommender
from movierec.serve.about import describe
from movierec.serve.app import create_app
from movierec.serve.commands import bind
from movierec.serve.films import FilmService


@pytest.fixture(scope="session")
def address(trained: Recommender, checkpoint: Path) -> Iterator[str]:
    ids = FilmIds({int(trained.films.ids[0]): 114709}, {int(trained.films.ids[0]): 862})
    app = create_app(FilmService(trained, ids), describe(trained, [checkpoint]))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with bind(0) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client
