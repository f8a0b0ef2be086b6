"""What a model may read of a person, and which films their lists leave out."""

from collections.abc import Mapping

import numpy as np

from movierec.data.histories import History, history_of
from movierec.data.tables import Tables
from movierec.errors import ConfigError, UnknownIdError
from movierec.models.model import Model
from movierec.recommend.films import Films


def known_user(tables: Tables, user_id: int | str) -> tuple[History, np.ndarray]:
    """Look up a user of the ratings.

    Returns:
        The training ratings, and the rows of all rated films, which lists leave out.

    Raises:
        UnknownIdError: There is no such user, or the checkpoint was exported without its users.
    """
    if tables.record.get("exported"):
        raise UnknownIdError(
            "Expected ratings of a new user: this checkpoint was exported without its users. Give a file, "
            "--ratings FILE, or --user_id new."
        )
    number, user_ids = tables.user_number(user_id), tables.user_ids.numpy()
    row = int(np.searchsorted(user_ids, number))
    if row == len(user_ids) or user_ids[row] != number:
        first, last = (tables.user_name(int(user_ids[place])) for place in (0, -1))
        raise UnknownIdError(
            f"User {user_id} is not in the ratings (ids from {first} to {last}). "
            "Give their ratings in a file, --ratings FILE, or --user_id new."
        )
    return history_of(tables, row), tables.seen(row)


def new_user(
    films: Films, ratings: Mapping[int, float], days: Mapping[int, int] | None = None
) -> tuple[History, np.ndarray]:
    """Make the history of a user who is not in the training data, from stars and days by film id; see `known_user`.

    Raises:
        UnknownIdError: A film is not in the ratings.
        ConfigError: There is no rating, or one outside the scale.
    """
    tables = films.tables
    stars = np.array(list(ratings.values()), dtype=np.float64)
    outside = stars[~((stars >= tables.min_stars) & (stars <= tables.max_stars))]
    if len(outside) or not len(stars):
        raise ConfigError(
            f"Expected ratings from {tables.min_stars:g} to {tables.max_stars:g} stars, got "
            f"{', '.join(f'{value:g}' for value in outside) or 'none'}."
        )
    rows = np.array([films.row(movie_id) for movie_id in ratings], dtype=np.int64)
    is_dated = days is not None and days.keys() >= ratings.keys()
    given = np.array([days[movie_id] for movie_id in ratings], dtype=np.int64) if days and is_dated else None
    return History(rows, stars, days=given), rows


def translate(history: History, films: Films, rater: Model) -> History:
    """Find a person's ratings among the films and users of another model."""
    if history.user_id is not None and not rater.tables.record.get("exported"):
        user = int(np.searchsorted(rater.tables.user_ids.numpy(), history.user_id))
        return history_of(rater.tables, user)
    rows = rows_of(films.ids[history.movies], rater)
    is_known = rows >= 0
    days = None if history.days is None else history.days[is_known]
    return History(rows[is_known], history.stars[is_known], days=days)


def rows_of(movie_ids: np.ndarray, model: Model) -> np.ndarray:
    """Look up the rows of films in a model's tables, [size] int64; -1 where it has none."""
    known = model.tables.movie_ids.numpy()
    rows = np.searchsorted(known, movie_ids).clip(max=len(known) - 1)
    return np.where(known[rows] == movie_ids, rows, -1)
