"""How far a fetch is: a bar on a terminal, a line now and then in a log file."""

import time
from datetime import timedelta
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from movierec.console import Console

INTERVAL = 10.0  # seconds between two lines


class Speed(ProgressColumn):
    """Films a second."""

    def render(self, task: Task) -> Text:
        """Show the speed, once it is known."""
        return Text(f"{task.speed:.1f} films/s" if task.speed else "")


class Meter:
    """Shows how many films have been asked for, how fast, and how long the others will take.

    Args:
        title: What is asked.
        total: Films to ask for.
    """

    def __init__(self, title: str, total: int) -> None:
        self.title = title
        self.total = total
        self.done = 0
        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), Speed(), TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self.task = self.bar.add_task(title, total=total, note="")
        self.start = self.last_line = time.monotonic()

    def __enter__(self) -> Self:
        """Show the bar."""
        if not self.bar.disable:
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if not self.bar.disable:  # until rich 15, its end is an empty line even so
            self.bar.stop()

    def advance(self, note: str) -> None:
        """Count a film, and show a note beside it."""
        self.done += 1
        self.bar.update(self.task, advance=1, note=note)
        now = time.monotonic()
        if self.bar.disable and now >= self.last_line + INTERVAL:
            self.last_line = now
            self.bar.console.print(self.line(now - self.start, note), soft_wrap=True)

    def line(self, seconds: float, note: str) -> str:
        """Describe the state after some seconds."""
        rate = self.done / seconds
        left = timedelta(seconds=round((self.total - self.done) / rate))
        return (
            f"{self.title}: {self.done:,} of {self.total:,} films, {rate:.1f} a second, "
            f"{left} left{'  ' if note else ''}{note}"
        )
