"""Memory that each step frees and the next one wants again."""

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # as in <malloc.h>
KEPT = 1 << 30  # bytes
LARGE = 1 << 25  # bytes; the most that every glibc takes


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next step, unless it was a large table's.

    Otherwise it hands some of the tensors of a large batch back to the system, which clears each page before it gives
    it out again; in some runs so and in others not. Other C libraries are left alone.
    """
    if platform.libc_ver()[0] == "glibc":
        glibc = ctypes.CDLL(None)
        glibc.mallopt(M_MMAP_THRESHOLD, LARGE)
        glibc.mallopt(M_TRIM_THRESHOLD, KEPT)
