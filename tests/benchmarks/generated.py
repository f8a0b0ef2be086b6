"""Generate ratings by the million for benchmarks, with no more structure than speed and memory depend on."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from movierec.datasets.catalog import RELEASES
from movierec.datasets.metadata import FILES

BLOCK_RATINGS = 1_000_000  # are drawn and written at once


def write_generated(root: Path, name: str, *, num_users: int, num_movies: int, num_ratings: int) -> None:
    """Write the ratings, films and links of a release in csv or with `::`, users and films of uneven activity.

    No pair is rated twice. The ratings are fewer than half of all pairs.
    """
    release, rng = RELEASES[name], np.random.default_rng(0)
    delimiter = "," if release.format == "csv" else "::"
    for path in release.ratings, release.movies, release.links or "":
        (root / path).parent.mkdir(parents=True, exist_ok=True)
    films = pd.DataFrame({"movieId": np.arange(1, num_movies + 1)})
    films["title"] = [f"Film {film} ({1930 + film % 90})" for film in films["movieId"]]
    films["genres"] = rng.choice(["Comedy", "Drama|Romance", "Action|Sci-Fi", "Horror"], num_movies)
    write_rows(root / release.movies, films, delimiter)
    if release.links:
        ids = films["movieId"].astype(str)
        write_rows(root / release.links, pd.DataFrame({"movieId": ids, "imdbId": ids.str.zfill(7), "tmdbId": ids}), ",")
    quality = rng.normal(size=num_movies)
    bounds = np.linspace(0, num_users, max(2, num_ratings // BLOCK_RATINGS + 1)).astype(int)
    for start, stop in pairwise(bounds):
        quota = num_ratings * stop // num_users - num_ratings * start // num_users
        pairs = draw_pairs(rng, stop - start, num_movies, quota)
        user, movie = start + pairs // num_movies, pairs % num_movies
        stars = np.clip(np.rint(2 * (3.5 + 0.5 * quality[movie] + 0.7 * rng.normal(size=quota))) / 2, 0.5, 5)
        frame = pd.DataFrame({"userId": user + 1, "movieId": movie + 1, "rating": stars})
        if release.min_stars == 1:
            frame["rating"] = np.clip(np.rint(stars), 1, 5).astype(int)
        frame["timestamp"] = rng.integers(10**9, 15 * 10**8, quota)
        write_rows(root / release.ratings, frame, delimiter, again=start > 0)


def write_metadata(root: Path, num_movies: int) -> None:
    """Write what TMDb and OMDb tell of the films, with as many people, and words of plots, as they name."""
    rng = np.random.default_rng(1)
    (root / FILES["tmdb"]).parent.mkdir(parents=True, exist_ok=True)
    ids = np.arange(1, num_movies + 1)
    dates = [f"{1930 + film % 90}-06-01" for film in ids]
    counts = rng.integers(1, 10**6, num_movies)
    tmdb: dict[str, Any] = {
        "tmdbId": ids,
        "vote_average": rng.integers(1, 10, num_movies),
        "vote_count": counts,
        "budget": counts,
    }
    tmdb |= {"revenue": counts, "runtime": 90, "release_date": dates, "origin_country": "US"}
    tmdb |= {"original_language": rng.choice(["en", "fr", "ja"], num_movies), "overview": draw_texts(rng, num_movies)}
    tmdb["keywords"] = draw_labels(rng, num_movies, 8, num_labels=num_movies, letter="k")
    write_rows(root / FILES["tmdb"], pd.DataFrame(tmdb), ",")
    omdb: dict[str, Any] = {"imdbID": [f"tt{film:07}" for film in ids], "BoxOffice": counts, "Metascore": counts % 101}
    omdb |= {"imdbRating": counts % 10, "imdbVotes": counts, "Released": dates, "Runtime": "90 min"}
    omdb["Language"] = omdb["Country"] = draw_labels(rng, num_movies, 2, num_labels=100, letter="l")
    omdb["Director"] = draw_labels(rng, num_movies, 1, num_labels=num_movies // 2, letter="d")
    omdb["Actors"] = draw_labels(rng, num_movies, 4, num_labels=4 * num_movies, letter="a")
    omdb["Plot"] = draw_texts(rng, num_movies)
    write_rows(root / FILES["omdb"], pd.DataFrame(omdb), ",")


def draw_labels(rng: np.random.Generator, num_films: int, width: int, *, num_labels: int, letter: str) -> list[str]:
    """Draw a list of labels for each film, a few of them for many films, most for one or two."""
    drawn = (rng.random((num_films, width)) ** 2.5 * num_labels).astype(int)
    return [", ".join(f"{letter}{label}" for label in dict.fromkeys(row)) for row in drawn.tolist()]


def draw_texts(rng: np.random.Generator, num_films: int) -> list[str]:
    """Draw a text of 30 words for each film, a few words for many films."""
    return [labels.replace(",", "") for labels in draw_labels(rng, num_films, 30, num_labels=50_000, letter="w")]


def draw_pairs(rng: np.random.Generator, num_users: int, num_movies: int, num_pairs: int) -> np.ndarray:
    """Draw distinct cells `user * num_movies + movie`, sorted; some users and films more often than others."""
    cells = np.empty(0, dtype=np.int64)
    while len(cells) < num_pairs:
        user, movie = (rng.random((2, num_pairs)) ** [[1.5], [2.5]] * [[num_users], [num_movies]]).astype(np.int64)
        cells = np.sort(np.concatenate([cells, user * num_movies + movie]))
        cells = cells[np.diff(cells, prepend=-1) > 0]  # np.unique hashes, which takes ten times as long
    return np.sort(rng.choice(cells, num_pairs, replace=False))


def write_rows(path: Path, frame: pd.DataFrame, delimiter: str, *, again: bool = False) -> None:
    """Write a frame, or add it to what is there; `::` stands where no field has a comma, and has no header."""
    has_header = delimiter == "," and not again
    text = frame.to_csv(header=has_header, index=False, lineterminator="\n").replace(",", delimiter)
    with path.open("a" if again else "w", encoding="utf-8", newline="") as file:
        file.write(text)
