"""Show the progress of a download or a fetch: a bar on a terminal, occasional lines in a log file."""

import time
from datetime import timedelta

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from movierec.console import Console

INTERVAL = 10.0  # seconds between two lines


class Meter(Progress):
    """Show the progress and the time left.

    Args:
        what: What is coming.
        unit: What is counted: "MB", counted in bytes, or "films".
    """

    def __init__(self, what: str, unit: str) -> None:
        console = Console(stderr=True)
        columns = [DownloadColumn(), TransferSpeedColumn()] if unit == "MB" else [MofNCompleteColumn()]
        super().__init__(
            TextColumn("{task.description}"), BarColumn(), *columns, TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self.scale, self.unit = 1e6 if unit == "MB" else 1, unit
        self.last_line = time.monotonic()
        self.add_task(what, total=None, note="")

    def stop(self) -> None:
        """Remove the bar."""
        if not self.disable:  # until rich 15, its end is an empty line even so
            super().stop()

    def show(self, done: int, total: int | None, note: str = "") -> None:
        """Show the number of bytes or films so far, the total if known, and a note."""
        (task,) = self.tasks
        self.update(task.id, completed=done, total=total, note=note)
        if self.disable and time.monotonic() >= self.last_line + INTERVAL:
            self.last_line = time.monotonic()
            of = "" if total is None else f" of {total / self.scale:,.0f}"
            left = "" if task.time_remaining is None else f", {timedelta(seconds=task.time_remaining)} left"
            self.say(f"{task.description}: {done / self.scale:,.0f}{of} {self.unit}{left}{'  ' if note else ''}{note}")

    def say(self, text: str) -> None:
        """Print a line, above the bar if there is one."""
        self.console.print(text, soft_wrap=True)
