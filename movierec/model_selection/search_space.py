"""The search space of `tune`: the options to vary, each with a range or with choices, from a YAML file."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from movierec.errors import ConfigError
from movierec.training.config import check_yaml, find_config

if TYPE_CHECKING:
    from optuna import Trial

Space = Mapping[str, Mapping[str, Any]]
RANGE = {"low", "high", "log", "step"}


def space_of(task: str) -> str:
    """Name the shipped search space of a task: `tune/rating_task` of RatingTask."""
    return "tune/" + re.sub(r"(?<!^)(?=[A-Z])", "_", task.rpartition(".")[2]).lower()


def read_space(name: str) -> Space:
    """Read a search space from a file, or a shipped one."""
    path = find_config(name)
    check_yaml(path)
    space = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(space, dict) or not space:
        raise ConfigError(f"Expected options with ranges in {path}, got {space!r}.")
    for option, described in space.items():
        check_option(path, option, described)
    return space


def check_option(path: Path, option: str, described: Any) -> None:
    """Refuse an option that has neither choices nor a range."""
    keys = set(described) if isinstance(described, dict) else set()
    is_range = {"low", "high"} <= keys <= RANGE and described["low"] <= described["high"]
    if not is_range and not (keys == {"choices"} and isinstance(described["choices"], list) and described["choices"]):
        raise ConfigError(
            f"{path}: expected {option} with `choices: [...]`, or with `low` and `high` (and `log: true` or `step`); "
            f"got {described!r}."
        )


def suggest(trial: "Trial", space: Space) -> dict[str, Any]:
    """Choose a value of each option."""
    return {option: suggest_value(trial, option, described) for option, described in space.items()}


def suggest_value(trial: "Trial", option: str, described: Mapping[str, Any]) -> Any:
    """Choose a value of an option; whole numbers where both ends are."""
    if "choices" in described:  # Optuna stores texts and numbers only
        return json.loads(trial.suggest_categorical(option, [json.dumps(one) for one in described["choices"]]))
    low, high = described["low"], described["high"]
    options = {name: value for name, value in described.items() if name in ("log", "step")}
    choose = trial.suggest_int if isinstance(low, int) and isinstance(high, int) else trial.suggest_float
    return choose(option, low, high, **options)
