"""Run one fit, validation, test or prediction in the folder of its run."""

import contextlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.loggers import TensorBoardLogger

from movierec.console import expand_home, quoted
from movierec.errors import ConfigError, DivergenceError, MovierecError, WorkerError, WriteError, place_of
from movierec.metrics.card import write_card
from movierec.models.checkpoint import read_checkpoint
from movierec.runs import ROOT, Run, existing_checkpoint, run_of
from movierec.termination import Terminated
from movierec.training.base_rating_task import BaseRatingTask
from movierec.training.checkpoints import RunCheckpoint, WholeCheckpointIO, best_checkpoint
from movierec.training.cli import ExperimentCLI
from movierec.training.config import run_name, saved_run
from movierec.training.predictions import PredictionWriter
from movierec.training.processes import ProcessWatch, SignalKeeper, is_lost_process
from movierec.training.progress import RunProgress, track
from movierec.training.record import RunRecord, is_partial, record_baselines, record_refit, record_retrieval
from movierec.training.refit import RefitCLI
from movierec.training.resume import Start, check_equal, check_untrained, choose_start, find_checkpoint, hold

if TYPE_CHECKING:
    from lightning import Trainer

    from movierec.data import MovieDataModule
    from movierec.training.base_task import BaseTask

RANKING_USERS = 10_000


class Experiment:
    """One fit, validation, test or prediction.

    Args:
        command: `fit`, `validate`, `test` or `predict`.
        args: Its options, as on the command line.
        configs: The configuration files among the options, by the names the user gave; the first is the base.

    Raises:
        CheckpointError: There is no such checkpoint, or it is damaged.
        ConfigError: Options contradict each other, or the checkpoint was trained with others.
        NothingToDoError: The run that is to be resumed is over.
    """

    def __init__(self, command: str, args: Sequence[str], configs: dict[str, Path]) -> None:
        self.command, self.configs, self.num_arguments = command, configs, len(args)
        self.held = contextlib.ExitStack()  # the run's folder, during a fit
        self.is_prepared = False
        try:
            self.use(ExperimentCLI(command, args))
            self.name = self.options.name or run_name(list(configs.values()))
            self.start = self.find_start()
            self.build_trainer()
        except MisconfigurationException as error:
            raise ConfigError(str(error)) from error

    def use(self, cli: ExperimentCLI) -> None:
        """Take the options, the model and the data; a refit builds them anew."""
        self.cli, self.options = cli, cli.config
        self.model: BaseTask = cli.model
        self.data: MovieDataModule = cli.datamodule

    @property
    def run(self) -> Run | None:
        """The run whose folder everything is written to; None if nothing is written."""
        return self.start.run

    def find_start(self) -> Start:
        """Find the run and the checkpoint that the options select."""
        options, plain = self.options, self.cli.plain_options
        root = expand_home(options.trainer.default_root_dir or ".") / ROOT
        own = next(map(saved_run, self.configs.values()), None)  # of the first configuration
        if self.command != "fit":
            path = find_checkpoint(options.ckpt_path, root, self.name, own)
            checkpoint = read_checkpoint(path)
            check_equal({"model": plain["model"]}, {"model": checkpoint["run"]["model"]}, path)
            check_untrained(self.command, checkpoint, path)
            self.data.options = replace(self.data.options, refit=checkpoint["run"].get("refit"))
            return Start(run_of(path), path)
        start = choose_start(plain, root, self.name, own)
        if start.is_new and (options.trainer.logger is False or options.trainer.fast_dev_run):
            start = Start(None)
        if options.initial_checkpoint and start.checkpoint is None:
            self.model.initial = read_checkpoint(existing_checkpoint(options.initial_checkpoint))
        return start

    def build_trainer(self) -> None:
        """Build the trainer; it logs into the run's folder."""
        options = self.options
        callbacks: list[Any] = [] if options.trainer.enable_progress_bar is False else [RunProgress()]
        self.record = RunRecord(
            run=self.run,
            config=self.name,
            seed=options.seed_everything,
            model=self.cli.plain_options["model"],
            resolved=self.cli.resolved,
            histograms=options.histograms,
            initial=options.initial_checkpoint,
        )
        callbacks += [ProcessWatch(self.kept), SignalKeeper(), self.record]
        if self.command == "predict":
            folder = self.run.path if self.run else Path()
            self.predictions = PredictionWriter(expand_home(options.out) if options.out else folder / "predictions.csv")
            callbacks.append(self.predictions)
        self.cli.build_trainer(callbacks=callbacks, plugins=[WholeCheckpointIO()], logger=self.logger())
        self.trainer: Trainer = self.cli.trainer
        self.keep_checkpoints_in(self.run)
        if self.command == "fit":
            self.model.check_processes(self.trainer.world_size)

    def keep_checkpoints_in(self, run: Run | None) -> None:
        """Keep checkpoints in the run's folder, even if the user's own logger writes elsewhere."""
        for callback in self.trainer.checkpoint_callbacks:
            if isinstance(callback, RunCheckpoint) and run is not None:
                callback.dirpath = str(run.checkpoints)

    def logger(self) -> TensorBoardLogger | bool:
        """Build the logger of the run's folder; a resumed fit replaces what was logged after its checkpoint."""
        if self.run is None or self.command == "predict":  # which logs nothing, and may not write to the run
            return False
        folder = self.run.path
        return TensorBoardLogger(
            folder.parent.parent,
            folder.parent.name,
            folder.name,
            default_hp_metric=False,
            purge_step=self.start.epoch,
        )

    def prepare(self) -> None:
        """Prepare the data for a fit and claim the run's folder; `fit` calls this if it was not called before."""
        if self.is_prepared or not self.trainer.is_global_zero:
            return
        self.data.prepare_data()
        self.data.setup("fit")
        if self.run is not None:
            claimed = hold(self.run, self.held, is_new=self.start.is_new)
            if claimed != self.run:  # another process took the number
                self.start = Start(claimed)
                if self.options.trainer.logger in (None, True):
                    self.trainer.logger = self.logger() or None  # type: ignore[assignment]
                self.keep_checkpoints_in(claimed)
                self.record.run = claimed
        self.is_prepared = True

    def fit(self) -> dict[str, Any]:
        """Train, and return the content of metrics.json: `val` holds the validation metrics of the best checkpoint."""
        with self.held:
            self.prepare()
            if not self.start.is_trained:
                self.interruptible(self.trainer.fit)
            if self.options.refit:
                self.refit()
        return self.run.read_metrics() if self.run else {"val": self.model.results.get("val", {})}

    def refit(self) -> None:
        """Train once more, on more ratings, for the epochs of the best checkpoint, and replace it."""
        best = best_checkpoint(self.trainer)
        if self.start.is_trained and self.run is not None:
            best = self.run.checkpoints / "best.ckpt"
        if best is None:  # nothing was saved, as in a trial of one batch
            return
        self.use(RefitCLI(self.cli.arguments, best))
        self.start = Start(self.run)
        self.build_trainer()
        self.record.of_refit(self.options.refit)
        self.interruptible(self.trainer.fit)
        if self.run is not None and self.trainer.is_global_zero:
            record_refit(self.run, best)

    def validate(self) -> dict[str, Any]:
        """Measure a checkpoint on the validation ratings; see `test`."""
        self.interruptible(self.trainer.validate, verbose=False)
        return self.model.results

    def test(self) -> dict[str, dict[str, Any]]:
        """Measure a checkpoint on all parts of the ratings, and its lists.

        Returns:
            The metrics of `train`, `val` and `test`, of the `baselines` on the test ratings, and of lists: `retrieval`.
        """
        self.interruptible(self.trainer.test, verbose=False)
        users, found = self.options.ranking_users, self.model.results
        users = RANKING_USERS if users is None else users
        if is_partial(self.trainer) or not self.trainer.is_global_zero:
            return found
        if isinstance(self.model, BaseRatingTask):
            found = found | {"baselines": record_baselines(self.run, self.model, self.data.rows)}
        is_finite = "test" not in found or math.isfinite(found["test"]["loss"])  # else there is nothing to rank by
        if users and is_finite:
            assert self.start.checkpoint is not None
            found["retrieval"] = record_retrieval(
                self.run, self.start.checkpoint, self.data.rows, num_users=users, watch=self.watch
            )
        if self.run is not None:
            write_card(self.run)
        return found

    def predict(self) -> Path:
        """Write predictions to a csv file, and return its path."""
        if not isinstance(self.model, BaseRatingTask):
            raise ConfigError(
                f"Expected a model that predicts stars, got {type(self.model).__name__}, which orders films. Use "
                "`recommend`, or predict with a rating model such as configs/model6.yaml."
            )
        self.interruptible(self.trainer.predict, return_predictions=False)
        return self.predictions.path

    def watch(self, users: list[int]) -> Iterable[int]:
        """Show the progress over batches of users, unless the progress bar is off."""
        return users if self.options.trainer.enable_progress_bar is False else track(users, "recommend")

    def interruptible(self, function: Callable[..., Any], **options: Any) -> None:
        """Call the trainer, and turn interruptions and errors into messages that say what is kept."""
        path = str(self.start.checkpoint) if self.start.checkpoint else None
        try:
            function(self.model, datamodule=self.data, ckpt_path=path, weights_only=True, **options)
        except MisconfigurationException as error:
            raise ConfigError(str(error)) from error
        except DivergenceError as error:
            if not self.trainer.is_global_zero:
                raise SystemExit(1) from error
            raise DivergenceError(f"{error}\n{self.kept_before()}") from error
        except OSError as error:
            if isinstance(error, MovierecError):
                raise
            place = place_of(error) or (self.run.path if self.run else "a file")  # TensorBoard does not say
            raise WriteError(f"{place}: {error.strerror or error}. {self.kept()}") from error
        except RuntimeError as error:
            if is_lost_process(error):
                raise SystemExit(1) from error
            self.explain_workers(error)
            raise
        except SystemExit as stop:
            if not self.trainer.interrupted or not self.trainer.is_global_zero:
                raise
            kind = Terminated if isinstance(stop.__context__, Terminated) else KeyboardInterrupt
            raise kind(f"{'terminated' if kind is Terminated else 'interrupted'}. {self.kept()}") from stop

    def explain_workers(self, error: RuntimeError) -> None:
        """Raise a WorkerError if worker processes could not be started, have ended, or send nothing."""
        if self.data.num_workers and ("DataLoader" in str(error) or isinstance(error.__context__, OSError)):
            reason = error.__context__ if isinstance(error.__context__, OSError) else error
            raise WorkerError(
                f"Expected batches from worker processes (data.num_workers is {self.data.num_workers}), got none: "
                f"{reason}. The shared memory, /dev/shm, may be full or too small. Use --data.num_workers 0, which "
                f"is the fastest and needs no workers. {self.kept()}"
            ) from error

    def kept(self) -> str:
        """Say what is kept of an interrupted command, and how to continue."""
        if self.command != "fit":
            return "Nothing was written."
        if (last := self.last_checkpoint()) is None:
            return "No checkpoint was written yet, so nothing is kept."
        return f"{kept_epochs(last)} is kept in {last}\ngo on with: {self.shell_command('fit')} --resume"

    def kept_before(self) -> str:
        """Say what is kept of a fit that diverged; resuming it would diverge again."""
        if (last := self.last_checkpoint()) is None:
            return "No checkpoint was written yet, so nothing is kept."
        return (
            f"{kept_epochs(last)} is kept in {last.parent}. best.ckpt is the best epoch; "
            f"`{self.shell_command('test')}` tests it. Going on from last.ckpt would most likely end here again."
        )

    def last_checkpoint(self) -> Path | None:
        """Find the newest checkpoint of the run; None if there is none."""
        path = self.run.checkpoints / "last.ckpt" if self.run else None
        return path if path and path.is_file() else None

    def shell_command(self, name: str) -> str:
        """Return the shell command that continues with this run.

        If other options were given too, the command names the run's own configuration.
        """
        configs = list(self.configs)
        if self.run is not None and self.num_arguments > 2 * len(configs):
            configs = [str(self.run.config)]
        named = [argument for config in configs for argument in ("--config", config)]
        return quoted(["python", "-m", "movierec", name, *named])


def kept_epochs(last: Path) -> str:
    """Describe the epochs that a checkpoint holds."""
    return f"All up to epoch {read_checkpoint(last)['epoch'] + 1}"
