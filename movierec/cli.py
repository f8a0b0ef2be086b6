"""The command line. Heavy packages are imported by the command that needs them, so that `--help` answers at once."""

import argparse
import difflib
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias

from movierec import __version__
from movierec.console import busy, printable
from movierec.datasets.commands import add_check, add_download, add_fetch, add_sample
from movierec.errors import MovierecError, place_of
from movierec.model_selection.commands import (
    add_compare,
    add_crossval,
    add_export,
    add_export_split,
    add_reproduce,
    add_tune,
)
from movierec.recommend.commands import add_recommend, add_similar
from movierec.report.commands import add_report
from movierec.serve.commands import add_serve
from movierec.termination import STATUS, Terminated, interrupt_on_sigterm

EXPERIMENTS = {
    "fit": "train a model, choose its best epoch on the validation ratings",
    "validate": "measure a checkpoint on the validation ratings",
    "test": "measure a checkpoint on the test ratings, and on the training ratings beside them",
    "predict": "write the predictions of the test ratings, or of given pairs, to a csv file",
}
Command: TypeAlias = tuple[str, Callable[[argparse.ArgumentParser], None]]  # what it does; what adds its options
COMMANDS: dict[str, Command] = {
    "report": ("show the tested runs beside the published numbers, and write a page about them", add_report),
    "compare": ("say which of several tested runs is better, with intervals", add_compare),
    "crossval": ("train and test a configuration on each of several folds, beside another one", add_crossval),
    "export": ("write a checkpoint without the people it was trained on", add_export),
    "reproduce": ("train and test all that docs/results.md shows", add_reproduce),
    "tune": ("search for the options of the lowest validation error", add_tune),
    "recommend": ("list the films that a user will like most", add_recommend),
    "similar": ("list films that are similar to one, according to a model", add_similar),
    "serve": ("open a page to rate films on and be recommended, on this machine", add_serve),
}
DATA: dict[str, Command] = {  # the actions of `data`
    "download": ("download releases of MovieLens from GroupLens", add_download),
    "fetch": ("fetch the films' metadata from TMDb or OMDb", add_fetch),
    "sample": ("generate a small data set, with tastes to learn, in the published formats", add_sample),
    "check": ("show what data are there, whether they are complete, and which models can be trained", add_check),
    "export-split": (
        "write the ratings of each part of a configuration's split, to measure another library on them",
        add_export_split,
    ),
}
EXAMPLES = """\
examples:
  python -m movierec data sample                                 generate data to try it on
  python -m movierec fit --config configs/model1.yaml --config configs/sample.yaml
  python -m movierec fit --config configs/model5.yaml            train on the real data
  python -m movierec test --config configs/model5.yaml           test the newest run of that configuration
  python -m movierec recommend --user_id 1                       list the films that a user will rate highest
  python -m movierec serve                                       rate films on a page, and be recommended
  python -m movierec report                                      show the tested runs; write report/index.html
  python -m movierec compare model6 model1                       say which of two tested runs is better
  python -m movierec crossval --config model6 --against model1   compare two configurations on all ratings
  python -m movierec tune --config model1 --trials 50            search for better options
  python -m movierec reproduce                                   train and test all of docs/results.md, for hours
"""


def main(args: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        args: The arguments; those of the process if there are none.

    Returns:
        The exit status: 0 when the work was done, 1 on an error, 130 after Ctrl-C, 143 after SIGTERM.

    Raises:
        SystemExit: With status 2 on wrong usage, with 0 after `--help`.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    open_closed_streams()
    write_utf8()
    try:
        with interrupt_on_sigterm():
            return dispatch(arguments)
    except Exception as error:  # a message for people, the traceback on request
        if os.environ.get("MOVIEREC_DEBUG"):
            raise
        print(printable(f"movierec: error: {message_of(error)}"), file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"\nmovierec: {str(stop) or 'interrupted.'}", file=sys.stderr)
        return STATUS if isinstance(stop, Terminated) else 130


def message_of(error: Exception) -> str:
    """Say what went wrong: in our own words, in those of the system with the file, or by the name of the exception."""
    if isinstance(error, MovierecError):
        return str(error)
    if isinstance(error, OSError):
        return ": ".join(filter(None, [place_of(error), error.strerror or str(error)]))
    return (
        f"unexpected {type(error).__name__}: {error}\n"
        "Set MOVIEREC_DEBUG=1 to see where it comes from, and please report it."
    )


def open_closed_streams() -> None:
    """Replace closed standard streams (`<&-`), which Python sets to None, by empty ones."""
    for name, mode in ("stdin", "r"), ("stdout", "w"), ("stderr", "w"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - stays open


def write_utf8() -> None:
    """Write to files and pipes in UTF-8: Windows would in the encoding of its region, which lacks most titles' letters.

    A letter that a terminal lacks becomes a question mark there.
    """
    for stream in sys.stdout, sys.stderr:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")


def dispatch(arguments: list[str]) -> int:
    """Hand the arguments to the command they begin with."""
    if arguments and arguments[0] in EXPERIMENTS:
        with busy("loading PyTorch and Lightning"):
            from movierec.training.commands import run

        return run(arguments)
    options = build_parser().parse_args(arguments)
    command: int = options.run(options)
    return command


class Parser(argparse.ArgumentParser):
    """Parse the command line; suggest the nearest known word for a misspelt command or choice."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, and end with status 2."""
        if wrong := re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message):
            known = re.findall(r"[^\s,']+", wrong[2])
            message += "".join(f"\nDid you mean {name}?" for name in difflib.get_close_matches(wrong[1], known, n=1))
        super().error(message)


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands; those of Lightning have their own for what follows."""
    parser: argparse.ArgumentParser = Parser(
        prog="python -m movierec",
        description="Train, test and compare models that predict how a user rates a film.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"movierec {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, text in EXPERIMENTS.items():
        commands.add_parser(name, help=text)
    for name, (text, add_options) in COMMANDS.items():
        add_options(commands.add_parser(name, help=text))
    actions = commands.add_parser("data", help="get and check the data").add_subparsers(metavar="ACTION", required=True)
    for name, (text, add_options) in DATA.items():
        add_options(actions.add_parser(name, help=text))
    return parser
