"""The terminal: texts made safe to show, questions, durations, and commands to copy into a shell."""

import os
import re
import shlex
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rich.console
from rich.segment import Segment

# Of ASCII and Latin-1, but for tab and line end: a terminal takes orders that begin with one of them.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
FORMULA = ("=", "+", "-", "@", "\t", "\n")  # https://owasp.org/www-community/attacks/CSV_Injection; \r is taken out
MINUTES_AN_HOUR = 60
PATIENCE = 0.5  # seconds without a word; Python itself takes another one to start


class Console(rich.console.Console):
    """A console that prints texts as they are: no markup, no colours of its own, no control characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, **options)

    def say(self, text: str, *, style: str | None = None) -> None:
        """Print a text: broken at words on a terminal, with its indent, and in one line elsewhere."""
        if self.is_terminal:
            indent = " " * (len(text) - len(text.lstrip()))
            wrap = textwrap.TextWrapper(
                self.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            )
            text = wrap.fill(text)
        self.print(text, style=style, soft_wrap=True)

    def render(self, *args: Any, **options: Any) -> Iterable[Segment]:
        """Take control characters out of all that is printed; rich leaves most of them in."""
        for text, style, control in super().render(*args, **options):
            yield Segment(text if control else printable(text), style, control)


def printable(text: str) -> str:
    """Remove control characters from a text, which a terminal would obey."""
    return CONTROL.sub("", text)


def cell(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would compute as a formula."""
    text = printable(text)
    return f"'{text}" if text.startswith(FORMULA) else text


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Print on stderr what a slow step does: a line in a log, a line that disappears again on a terminal."""
    if os.environ.get("LOCAL_RANK", "0") != "0":  # of several processes, the first one speaks
        yield
        return
    console = Console(file=sys.stderr)
    status = console.status(f"{what} ...")
    timer = threading.Timer(PATIENCE, status.start if console.is_terminal else lambda: console.print(f"{what} ..."))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()


def duration(seconds: float) -> str:
    """Write a duration as people say it: "5 s", "3 min 20 s", "2 h 5 min"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= MINUTES_AN_HOUR:
        return f"{minutes // MINUTES_AN_HOUR} h {minutes % MINUTES_AN_HOUR} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def expand_home(path: str | Path) -> Path:
    """Return a path with `~` replaced by the home folder, as a shell does."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's own fails where there is no such user


def quoted(words: Sequence[str]) -> str:
    """Write a command, or a part of one, for the shell of this system; Windows' takes no single quotes."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def is_attended() -> bool:
    """Say whether a person reads what is printed and can answer."""
    automatic = os.environ.get("CI") or os.environ.get("TERM") == "dumb"
    return sys.stdin.isatty() and sys.stdout.isatty() and not automatic


def asks_yes(question: str) -> bool:
    """Ask a question on the terminal, and say whether the answer is yes."""
    print(f"{question} [y/N] ", end="", flush=True)  # input() itself would write it to stderr
    try:
        return input().strip().lower() in {"y", "yes"}
    except EOFError:
        print()
        return False
