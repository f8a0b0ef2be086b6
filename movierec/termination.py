"""SIGTERM, as schedulers send it before they kill: the work ends as with Ctrl-C."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

STATUS = 143  # 128 and the number of the signal, as shells report it


class Terminated(KeyboardInterrupt):
    """The process was asked to end; what cleans up after Ctrl-C cleans up after this."""


@contextlib.contextmanager
def interrupt_on_sigterm() -> Iterator[None]:
    """Raise `Terminated` at the first SIGTERM; further ones may not disturb what that makes us write.

    Other threads than the main one cannot handle signals; in those, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[int] = []

    def terminate(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        if len(asked) == 1:
            raise Terminated("terminated.")

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
