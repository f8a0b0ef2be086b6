"""The columns that a network may read of films and users, and their encoding by scikit-learn into numbers."""

import difflib
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler

from movierec.data.statistics import is_statistic
from movierec.data.text import encode_texts
from movierec.errors import ConfigError

Missing = Literal["drop", "impute"]

NUMBERS = (
    "tmdbId", "imdbId", "tmdb_vote_average", "tmdb_release_year", "tmdb_vote_count", "tmdb_budget", "tmdb_revenue",
    "tmdb_runtime", "imdb_box_office", "imdb_metascore", "imdb_release_year", "imdb_runtime", "imdb_rating",
    "imdb_votes", "movie_year",
)  # fmt: skip
LABELS = (  # one text a film, or a list of them
    "genres", "tmdb_original_language", "tmdb_origin_countries", "imdb_country", "imdb_countries", "imdb_languages",
    "imdb_directors", "imdb_actors",
)  # fmt: skip
TEXTS = ("tmdb_overview", "tmdb_keywords", "imdb_plot")
MIN_FILMS = {"imdb_directors": 3, "imdb_actors": 3}  # of which a label must be to become a column; else 1
MOST_CELLS = 90_000_000  # of films and the labels of a column: 360 MB; of more, the most frequent labels are read
USER_COLUMNS = ("user_gender", "user_age", "user_occupation")  # one text a user
ZERO_IS_UNKNOWN = ["tmdb_budget", "tmdb_revenue"]  # TMDb writes 0 for a sum that it does not know
ROW_IDS = ("userId", "movieId")  # read with the statistics, because their scale may differ from bank to bank


class MovieFeatures(NamedTuple):
    """Encoded columns of each film.

    Attributes:
        table: [num_movies, width] float32, the numbers scaled to 0 to 1 over the training films.
        names: What each of the columns holds.
        complete: Whether each film has all that the network reads, [num_movies] bool.
        scalers: Least and greatest value of each number among the training films, and with `impute` the median.
    """

    table: np.ndarray
    names: list[str]
    complete: np.ndarray
    scalers: dict[str, dict[str, float]]


def known_columns() -> tuple[str, ...]:
    """List the names of all columns there are."""
    return ROW_IDS + NUMBERS + LABELS + TEXTS + USER_COLUMNS


def check_columns(columns: Sequence[str], available: Sequence[str]) -> None:
    """Refuse columns that do not exist or that the chosen sources do not have.

    Raises:
        ConfigError: A column is unknown, repeated, or of a source that this feature set does not read.
    """
    for name in columns:
        if name not in available:
            raise ConfigError(f"Column {name!r}: {why_not(name, available)} Expected some of {', '.join(available)}.")
    if len(set(columns)) < len(columns):
        raise ConfigError(f"Expected each column once, got {', '.join(columns)}.")


def why_not(name: str, available: Sequence[str]) -> str:
    """Say why there is no such column to choose, and which one may be meant."""
    if name in known_columns():
        return "belongs to a source that this data module does not read."
    if is_statistic(name):
        return "is a statistic of the ratings, which all networks read; --data.statistics says from which ratings."
    close = difflib.get_close_matches(name, available, n=1)
    return f"unknown; did you mean {close[0]}?" if close else "unknown."


def complete_films(movies: pd.DataFrame, columns: Sequence[str], missing: Missing) -> np.ndarray:
    """Say which films have every column but the texts; with `impute`, all of them.

    Returns:
        [num_movies] bool.
    """
    if missing == "impute":
        return np.ones(len(movies), dtype=bool)
    return movies[film_columns(columns)].notna().all(axis="columns").to_numpy()


def encode_films(
    movies: pd.DataFrame, *, columns: Sequence[str], missing: Missing, trained: np.ndarray
) -> MovieFeatures:
    """Encode films by transformers that are fitted on the films of the training ratings only.

    Numbers are scaled to 0 to 1; each label (a genre, a country, a language) becomes a column of 0 and 1. A label
    or a number that no training film has is left out, and so is a director or actor of fewer than three of them. Of
    90 thousand films, the 1,000 most frequent labels of each column are encoded, of fewer films more. Texts come last;
    see `encode_texts`.

    Args:
        movies: One row a film, numbered from 0, with the columns as the sources read them.
        columns: Which of them to encode.
        missing: `drop`: films that lack a value are not complete. `impute`: a missing number becomes the median and
            an indicator column says so; a film without labels is all zeros.
        trained: Whether each film has a training rating, [num_movies] bool.
    """
    names = film_columns(columns)
    complete = complete_films(movies, columns, missing)
    frame = movies[names].copy()
    if missing == "impute":
        unknown = [name for name in ZERO_IS_UNKNOWN if name in names]
        frame[unknown] = frame[unknown].replace(0, np.nan)
    for name in set(names) - set(NUMBERS):
        frame[name] = frame[name].map(labels)
    fitted_on = frame[trained & complete]
    names = [name for name in names if has_content(fitted_on[name])]
    transformer = film_transformer(names, missing, MOST_CELLS // len(movies)).fit(fitted_on)
    columns_out = transformer.get_feature_names_out()
    texts = {name: encode_texts(movies[name], trained) for name in columns if name in TEXTS}
    names_out = [name.removeprefix("number=") for name in columns_out]
    names_out += [f"{name}={number}" for name, text in texts.items() for number in range(text.shape[1])]
    table = np.zeros((len(movies), len(names_out)), dtype=np.float32)
    if names:
        values = sp.coo_matrix(transformer.transform(frame[complete]))  # of thousands of people, few are 1
        table[np.flatnonzero(complete)[values.row], values.col] = values.data
    if texts:
        table[:, len(columns_out) :] = np.hstack([*texts.values()])
    return MovieFeatures(
        table=table,
        names=names_out,
        complete=complete,
        scalers=fitted_scalers(transformer),
    )


def encode_users(users: pd.DataFrame, columns: Sequence[str], *, trained: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Encode the columns of users one-hot: a column of 0 and 1 for each text that a training user has.

    Args:
        users: One row a user, with texts; NaN where nothing is told, which is no text.
        columns: Which of its columns to encode, among others.
        trained: Whether each user has a training rating, [num_users] bool.

    Returns:
        [num_users, width] float64, and the names of the columns.
    """
    chosen = users[[name for name in users if name in columns]]
    if chosen.empty:
        return np.zeros((len(users), 0)), []
    table = pd.get_dummies(chosen, prefix_sep="=", dtype=float)
    table = table.loc[:, table[trained].any()]
    return table.to_numpy(dtype=np.float64), table.columns.tolist()


def film_columns(columns: Sequence[str]) -> list[str]:
    """Pick the columns of numbers and labels of a film."""
    return [name for name in columns if name in NUMBERS + LABELS]


def has_content(column: pd.Series) -> bool:
    """Say whether any film has the number of a column, or enough films share a label."""
    if column.name in NUMBERS:
        return bool(column.notna().any())
    return bool(column.map(set).explode().value_counts().max() >= MIN_FILMS.get(str(column.name), 1))


def film_transformer(columns: Sequence[str], missing: Missing, most_labels: int) -> ColumnTransformer:
    """Build the unfitted transformer of some film columns, with so many labels a column at most."""
    numbers = [name for name in columns if name in NUMBERS]
    scale: Pipeline | MinMaxScaler = MinMaxScaler()
    if missing == "impute":
        scale = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), scale)
    parts: list[tuple[str, Any, list[str] | str]] = [("number", scale, numbers)] if numbers else []
    for name in columns:
        if name in LABELS:
            least = MIN_FILMS.get(name, 1)
            encoder = CountVectorizer(analyzer=list, binary=True, min_df=least, max_features=most_labels)
            parts.append((name, encoder, name))
    return ColumnTransformer(parts, sparse_threshold=1, verbose_feature_names_out="{transformer_name}={feature_name}")


def fitted_scalers(transformer: ColumnTransformer) -> dict[str, dict[str, float]]:
    """Read the fitted numbers out of a film transformer, by column."""
    fitted = transformer.named_transformers_.get("number")
    if fitted is None:
        return {}
    imputer, scaler = (fitted[0], fitted[1]) if isinstance(fitted, Pipeline) else (None, fitted)
    names = (imputer or scaler).get_feature_names_out()
    scalers = {
        name: {"min": float(low), "max": float(high)}
        for name, low, high in zip(names, scaler.data_min_, scaler.data_max_, strict=True)
    }
    if imputer is not None:
        for name, median in zip(imputer.feature_names_in_, imputer.statistics_, strict=True):
            scalers[name]["median"] = float(median)
    return scalers


def labels(value: object) -> list[str]:
    """Take a film's labels as a list: a text is one label, a missing value none."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, str) else []
