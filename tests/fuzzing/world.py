"""A small data root: ids up to 2^53, titles in any script."""

import csv
from pathlib import Path

LARGEST = 2**53
USERS = [*range(1, 25), 2**31, 2**32 + 1, LARGEST - 1, LARGEST]
TITLES = {
    1: "Toy Story (1995)",
    2: "千と千尋の神隠し (2001)",
    5: "الرسالة (1976)",
    7: "Tab\there, line\nend and \x1b[31mred\x1b[0m (2001)",
    50: "Amélie (Fabuleux destin d'Ame\u0301lie Poulain, Le) (2001)",
    318: "👩\u200d🚀🎬 Emoji, The (2017)",
    2**31: "ואלס עם באשיר (2008)",
    2**32 + 7: "\u202egnipparts\u202c (2012)",
    2**52 + 1: "zero\u200bwidth (2015)",
    LARGEST - 1: "เด็กหอ (2006)",
    LARGEST: '"Quoted", <b>bold</b> & {{ 7 * 7 }} (1999)',
}
FILMS = list(TITLES)
TMDB: list[object] = [
    "tmdbId", "vote_average", "vote_count", "release_date", "original_language", "origin_country", "budget", "revenue",
    "runtime",
]  # fmt: skip
GENRES = ["Drama|<i>Noir</i> & $\\no$", "Comedy|Romance", "Animation|Children"]

FIT = [
    "fit", "--config", "small.yaml", "--data", "TMDbDataModule", "--data.root", "data", "--data.cache", "false",
    "--model.network.hidden", "[8,4]", "--trainer.max_epochs", "1", "--trainer.enable_progress_bar", "false",
]  # fmt: skip


def stars(user: int, film: int) -> float:
    """Say what a user gives a film: 0.5 to 5, with what each likes."""
    place = USERS.index(user) + 3 * FILMS.index(film)
    return 0.5 + place * (place + USERS.index(user)) % 10 / 2


def write(root: Path) -> None:
    """Write ratings, films, links and TMDb's metadata; each user has rated all films but one or two."""
    (root / "ml-latest-small").mkdir(parents=True)
    (root / "metadata").mkdir()
    rated = [(user, film) for user in USERS for film in FILMS if (USERS.index(user) - FILMS.index(film)) % 10]
    tables: dict[str, list[list[object]]] = {
        "ml-latest-small/ratings.csv": [
            ["userId", "movieId", "rating", "timestamp"],
            *([user, film, stars(user, film), 1_000_000_000 + place] for place, (user, film) in enumerate(rated)),
        ],
        "ml-latest-small/movies.csv": [
            ["movieId", "title", "genres"],
            *([film, title, GENRES[film % len(GENRES)]] for film, title in TITLES.items()),
        ],
        "ml-latest-small/links.csv": [["movieId", "imdbId", "tmdbId"], *([film, f"{film:07}", film] for film in FILMS)],
        "metadata/tmdb.csv": [
            [
                "tmdbId",
                "vote_average",
                "vote_count",
                "release_date",
                "original_language",
                "origin_country",
                "budget",
                "revenue",
                "runtime",
            ],
            *(
                [film, film % 7, film % 1000, "1995-11-22", "en", "US", film % 10**6, 0, 90 + film % 50]
                for film in FILMS
            ),
        ],
    }
    for name, rows in tables.items():
        with (root / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
