"""What describes users and films to a factor model, against pandas written the slow way."""

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from movierec.data import Combined1MDataModule, CombinedDataModule, RatingsDataModule
from movierec.data.modules import MovieDataModule
from movierec.data.side_information import SideInformation, describe_films
from movierec.errors import ConfigError
from movierec.models.side_information import fit_features
from tests.ml_100k import write_ml_100k

NUMBERS = {  # of the metadata files, and whether their log is read
    "tmdb": {"vote_average": False, "vote_count": True, "budget": True, "revenue": True, "runtime": False},
    "omdb": {"BoxOffice": True, "Metascore": False, "Runtime": False, "imdbRating": False, "imdbVotes": True},
}


def described(module: MovieDataModule) -> SideInformation:
    return module.read_side_information()


def read_films(root: Path) -> pd.DataFrame:
    """Join the films of ml-1m with their metadata, in the services' own strings."""
    lines = (root / "ml-1m/movies.dat").read_text("latin-1").splitlines()
    films = pd.DataFrame([line.split("::") for line in lines], columns=["movieId", "title", "genres"])
    films = films.astype({"movieId": int}).sort_values("movieId")
    links = pd.read_csv(root / "ml-latest-small/links.csv", dtype={"imdbId": str})
    tmdb = pd.read_csv(root / "metadata/tmdb.csv").drop(columns="title")
    omdb = pd.read_csv(root / "metadata/omdb.csv", dtype=str, na_values="N/A", keep_default_na=False)
    films = films.merge(links, on="movieId", how="left").merge(tmdb, on="tmdbId", how="left")
    return films.assign(imdbID="tt" + films["imdbId"]).merge(omdb, on="imdbID", how="left")


def count(lists: list[list[str]], least: int) -> np.ndarray:
    """Write out which label each film has, of those that enough films have."""
    every = sorted({label for labels in lists for label in labels})
    kept = [label for label in every if sum(label in labels for labels in lists) >= least]
    return np.array([[float(label in labels) for label in kept] for labels in lists])


def split(column: pd.Series, separator: str) -> list[list[str]]:
    return [text.split(separator) if isinstance(text, str) else [] for text in column]


def minutes(text: str) -> float:
    hours, _, rest = text.rpartition(" h ")
    return 60.0 * int(hours or 0) + int(rest.removesuffix(" min"))


def test_films_are_described_by_genres_years_language_and_people(sample_root: Path) -> None:
    found = described(Combined1MDataModule(root=sample_root, side_information=True)).films
    films = read_films(sample_root)
    years = films["title"].str.extract(r"\((\d{4})\)$")[0].astype(float)
    expected = {
        "genres": count(split(films["genres"], "|"), 1),
        "movie_year": count([[] if np.isnan(year) else [f"{year // 4:g}"] for year in years], 10),
        "tmdb_original_language": count(
            [[text] if isinstance(text, str) else [] for text in films["original_language"]], 10
        ),
        "imdb_directors": count(split(films["Director"], ", "), 3),
        "imdb_actors": count(split(films["Actors"], ", "), 3),
    }
    assert set(found) == {*expected, "numbers", "missing"}
    for name, matrix in expected.items():
        np.testing.assert_array_equal(sp.csr_matrix(found[name]).toarray(), matrix, err_msg=name)
        assert matrix.shape[1] > 1
    assert [name for name, matrix in found.items() if sp.issparse(matrix)] == ["imdb_directors", "imdb_actors"]


def test_numbers_are_standardised_and_what_is_missing_is_the_mean_and_marked(sample_root: Path) -> None:
    found = described(Combined1MDataModule(root=sample_root, side_information=True)).films
    films = read_films(sample_root)
    for place, (name, is_logged) in enumerate((NUMBERS["tmdb"] | NUMBERS["omdb"]).items()):
        values = films[name]
        if name == "Runtime":
            values = values.map(minutes, na_action="ignore")
        elif name in NUMBERS["omdb"]:
            values = values.str.replace("[$,]", "", regex=True)
        values = values.astype(float)
        if name in ("vote_average", "budget", "revenue"):
            values = values.where(values != 0)
        values = values.map(lambda value: math.log(1 + value)) if is_logged else values
        expected = ((values - values.mean()) / values.std(ddof=0)).fillna(0)
        assert found["numbers"][:, place] == pytest.approx(expected.to_numpy()), name
        assert found["missing"][:, place].tolist() == values.isna().astype(float).tolist(), name
    assert found["missing"].sum() > 100


def test_three_films_are_described_as_by_hand() -> None:
    movies = pd.DataFrame(
        {
            "userId": [1, 2, 3],
            "tmdbId": [5.0, 6.0, np.nan],
            "genres": [["Drama"], ["Comedy", "Drama"], ["War"]],
            "imdb_metascore": [40.0, 60.0, np.nan],
            "tmdb_budget": [0.0, np.e - 1, np.e**3 - 1],
            "imdb_actors": [["Ann"], ["Ann", "Bob"], ["Ann"]],
            "imdb_plot": ["A red ship", "Red ship, ship", "Ship: red, red"],
        }
    )
    columns = ("userId", "tmdbId", "genres", "imdb_metascore", "tmdb_budget", "imdb_actors", "imdb_plot")
    found = describe_films(movies, columns, np.ones(3, dtype=bool))
    assert found["genres"].tolist() == [[0, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert sp.csr_matrix(found["imdb_actors"]).toarray().tolist() == [[1], [1], [1]]
    assert found["numbers"] == pytest.approx(np.array([[-1, 0], [1, -1], [0, 1]]))
    assert found["missing"].tolist() == [[0, 1], [0, 0], [1, 0]]
    assert found["imdb_plot"][:, 0] == pytest.approx(np.array([1, 0.9684, 0.9684]), abs=1e-4)  # cosines with (1, 1)
    assert set(found) == {"genres", "numbers", "missing", "imdb_actors", "imdb_plot"}  # ids tell nothing


def test_users_are_described_by_gender_age_and_occupation(sample_root: Path) -> None:
    module = RatingsDataModule(root=sample_root, release="ml-1m", side_information=True)
    found = described(module)
    assert module.tables is not None
    told = pd.read_csv(sample_root / "ml-1m/users.dat", sep="::", engine="python", header=None, index_col=0, dtype=str)
    told.index = told.index.astype(int)
    told = told.loc[module.tables.user_ids.tolist()]
    for column, name in enumerate(("user_gender", "user_age", "user_occupation"), start=1):
        np.testing.assert_array_equal(found.users[name], count([[text] for text in told[column]], 1))
    assert set(found.films) == {"genres", "movie_year"}


def test_users_of_ml_100k_are_described_too_and_one_who_is_not_listed_has_zeros(tmp_path: Path) -> None:
    write_ml_100k(tmp_path)
    lines = [f"{n}|{20 + n}|{'MF'[n % 2]}|writer|1" for n in range(1, 30)]  # and not the thirtieth
    (tmp_path / "ml-100k/u.user").write_text("\n".join(lines) + "\n")
    found = described(RatingsDataModule(root=tmp_path, release="ml-100k", side_information=True, cache=False))
    assert found.users["user_gender"].sum(axis=0).tolist() == [15, 14]
    assert found.users["user_age"][:, 0].tolist() == [1.0] * 4 + [0.0] * 26  # of 18 to 24 years
    assert found.users["user_occupation"][:, 0].tolist() == [1.0] * 29 + [0.0]


def test_no_rating_is_left_out_and_nothing_is_encoded_for_a_network(sample_root: Path) -> None:
    module = CombinedDataModule(root=sample_root, side_information=True, missing="drop", cache=False)
    tables, rows = module.prepare()
    assert sum(len(batch.rating) for batch in rows.values()) == 20_000
    assert tables.record["ratings_left_out"] == 0
    assert tables.complete.all()
    assert tables.feature_names == [
        f"{whose}_rating_{what}" for whose in ("movie", "user") for what in ("mean", "count", "std")
    ]
    assert {matrix.shape[0] for matrix in described(module).films.values()} == {len(tables.movie_ids)}


def test_columns_are_left_out_or_chosen_as_those_of_a_network_are(sample_root: Path) -> None:
    votes = ["tmdb_vote_average", "tmdb_vote_count", "imdb_rating", "imdb_votes", "imdb_metascore"]
    chosen: dict[str, Any] = {"root": sample_root, "side_information": True}
    whole, part = CombinedDataModule(**chosen), CombinedDataModule(**chosen, exclude_columns=votes)
    assert described(whole).films["numbers"].shape[1] - described(part).films["numbers"].shape[1] == 5
    assert set(whole.options.columns).isdisjoint({"userId", "movieId", "tmdbId", "imdbId"})
    few = described(CombinedDataModule(**chosen, columns=["imdbId", "imdb_countries", "movieId"]))
    assert list(few.films) == ["imdb_countries"]
    assert few.users == {}
    assert described(CombinedDataModule(**chosen, columns=[])).films == {}


def test_a_release_that_tells_nothing_of_its_users_has_no_columns_of_them(sample_root: Path) -> None:
    module = RatingsDataModule(root=sample_root, side_information=True)
    assert module.options.columns == ("genres", "movie_year")
    with pytest.raises(ConfigError, match=r"no user_gender with ml-latest-small.*or choose ml-1m or ml-100k"):
        RatingsDataModule(root=sample_root, columns=["user_gender"]).prepare()


def test_the_factor_model_takes_it_as_it_is(sample_root: Path) -> None:
    found = described(Combined1MDataModule(root=sample_root, side_information=True))
    for blocks in found.users, found.films:
        weights, features = fit_features(list(blocks.values()), rank=5)
        assert features.isfinite().all()
        assert {len(features)} == {matrix.shape[0] for matrix in blocks.values()}
        assert len(weights) == sum(matrix.shape[1] for matrix in blocks.values())


def test_stars_change_nothing_of_it(sample_root: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(sample_root, tmp_path / "root"))
    before = described(Combined1MDataModule(root=root, side_information=True, cache=False))
    path = root / "ml-1m/ratings.dat"
    rng = np.random.default_rng(0)
    lines = [line.split("::") for line in path.read_text().splitlines()]
    path.write_text("".join(f"{u}::{m}::{rng.integers(1, 6)}::{t}\n" for u, m, _, t in lines))
    after = described(Combined1MDataModule(root=root, side_information=True, cache=False))
    for mine, theirs in zip(before, after, strict=True):
        for name, matrix in mine.items():
            assert (matrix != theirs[name]).sum() == 0
