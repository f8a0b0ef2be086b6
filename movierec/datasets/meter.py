"""Show the progress of a download or a fetch: a bar on a terminal, nothing in a log file."""

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


class Meter(Progress):
    """Show the progress and the time left.

    Args:
        what: What is coming.
        unit: What is counted: "bytes" or "films".
    """

    def __init__(self, what: str, unit: str) -> None:
        console = Console(stderr=True)
        columns = [DownloadColumn(), TransferSpeedColumn()] if unit == "bytes" else [MofNCompleteColumn()]
        super().__init__(
            TextColumn("{task.description}"), BarColumn(), *columns, TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self.task = self.add_task(what, total=None, note="")

    def stop(self) -> None:
        """Remove the bar."""
        if not self.disable:  # until rich 15, its end is an empty line even so
            super().stop()

    def show(self, done: int, total: int | None, note: str = "") -> None:
        """Show the number of bytes or films so far, the total if known, and a note."""
        self.update(self.task, completed=done, total=total, note=note)

    def say(self, text: str) -> None:
        """Print a line, above the bar if there is one."""
        self.console.print(text, soft_wrap=True)
