"""Invent the films, users and ratings of the generated sample.

A film has a theme and may lean towards a second; its director and actors work for these. A user belongs to a taste
group, which has a favourite theme. What users watch and what they like follow from the same match:

    match[u, i] = taste[u] . style[i]
    stars[u, i] = 3 + generosity[u] + quality[i] + match[u, i] + noise
    P(u watches i next) ~ popularity[i] * exp(WATCH * match[u, i])

A style is a film's shares of the themes, and traits that it has from its director and actors.
"""

from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
import yaml

from movierec.datasets.catalog import Release

WORDS: dict[str, Any] = yaml.safe_load(resources.files(__package__).joinpath("sample_words.yaml").read_text("utf-8"))
THEMES, COUNTRIES = WORDS["themes"], WORDS["countries"]
NUM_THEMES, NUM_TRAITS = len(THEMES), 3
THEME_SHARES = [0.16, 0.2, 0.14, 0.2, 0.13, 0.17]
LIKES = np.array([1.0, 0.3, -0.5, -0.6])  # stars that a theme gains, by its distance in the ring from the favourite
WATCH = 1.6
DAY = 24 * 60 * 60
FIRST_TIME, LAST_TIME = 946_684_800, 1_577_836_800  # the years 2000 to 2019, seconds since 1970, UTC
FIRST_YEAR, LAST_YEAR = 1930, 2018  # of films
NUM_SESSIONS = 5  # in which a user rates films
BLOCK_CELLS = 4_000_000  # users times films that are drawn at once, in about 200 MB


def invent_movies(rng: np.random.Generator, num_movies: int) -> pd.DataFrame:
    """Invent films.

    Returns:
        movie_id, imdb_id, tmdb_id, name ("The Clockwork Orchard"), title ("Clockwork Orchard, The (1987)"), genres
        (with `|` between them), released (date), directors and actors (with commas), plot, country (an index into
        COUNTRIES), tag; and what their ratings come from: quality (stars), log_popularity and style (array of float).
    """
    people = rng.permutation([f"{first} {last}" for first in WORDS["first_names"] for last in WORDS["last_names"]])
    traits = rng.normal(size=(len(people), NUM_TRAITS))
    year = np.maximum(FIRST_YEAR, LAST_YEAR - rng.exponential(22, num_movies).astype(int))
    countries = rng.choice(len(COUNTRIES), num_movies, p=[share for *_, share in COUNTRIES])
    films, seen = [], set()
    for in_year, country in zip(year, countries, strict=True):
        theme = rng.choice(NUM_THEMES, p=THEME_SHARES)
        second = (theme + rng.choice([-1, 0, 0, 0, 0, 1])) % NUM_THEMES
        name = invent_name(rng, THEMES[theme], THEMES[second])
        while (name, in_year) in seen:
            name += " Again"
        seen.add((name, in_year))
        crew, cast = cast_people(rng, len(people), num_movies, theme, second)
        own = 0.6 * traits[crew].mean(axis=0) + 0.8 * traits[cast].mean(axis=0) + 0.5 * rng.normal(size=NUM_TRAITS)
        films.append(
            {
                "name": name,
                "title": f"{movielens_name(rng, name, originals=COUNTRIES[country][4])} ({in_year})",
                "genres": choose_genres(rng, theme, second),
                "directors": ", ".join(people[crew]),
                "actors": ", ".join(people[cast]),
                "plot": f"{rng.choice(THEMES[theme]['heroes'])} {rng.choice(THEMES[theme]['deeds'])}. "
                f"{rng.choice(THEMES[second]['endings'])}",
                "country": country,
                "tag": THEMES[theme]["tag"],
                "quality": 0.3 * traits[crew[0], 0] + 0.35 * rng.normal(),
                "style": np.concatenate([np.eye(NUM_THEMES)[[theme, second]].mean(axis=0), own]),
            }
        )
    movies = pd.DataFrame(films)
    movies["movie_id"] = np.cumsum(rng.integers(1, 4, num_movies))
    movies["imdb_id"], movies["tmdb_id"] = 90_000 + 3 * movies["movie_id"], 2 * movies["movie_id"]
    movies["released"] = pd.to_datetime(year.astype(str)) + pd.to_timedelta(rng.integers(0, 365, num_movies), unit="D")
    movies["log_popularity"] = rng.normal(size=num_movies) + movies["quality"]
    return movies


def invent_name(rng: np.random.Generator, theme: dict[str, Any], second: dict[str, Any]) -> str:
    """Invent a title such as "The Clockwork Orchard", "Marzipan Getaway" or "Orbital Robot 2: The Tiny Comet"."""
    name, other = (f"{rng.choice(theme['adjectives'])} {rng.choice(second['nouns'])}" for _ in range(2))
    return str(rng.choice([f"The {name}", name, f"{name} 2: The {other}"], p=[0.65, 0.3, 0.05]))


def movielens_name(rng: np.random.Generator, name: str, originals: list[str]) -> str:
    """Write a title as MovieLens does, with the article at the end and the original title in brackets."""
    name = f"{name.removeprefix('The ')}, The" if name.startswith("The ") else name
    return f"{name} ({rng.choice(originals)})" if originals else name


def choose_genres(rng: np.random.Generator, theme: int, second: int) -> str:
    """Choose one to three genres of the themes, in alphabetical order; one film in fifty has none."""
    if rng.random() < 0.02:
        return "(no genres listed)"
    genres = THEMES[theme]["genres"]
    frequency = 0.5 ** np.arange(len(genres))
    chosen = set(rng.choice(genres, rng.integers(1, 3), replace=False, p=frequency / frequency.sum()))
    return "|".join(sorted(chosen | ({THEMES[second]["genres"][0]} if second != theme else set())))


def cast_people(
    rng: np.random.Generator, num_people: int, num_movies: int, theme: int, second: int
) -> tuple[np.ndarray, np.ndarray]:
    """Choose one or two directors and three actors, each of one theme; more films have more people."""
    of_theme = num_people // NUM_THEMES
    directors = min(of_theme // 3, 3 + num_movies // 30)
    actors = min(of_theme - directors, 6 + num_movies // 12)
    crew = theme * of_theme + rng.choice(directors, 1 + (rng.random() < 0.05), replace=False)
    return crew, np.array([theme, theme, second]) * of_theme + directors + rng.choice(actors, 3, replace=False)


def invent_users(rng: np.random.Generator, num_users: int) -> pd.DataFrame:
    """Invent users.

    Returns:
        MovieLens 1M's user_id, gender, age, occupation and zip_code; and what their ratings come from: group (the
        theme they like best), taste (array of float), generosity (stars) and activity (share of all ratings).
    """
    group = rng.choice(NUM_THEMES, num_users, p=THEME_SHARES)
    distance = np.abs(np.arange(NUM_THEMES) - group[:, np.newaxis])
    likes = LIKES[np.minimum(distance, NUM_THEMES - distance)] + 0.2 * rng.normal(size=(num_users, NUM_THEMES))
    women, age, occupations = (np.array([theme[n] for theme in THEMES])[group] for n in ("women", "age", "occupations"))
    age_index = np.clip(np.rint(age + 1.2 * rng.normal(size=num_users)), 0, len(WORDS["ages"]) - 1).astype(int)
    usual = occupations[np.arange(num_users), rng.integers(0, 2, num_users)]
    activity = rng.lognormal(sigma=0.7, size=num_users)
    return pd.DataFrame(
        {
            "user_id": np.arange(1, num_users + 1),
            "gender": np.where(rng.random(num_users) < women, "F", "M"),
            "age": np.array(WORDS["ages"])[age_index],
            "occupation": np.where(rng.random(num_users) < 0.4, usual, rng.integers(0, 21, num_users)),
            "zip_code": [f"{code:05d}" for code in rng.integers(501, 99_951, num_users)],
            "group": group,
            "taste": list(np.hstack([likes, 0.3 * rng.normal(size=(num_users, NUM_TRAITS))])),
            "generosity": 0.35 * rng.normal(size=num_users),
            "activity": activity / activity.sum(),
        }
    )


def invent_ratings(
    rng: np.random.Generator, users: pd.DataFrame, movies: pd.DataFrame, *, num_ratings: int, release: Release
) -> pd.DataFrame:
    """Rate films: popular ones and busy users more often, no pair twice, no film before its release.

    Returns:
        user_id, movie_id, stars (in the steps of the release) and timestamp, sorted by user, then film.
    """
    taste, style = np.array(users["taste"].tolist()), np.array(movies["style"].tolist())
    released = movies["released"].to_numpy().astype("datetime64[s]").astype(np.int64)
    joined = rng.integers(FIRST_TIME, LAST_TIME - 3 * 365 * DAY, (len(users), 1))
    sessions = np.minimum(joined + rng.integers(0, 300 * DAY, (len(users), NUM_SESSIONS)), LAST_TIME - DAY)
    counts = count_ratings(rng, users["activity"].to_numpy(), num_ratings, len(movies))
    step, pairs = max(1, BLOCK_CELLS // len(movies)), []
    for start in range(0, len(users), step):
        block = slice(start, start + step)
        interest = movies["log_popularity"].to_numpy() + WATCH * taste[block] @ style.T
        interest -= 20 * (released > joined[block])  # they wait for a film only when all that are out are seen
        order = np.argsort(-interest - rng.gumbel(size=interest.shape), axis=1)  # draws without replacement
        user, rank = np.nonzero(np.arange(len(movies)) < counts[block, np.newaxis])
        pairs.append(np.sort((start + user) * len(movies) + order[user, rank]))
    user, movie = np.divmod(np.concatenate(pairs), len(movies))
    exact = 3 + users["generosity"].to_numpy()[user] + movies["quality"].to_numpy()[movie]
    exact += np.einsum("rs,rs->r", taste[user], style[movie]) + 0.6 * rng.normal(size=len(user))
    time = sessions[user, rng.integers(0, NUM_SESSIONS, len(user))] + rng.integers(0, DAY // 8, len(user))
    after_release = released[movie] + rng.integers(DAY, 300 * DAY, len(user))
    return pd.DataFrame(
        {
            "user_id": user + 1,
            "movie_id": movies["movie_id"].to_numpy()[movie],
            "stars": np.clip(np.rint(exact / release.min_stars) * release.min_stars, release.min_stars, 5),
            "timestamp": np.where(time < released[movie], after_release, time),
        }
    )


def count_ratings(rng: np.random.Generator, activity: np.ndarray, num_ratings: int, num_movies: int) -> np.ndarray:
    """Divide the ratings among users by their activity; nobody rates more than half of all films."""
    most = (num_movies + 1) // 2
    counts: np.ndarray = np.minimum(activity * num_ratings, most).astype(np.int64)
    while missing := num_ratings - counts.sum():
        has_room = np.flatnonzero(counts < most)
        counts[rng.choice(has_room, min(missing, len(has_room)), replace=False)] += 1
    return counts
