"""Fingerprints of sets of rows: what was computed from which rows, without keeping the sets.

    fingerprint(S) = sum of h(row) over the rows of S, modulo 2^64

h is splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). The order of the rows
does not matter, and the fingerprints of disjoint sets add up: that of a set without a part of it is the difference.
Two different sets have the same one by chance only (2^-64); it is no protection against somebody who wants them to.
"""

from collections.abc import Iterable

import numpy as np

MODULUS = 2**64
CHUNK = 1 << 16  # rows; they stay in the processor's cache


def fingerprint(*columns: np.ndarray) -> int:
    """Compute the fingerprint of the rows that some columns of whole numbers make up, [num_rows] each."""
    starts = range(0, len(columns[0]), CHUNK)
    return add_up(int(hashes(*(c[start : start + CHUNK] for c in columns)).sum(dtype=np.uint64)) for start in starts)


def add_up(fingerprints: Iterable[int]) -> int:
    """Compute the fingerprint of a union of disjoint sets."""
    return sum(fingerprints) % MODULUS


def without(whole: int, part: int) -> int:
    """Compute the fingerprint of what is left of a set without a part of it."""
    return (whole - part) % MODULUS


def in_digits(fingerprint: int) -> str:
    """Write a fingerprint as 16 hexadecimal digits."""
    return f"{fingerprint:016x}"


def hashes(*columns: np.ndarray) -> np.ndarray:
    """Hash each row, [num_rows] uint64."""
    mixed = mix(columns[0].astype(np.uint64))
    for column in columns[1:]:
        mixed = mix(mixed + column.astype(np.uint64))
    return mixed


def mix(values: np.ndarray) -> np.ndarray:
    """Apply splitmix64's step to each number, [n] uint64; the products wrap around, as they should."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))
