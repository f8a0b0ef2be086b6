"""Run fit, validate, test and predict: print results on the command line, return metrics in Python."""

import json
import logging
import re
import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from movierec.console import Console, asks_yes, is_attended, quoted
from movierec.data import MovieDataModule
from movierec.data.missing import missing_metadata, missing_releases
from movierec.datasets.catalog import SERVER
from movierec.datasets.root import explain_release_folder, is_sample
from movierec.errors import ConfigError
from movierec.training.checkpoints import best_checkpoint
from movierec.training.config import own_config, split_configs
from movierec.training.experiment import Experiment
from movierec.training.memory import keep_freed_memory
from movierec.training.record import is_partial
from movierec.training.resume import NothingToDoError
from movierec.training.terminal import print_fit, print_start, print_test, print_validation

CONFIG_FREE = r"--data(=.*)?|--help(-all)?|-h|--print_config.*|--(data|model|trainer)\b.*\.help.*"  # can stand alone


def fit(
    *configs: str | Path, options: Mapping[str, Any] | None = None, resume: bool = False, name: str | None = None
) -> dict[str, Any]:
    """Train a model.

    Args:
        configs: Configuration files, or names of shipped ones such as `model1`; a later one overrides an earlier one.
        options: Options by their names on the command line, such as `{"trainer.max_epochs": 5}`.
        resume: Continue the newest run of the name, if there is one.
        name: Name of the run; None takes that of the configuration.

    Returns:
        The content of the run's metrics.json: `val` holds the validation metrics of the best epoch.

    Raises:
        MovierecError: As on the command line.
    """
    quiet()
    own = {"resume": resume, "name": name}
    try:
        return build("fit", arguments_of(configs, {**(options or {}), **own})).fit()
    except NothingToDoError as done:
        return done.run.read_metrics()


def test(*configs: str | Path, options: Mapping[str, Any] | None = None, name: str | None = None) -> dict[str, Any]:
    """Test the newest run of a configuration, or the checkpoint that the option `ckpt_path` names; see `fit`.

    Returns:
        The metrics of the ratings of `train`, `val` and `test`, of the baselines on the test ratings, `baselines`, and
        of lists among all films, `retrieval`.
    """
    quiet()
    return build("test", arguments_of(configs, {**(options or {}), "name": name})).test()


def arguments_of(configs: Sequence[str | Path], options: Mapping[str, Any]) -> list[str]:
    """Write configurations and options as on the command line."""
    given = [argument for config in configs for argument in ("--config", str(config))]
    for name, value in options.items():
        if name == "resume":
            given += ["--resume"] if value else []
        elif value is not None:
            given.append(f"--{name}={value if isinstance(value, str | Path) else json.dumps(value)}")
    return given


def build(command: str, arguments: Sequence[str]) -> Experiment:
    """Build the experiment of a command line."""
    args, configs = split_configs(arguments)
    if not configs and (own := own_config(args)):
        args, configs = [*own, *args], {own[1]: Path(own[1])}
    if not configs and not any(re.fullmatch(CONFIG_FREE, argument) for argument in args):
        raise ConfigError("Expected a configuration, such as --config configs/model1.yaml; got none.")
    return Experiment(command, args, configs)


def run(arguments: Sequence[str]) -> int:
    """Run one of fit, validate, test and predict on the command line, and return the exit status, 0."""
    set_up_process()
    command, *options = arguments
    try:
        experiment = build(command, options)
    except NothingToDoError as answer:
        print(answer)
        return 0
    COMMANDS[command](experiment)
    return 0


def run_fit(experiment: Experiment) -> None:
    """Train, and show the validation metrics of the best checkpoint."""
    if not experiment.trainer.is_global_zero:
        experiment.fit()
        return
    experiment.data.download |= accepts_download(experiment.data)
    with experiment.held:
        experiment.prepare()
        assert experiment.data.tables is not None
        print_start(experiment.name, experiment.data.tables, experiment.run, resumed=experiment.start.checkpoint)
        tables, partial = experiment.data.tables, is_partial(experiment.trainer)  # before a refit on more ratings
        fit = experiment.fit()
    best, test_command = best_checkpoint(experiment.trainer), experiment.shell_command("test")
    if fit.get("refit") == "all":
        test_command = quoted(["python", "-m", "movierec", "recommend", "--ckpt_path", str(best), "--user_id", "1"])
    print_fit(experiment.run, best, tables, test_command, fit=fit, partial=partial)


def run_validate(experiment: Experiment) -> None:
    """Show the validation metrics of a checkpoint."""
    experiment.validate()
    if experiment.trainer.is_global_zero:
        print_validation(experiment.model, experiment.start.checkpoint, partial=is_partial(experiment.trainer))


def run_test(experiment: Experiment) -> None:
    """Show the metrics of all parts of the ratings, and of the lists."""
    found = experiment.test()
    if experiment.trainer.is_global_zero:
        print_test(
            experiment.name,
            experiment.model,
            experiment.start.checkpoint,
            experiment.run,
            found=found,
            partial=is_partial(experiment.trainer),
        )


def run_predict(experiment: Experiment) -> None:
    """Say where the predictions are."""
    path = experiment.predict()
    if experiment.trainer.is_global_zero:
        rows, checkpoint = experiment.predictions.rows, experiment.start.checkpoint
        Console().print(f"{rows:,} predictions in {path}\ncheckpoint: {checkpoint}", soft_wrap=True)


COMMANDS = {"fit": run_fit, "validate": run_validate, "test": run_test, "predict": run_predict}


def accepts_download(data: MovieDataModule) -> bool:
    """Ask whether to download missing releases; False if none is missing or nobody can be asked."""
    if data.download or not is_attended() or is_sample(data.root) or explain_release_folder(data.root):
        return False
    data.check()
    if not (missing := missing_releases(data.root, data.options)):
        return False
    if lacking := missing_metadata(data.root, data.options):
        print(
            f"This also needs {' and '.join(lacking)} in {data.root}, which are not downloaded: "
            "get them afterwards with `data fetch` and your own key."
        )
    are, it = ("is", "it") if len(missing) == 1 else ("are", "them")
    return asks_yes(
        f"{' and '.join(release.name for release in missing)} {are} not in {data.root}. Download {it} from "
        f"{urlsplit(SERVER).hostname} ({sum(release.megabytes for release in missing):.1f} MB)?"
    )


def set_up_process() -> None:
    """Set up a process of the command line that trains or tests; in Python, the process is the caller's."""
    quiet()
    keep_freed_memory()
    threading.excepthook = leave_to_caller


def quiet() -> None:
    """Hide Lightning's hints about hardware, loaders and folders."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        "does not have many workers",
        "Checkpoint directory .* is not empty",
        "The number of training batches",
        "LightningCLI's args parameter",  # movierec hands over its own
    ):
        warnings.filterwarnings("ignore", message=f".*{message}.*")
    # torch deprecates what it calls itself.
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)


def leave_to_caller(arguments: threading.ExceptHookArgs) -> None:
    """Print no traceback when TensorBoard's thread cannot write; the next call raises the error."""
    if type(arguments.thread).__name__ != "_AsyncWriterThread":
        threading.__excepthook__(arguments)
