"""What the options of many fits come to: a process of its own, which alone imports Lightning for it.

`python -m movierec.model_selection.resolve` reads the arguments of fits from its input, and writes what they come to.
"""

import contextlib
import importlib
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import yaml

from movierec.data.preparation import describe_origin, file_names
from movierec.datasets.catalog import RELEASES
from movierec.datasets.root import is_sample
from movierec.errors import MovierecError
from movierec.model_selection.plan import START, Resolved
from movierec.training.launch import run

# Expected seconds, on two cores; only their proportions matter as soon as a run was measured.
PER_ROW = 4.5e-6
PER_ROW_AND_WEIGHT = 6.3e-11


def main() -> int:
    """Resolve the fits of standard input and write them to standard output, both as JSON."""
    fits = json.load(sys.stdin)
    try:
        found = [asdict(resolve(fit)) for fit in fits]
    except MovierecError as error:
        print(f"movierec: error: {error}", file=sys.stderr)
        return 1
    json.dump(found, sys.stdout)
    return 0


def resolve(arguments: Sequence[str]) -> Resolved:
    """Resolve the arguments of a fit.

    Raises:
        ConfigError: Options that fit refuses.
        SystemExit: Options that its parser refuses, with status 2 after a message.
    """
    config = print_config(arguments)
    data = data_module(config)
    missing = [name for name in file_names(data.options) if not (data.root / name).is_file()]
    epochs = expected_epochs(config)
    return Resolved(
        config=config,
        root=str(data.root),
        missing=missing,
        fingerprint="" if missing else describe_origin(data.root, data.options)["fingerprint"],
        sample=is_sample(data.root),
        epochs=epochs,
        seconds=0.0 if missing else expected_seconds(config, epochs, count_ratings(data)),
    )


def print_config(arguments: Sequence[str]) -> dict[str, Any]:
    """Let fit print what its arguments come to."""
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            run(["fit", *arguments, "--print_config"])
    except SystemExit as stop:
        if stop.code:
            raise
    config: dict[str, Any] = yaml.safe_load(out.getvalue())
    return config


def data_module(config: dict[str, Any]) -> Any:
    """Build the data module of a configuration, which reads nothing yet."""
    package, _, name = config["data"]["class_path"].rpartition(".")
    return getattr(importlib.import_module(package), name)(**config["data"]["init_args"])


def count_ratings(data: Any) -> float:
    """Count the training ratings, before any is left out."""
    with (data.root / RELEASES[data.options.release].ratings).open("rb") as file:
        lines = sum(1 for _ in file)
    return float(lines * data.options.fractions[0])


def expected_epochs(config: dict[str, Any]) -> int:
    """Guess how many epochs are trained: all of them, or where a fit may stop early, twice the patience."""
    epochs: int = config["trainer"]["max_epochs"]
    for callback in config["trainer"]["callbacks"] or ():
        if callback["class_path"].endswith(".EarlyStopping"):
            epochs = min(epochs, 2 * callback["init_args"]["patience"])
    return epochs


def expected_seconds(config: dict[str, Any], epochs: int, ratings: float) -> float:
    """Guess how long fit and test take: all weights between hidden layers cost the same, and one-hot inputs little."""
    weights: int = sum(wide * narrow for wide, narrow in pairwise(config["model"]["hidden"]))
    return 2 * START + epochs * ratings * (PER_ROW + PER_ROW_AND_WEIGHT * weights)


if __name__ == "__main__":
    sys.exit(main())
