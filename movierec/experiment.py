"""fit, validate, test and predict: LightningCLI, with runs found again and checkpoints that are not misread."""

import logging
import math
import re
import shlex
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from jsonargparse.typing import NonNegativeInt
from lightning import Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import TensorBoardLogger

from movierec.configuration import own_config, run_name, saved_run, split_configs
from movierec.data import MovieDataModule
from movierec.errors import ConfigError
from movierec.model.checkpoint import (
    BestCheckpoint,
    LastCheckpoint,
    WholeCheckpointIO,
    best_checkpoint,
)
from movierec.model.snapshot import read_checkpoint
from movierec.model.task import RatingTask
from movierec.offer import accepts_download
from movierec.prediction import PredictionWriter
from movierec.processes import ProcessWatch, is_lost_process
from movierec.progress import RunProgress, track
from movierec.record import RunRecord, is_partial, record_retrieval
from movierec.report.terminal import print_fit, print_predictions, print_start, print_test, print_validation
from movierec.runs import ROOT, Run, existing_checkpoint, newest_run, next_version, run_of
from movierec.saved_config import SaveRunConfig
from movierec.usage import Parser, check_own_options, check_trained_with

SEED = 123
RANKING_USERS = 1000
CONFIG_FREE = r"--data(=.*)?|--data\.help.*|--help|-h|--print_config.*"  # options that need no configuration


class ExperimentCLI(LightningCLI):
    """The command line of fit, validate, test and predict.

    Args:
        configs: The configuration files by the names the user gave them, the first one being the base.
        args: The arguments, with the subcommand first.
    """

    def __init__(self, *, configs: dict[str, Path], args: Sequence[str]) -> None:
        self.configs = configs
        self.arguments = list(args)
        self.checkpoint: Path | None = None
        self.run: Run | None = None
        self.first_epoch: int | None = None  # of a resumed fit
        super().__init__(
            RatingTask,
            MovieDataModule,
            subclass_mode_data=True,
            seed_everything_default=SEED,
            auto_configure_optimizers=False,
            save_config_callback=SaveRunConfig,
            save_config_kwargs={"save_to_log_dir": False},
            # The last checkpoint comes after the best one, whose state it holds.
            trainer_defaults={
                "devices": 1,
                "max_epochs": 50,
                "num_sanity_val_steps": 0,
                "enable_model_summary": False,
                "callbacks": [LastCheckpoint()],
            },
            parser_class=Parser,
            parser_kwargs={"prog": "python -m movierec"},
            args=self.arguments,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the checkpoint group, the run's name and the output of predict."""
        parser.add_lightning_class_args(BestCheckpoint, "checkpoint")
        parser.add_argument("--name", type=str | None, help="Name of the run. Default: that of the configuration.")
        parser.add_argument(
            "--histograms", type=bool, default=False, help="Show the weights after each epoch of fit in TensorBoard."
        )
        parser.add_argument("--out", type=str | None, help="Where predict writes. Default: in the run's folder.")
        parser.add_argument(
            "--ranking_users",
            type=NonNegativeInt | None,
            help="Of how many users `test` measures the recommendations among all films. Default: 1000; 0: of none.",
        )

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]  # the parsers of all four take a second
        """Leave out the other subcommands, and the options of the trainer that are not for users to choose."""
        command = self.arguments[0]
        return {command: LightningCLI.subcommands()[command] | {"weights_only", "verbose", "return_predictions"}}

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse the arguments, then find the checkpoint they mean and compare it with them.

        Raises:
            CheckpointError: There is no such checkpoint, or it is damaged.
            ConfigError: The checkpoint was trained with other hyper-parameters.
        """
        self.config = parser.parse_args(self.arguments)
        command = str(self.config.subcommand)
        options = self.config[command]
        check_own_options(command, options)
        self.ranking_users = RANKING_USERS if options.ranking_users is None else options.ranking_users
        root = Path(options.trainer.default_root_dir or ".") / ROOT
        self.name = options.name or run_name(list(self.configs.values()))
        if command != "fit" or options.ckpt_path:
            self.checkpoint = self.find_checkpoint(options.ckpt_path, root)
            self.run = run_of(self.checkpoint)
            stored = read_checkpoint(self.checkpoint)
            check_trained_with(options, stored, self.checkpoint, resume=command == "fit")
            self.first_epoch = stored["epoch"] + 1 if command == "fit" else None
            options.ckpt_path = str(self.checkpoint)
        elif options.trainer.logger in (None, True) and not options.trainer.fast_dev_run:
            self.run = Run(root / self.name / f"version_{next_version(root, self.name)}")

    def find_checkpoint(self, wanted: str | None, root: Path) -> Path:
        """Find the file that `--ckpt_path` means: a path, or `best` (or nothing) or `last` of a run.

        The run is the one whose own config.yaml was given, else the newest one of the name.
        """
        if wanted not in (None, "best", "last"):
            return existing_checkpoint(str(wanted))
        run = saved_run(list(self.configs.values())) or newest_run(root, self.name)
        return existing_checkpoint(run.checkpoints / f"{wanted or 'best'}.ckpt")

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Build the trainer, logging into the run's folder."""
        config = self.config[str(self.subcommand)]
        callbacks: list[Any] = [RunProgress()] if config.trainer.enable_progress_bar is not False else []
        resolved = SaveRunConfig(self._parser(self.subcommand), config, save_to_log_dir=False).dump()
        callbacks.append(ProcessWatch(self.kept))
        callbacks.append(
            RunRecord(
                run=self.run,
                config=self.name,
                seed=config.seed_everything,
                resolved=resolved,
                histograms=config.histograms,
            )
        )
        if self.subcommand == "predict":
            folder = self.run.path if self.run else Path()
            self.writer = PredictionWriter(Path(config.out) if config.out else folder / "predictions.csv")
            callbacks.append(self.writer)
        given = self._get(self.config_init, "trainer")
        if given.get("logger") in (None, True):
            kwargs["logger"] = self.logger()
        kwargs["plugins"] = [WholeCheckpointIO(), *as_list(given.get("plugins"))]
        kwargs["callbacks"] = [*as_list(given.get("callbacks")), *callbacks]
        return super().instantiate_trainer(**kwargs)

    def logger(self) -> TensorBoardLogger | bool:
        """Build the logger of the run's folder; a resumed fit replaces what was logged after its checkpoint."""
        if self.run is None:
            return False
        folder = self.run.path
        return TensorBoardLogger(
            folder.parent.parent,
            folder.parent.name,
            folder.name,
            default_hp_metric=False,
            purge_step=self.first_epoch,
        )

    def command(self, name: str) -> str:
        """Return the shell command that goes on from here.

        Where more than configurations was given, the run's own configuration stands for it all.
        """
        configs = list(self.configs)
        if self.run is not None and len(self.arguments) > 1 + 2 * len(configs):
            configs = [str(self.run.config)]
        named = [argument for config in configs for argument in ("--config", config)]
        return shlex.join(["python", "-m", "movierec", name, *named])

    def fit(self, **options: Any) -> None:
        """Fit; LightningCLI calls this in place of the trainer's."""
        self.interruptible(self.trainer.fit, options)

    def validate(self, **options: Any) -> None:
        """Validate; LightningCLI calls this in place of the trainer's."""
        self.interruptible(self.trainer.validate, options | {"verbose": False})

    def test(self, **options: Any) -> None:
        """Test; LightningCLI calls this in place of the trainer's."""
        self.interruptible(self.trainer.test, options | {"verbose": False})

    def predict(self, **options: Any) -> None:
        """Predict; LightningCLI calls this in place of the trainer's."""
        self.interruptible(self.trainer.predict, options | {"return_predictions": False})

    def interruptible(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        """Call the trainer; where it ends the process because of Ctrl-C, raise that instead.

        Raises:
            KeyboardInterrupt: With a message that says what is kept and how to go on.
            SystemExit: Another process was lost, which has been said already.
        """
        try:
            function(**options, weights_only=True)
        except RuntimeError as error:
            if is_lost_process(error):
                raise SystemExit(1) from error
            raise
        except SystemExit as stop:
            if not self.trainer.interrupted or not self.trainer.is_global_zero:
                raise
            raise KeyboardInterrupt(f"interrupted. {self.kept()}") from stop

    def kept(self) -> str:
        """Say what is kept of a command that did not come to its end, and how to go on."""
        last = self.run.checkpoints / "last.ckpt" if self.run else None
        if self.subcommand != "fit":
            return "Nothing was written."
        if last is None or not last.is_file():
            return "The first epoch was not over, and nothing is kept."
        epochs = read_checkpoint(last)["epoch"] + 1
        return f"{epochs} whole epochs are kept in {last}\ngo on with: {self.command('fit')} --ckpt_path last"

    def before_fit(self) -> None:
        """Say what is going to be trained, and where it is logged."""
        if self.trainer.is_global_zero:
            self.datamodule.download |= accepts_download(self.datamodule)
            self.datamodule.prepare_data()
            self.datamodule.setup("fit")
            print_start(self.name, self.datamodule.tables, self.run, resumed=self.checkpoint)

    def after_fit(self) -> None:
        """Show the validation metrics of the best checkpoint, and what comes next."""
        if self.trainer.is_global_zero:
            print_fit(self.run, best_checkpoint(self.trainer), self.datamodule.tables, self.command("test"))

    def after_validate(self) -> None:
        """Show the validation metrics."""
        if self.trainer.is_global_zero:
            print_validation(self.model, self.checkpoint)

    def after_test(self) -> None:
        """Show the metrics of all parts of the ratings, and of the recommendations."""
        if not self.trainer.is_global_zero:
            return
        found = {}
        measured = math.isfinite(self.model.results["test"]["loss"])  # else there is nothing to rank by
        if measured and self.ranking_users and not is_partial(self.trainer):
            assert self.checkpoint is not None
            found = record_retrieval(
                self.run, self.checkpoint, self.datamodule.rows, num_users=self.ranking_users, watch=self.watch
            )
        print_test(self.name, self.model, self.checkpoint, self.run, retrieval=found)

    def watch(self, users: list[int]) -> Iterable[int]:
        """Show how far the recommendations are, unless the progress bar is turned off."""
        is_shown = self.config[str(self.subcommand)].trainer.enable_progress_bar is not False
        return track(users, "recommend") if is_shown else users

    def after_predict(self) -> None:
        """Say where the predictions are."""
        if self.trainer.is_global_zero:
            print_predictions(self.writer.path, self.writer.rows, self.checkpoint)


def as_list(value: Any) -> list[Any]:
    """Take nothing as no element and one as one."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def quiet() -> None:
    """Keep Lightning's hints about hardware, loaders and folders out of what a user reads."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        "does not have many workers",
        "Checkpoint directory .* is not empty",
        "The number of training batches",
    ):
        warnings.filterwarnings("ignore", message=f".*{message}.*")
    # torch deprecates what it calls itself.
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)


def run(args: Sequence[str]) -> int:
    """Run one of fit, validate, test and predict.

    Args:
        args: The subcommand and its options.

    Returns:
        The exit status, 0.

    Raises:
        ConfigError: There is no configuration, or Lightning refuses the options.
    """
    quiet()
    arguments, configs = split_configs(args)
    if not configs and (own := own_config(arguments)):
        arguments, configs = [arguments[0], *own, *arguments[1:]], {own[1]: Path(own[1])}
    if not configs and not any(re.fullmatch(CONFIG_FREE, argument) for argument in arguments):
        raise ConfigError("Expected a configuration, such as --config configs/model1.yaml; got none.")
    try:
        ExperimentCLI(configs=configs, args=arguments)
    except MisconfigurationException as error:
        raise ConfigError(str(error)) from error
    return 0
