"""A process that trains or tests for another one, and ends when that one does.

`python -m movierec.model_selection.child LOCK fit ...` holds the lock while it runs. Its standard input is a pipe that
nobody writes to: its end means that the other process has stopped, or was killed, and acts like SIGTERM, which unlike
Ctrl-C reaches a process that was started in the background too.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence

from filelock import FileLock, Timeout

from movierec.cli import main as run_command


def main(args: Sequence[str]) -> int:
    """Run a command of movierec while holding a lock.

    Args:
        args: The file of the lock, then the command and its options.

    Returns:
        The exit status of the command; 1 if another process holds the lock.
    """
    try:
        with FileLock(args[0], timeout=0):
            threading.Thread(target=terminate_at_end_of_input, daemon=True).start()
            return run_command(args[1:])
    except Timeout:
        print(f"movierec: error: another training holds {args[0]}. Wait for its end.", file=sys.stderr)
        return 1


def terminate_at_end_of_input() -> None:
    """Wait until the standard input is closed, then ask this process to end."""
    while os.read(0, 1024):
        pass
    signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
