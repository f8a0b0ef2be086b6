"""Commands that are shown, to be copied into a shell."""

import os
import shlex
import subprocess
from collections.abc import Sequence


def quoted(words: Sequence[str]) -> str:
    """Write a command, or a part of one, for the shell of this system; Windows' takes no single quotes."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
