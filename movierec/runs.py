"""The run folders: `lightning_logs/<name>/version_N/` with config.yaml, checkpoints and metrics.json."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from movierec.console import expand_home
from movierec.errors import CheckpointError

ROOT = "lightning_logs"
# The options that change no number. Two runs that differ in any other are different experiments.
WITHOUT_EFFECT = {
    "config", "name", "out", "ckpt_path", "resume", "histograms", "ranking_users", "initial_checkpoint",
    "data.root", "data.cache", "data.num_workers", "data.pairs", "data.download", "data.eval_batch_size",
    "data.allow_leaks", "data.exclude_columns", "trainer.callbacks", "trainer.default_root_dir", "trainer.logger",
    "trainer.enable_progress_bar", "trainer.enable_model_summary", "trainer.log_every_n_steps", "trainer.profiler",
    "trainer.limit_test_batches", "trainer.limit_predict_batches", "trainer.detect_anomaly",
    "trainer.enable_autolog_hparams", "trainer.enable_checkpointing", "trainer.inference_mode",
    "trainer.model_registry", "trainer.num_sanity_val_steps",
}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One training run and its folder."""

    path: Path

    @property
    def version(self) -> int:
        """Number of the run among those of its name."""
        return int(self.path.name.removeprefix("version_"))

    @property
    def root(self) -> Path:
        """The folder of all runs."""
        return next((folder for folder in self.path.parents if folder.name == ROOT), self.path.parent)

    @property
    def config(self) -> Path:
        """The resolved configuration, which `--config` takes."""
        return self.path / "config.yaml"

    @property
    def checkpoints(self) -> Path:
        """Folder of best.ckpt and last.ckpt."""
        return self.path / "checkpoints"

    @property
    def metrics(self) -> Path:
        """What was measured, which `read_metrics` reads."""
        return self.path / "metrics.json"

    @property
    def has_checkpoint(self) -> bool:
        """Whether anything was trained."""
        return any(self.checkpoints.glob("*.ckpt"))

    def read_metrics(self) -> dict[str, Any]:
        """Read metrics.json; empty if there is none or it is damaged."""
        return read_object(self.metrics)

    def write_metrics(self, content: dict[str, Any]) -> None:
        """Write metrics.json in place of the old one; NaN becomes null."""
        write_object(self.metrics, content, indent=1)

    def read_diagnostics(self) -> dict[str, Any]:
        """Read diagnostics.json, which a test writes; empty if there is none or it is damaged."""
        return read_object(self.path / "diagnostics.json")

    def write_diagnostics(self, content: dict[str, Any]) -> None:
        """Write diagnostics.json in place of the old one; NaN becomes null."""
        write_object(self.path / "diagnostics.json", content)


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty if there is no such file or it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_object(path: Path, content: dict[str, Any], *, indent: int | None = None) -> None:
    """Write a JSON object in place of the old file; NaN becomes null."""
    replace_text(path, json.dumps(finite(content), indent=indent, allow_nan=False) + "\n")


def finite(value: Any) -> Any:
    """Replace NaN and infinity, which JSON lacks, by None."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def replace_text(path: Path, text: str) -> None:
    """Write a file beside the old one, then put it in its place, so that one of both is always whole."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(path)


def find_runs(root: Path) -> Iterator[tuple[str, Run]]:
    """List runs and their names, by name, the oldest first."""
    folders = [path for path in root.glob("**/version_*") if re.fullmatch(r"version_\d+", path.name) and path.is_dir()]
    for path in sorted(folders, key=lambda path: (path.parent, Run(path).version)):
        yield path.parent.relative_to(root).as_posix(), Run(path)


def find_run(root: Path, name: str) -> Run | None:
    """Find the newest run of a name, whether or not it holds a checkpoint, if there is one."""
    return max((run for known, run in find_runs(root) if known == name), key=lambda run: run.version, default=None)


def next_version(root: Path, name: str) -> int:
    """Number of the next run of a name."""
    newest = find_run(root, name)
    return 0 if newest is None else newest.version + 1


def newest_run(root: Path, name: str) -> Run:
    """Find the newest run of a name that holds a checkpoint.

    Raises:
        CheckpointError: There is none.
    """
    runs = [run for known, run in find_runs(root) if known == name and run.has_checkpoint]
    if not runs:
        raise CheckpointError(
            f"Expected a trained run in {root / name}, found none. Train one with `python -m movierec fit`, "
            "or name a file with --ckpt_path."
        )
    return runs[-1]


def existing_checkpoint(name: str | Path) -> Path:
    """Return the path of a checkpoint that must be there.

    Raises:
        CheckpointError: There is no such file.
    """
    path = expand_home(name)
    if not path.is_file():
        raise CheckpointError(
            f"Expected a checkpoint file at {path}, found none. Name an existing file, `best` or `last`."
        )
    return path


def run_of(checkpoint: Path) -> Run | None:
    """Find the run that a checkpoint lies in, if it lies in one."""
    folder = checkpoint.resolve().parent.parent
    if folder.is_relative_to(Path.cwd()):
        folder = folder.relative_to(Path.cwd())
    return Run(folder) if re.fullmatch(r"version_\d+", folder.name) and (folder / "config.yaml").is_file() else None


def flatten(options: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Name nested options as on the command line: `model.network.hidden`, `data.fractions`."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            found |= flatten(value, before if name == "init_args" else f"{before}{name}.")
        else:
            found[before.removesuffix(".") if name == "class_path" else f"{before}{name}"] = value
    return found


def differing_options(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Name the options in which two configurations differ, of those that change numbers.

    Args:
        one: A configuration with all its options, as in a run's config.yaml.
        other: Another one.

    Returns:
        Names as on the command line, sorted; what is not set and what is turned off count as the same.
    """
    first, second = effective_options(one), effective_options(other)
    return sorted(
        name for name in first.keys() | second.keys() if (first.get(name) or None) != (second.get(name) or None)
    )


def effective_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the options that change numbers, by their names on the command line."""
    return {name: value for name, value in flatten(options).items() if name not in WITHOUT_EFFECT}
