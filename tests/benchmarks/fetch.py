"""How near a fetch comes to the rate that it may ask at: from a server of its own, 50 ms away."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from movierec.datasets.fetch import SERVICES, Plan, fetch

SERVER = Path(__file__).parents[1] / "datasets" / "film_server.py"
LATENCY = 0.05  # seconds


def measure(*, num_films: int, rate: float) -> dict[str, float]:
    """Fetch films, and measure the films a second, and the most requests in any whole second of the server's clock."""
    with tempfile.TemporaryDirectory() as folder:
        root, log = Path(folder, "root"), Path(folder, "log")
        write_release(root, num_films)
        with film_server("--log", str(log), "--latency", str(LATENCY)) as url:
            plan = Plan(service=SERVICES["tmdb"], root=root, max_age=None, rate=rate, base_url=url, accept_terms=True)
            with mock.patch.dict(os.environ, {"TMDB_API_KEY": "benchmark"}), contextlib.redirect_stdout(None):
                start = time.perf_counter()
                fetch(plan)
                seconds = time.perf_counter() - start
        times = [float(line.split()[1]) for line in log.read_text(encoding="utf-8").splitlines()]
    most = max(Counter(int(at - times[0]) for at in times).values())
    return {
        "films a second": num_films / seconds,
        "share of the rate": num_films / seconds / rate,
        "most in a second": most,
    }


def write_release(root: Path, num_films: int) -> None:
    """Write the films and links of a release."""
    folder = root / "ml-latest-small"
    folder.mkdir(parents=True)
    ids = range(1, num_films + 1)
    movies = "".join(f"{n},Film {n},Drama\n" for n in ids)
    links = "".join(f"{n},{n:07d},{n}\n" for n in ids)
    (folder / "movies.csv").write_text(f"movieId,title,genres\n{movies}", encoding="utf-8")
    (folder / "links.csv").write_text(f"movieId,imdbId,tmdbId\n{links}", encoding="utf-8")


@contextlib.contextmanager
def film_server(*options: str) -> Iterator[str]:
    """Run the server of films for a while, and give its address."""
    command = [sys.executable, str(SERVER), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own command
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.kill()
