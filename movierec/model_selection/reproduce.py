"""Train and test what the plan has and no run shows yet, then write down what came out."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from movierec.console import duration
from movierec.errors import BusyError, ConfigError, MissingDataError, OutOfSpaceError
from movierec.model_selection.display import Display
from movierec.model_selection.forecast import Forecast, seconds_of, share_done
from movierec.model_selection.plan import Job
from movierec.model_selection.process import explain, run_logged
from movierec.model_selection.step import Step, finished_run, next_step
from movierec.runs import ROOT, Run

FOLDER = "reproduction"  # below the folder of all runs: logs and locks
MEGABYTES = 100  # of a run of the larger networks: two checkpoints with the optimizer's state
ORPHAN = 90.0  # seconds to wait for a training whose reproduction was killed: it stops by itself
COMMANDS = {
    "ml-latest-small": "data download ml-latest-small",
    "ml-1m": "data download ml-1m",
    "metadata/tmdb.csv": "data fetch tmdb",
    "metadata/omdb.csv": "data fetch omdb",
}


def check_data(jobs: Sequence[Job], *, given_root: bool) -> None:
    """Refuse to begin without all data.

    Args:
        jobs: What is to be trained.
        given_root: Whether the user named the data root.

    Raises:
        MissingDataError: Files are missing; the message says which commands get them.
    """
    missing = sorted({name for job in jobs for name in job.resolved.missing})
    if not missing:
        return
    root = jobs[0].resolved.root
    option = f" --root {root}" if given_root else ""
    wanted = [words for start, words in COMMANDS.items() if any(name.startswith(start) for name in missing)]
    lines = "".join(f"\n    python -m movierec {words}{option}" for words in wanted)
    raise MissingDataError(
        f"Expected {', '.join(missing)} in the data folder {root}, found none of them. Get them with{lines}\n"
        "or name the folder that has them with --root."
    )


def check_place(root: Path, pending: int) -> None:
    """Refuse to begin where runs cannot be kept.

    Args:
        root: The folder of all runs, which is made.
        pending: Number of runs to come.

    Raises:
        ConfigError: The folder has a name that fit does not write to.
        OSError: It cannot be written to.
        OutOfSpaceError: There is too little room on its disk.
    """
    if root.name != ROOT:
        raise ConfigError(f"Expected --runs to name a folder {ROOT}, which is where fit writes; got {root}.")
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / "probe"
    probe.write_bytes(b"")
    probe.unlink()
    free = shutil.disk_usage(folder).free // 10**6
    if free < pending * MEGABYTES:
        raise OutOfSpaceError(
            f"Expected {pending * MEGABYTES:,} MB of free disk space in {root} for {pending} runs, found {free:,} MB. "
            "Free some, or name another folder with --runs."
        )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a reproduction, which the system gives back when the process ends in whatever way.

    Raises:
        BusyError: Another reproduction runs here, or a training that an earlier one has started.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / "reproduce.lock", timeout=0).acquire()
    except Timeout as error:
        raise BusyError(
            f"Expected no other reproduction in {folder.parent}, but one is running: it holds {error.lock_file}. "
            "Wait for its end, or stop it with Ctrl-C; or name another folder with --runs."
        ) from error
    with lock:
        try:
            FileLock(training_lock(folder), timeout=ORPHAN).acquire().lock.release()
        except Timeout as error:
            raise BusyError(
                f"Expected no training in {folder.parent}, but one that an earlier reproduction has started is still "
                f"running: it holds {error.lock_file}. Wait for its end, or end that process."
            ) from error
        yield


def training_lock(folder: Path) -> Path:
    """Name the lock that each training holds."""
    return folder / "training.lock"


class Reproduction:
    """The runs of a plan, one after another.

    Args:
        jobs: All of them.
        root: The folder of all runs.
        display: Where progress is shown.
    """

    def __init__(self, jobs: Sequence[Job], root: Path, display: Display) -> None:
        self.jobs, self.root, self.display = list(jobs), root, display
        self.forecast = Forecast()
        self.pending: list[Job] = []
        self.spent = 0.0
        for job in self.jobs:
            run = finished_run(job, root)
            if run is None:
                self.pending.append(job)
            else:
                self.count(job, run)

    @property
    def done(self) -> int:
        """Number of runs that are trained and tested."""
        return sum(finished_run(job, self.root) is not None for job in self.jobs)

    def count(self, job: Job, run: Run) -> None:
        """Take in what a run took."""
        seconds = seconds_of(run.read_metrics())
        self.forecast.learn(job, seconds)
        self.spent += seconds

    def run(self) -> list[Job]:
        """Do all that is left to do.

        Returns:
            The jobs that failed; what went wrong has been said.
        """
        failed = []
        while self.pending:
            job = self.pending[0]
            complaint = self.run_job(job)
            self.pending.pop(0)
            run = finished_run(job, self.root)
            if run is None:
                failed.append(job)
                self.display.say(f"{self.number(job)} {job}: FAILED. {complaint}")
                continue
            self.count(job, run)
            self.display.say(f"{self.number(job)} {job}: {outcome(run)}; {self.rest()}")
        return failed

    def run_job(self, job: Job) -> str:
        """Go through the steps of a job.

        Returns:
            What went wrong, if anything did.
        """
        log = self.log(job)
        resume, complaint = True, ""
        for _ in range(4):  # resume, or else fit; then test
            step = next_step(job, self.root, resume=resume)
            if step is None:
                return ""
            status = self.run_step(step, job)
            if status == 0:
                continue
            complaint = f"`{step.what}` {explain(status, log)}"
            if step.what != "resume":
                return complaint
            self.display.say(f"{self.number(job)} {job}: cannot go on, starts again. {complaint}")
            resume = False
        return complaint or f"It came to no end; see {log}."

    def run_step(self, step: Step, job: Job) -> int:
        """Run one command of a job, showing progress meanwhile.

        Returns:
            Its exit status.
        """
        log = self.log(job)
        words = {"fit": "training", "resume": "going on with", "test": "testing"}[step.what]

        def tick() -> None:
            expected = self.forecast.total(self.pending)
            gone = self.forecast.estimate(job) * share_done(job, log)
            self.display.update(f"{self.number(job)} {words} {job}", done=self.spent + gone, left=expected - gone)

        tick()
        return run_logged(step.arguments, log=log, lock=training_lock(self.root / FOLDER), tick=tick)

    def log(self, job: Job) -> Path:
        """Name the log file of a job."""
        return self.root / FOLDER / f"{job.name.replace('/', '-')}-seed{job.seed}.log"

    def number(self, job: Job) -> str:
        """Write which of all runs this is."""
        width = len(str(len(self.jobs)))
        return f"[{self.jobs.index(job) + 1:{width}}/{len(self.jobs)}]"

    def rest(self) -> str:
        """Write how long the rest will take."""
        if not self.pending:
            return "all runs are through"
        return f"about {duration(self.forecast.total(self.pending))} left"


def outcome(run: Run) -> str:
    """Write what a run has measured, and how long it took."""
    content = run.read_metrics()
    test, epochs = content["test"], content["epochs"]
    early = " of {planned}, stopped early".format(**epochs) if content.get("end") == "early" else ""
    return (
        f"R2 {test['r2']:.3f}, RMSE {test['rmse_stars']:.4f} stars on {content['data']['rows']['test']:,} test "
        f"rows at epoch {content['epoch'] + 1}, {epochs['trained']}{early} epochs in "
        f"{duration(seconds_of(content))}"
    )
