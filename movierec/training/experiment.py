"""fit, validate, test and predict: LightningCLI, with runs found again and checkpoints that are not misread."""

import contextlib
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from jsonargparse.typing import NonNegativeInt
from lightning import Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import TensorBoardLogger

from movierec.console import quoted
from movierec.data import MovieDataModule
from movierec.errors import DivergenceError, MovierecError, WriteError
from movierec.models.checkpoint import read_checkpoint
from movierec.runs import ROOT, Run, existing_checkpoint, run_of
from movierec.termination import Terminated
from movierec.training.checkpoints import (
    BestCheckpoint,
    LastCheckpoint,
    WholeCheckpointIO,
    best_checkpoint,
)
from movierec.training.configs import run_name, saved_run
from movierec.training.offer import accepts_download
from movierec.training.parser import Parser, check_own_options
from movierec.training.predictions import PredictionWriter
from movierec.training.processes import ProcessWatch, SignalKeeper, is_lost_process
from movierec.training.progress import RunProgress, track
from movierec.training.rating_task import RatingTask
from movierec.training.record import RunRecord, is_partial, record_retrieval
from movierec.training.resume import Start, check_trained_with, choose_start, find_checkpoint, hold
from movierec.training.saved_config import SaveRunConfig
from movierec.training.terminal import print_fit, print_predictions, print_start, print_test, print_validation

SEED = 123
RANKING_USERS = 1000


class ExperimentCLI(LightningCLI):
    """The command line of fit, validate, test and predict.

    Args:
        configs: The configuration files by the names the user gave them, the first one being the base.
        args: The arguments, with the subcommand first.
    """

    def __init__(self, *, configs: dict[str, Path], args: Sequence[str]) -> None:
        self.configs = configs
        self.arguments = list(args)
        self.start = Start(None)
        self.initial: dict[str, Any] = {}
        self.held = contextlib.ExitStack()  # the run's folder, during a fit
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
            "--resume",
            action="store_true",
            help="Go on with the newest run of the name, or begin one if there is none.",
        )
        parser.add_argument(
            "--initial_checkpoint", type=str | None, help="Checkpoint whose weights a new run begins with."
        )
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
        own = saved_run(list(self.configs.values()))
        if command != "fit":
            path = find_checkpoint(options.ckpt_path, root, self.name, own)
            check_trained_with(options, read_checkpoint(path), path)
            self.start = Start(run_of(path), path)
        else:
            self.start = choose_start(options, root, self.name, own)
            if self.start.is_new and (options.trainer.logger not in (None, True) or options.trainer.fast_dev_run):
                self.start = Start(None)
            if options.initial_checkpoint and self.start.checkpoint is None:
                self.initial = read_checkpoint(existing_checkpoint(options.initial_checkpoint))
        options.ckpt_path = str(self.start.checkpoint) if self.start.checkpoint else None

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Build the trainer, logging into the run's folder."""
        config = self.config[str(self.subcommand)]
        callbacks: list[Any] = [RunProgress()] if config.trainer.enable_progress_bar is not False else []
        resolved = SaveRunConfig(self._parser(self.subcommand), config, save_to_log_dir=False).dump()
        callbacks += [ProcessWatch(self.kept), SignalKeeper()]
        self.record = RunRecord(
            run=self.start.run,
            config=self.name,
            seed=config.seed_everything,
            resolved=resolved,
            histograms=config.histograms,
            initial=config.initial_checkpoint,
        )
        callbacks.append(self.record)
        if self.subcommand == "predict":
            folder = self.start.run.path if self.start.run else Path()
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
        if self.start.run is None:
            return False
        folder = self.start.run.path
        return TensorBoardLogger(
            folder.parent.parent,
            folder.parent.name,
            folder.name,
            default_hp_metric=False,
            purge_step=self.start.epoch,
        )

    def command(self, name: str) -> str:
        """Return the shell command that goes on from here.

        Where more than configurations was given, the run's own configuration stands for it all.
        """
        configs = list(self.configs)
        if self.start.run is not None and len(self.arguments) > 1 + 2 * len(configs):
            configs = [str(self.start.run.config)]
        named = [argument for config in configs for argument in ("--config", config)]
        return quoted(["python", "-m", "movierec", name, *named])

    def fit(self, **options: Any) -> None:
        """Fit; LightningCLI calls this in place of the trainer's."""
        with self.held:
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
            DivergenceError: With a message that says what is kept.
            WriteError: The disk is full, or cannot be written to.
            SystemExit: Another process was lost, which has been said already.
        """
        try:
            function(**options, weights_only=True)
        except DivergenceError as error:
            if not self.trainer.is_global_zero:
                raise SystemExit(1) from error
            raise DivergenceError(f"{error}\n{self.kept_before()}") from error
        except OSError as error:
            if isinstance(error, MovierecError):
                raise
            place = error.filename or (self.start.run.path if self.start.run else "a file")  # TensorBoard does not say
            raise WriteError(f"{place}: {error.strerror or error}. {self.kept()}") from error
        except RuntimeError as error:
            if is_lost_process(error):
                raise SystemExit(1) from error
            raise
        except SystemExit as stop:
            if not self.trainer.interrupted or not self.trainer.is_global_zero:
                raise
            kind = Terminated if isinstance(stop.__context__, Terminated) else KeyboardInterrupt
            raise kind(f"{'terminated' if kind is Terminated else 'interrupted'}. {self.kept()}") from stop

    def kept(self) -> str:
        """Say what is kept of a command that did not come to its end, and how to go on."""
        last = self.start.run.checkpoints / "last.ckpt" if self.start.run else None
        if self.subcommand != "fit":
            return "Nothing was written."
        if last is None or not last.is_file():
            return "The first epoch was not over, and nothing is kept."
        epochs = read_checkpoint(last)["epoch"] + 1
        return f"All up to epoch {epochs} is kept in {last}\ngo on with: {self.command('fit')} --resume"

    def kept_before(self) -> str:
        """Say what is kept of a fit that has diverged; to go on from there is to do the same again."""
        last = self.start.run.checkpoints / "last.ckpt" if self.start.run else None
        if last is None or not last.is_file():
            return "The first epoch was not over, and nothing is kept."
        epochs = read_checkpoint(last)["epoch"] + 1
        return (
            f"All up to epoch {epochs} is kept in {last.parent}: best.ckpt is the best epoch of it, which "
            f"`{self.command('test')}` tests. To go on from last.ckpt would most likely end here again."
        )

    def before_fit(self) -> None:
        """Prepare the data, take the run's folder, and say what is going to be trained, and where it is logged."""
        self.model.initial = self.initial
        if self.trainer.is_global_zero:
            self.datamodule.download |= accepts_download(self.datamodule)
            self.datamodule.prepare_data()
            self.datamodule.setup("fit")
            if self.start.run is not None:
                self.claim(self.start.run)
            print_start(self.name, self.datamodule.tables, self.start.run, resumed=self.start.checkpoint)

    def claim(self, run: Run) -> None:
        """Take a run's folder for this process alone; a new run takes the next number if another took its own.

        Raises:
            BusyError: Another process is training in it.
        """
        claimed = hold(run, self.held, is_new=self.start.is_new)
        if claimed != run:
            self.start = Start(claimed)
            self.trainer.logger = self.logger() or None  # type: ignore[assignment]
            self.record.run = claimed

    def after_fit(self) -> None:
        """Show the validation metrics of the best checkpoint, and what comes next."""
        if self.trainer.is_global_zero:
            best, partial = best_checkpoint(self.trainer), is_partial(self.trainer)
            print_fit(self.start.run, best, self.datamodule.tables, self.command("test"), partial=partial)

    def after_validate(self) -> None:
        """Show the validation metrics."""
        if self.trainer.is_global_zero:
            print_validation(self.model, self.start.checkpoint, partial=is_partial(self.trainer))

    def after_test(self) -> None:
        """Show the metrics of all parts of the ratings, and of the recommendations."""
        if not self.trainer.is_global_zero:
            return
        found = {}
        partial = is_partial(self.trainer)
        measured = math.isfinite(self.model.results["test"]["loss"])  # else there is nothing to rank by
        if measured and self.ranking_users and not partial:
            assert self.start.checkpoint is not None
            found = record_retrieval(
                self.start.run,
                self.start.checkpoint,
                self.datamodule.rows,
                num_users=self.ranking_users,
                watch=self.watch,
            )
        print_test(self.name, self.model, self.start.checkpoint, self.start.run, retrieval=found, partial=partial)

    def watch(self, users: list[int]) -> Iterable[int]:
        """Show how far the recommendations are, unless the progress bar is turned off."""
        is_shown = self.config[str(self.subcommand)].trainer.enable_progress_bar is not False
        return track(users, "recommend") if is_shown else users

    def after_predict(self) -> None:
        """Say where the predictions are."""
        if self.trainer.is_global_zero:
            print_predictions(self.writer.path, self.writer.rows, self.start.checkpoint)


def as_list(value: Any) -> list[Any]:
    """Take nothing as no element and one as one."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
