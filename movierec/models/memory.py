"""The memory of this machine, and networks that it has no room for."""

import os

from movierec.errors import ConfigError

BYTES_A_WEIGHT = 16  # in training: itself, its gradient and the two means of AdamW, 4 bytes each
GB = 2**30


def memory_bytes() -> int | None:
    """Measure the memory of the machine; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf, and others lack the names
        return None


def require_memory(num_weights: int) -> None:
    """Refuse a network before it is built, since the system may end a process that fills the memory without a word.

    Raises:
        ConfigError: This machine has too little memory to train so many weights.
    """
    needed, there = num_weights * BYTES_A_WEIGHT, memory_bytes()
    if there is not None and needed > there:
        raise ConfigError(
            f"Expected a network that fits into the memory of this machine, {there / GB:,.0f} GB; got {num_weights:,} "
            f"weights, which take {needed / GB:,.0f} GB in training. Use smaller layers."
        )
