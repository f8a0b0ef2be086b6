"""Which configurations are trained, with which seeds, in which order."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from movierec.errors import ConfigError

FIRST_SEED = 123  # the seed of a fit that names none, whose run then counts
SEEDS = 5
LARGE, LARGE_SEEDS = "model5", 2  # takes longer than all others together
START = 7.0  # seconds that a process takes to begin, mostly to import Lightning
PATIENCE = "configs/patience.yaml"
PUBLISHED = tuple(f"published/model{number}" for number in range(1, 6))
SMALL = tuple(f"model{number}" for number in range(1, 5))
ABLATION = tuple(f"ablation/{name}" for name in ("genres", "tmdb", "imdb", "both"))
NAMES = (*PUBLISHED, *SMALL, *ABLATION, LARGE)


@dataclass(frozen=True)
class Entry:
    """A configuration of the plan.

    Attributes:
        name: Its name, which its runs have too.
        configs: The files that `--config` takes: the configuration and its overlays.
        seeds: Seeds of the network; none means the one of the configuration.
    """

    name: str
    configs: tuple[str, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """What the options of a fit come to.

    Attributes:
        config: The configuration with every default, as a run's config.yaml has it.
        root: The data root.
        missing: Files that are to be read and are not there, below the root.
        fingerprint: Of the data and the options that shape them; empty where files are missing.
        sample: Whether the data were generated.
        epochs: How many are expected to be trained.
        seconds: How long fit and test are expected to take together, before any was measured.
    """

    config: dict[str, Any]
    root: str
    missing: list[str]
    fingerprint: str
    sample: bool
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Job:
    """One run to be had: a configuration with a seed.

    Attributes:
        entry: The configuration.
        seed: The network's.
        resolved: What they come to.
    """

    entry: Entry
    seed: int
    resolved: Resolved

    @property
    def name(self) -> str:
        """The run's name."""
        return self.entry.name

    def __str__(self) -> str:
        """Name it for people."""
        return f"{self.name}, seed {self.seed}"


def make_entries(*, seeds: int, full: bool, only: Sequence[str] = (), overlays: Sequence[str] = ()) -> list[Entry]:
    """List the configurations: the published ones once, the described ones over seeds, the largest last.

    Args:
        seeds: Number of seeds of all described models but the largest, which has two at most.
        full: Train all epochs of the largest model.
        only: Names to keep, in which `*` stands for anything.
        overlays: Configurations that come after each of them.

    Raises:
        ConfigError: No configuration has one of the names, or there is no seed.
    """
    if seeds < 1:
        raise ConfigError(f"Expected --seeds of 1 or more, got {seeds}.")
    for pattern in only:
        if not any(fnmatchcase(name, pattern) for name in NAMES):
            raise ConfigError(f"Expected --only with some of {', '.join(NAMES)}; got {pattern}.")
    names = [name for name in NAMES if not only or any(fnmatchcase(name, pattern) for pattern in only)]
    return [make_entry(name, seeds=seeds, full=full, overlays=overlays) for name in names]


def make_entry(name: str, *, seeds: int, full: bool, overlays: Sequence[str]) -> Entry:
    """Say how a configuration is trained."""
    patience = [PATIENCE] if name == LARGE and not full else []
    configs = (f"configs/{name}.yaml", *patience, *overlays)
    count = 0 if name in PUBLISHED else min(seeds, LARGE_SEEDS) if name == LARGE else seeds
    return Entry(name, configs, tuple(range(FIRST_SEED, FIRST_SEED + count)))


def resolve_all(fits: Sequence[Sequence[str]]) -> list[Resolved]:
    """Resolve the arguments of several fits in a process of their own.

    Raises:
        ConfigError: Options that fit refuses; the message is fit's.
    """
    command = [sys.executable, "-m", "movierec.model_selection.resolve"]
    done = subprocess.run(  # noqa: S603 - our own module
        command, input=json.dumps([list(fit) for fit in fits]), capture_output=True, encoding="utf-8", check=False,
        start_new_session=True,  # Ctrl-C is for this process, which ends that one
    )  # fmt: skip
    if done.returncode != 0:
        raise ConfigError(done.stderr.strip().removeprefix("movierec: error: "))
    return [Resolved(**found) for found in json.loads(done.stdout)]


def make_jobs(entries: Sequence[Entry], resolved: Sequence[Resolved]) -> list[Job]:
    """List the runs, each with its own seed in its configuration."""
    return [
        Job(entry, seed, found)
        for entry, found in zip(entries, resolved, strict=True)
        for seed in entry.seeds or (found.config["seed_everything"],)
    ]
