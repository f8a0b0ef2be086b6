"""The command `reproduce`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from movierec.console import quoted
from movierec.errors import ConfigError
from movierec.model_selection.plan import SEEDS, Job, make_entries, make_jobs, resolve_all

if TYPE_CHECKING:
    from movierec.model_selection.display import Display

DESCRIPTION = """\
Train and test all models as the report describes them (over several seeds) and as its notebook ran them, and what
compares the films' metadata, one after another; then write docs/results.md and its figures. It takes hours. Stop it
with Ctrl-C and start it again: what is done is not repeated, and what was interrupted goes on.
"""


def add_reproduce(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `reproduce` to the commands."""
    text = "train and test all models over several seeds, and write down the results"
    reproduce = commands.add_parser("reproduce", help=text, description=DESCRIPTION)
    add = reproduce.add_argument
    add("--root", type=Path, help="folder of the data (default: MOVIEREC_DATA, else data)")
    add("--runs", type=Path, default=Path("lightning_logs"), help="folder of the runs (default: lightning_logs)")
    seeds = f"seeds of each described model; model5 has 2 at most (default: {SEEDS})"
    add("--seeds", type=int, default=SEEDS, metavar="N", help=seeds)
    only = "configurations to train, such as model1 'published/*' (default: all)"
    add("--only", nargs="+", default=[], metavar="NAME", help=only)
    add("--overlay", nargs="+", default=[], metavar="CONFIG", help="configurations that come after each one")
    add("--full", action="store_true", help="train all 100 epochs of model5, instead of stopping when it gets worse")
    add(
        "--out",
        type=Path,
        help="folder of results.md (default: docs; for generated data or a part, one beside the runs)",
    )
    add("--readme", type=Path, default=Path("README.md"), help="file whose table of results is replaced, if it has one")
    add("--plan", action="store_true", help="show what would be done, and do nothing")
    reproduce.set_defaults(run=reproduce_all)


def reproduce_all(options: argparse.Namespace) -> int:
    """Reproduce.

    Returns:
        The exit status: 1 if a run has failed.

    Raises:
        MovierecError: It cannot begin.
        KeyboardInterrupt: Ctrl-C; the message says what is kept.
    """
    from movierec.console import duration
    from movierec.model_selection.display import Display
    from movierec.model_selection.reproduce import FOLDER, Reproduction, alone, check_data, check_place

    display = Display()
    jobs = find_jobs(options)
    check_data(jobs, given_root=options.root is not None)
    reproduction = Reproduction(jobs, options.runs, display)
    pending = reproduction.pending
    left = f"; about {duration(reproduction.forecast.total(pending))} for the others" if pending else ""
    display.say(f"{len(jobs) - len(pending)} of {len(jobs)} runs are done{left}.")
    if options.plan:
        for job in pending:
            display.say(f"{reproduction.number(job)} {job}: about {duration(reproduction.forecast.estimate(job))}")
        return 0
    check_place(options.runs, len(pending))
    with alone(options.runs / FOLDER):
        try:
            with display:
                failed = reproduction.run()
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(
                f"interrupted. {reproduction.done} of {len(jobs)} runs are done; of the one that was under way, all "
                "whole epochs are kept. Go on with the same command."
            ) from stop
        if reproduction.done:
            write_results(options, jobs, display, whole=not (failed or options.only or options.overlay))
    for job in failed:
        display.say(f"failed: {job}; its log is {reproduction.log(job)}. Mend what it says and start again.")
    return 1 if failed else 0


def find_jobs(options: argparse.Namespace) -> list[Job]:
    """Work out what is to be trained.

    Raises:
        ConfigError: Options that do not fit.
    """
    entries = make_entries(seeds=options.seeds, full=options.full, only=options.only, overlays=options.overlay)
    root = [] if options.root is None else ["--data.root", str(options.root)]
    fits = [[*(a for config in entry.configs for a in ("--config", config)), *root] for entry in entries]
    jobs = make_jobs(entries, resolve_all(fits))
    if len({job.resolved.sample for job in jobs}) > 1:
        raise ConfigError("Expected one data root for all configurations, got several. Name it with --root.")
    return jobs


def write_results(options: argparse.Namespace, jobs: list[Job], display: "Display", *, whole: bool) -> None:
    """Write results.md and its figures, the page, and the README's table where all of it was measured on real ratings.

    Args:
        options: Of the command.
        jobs: What was to be done.
        display: Where to say what was written.
        whole: Whether all configurations were run, as they are.
    """
    from movierec.model_selection.reproduce import FOLDER
    from movierec.report.page import write_report
    from movierec.report.results import gather
    from movierec.report.story import replace_table, write_story

    real = not jobs[0].resolved.sample
    measured, left_out = gather(options.runs)
    for line in left_out:
        display.say(line)
    out = options.out or (Path("docs") if whole and real else options.runs / FOLDER)
    display.say(f"results: {write_story(measured, out, command=command_of(options))}")
    display.say(f"page:    {write_report(measured, left_out, options.runs / FOLDER / 'report')}")
    if not (whole and real):
        why = "not all configurations were run as they are" if real else "these ratings were generated"
        display.say(f"{options.readme} keeps its table: {why}.")
    elif replace_table(options.readme, measured):
        display.say(f"table:   {options.readme}")


def command_of(options: argparse.Namespace) -> str:
    """Write the command with what decides the numbers; the places may be others."""
    words = ["python", "-m", "movierec", "reproduce", "--seeds", str(options.seeds)]
    words += ["--only", *options.only] if options.only else []
    words += ["--overlay", *options.overlay] if options.overlay else []
    return quoted([*words, *(["--full"] if options.full else [])])
