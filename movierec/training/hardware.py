"""The machine that numbers were measured on."""

import os
import platform
from pathlib import Path
from typing import Any

CPU_INFO = Path("/proc/cpuinfo")  # Linux; platform.processor() is empty there


def describe_hardware() -> dict[str, Any]:
    """Name the processor, count its cores, and say how much memory there is, in gigabytes; null where unknown."""
    return {"cpu": cpu_model(), "cores": usable_cores(), "memory_gb": memory_gigabytes()}


def cpu_model() -> str | None:
    """Name the processor."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(named), platform.processor() or platform.machine() or None)


def usable_cores() -> int | None:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def memory_gigabytes() -> float | None:
    """Measure the memory of the machine, in units of 2^30 bytes."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf, and others lack the names
        return None
