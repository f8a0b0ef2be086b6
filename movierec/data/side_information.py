"""What describes users and films to a factor model beside the ratings: matrices of one row each, by their content.

No rating is read for it, and ids are none of it. A user or film of which something is not known keeps its row: a number
is the mean then, and a column says so; labels are all 0. `models.side_information.fit_features` makes features of them.
"""

from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.preprocessing import MultiLabelBinarizer

from movierec.data.features import LABELS, MIN_FILMS, NUMBERS, TEXTS, ZERO_IS_UNKNOWN, labels
from movierec.data.options import Options
from movierec.data.preparation import read_movies, read_users
from movierec.data.text import encode_texts

Matrix: TypeAlias = np.ndarray | sp.csr_matrix
IDS = ("tmdbId", "imdbId")
COUNTS = ("tmdb_vote_count", "tmdb_budget", "tmdb_revenue", "imdb_box_office", "imdb_votes")  # of which the log is read
NEVER_ZERO = [*ZERO_IS_UNKNOWN, "tmdb_vote_average"]
SPARSE = ("imdb_directors", "imdb_actors")
YEARS = 4  # in a bin
RARE = 10  # films; a bin of years or a language of fewer is too rare to be standardised
OF_FILMS = (
    "genres", "movie_year", "tmdb_original_language", *SPARSE,
    *(name for name in NUMBERS if name not in IDS and not name.endswith("_year")),
)  # fmt: skip


class SideInformation(NamedTuple):
    """Columns of users and films, in matrices of one row for each row of the tables.

    Attributes:
        users: By name of the column, 0 or 1, [num_users, width].
        films: `numbers`, `missing` (which of them is not known, 0 or 1), and others by name of the column, 0 or 1;
            those of many columns are sparse. Texts by name, from -1 to 1. [num_movies, width].
    """

    users: dict[str, Matrix]
    films: dict[str, Matrix]


def read_side_information(root: Path, options: Options, user_ids: np.ndarray, trained: np.ndarray) -> SideInformation:
    """Read what describes users and films.

    Args:
        root: The data root.
        options: Which columns of which release.
        user_ids: Of the users, [num_users] int64.
        trained: Whether each film has a training rating, [num_movies] bool.

    Raises:
        MissingDataError: A file is not there.
        DataFormatError: A file does not hold what it should.
    """
    users = read_users(root, options, user_ids)
    movies = read_movies(root, options)
    return SideInformation(
        {name: indicators(users[name]).toarray() for name in options.user_columns},
        describe_films(movies, options.columns, trained),
    )


def describe_films(movies: pd.DataFrame, columns: tuple[str, ...], trained: np.ndarray) -> dict[str, Matrix]:
    """Make matrices of columns of films; see `SideInformation`.

    Args:
        movies: One row a film, with the columns as the sources read them.
        columns: Which of them to read; ids are passed over.
        trained: Whether each film has a training rating, [num_movies] bool; texts are fitted on those.
    """
    found: dict[str, Matrix] = {}
    for name in columns:
        if name == "movie_year":
            bins = movies[name].map(lambda year: str(year // YEARS), na_action="ignore")
            found[name] = indicators(bins, RARE).toarray()
        elif name in LABELS:
            matrix = indicators(movies[name], MIN_FILMS.get(name, 1 if name == "genres" else RARE))
            found[name] = matrix if name in SPARSE else matrix.toarray()
        elif name in TEXTS:
            found[name] = encode_texts(movies[name], trained)
    numbers = [name for name in columns if name in NUMBERS and name not in (*IDS, "movie_year")]
    return found | (describe_numbers(movies[numbers]) if numbers else {})


def describe_numbers(values: pd.DataFrame) -> dict[str, Matrix]:
    """Standardise numbers (counts and money as log(1 + x)); fill missing ones with the mean, and mark them."""
    values = values.astype("float64")
    values = values.mask((values == 0) & values.columns.isin(NEVER_ZERO))
    values = values.apply(lambda column: np.log1p(column) if column.name in COUNTS else column)
    standardised = (values - values.mean()) / values.std(ddof=0).replace(0, 1)
    return {"numbers": standardised.fillna(0).to_numpy(), "missing": values.isna().to_numpy().astype("float64")}


def indicators(column: pd.Series, least: int = 1) -> sp.csr_matrix:
    """Make a column of 0 and 1 for each label that enough rows have, in alphabetical order: [num_rows, width]."""
    encoder = MultiLabelBinarizer(sparse_output=True)
    matrix = sp.csr_matrix(encoder.fit_transform(column.map(labels)), dtype=np.float64)
    return matrix[:, np.flatnonzero(np.asarray(matrix.sum(axis=0)).ravel() >= least)]
