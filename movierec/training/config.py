"""Find configuration files, and name the runs that they make."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from movierec.console import expand_home
from movierec.errors import ConfigError
from movierec.runs import ROOT, Run, existing_checkpoint, run_of

CONFIG_SUFFIXES = (".yaml", ".yml")
CONFIG_OPTIONS = ("--config", "-c")


def config_folders() -> list[Path]:
    """List the folders of shipped configurations: inside the installed package, or beside it in the repository."""
    package = Path(__file__).parents[1]
    return [folder for folder in (package / "configs", package.parent / "configs") if folder.is_dir()]


def find_config(name: str) -> Path:
    """Find a configuration file, or else the shipped one of that name, from any working directory."""
    path = expand_home(name)
    if path.is_file():
        return path
    parts = path.parts[1:] if path.parts[:1] == ("configs",) else path.parts
    for folder in config_folders():
        for suffix in ("", *CONFIG_SUFFIXES):
            shipped = folder.joinpath(*parts)
            shipped = shipped.with_name(shipped.name + suffix)
            if shipped.is_file():
                return shipped
    raise ConfigError(
        f"Expected a configuration file at {name}, found none. Shipped are: {', '.join(shipped_names())}."
    )


def shipped_names() -> list[str]:
    """List the names of the shipped configurations, such as `published/model1`; search spaces are none."""
    names = {config_name(path) for folder in config_folders() for path in folder.rglob("*.yaml")}
    return sorted(name for name in names if not name.startswith("tune/"))


def config_name(path: Path) -> str:
    """Name a configuration: its path below a folder `configs`, or its file name, without the suffix."""
    below = path.resolve().with_suffix("").parts
    start = max((position for position, part in enumerate(below[:-1]) if part == "configs"), default=len(below) - 2)
    return "/".join(below[start + 1 :])


def run_name(configs: list[Path]) -> str:
    """Name a run after its configurations: `sample/model5` is model5 with the overlay sample.

    A run's own config.yaml stands for the run it is of.
    """
    if not configs:
        return "unnamed"
    base, *overlays = [name_of_saved(path) or config_name(path) for path in configs]
    return "/".join([*reversed(overlays), base])


def saved_run(config: Path) -> Run | None:
    """Find the run that a saved config.yaml belongs to; None if the configuration is not a saved one."""
    return run_of(config.resolve().parent / "checkpoints" / "best.ckpt") if config.name == "config.yaml" else None


def name_of_saved(config: Path) -> str | None:
    """Return the name of the run that a saved config.yaml belongs to, if any."""
    run = saved_run(config)
    if run is None:
        return None
    parts = run.path.resolve().parent.parts
    start = max((position for position, part in enumerate(parts) if part == ROOT), default=len(parts) - 2)
    return "/".join(parts[start + 1 :])


def split_configs(args: Sequence[str]) -> tuple[list[str], dict[str, Path]]:
    """Separate the configuration files from the other arguments.

    Returns:
        The arguments, the configurations first and by the paths found, so that an option overrides them wherever it
        stands; and the paths by the names given.
    """
    found: dict[str, Path] = {}
    configs: list[str] = []
    others: list[str] = []
    remaining = iter(args)
    for argument in remaining:
        option, equals, value = argument.partition("=")
        name = "" if option not in CONFIG_OPTIONS else value if equals else next(remaining, "")
        if name:
            found[name] = find_config(name)
            configs += ["--config", str(found[name])]
        else:
            others.append(argument)
    for path in found.values():
        check_yaml(path)
    return [*configs, *others], found


def check_yaml(path: Path) -> None:
    """Refuse a configuration that is not YAML; jsonargparse would not name the file."""
    try:
        yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a ValueError: of a date, or not UTF-8
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error) or "too many lists in lists"
        raise ConfigError(f"{path}{place}: expected YAML; {reason}. Correct the file.") from error


def own_config(args: Sequence[str]) -> list[str]:
    """Return `--config` with the saved configuration of the run that `--ckpt_path FILE` belongs to."""
    for position, argument in enumerate(args):
        option, equals, value = argument.partition("=")
        path = value if equals else next(iter(args[position + 1 :]), "")
        if option == "--ckpt_path" and path not in ("", "best", "last"):
            run = run_of(existing_checkpoint(path))
            return ["--config", str(run.config)] if run is not None else []
    return []
