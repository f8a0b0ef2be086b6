"""How long the rest will take: expected costs first, and measured ones as soon as there are some."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from movierec.model_selection.plan import START, Job

EPOCH_LINE = re.compile(rb"^epoch (\d+)/\d+", re.MULTILINE)  # what a fit writes into its log
ENOUGH = 4096  # bytes at the end of a log that hold such a line
ALMOST = 0.95  # of a run, until its test is over


class Forecast:
    """Estimate seconds from what comparable runs have taken."""

    def __init__(self) -> None:
        self.measured: dict[str, list[float]] = defaultdict(list)
        self.expected = 0.0

    def learn(self, job: Job, seconds: float) -> None:
        """Take in what a job took."""
        self.measured[job.name].append(seconds)
        self.expected += job.resolved.seconds

    def estimate(self, job: Job) -> float:
        """Estimate a job: the mean of its configuration, else what was expected times how wrong that was so far."""
        if known := self.measured[job.name]:
            return sum(known) / len(known)
        total = sum(map(sum, self.measured.values()))
        return job.resolved.seconds * (total / self.expected if self.expected else 1.0)

    def total(self, jobs: Iterable[Job]) -> float:
        """Estimate several jobs, one after another."""
        return sum(map(self.estimate, jobs))


def seconds_of(content: dict[str, Any]) -> float:
    """Add up what fit and test of a run took by its metrics.json, and about what the start of both did."""
    return 2 * START + float(sum(content.get("seconds", {}).get(command, 0.0) for command in ("fit", "test")))


def epoch_in(log: Path) -> int:
    """Read the newest epoch from the end of a log; 0 if there is none."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - ENOUGH))
            text = file.read()
    except FileNotFoundError:
        return 0
    newest = text.rpartition(b"$ python -m movierec ")[2]
    return int(max(EPOCH_LINE.findall(newest), key=int, default=0))


def share_done(job: Job, log: Path) -> float:
    """Say which part of a running job is done, from 0 to 1."""
    return min(ALMOST, epoch_in(log) / job.resolved.epochs)
