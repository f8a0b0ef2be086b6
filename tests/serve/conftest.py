"""A server of the small model, in a thread of the tests."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pandas as pd
import pytest
import uvicorn

from movierec.recommend.recommender import Recommender
from movierec.serve.about import describe
from movierec.serve.app import create_app
from movierec.serve.commands import bind
from movierec.serve.films import FilmService


@pytest.fixture(scope="session")
def facts(trained: Recommender) -> pd.DataFrame:
    """Of each second film that can be listed: it is Swedish and takes 80 minutes. The first film is Toy Story."""
    facts = pd.DataFrame({"imdb_id": -1, "tmdb_id": -1, "language": None, "minutes": float("nan")}, trained.films.ids)
    facts.loc[trained.films.ids[trained.films.listed][::2], ["language", "minutes"]] = "sv", 80.0
    facts.iloc[0, :2] = 114709, 862
    return facts


@pytest.fixture(scope="session")
def address(trained: Recommender, checkpoint: Path, facts: pd.DataFrame) -> Iterator[str]:
    yield from serve(trained, checkpoint, facts)


def serve(recommender: Recommender, checkpoint: Path, facts: pd.DataFrame) -> Iterator[str]:
    """Serve a recommender, at the address that is returned."""
    service = FilmService(recommender, facts)
    app = create_app(service, describe(service, [checkpoint]))
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
