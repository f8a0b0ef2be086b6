"""How fast films are recommended: to one user, to a new one, to all, and from the shell."""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import torch
from torch import Tensor, nn

from movierec.data.tables import Tables
from movierec.models.checkpoint import read_checkpoint, restore_model
from movierec.models.mlp import MLP
from movierec.recommend.output import writer_to
from movierec.recommend.recommender import Recommender
from tests.benchmarks.start import fit, peak_megabytes

Clock = Callable[[], float]
CALLS = 15  # of each kind, a round
TORCH = "import torch"
OURS = "import movierec.recommend.recommender"
COMMAND = """\
import sys
from movierec.cli import main
main(sys.argv[1:])
print(open('/proc/self/status').read(), file=sys.stderr)
"""


def measure(config: str, *, root: Path, options: argparse.Namespace) -> Iterator[tuple[str, dict[str, float]]]:
    """Measure the recommendations of a model: of a checkpoint if one is named, else of one trained for 100 batches."""
    with tempfile.TemporaryDirectory() as folder:
        path = options.ckpt_path
        if path is None:
            fit(config, root, "--trainer.max_epochs", "1", "--trainer.limit_train_batches", "100", folder=folder)
            (path,) = Path(folder).glob("**/best.ckpt")
        yield "elapsed, all threads", measure_calls(path, rounds=options.rounds, clock=time.perf_counter)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        yield "processor, one thread", measure_calls(path, rounds=options.rounds, clock=time.thread_time)
        torch.set_num_threads(threads)
        yield "from the shell", measure_command(path, Path(folder), rounds=options.rounds)


def measure_calls(path: Path, *, rounds: int, clock: Clock) -> dict[str, float]:
    """Time calls, in turn with a dense forward pass over all films.

    Args:
        path: The checkpoint.
        rounds: How often each kind has its turn.
        clock: Of the time that passes, or, on a machine that others use too, of this thread's share of a processor.

    Returns:
        Medians over rounds of each round's median, in milliseconds a user; and how many times as many users a second
        `recommend_all`, written to a file, serves as the dense pass over all films. `as shipped` leaves out the films
        that `recommend` does by default; else all are scored, as if all had the metadata that the network reads.
    """
    content = read_checkpoint(path)
    tables = Tables.from_state(content["tables"])
    network = restore_model(content, tables)
    assert isinstance(network, MLP)
    shipped = Recommender(network)
    everything = replace(tables, complete=torch.ones_like(tables.complete))
    of_all = restore_model(content, everything)
    assert isinstance(of_all, MLP)
    whole = Recommender(of_all)
    users = cycle(tables.user_ids[torch.randperm(len(tables.user_ids))].tolist())
    ratings = {int(film): float(1 + film % 5) for film in tables.movie_ids[::50][:20]}
    dense = dense_forward(tables, network)
    calls: dict[str, Callable[[], object]] = {
        "dense pass over all films": lambda: dense(next(users)),
        "one user, all films": lambda: whole.recommend(next(users), min_ratings=0),
        "one user, as shipped": lambda: shipped.recommend(next(users)),
        "a new user of 20 ratings, all films": lambda: whole.recommend(ratings=ratings, min_ratings=0),
        "a new user of 20 ratings, as shipped": lambda: shipped.recommend(ratings=ratings),
    }
    found: dict[str, list[float]] = {name: [] for name in calls}
    every: dict[str, list[float]] = {"all users, all films": [], "all users, as shipped": []}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(statistics.median(seconds(call, clock) for _ in range(CALLS)))
        every["all users, all films"].append(of_all(whole, clock, min_ratings=0))
        every["all users, as shipped"].append(of_all(shipped, clock))
    slow = found["dense pass over all films"]
    ratios = {
        f"{name}: times the dense pass": statistics.median(a / b for a, b in zip(slow, values, strict=True))
        for name, values in every.items()
    }
    milliseconds = {f"ms: {name}": 1e3 * statistics.median(values) for name, values in (found | every).items()}
    return {"films": len(tables.movie_ids), **milliseconds, **ratios}


def dense_forward(tables: Tables, network: MLP) -> Callable[[int], Tensor]:
    """Build the plain network over dense inputs, and return what scores all films for a user."""
    first = nn.Linear(tables.width, len(network.first.bias))
    first.weight.data, first.bias.data = network.first.dense_weight(), network.first.bias
    plain = nn.Sequential(first, *network.rest).eval()
    bank = tables.scoring_bank
    d_user = tables.user_statistics.shape[-1]
    films = torch.cat([tables.movie_features, tables.movie_statistics[bank]], dim=1)
    inputs = torch.cat([films, torch.zeros(len(films), d_user)], dim=1)

    @torch.inference_mode()
    def score(user_id: int) -> Tensor:
        inputs[:, -d_user:] = tables.user_statistics[bank, int(torch.searchsorted(tables.user_ids, user_id))]
        ratings: Tensor = plain(inputs)
        return ratings

    return score


def of_all(recommender: Recommender, clock: Clock, **filters: int) -> float:
    """Write the films of some users to a csv file, and return the seconds a user."""
    with tempfile.TemporaryDirectory() as folder, writer_to(Path(folder, "top.csv")) as write:

        def serve() -> None:
            for frame in islice(recommender.recommend_all(**filters), CALLS):
                write(frame)

        return seconds(serve, clock) / CALLS


def seconds(call: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    """Time a call."""
    begun = clock()
    call()
    return clock() - begun


def measure_command(path: Path, folder: Path, *, rounds: int) -> dict[str, float]:
    """Time whole processes: the imports, the command for one user, and that for all of them with its peak memory."""
    one = ["-m", "movierec", "recommend", "--user_id", "1", "--ckpt_path", str(path)]
    commands = {"import of torch": ["-c", TORCH], "import of the recommender": ["-c", OURS], "one user": one}
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, arguments in commands.items():
            found[name].append(seconds(lambda arguments=arguments: python(*arguments)))  # type: ignore[misc]
    every = ["recommend", "--all", "--out", str(folder / "top.csv"), "--ckpt_path", str(path)]
    begun = time.perf_counter()
    status = python("-c", COMMAND, *every).stderr
    total = time.perf_counter() - begun
    return {
        **{f"seconds: {name}": statistics.median(values) for name, values in found.items()},
        "seconds: all users": total,
        "peak megabytes: all users": peak_megabytes(status),
    }


def python(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a process of Python."""
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)  # noqa: S603 - our own text
