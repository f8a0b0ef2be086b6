"""A few invented ratings in the format of MovieLens 100K, with its published splits."""

from pathlib import Path

import numpy as np


def write_ml_100k(root: Path, *, num_users: int = 30, num_movies: int = 60, num_ratings: int = 600) -> None:
    """Write u.data, u.item, u1 to u5, which are fifths, and ua and ub, which are one or two ratings of each user."""
    folder = root / "ml-100k"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    each = num_ratings // num_users  # ratings of a user
    films = np.array([1 + rng.permutation(num_movies)[:each] for _ in range(num_users)])
    lines = [
        f"{1 + row // each}\t{film}\t{rng.integers(1, 6)}\t{rng.integers(10**9)}" for row, film in enumerate(films.flat)
    ]
    fifth = rng.permutation(num_ratings) % 5
    tests = {f"u{number + 1}": fifth == number for number in range(5)}
    tests |= {name: np.arange(num_ratings) % each == number for number, name in enumerate(("ua", "ub"))}
    write_lines(folder / "u.data", lines)
    for split, is_test in tests.items():
        for part, rows in ("test", is_test), ("base", ~is_test):
            write_lines(folder / f"{split}.{part}", np.array(lines)[rows])
    flags = "|".join("0110000000000000000")
    write_lines(
        folder / "u.item", [f"{film}|Film {film} (1990)|01-Jan-1990|||{flags}" for film in range(1, num_movies + 1)]
    )


def write_lines(path: Path, lines: "np.ndarray | list[str]") -> None:
    path.write_text("".join(f"{line}\n" for line in lines))
