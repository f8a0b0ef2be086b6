"""What the runs measured: each configuration's newest tested runs, one a seed, and why other runs are left out."""

import json
import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Literal

import yaml

from movierec.console import printable
from movierec.metrics.published import PUBLISHED, PUBLISHED_FAMILY
from movierec.runs import Run, find_runs

Family = Literal["published", "described", "other"]
METRICS_FILE = "metrics.json"
EXPECTED = ("r2", "mae", "rmse", "mae_stars", "rmse_stars", "ndcg@10")  # what every version of `test` writes
NUMBERS = ("train", "val", "test", "seconds", "epochs", "limits", "data.rows")  # entries that map names to numbers
OBJECTS = ("data", "data.options", "data.files", "versions", *NUMBERS)
UNCHANGING = ("data", "model", "checkpoint")  # of config.yaml; two runs that differ in them differ in more than luck
# Of the data's options: they change no number, or are told by the fingerprint, as the columns that are left are.
PLACES = ("root", "cache", "num_workers", "pairs", "exclude_columns", "allow_leaks")


@dataclass(frozen=True)
class Measured:
    """A configuration, and what its runs measured.

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
        """What the newest run's data are; all runs have the same."""
        return dict(self.newest.get("data", {}))

    @property
    def seeds(self) -> list[int | None]:
        """The seed of each run; None where it was not recorded."""
        return [content.get("seed") for content in self.contents]

    def size(self, part: str) -> int | None:
        """Count the ratings in a part, where that is recorded."""
        size: int | None = self.data.get("rows", {}).get(part)
        return size

    def values(self, part: str, metric: str) -> list[float]:
        """List a metric of each run that has it."""
        found = [content.get(part, {}).get(metric) for content in self.contents]
        return [value for value in found if value is not None]

    def mean(self, part: str, metric: str) -> float | None:
        """Average a metric over the seeds; None where no run has it."""
        values = self.values(part, metric)
        return statistics.fmean(values) if values else None

    def sd(self, part: str, metric: str) -> float | None:
        """Compute the sample standard deviation over the seeds; None where there are less than two."""
        values = self.values(part, metric)
        return statistics.stdev(values) if len(values) > 1 else None

    @property
    def test_set(self) -> str | None:
        """Tell one set of test ratings from another; None where it is not recorded.

        Ratings are left out for what a model reads. Two models that read one file, split it alike and are left with
        equally many ratings, users and films are taken to be tested on the same ratings.
        """
        data, options = self.data, self.data.get("options", {})
        files = [digest for name, digest in data.get("files", {}).items() if "ratings" in name]
        split = [options.get(name) for name in ("release", "split", "fractions", "seed", "whole_stars")]
        counts = [data.get(name) for name in ("ratings", "users", "movies")]
        known = [*files, *split, *counts, self.size("test")]
        return None if not files or None in known else json.dumps(known)


def gather(root: Path, *, every: bool = False) -> tuple[list[Measured], list[str]]:
    """Read the runs' results.

    Args:
        root: The folder of the runs.
        every: List each tested run by itself, in place of the newest of each configuration and seed.

    Returns:
        What was measured, model by model, and a line for what is left out.
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
    found.sort(key=lambda one: (one.sample, one.model, one.family != "published", one.name))
    return found, [*missing_models(found), *lacking(found), *lines]


def read_tested(run: Run) -> tuple[dict[str, Any], str]:
    """Read the metrics.json of a tested run, or say why there is nothing to show."""
    path = run.path / METRICS_FILE
    test = f"python -m movierec test --config {run.config.as_posix()}"
    if not path.is_file():
        if run.has_checkpoint:
            return {}, f"trained, not tested. Test it: {test}"
        return {}, "no checkpoint and no metrics.json: its training stopped before the end of an epoch. Train again."
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return {}, f"metrics.json is damaged ({error}). Test it again: {test}"
    if fault := misshapen(content):
        return {}, f"metrics.json is damaged ({fault}). Test it again: {test}"
    if not content.get("test"):
        return {}, f"trained, not tested. Test it: {test}"
    return content, ""


def misshapen(content: Any) -> str:
    """Say what in metrics.json is of another kind than `test` writes; empty if nothing is."""
    if not isinstance(content, dict):
        return f"expected an object, got {type(content).__name__}"
    for path in OBJECTS:
        if not isinstance(value := entry(content, path), dict):
            return f"expected an object as {path}, got {type(value).__name__}"
    numbers = {f"{path}/{name}": value for path in NUMBERS for name, value in entry(content, path).items()}
    numbers |= {name: content.get(name) for name in ("epoch", "seed")}
    for name, value in numbers.items():
        if value is not None and not is_number(value):
            return f"expected a number as {name}, got {value!r}"
    if not (isinstance(scale := content.get("unit_scale", [0, 1]), list) and list(map(is_number, scale)) == [True] * 2):
        return f"expected two numbers as unit_scale, got {scale!r}"
    return ""


def entry(content: dict[str, Any], path: str) -> Any:
    """Return an entry of nested objects, such as `data.rows`; an empty object if it is not there."""
    value: Any = content
    for name in path.split("."):
        value = value.get(name, {})
    return value


def is_number(value: object) -> bool:
    """Say whether a value read from JSON is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def measured(shown: str, name: str, tested: Sequence[tuple[Run, dict[str, Any]]]) -> Measured:
    """Put together what the runs of one name measured."""
    runs, contents = zip(*tested, strict=True)
    shown, name = printable(shown), printable(name)  # they stand in figures and file names
    sample = bool(contents[0].get("data", {}).get("sample"))
    return Measured(shown, name.rsplit("/", maxsplit=1)[-1], family_of(name, sample=sample), sample, runs, contents)


def family_of(name: str, *, sample: bool) -> Family:
    """Tell which family of configurations a run's name is of; the sample's overlay changes no model."""
    own = name.removeprefix("sample/") if sample else name
    if own.removeprefix(PUBLISHED_FAMILY) not in PUBLISHED:
        return "other"
    return "published" if own.startswith(PUBLISHED_FAMILY) else "described"


def choose(
    name: str, tested: Sequence[tuple[Run, dict[str, Any]]]
) -> tuple[list[tuple[Run, dict[str, Any]]], list[str]]:
    """Take the newest run of each seed, of those that differ from the newest run in nothing but the seed.

    Args:
        name: The runs' name.
        tested: The runs and their contents, the newest first.
    """
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
    """Say in what a run differs from the newest of its name, beside the seed; empty if in nothing."""
    if content.get("data", {}).get("fingerprint") != newest.get("data", {}).get("fingerprint"):
        return "it is of other data or another split"
    version, newest_version = (one.get("versions", {}).get("movierec") for one in (content, newest))
    if version != newest_version:
        return f"it was measured with movierec {version or 'of an unknown version'}, not {newest_version or 'unknown'}"
    settings, newest_settings = settings_of(run), settings_of(newest_run)
    if settings and newest_settings and settings != newest_settings:
        changed = (key for key in settings | newest_settings if settings.get(key) != newest_settings.get(key))
        return f"it was trained with another {', '.join(sorted(changed))}"
    return ""


def settings_of(run: Run) -> dict[str, Any]:
    """Read the settings of a run that decide its numbers, beside the seed; empty where they are not recorded."""
    try:
        config = yaml.safe_load(run.config.read_text(encoding="utf-8"))
        found = {f"{group}.{key}": value for group in UNCHANGING for key, value in config[group].items()}
        options = found.pop("data.init_args", {})
        found |= {f"data.{key}": value for key, value in options.items() if key not in PLACES}
        found["trainer.max_epochs"] = config["trainer"]["max_epochs"]
    except (OSError, ValueError, yaml.YAMLError, TypeError, KeyError, AttributeError):
        return {}
    return found


def missing_models(found: Iterable[Measured]) -> list[str]:
    """Name the models without a result, of each family that has any."""
    there = {(one.sample, one.family, one.model) for one in found}
    missing = [
        ("sample/" if sample else "") + (PUBLISHED_FAMILY if family == "published" else "") + model
        for sample, family in sorted({(sample, family) for sample, family, _ in there if family != "other"})
        for model in PUBLISHED
        if (sample, family, model) not in there
    ]
    return [f"No tested run yet of {', '.join(missing)}."] if missing else []


def lacking(found: Iterable[Measured]) -> Iterator[str]:
    """Name what the runs of an older version did not record."""
    for one in found:
        for run, content in zip(one.runs, one.contents, strict=True):
            absent = [f"test/{name}" for name in EXPECTED if name not in content["test"]]
            absent += [] if one.test_set else ["the data"]
            if absent:
                version = content.get("versions", {}).get("movierec", "of an unknown version")
                label = one.name if one.name.endswith(f"/{run.path.name}") else f"{one.name}/{run.path.name}"
                yield f"{label}: written by movierec {version}, which did not record {', '.join(absent)}."


def letter_test_sets(found: Iterable[Measured]) -> dict[str | None, str]:
    """Give each set of test ratings a letter, in the order of appearance; an unrecorded one is `?`."""
    sets = dict.fromkeys(one.test_set for one in found if one.test_set)
    letters = (f"{ascii_uppercase[rank % 26]}{rank // 26 or ''}" for rank in range(len(sets)))
    return {**dict(zip(sets, letters, strict=True)), None: "?"}
