"""Search for the options of the lowest validation error, with Optuna; the test ratings are not read.

Source: T. Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework", 2019.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import yaml
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from movierec.console import Console, quoted
from movierec.errors import ConfigError, DivergenceError
from movierec.metrics.registry import VALIDATED
from movierec.model_selection.search_space import Space, read_space, space_of, suggest
from movierec.runs import ROOT, effective_options, find_run, replace_text
from movierec.training.cli import ExperimentCLI
from movierec.training.commands import arguments_of, build
from movierec.training.config import run_name, split_configs

SEED = 123
GIVEN = "given"  # the run, and the attribute of the study, of the configuration as it is
SETTINGS = "settings"  # the attribute of what the search is of
SHOWN = 5  # trials in the table
WARM_UP = 4  # a trial is not stopped in the first of so many parts of its epochs


class Pruning(Callback):
    """Report each validation to a trial, and end the fit if it does worse than half of the others at that epoch.

    Args:
        trial: The trial; None reports nothing.
        monitor: The metric, such as `val/rmse`.
    """

    def __init__(self, trial: optuna.Trial | None, monitor: str) -> None:
        self.trial, self.monitor = trial, monitor
        self.is_pruned = False

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the metric, and end the fit if Optuna says so."""
        value = trainer.callback_metrics.get(self.monitor)
        if self.trial is None or value is None:
            return
        self.trial.report(float(value), trainer.current_epoch)
        self.is_pruned = self.trial.should_prune()
        trainer.should_stop |= self.is_pruned


class Search:
    """A search among the options of one configuration. Its folder holds the study, the runs and the best configuration.

    Args:
        configs: The configuration and its overlays.
        space: File of the search space; None takes the shipped one of the model.
        root: The data root; by default, what the configuration says.
        out: The folder of all searches.

    Raises:
        ConfigError: The configuration names no metric to search by, or the folder holds a search of other options.
    """

    def __init__(self, configs: Sequence[str], *, space: str | None, root: Path | None, out: Path) -> None:
        self.configs, self.root = tuple(configs), root
        given, found = split_configs(arguments_of(configs, {"data.root": root}))
        self.name = run_name(list(found.values()))
        self.folder = out / self.name
        plain = ExperimentCLI("fit", given).plain_options
        if plain["checkpoint"]["monitor"] is None:
            raise ConfigError("Expected checkpoint.monitor to name a metric to search by, such as val/rmse; got null.")
        self.monitor = str(plain["checkpoint"]["monitor"])
        self.metric = self.monitor.removeprefix("val/")
        self.space: Space = read_space(space or space_of(plain["model"]["class_path"]))
        self.folder.mkdir(parents=True, exist_ok=True)
        storage = f"sqlite:///{(self.folder / 'study.db').resolve().as_posix()}"
        self.study = optuna.create_study(
            storage=storage,
            study_name=self.name,
            load_if_exists=True,
            direction="minimize" if VALIDATED[self.metric].direction == "min" else "maximize",
            pruner=optuna.pruners.MedianPruner(n_warmup_steps=plain["trainer"]["max_epochs"] // WARM_UP),
        )
        self.check_same({"space": self.space, "options": effective_options(plain)})
        self.study.sampler = optuna.samplers.TPESampler(seed=SEED + len(self.study.trials))  # not the same ones again

    def check_same(self, settings: Mapping[str, Any]) -> None:
        """Refuse to go on with a search of other options."""
        text = json.dumps(settings, sort_keys=True)
        if self.study.user_attrs.get(SETTINGS, text) != text:
            raise ConfigError(
                f"Expected {self.folder} to hold a search with the same configuration and space; it was begun with "
                "others. Name another --out, or delete the folder."
            )
        self.study.set_user_attr(SETTINGS, text)

    @property
    def num_done(self) -> int:
        """Number of trials that have ended, pruned ones too; those that were interrupted or diverged do not count."""
        ended = optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED
        return sum(trial.state in ended for trial in self.study.trials)

    def run(self, *, trials: int, seconds: float | None) -> None:
        """Try options until so many trials have ended, those of earlier calls among them, or the time is over."""
        try:
            if GIVEN not in self.study.user_attrs:
                self.study.set_user_attr(GIVEN, self.fit(GIVEN, {}, None))
            if (left := trials - self.num_done) > 0:
                self.study.optimize(self.objective, n_trials=left, timeout=seconds, catch=(DivergenceError,))
        except KeyboardInterrupt as stop:
            raise type(stop)(f"interrupted. The same command goes on; {self.num_done} trials have ended.") from stop

    def objective(self, trial: optuna.Trial) -> float:
        """Fit the options that a trial suggests."""
        return self.fit(f"trial_{trial.number}", suggest(trial, self.space), trial)

    def fit(self, name: str, options: Mapping[str, Any], trial: optuna.Trial | None) -> float:
        """Train, and return the validation metric of the best epoch."""
        print(f"{name}: {describe(options)}", flush=True)
        own = {"trainer.default_root_dir": self.folder, "data.root": self.root, "name": name}
        experiment = build("fit", arguments_of(self.configs, {**own, **options}))
        pruning = Pruning(trial, self.monitor)
        experiment.trainer.callbacks.insert(0, pruning)  # type: ignore[attr-defined]
        metrics = experiment.fit()
        assert experiment.run is not None
        shutil.rmtree(experiment.run.checkpoints, ignore_errors=True)  # `fit` trains the best configuration again
        if pruning.is_pruned:
            raise optuna.TrialPruned
        value = float(metrics["val"][self.metric])
        print(f"{name}: {self.monitor} {value:.4f}", flush=True)
        return value

    def report(self) -> Path:
        """Print the best trials, and write the best configuration, which `fit` takes; return its file."""
        ended = [trial for trial in self.study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
        if not ended:
            raise ConfigError("Expected a trial that ended, got none. Allow more --time or --trials.")
        ended.sort(key=lambda trial: trial.value or 0, reverse=VALIDATED[self.metric].direction == "max")
        last = [option.rpartition(".")[2].replace("_", " ") for option in self.space]  # full ones are too wide
        headings = last if len({*last}) == len(last) else self.space
        table = Table("trial", self.monitor, *headings, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
        table.add_row(GIVEN, f"{self.study.user_attrs[GIVEN]:.4f}")
        for trial in ended[:SHOWN]:
            table.add_row(*map(Text, [str(trial.number), f"{trial.value:.4f}", *map(shown, trial.params.values())]))
        Console().print(table)
        best = find_run(self.folder / ROOT, f"trial_{ended[0].number}")
        assert best is not None
        config = yaml.safe_load(best.config.read_text(encoding="utf-8"))
        config["name"] = config["trainer"]["default_root_dir"] = None
        path = self.folder / f"{self.name.rpartition('/')[2]}_tuned.yaml"
        replace_text(path, yaml.safe_dump(config, sort_keys=False))
        print(
            f"{self.num_done} trials, {len(ended)} to their end. The best of many looks better than it is: test it.",
            f"best: {path}",
            f"next: {quoted(['python', '-m', 'movierec', 'fit', '--config', str(path)])}, then test",
            sep="\n",
        )
        return path


def describe(options: Mapping[str, Any]) -> str:
    """Write options in a line."""
    return ", ".join(f"{name} {shown(value)}" for name, value in options.items()) or "the configuration as it is"


def shown(value: Any) -> str:
    """Write a value, a number with three digits; a choice is stored as JSON."""
    return f"{value:.3g}" if isinstance(value, float) else str(value).strip('"')
