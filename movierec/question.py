"""A question that is answered by yes or no, where there is someone to answer."""

import os
import sys


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
