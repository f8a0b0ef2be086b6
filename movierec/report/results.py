"""Collect the newest tested run of each configuration and seed, and say why other runs are left out."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import yaml

from movierec.console import printable
from movierec.metrics.comparison import test_set_of
from movierec.metrics.published import PUBLISHED, PUBLISHED_EPOCHS, PUBLISHED_FAMILY
from movierec.runs import Run, differing_options, find_runs

Family = Literal["published", "described", "other"]


@dataclass(frozen=True)
class Measured:
    """A configuration and the results of its runs.

    Attributes:
        name: The runs' name: `published/model1`, `sample/model1`.
        model: The last part of the name.
        family: `published` as the notebook ran it, `described` as the report describes it, or `other`.
        sample: Whether the ratings were generated.
        runs: The newest tested run of each seed, the newest first.
        contents: The metrics.json of each of them.
    """

    name: str
    model: str
    family: Family
    sample: bool
    runs: tuple[Run, ...]
    contents: tuple[dict[str, Any], ...]

    @property
    def newest(self) -> dict[str, Any]:
        """The metrics.json of the newest run."""
        return self.contents[0]

    @property
    def data(self) -> dict[str, Any]:
        """Description of the data, which is the same in all runs."""
        return dict(self.newest.get("data", {}))

    @property
    def seeds(self) -> list[int | None]:
        """The seed of each run; None if it was not recorded."""
        return [content.get("seed") for content in self.contents]

    def size(self, part: str) -> int | None:
        """Return the number of ratings in a part, if recorded."""
        size: int | None = self.data.get("rows", {}).get(part)
        return size

    def values(self, part: str, metric: str) -> list[float]:
        """List a metric of each run that has it."""
        found = [content.get(part, {}).get(metric) for content in self.contents]
        return [value for value in found if value is not None]

    def mean(self, part: str, metric: str) -> float | None:
        """Average a metric over the seeds; None if no run has it."""
        values = self.values(part, metric)
        return statistics.fmean(values) if values else None

    def sd(self, part: str, metric: str) -> float | None:
        """Compute the sample standard deviation over the seeds; None for fewer than two."""
        values = self.values(part, metric)
        return statistics.stdev(values) if len(values) > 1 else None

    @property
    def predicts_stars(self) -> bool:
        """Whether it is a model of ratings; models of lists have metrics of lists alone."""
        return bool(self.newest.get("test"))

    @property
    def test_set(self) -> str | None:
        """The hash of the test ratings; None if it is not recorded."""
        return test_set_of(self.data)

    @property
    def is_faithful(self) -> bool:
        """Whether all runs repeat the published notebook, with as many epochs."""
        epochs = {content.get("epochs", {}).get("trained") for content in self.contents}
        return self.family == "published" and not self.sample and epochs == {PUBLISHED_EPOCHS[self.model]}


def gather(root: Path, *, every: bool = False) -> tuple[list[Measured], list[str]]:
    """Read the runs' results.

    Args:
        root: The folder of the runs.
        every: Whether to list each tested run separately, not only the newest of each configuration and seed.

    Returns:
        The results, model by model, and a line for each run that is left out. Runs on generated ratings are left out
        beside runs on real ones.
    """
    found: list[Measured] = []
    lines: list[str] = []
    for name, group in groupby(find_runs(root), key=lambda pair: pair[0]):
        tested: list[tuple[Run, dict[str, Any]]] = []
        for _, run in reversed(list(group)):
            content, fault = read_tested(run)
            if fault:
                lines.append(f"{name}/{run.path.name}: {fault}")
            else:
                tested.append((run, content))
        if every:
            found += [measured(f"{name}/{run.path.name}", name, [(run, content)]) for run, content in tested]
        elif tested:
            chosen, left_out = choose(name, tested)
            found.append(measured(name, name, chosen))
            lines += left_out
    found.sort(key=lambda one: (one.model, one.family != "published", one.name))
    if real := [one for one in found if not one.sample]:
        lines += [f"{one.name}: measured on generated ratings." for one in found if one.sample]
    return real or found, lines


def read_tested(run: Run) -> tuple[dict[str, Any], str]:
    """Read the metrics.json of a tested run, or say why there is nothing to show."""
    content = run.read_metrics()
    if content.get("test") or content.get("retrieval"):
        return content, ""
    if content.get("refit") == "all":
        return {}, "trained on all ratings, for use: none are left to test on."
    if not run.metrics.exists() and not run.has_checkpoint:
        return {}, "no checkpoint and no metrics.json: its training stopped before the end of an epoch. Train again."
    state = "trained, not tested" if content or not run.metrics.exists() else "metrics.json is damaged"
    return {}, f"{state}. Test it: python -m movierec test --config {run.config.as_posix()}"


def measured(shown: str, name: str, tested: Sequence[tuple[Run, dict[str, Any]]]) -> Measured:
    """Combine the results of the runs of one name."""
    runs, contents = zip(*tested, strict=True)
    shown, name = printable(shown), printable(name)  # they stand in figures and file names
    sample = bool(contents[0].get("data", {}).get("sample"))
    return Measured(shown, name.rsplit("/", maxsplit=1)[-1], family_of(name, sample=sample), sample, runs, contents)


def family_of(name: str, *, sample: bool) -> Family:
    """Return the family of a run's configuration; the sample overlay does not change it."""
    own = name.removeprefix("sample/") if sample else name
    if own.removeprefix(PUBLISHED_FAMILY) not in PUBLISHED:
        return "other"
    return "published" if own.startswith(PUBLISHED_FAMILY) else "described"


def choose(
    name: str, tested: Sequence[tuple[Run, dict[str, Any]]]
) -> tuple[list[tuple[Run, dict[str, Any]]], list[str]]:
    """Choose the newest run of each seed, among those that differ from the newest run only in the seed."""
    newest_run, newest = tested[0]
    chosen: dict[int | None, tuple[Run, dict[str, Any]]] = {}
    lines, older = [], 0
    for run, content in tested:
        if difference := differs(content, newest, run, newest_run):
            lines.append(f"{name}/{run.path.name}: {difference}, so it is not averaged with {newest_run.path.name}.")
        elif content.get("seed") in chosen:
            older += 1
        else:
            chosen[content.get("seed")] = run, content
    if older:
        lines.append(f"{name}: {older} older {'run' if older == 1 else 'runs'} of the same seeds (--all shows them).")
    return list(chosen.values()), lines


def differs(content: dict[str, Any], newest: dict[str, Any], run: Run, newest_run: Run) -> str:
    """Describe how a run differs from the newest of its name, apart from the seed; empty if it does not."""
    if content.get("data", {}).get("fingerprint") != newest.get("data", {}).get("fingerprint"):
        return "its data or its split differ"
    version, newest_version = (one.get("versions", {}).get("movierec") for one in (content, newest))
    if version != newest_version:
        return f"it was measured with movierec {version or 'of an unknown version'}, not {newest_version or 'unknown'}"
    settings, newest_settings = settings_of(run), settings_of(newest_run)
    if settings and newest_settings and (changed := differing_options(settings, newest_settings)):
        return f"it was trained with another {', '.join(changed)}"
    return ""


def settings_of(run: Run) -> dict[str, Any]:
    """Read the options of a run without its seed; empty if they cannot be read."""
    try:
        config = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return config | {"seed_everything": None} if isinstance(config, dict) else {}


def letter_test_sets(found: Iterable[Measured]) -> dict[str | None, str]:
    """Give each set of test ratings a letter, in the order of appearance; an unrecorded one is `?`."""
    sets = dict.fromkeys(one.test_set for one in found if one.test_set)
    return {**{test_set: chr(ord("A") + rank) for rank, test_set in enumerate(sets)}, None: "?"}


def baselines_of(group: Iterable[Measured]) -> dict[str, dict[str, float]]:
    """Return the baselines' metrics from the first configuration of a group that has any."""
    return next((one.newest["baselines"] for one in group if one.newest.get("baselines")), {})
