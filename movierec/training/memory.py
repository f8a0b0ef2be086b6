"""Keep freed memory in the process for the next training step."""

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # as in <malloc.h>
KEPT = 1 << 30  # bytes
LARGE = 1 << 25  # bytes; the most that every glibc takes


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next step, except that of large tables.

    By default, in some runs, glibc returns tensors of a large batch to the system, which clears each page before the
    next use. Other C libraries are left alone.
    """
    if platform.libc_ver()[0] == "glibc":
        glibc = ctypes.CDLL(None)
        glibc.mallopt(M_MMAP_THRESHOLD, LARGE)
        glibc.mallopt(M_TRIM_THRESHOLD, KEPT)
