"""What a check of files comes across: problems, and things worth knowing."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from logging.handlers import BufferingHandler
from typing import ParamSpec, TypeVar

from movierec.errors import MovierecError

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Findings:
    """What a check comes across; after a problem it goes on with the next file."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def attempt(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Call a reader; where it fails, keep its message and return None."""
        try:
            return read(*args, **kwargs)
        except MovierecError as error:
            self.add_problem(str(error))
        except OSError as error:
            self.add_problem(f"{error.filename}: {error.strerror or error}")
        return None

    def add_problem(self, message: str) -> None:
        """Keep a problem; once, though several releases may read the same links."""
        if message not in self.problems:
            self.problems.append(message)

    @contextmanager
    def note_warnings(self) -> Iterator[None]:
        """Keep what the readers warn of as notes."""
        logger, handler = logging.getLogger("movierec.datasets"), BufferingHandler(capacity=1000)
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            self.notes += [record.getMessage() for record in handler.buffer]
