"""Progress over all runs: a bar on a terminal, and a line a run there and in a log file."""

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from movierec.console import Console, duration


class Display:
    """Show what is running, how much is done, and how long the rest will take."""

    def __init__(self) -> None:
        self.console = Console()
        self.progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"), console=self.console, transient=True,
            disable=not self.console.is_terminal,
        )  # fmt: skip
        self.task = self.progress.add_task("", total=1.0, left="")

    def __enter__(self) -> Self:
        """Show the bar, on a terminal."""
        if not self.progress.disable:
            self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if not self.progress.disable:  # until rich 15, its end is an empty line even so
            self.progress.stop()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self.console.print(text, soft_wrap=True)

    def update(self, what: str, *, done: float, left: float) -> None:
        """Show how far everything is.

        Args:
            what: What is running.
            done: Seconds of work that are done.
            left: Seconds of work that are left.
        """
        shown = f"about {duration(left)} left"
        self.progress.update(self.task, description=what, completed=done, total=done + left, left=shown)
