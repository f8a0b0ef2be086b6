"""No statistic, scaler or encoder is fitted on what is to be predicted, no rating is in two parts, no input a copy."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from torch import Tensor

from movierec.data import (
    Combined1MDataModule,
    CombinedDataModule,
    IMDbDataModule,
    MovieDataModule,
    RatingsDataModule,
    TMDbDataModule,
)
from movierec.data.batches import Batch
from movierec.data.options import Options
from movierec.data.preparation import prepare
from movierec.datasets.sample import SampleSize, write_sample
from movierec.errors import LeakageError

MODULES = [RatingsDataModule, TMDbDataModule, IMDbDataModule, CombinedDataModule, Combined1MDataModule]
ALL = list(CombinedDataModule.available_columns)
LEAK_FREE = ("cross_fit", "leave_one_out")


@pytest.fixture(scope="module")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("small") / "sample"
    write_sample(root, SampleSize(num_users=40, num_movies=120, num_ratings=1000))
    return root


def options(**changes: Any) -> Options:
    return replace(CombinedDataModule().options, fractions=(0.6, 0.2, 0.2), missing="impute", **changes)


@pytest.mark.parametrize(
    ("chosen", "leaks"),
    [
        ({"statistics": "cross_fit"}, []),
        ({"statistics": "leave_one_out"}, []),
        ({"statistics": "self_inclusive"}, ["statistics: self_inclusive"]),
        ({"statistics": "per_split"}, ["statistics: per_split"]),
        ({"statistics": "per_split", "scaling": "per_split"}, ["statistics: per_split", "scaling: per_split"]),
    ],
)
def test_options_that_leak_by_name_are_recorded(small_root: Path, chosen: dict[str, Any], leaks: list[str]) -> None:
    assert prepare(small_root, options(**chosen), cache=False)[0].record["leaks"] == leaks


def test_the_hashes_of_the_parts_follow_from_the_pairs_alone(small_root: Path, tmp_path: Path) -> None:
    first = prepare(small_root, options(), cache=False)[0].record["row_sets"]
    assert len(set(first.values())) == 3
    assert prepare(small_root, options(statistics="per_split", columns=()), cache=False)[0].record["row_sets"] == first
    other = prepare(small_root, options(seed=5), cache=False)[0].record["row_sets"]
    assert set(other.values()).isdisjoint(first.values())
    root = Path(shutil.copytree(small_root, tmp_path / "root"))
    ratings = pd.read_csv(root / "ml-latest-small/ratings.csv").assign(rating=[1.0, 2.0] * 500)
    ratings.to_csv(root / "ml-latest-small/ratings.csv", index=False)
    assert prepare(root, options(), cache=False)[0].record["row_sets"] == first


@pytest.mark.parametrize("split", ["random", "time"])
def test_each_rating_is_in_one_part(small_root: Path, split: Any) -> None:
    module = RatingsDataModule(root=small_root, split=split, cache=False)
    module.setup()
    found = [pairs(module, rows) for rows in module.rows.values()]
    ratings = pd.read_csv(small_root / "ml-latest-small/ratings.csv")
    assert set.union(*found) == set(zip(ratings["userId"], ratings["movieId"], strict=True))
    assert sum(map(len, found)) == len(ratings)


def state_of(module: MovieDataModule, *, films: Tensor | slice = slice(None)) -> dict[str, Any]:
    """Collect, bit by bit, all that a network reads and all that was fitted."""
    module.setup()
    tables = module.tables
    assert tables is not None
    tensors = {
        "features": tables.movie_features[films],
        "movie_statistics": tables.movie_statistics,
        "user_statistics": tables.user_statistics,
        "movie_range": tables.statistics_range[0],
        "user_range": tables.statistics_range[1],
        "ratings": module.rows["train"].rating,
        "history_offsets": tables.history_offsets,
        "history_movies": tables.history_movies,
        "history_stars": tables.history_stars,
        "history_days": tables.history_days,
        "held_out": tables.held_out,
        "seen_offsets": tables.seen_offsets,
        "seen_movies": tables.seen_movies,
    }
    tensors |= {
        f"{part}_{name}": getattr(rows, name)
        for part, rows in module.rows.items()
        for name in ("user", "movie", "bank", "day")
    }
    fitted = (tables.feature_names, tables.film_scalers, tables.min_stars, tables.max_stars, tables.threshold)
    found: dict[str, Any] = {name: (tensor.dtype, tensor.numpy().tobytes()) for name, tensor in tensors.items()}
    if module.options.side_information:
        found["side_information"] = [
            {name: sp.csr_matrix(matrix).toarray().tolist() for name, matrix in side.items()}
            for side in module.read_side_information()
        ]
    return found | {"fitted": fitted, "row_sets": tables.record["row_sets"]}


def pairs(module: MovieDataModule, rows: Batch) -> set[tuple[int, int]]:
    assert module.tables is not None
    ids = module.tables.user_ids[rows.user.long()].tolist(), module.tables.movie_ids[rows.movie.long()].tolist()
    return set(zip(*ids, strict=True))


def change_stars(root: Path, held_out: set[tuple[int, int]]) -> None:
    """Turn the stars of some ratings around: 1 becomes 5, and 4.5 becomes 1.5."""
    for path, separator in ((root / "ml-latest-small/ratings.csv", ","), (root / "ml-1m/ratings.dat", "::")):
        lines = path.read_text(encoding="utf-8").splitlines()
        fields = [line.split(separator) for line in lines]
        for line in fields:
            if line[0].isdigit() and (int(line[0]), int(line[1])) in held_out:
                line[2] = f"{6 - float(line[2]):g}" if line[2] != "0.5" else "5"
        path.write_text("\n".join(separator.join(line) for line in fields) + "\n", encoding="utf-8")


def write_pairs(path: Path, wanted: set[tuple[int, int]]) -> Path:
    lines = [f"{user_id},{movie_id}" for user_id, movie_id in sorted(wanted)]
    path.write_text("\n".join(["userId,movieId", *lines]) + "\n", encoding="utf-8")
    return path


def splits_by_files_and_users(root: Path, folder: Path, kind: type[MovieDataModule]) -> list[dict[str, Any]]:
    drawn = kind(root=root, columns=[], seed=9, cache=False)
    drawn.setup()
    test, val = (write_pairs(folder / f"{part}.csv", pairs(drawn, drawn.rows[part])) for part in ("test", "val"))
    return [
        {"split": "file", "test_pairs": test},
        {"split": "file", "test_pairs": test, "val_pairs": val},
        {"split": "users", "fractions": (0.6, 0.2, 0.2), "history_share": 0.5},
    ]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *((RatingsDataModule, {"statistics": statistics}) for statistics in LEAK_FREE),
        *((Combined1MDataModule, {"statistics": one, "missing": "impute", "columns": ALL}) for one in LEAK_FREE),
        (CombinedDataModule, {"side_information": True}),
        (Combined1MDataModule, {"side_information": True}),
    ],
)
def test_stars_of_given_pairs_and_of_held_out_users_change_not_one_bit_of_what_is_read_or_fitted(
    small_root: Path, tmp_path: Path, kind: type[MovieDataModule], options: dict[str, Any]
) -> None:
    for number, chosen in enumerate(splits_by_files_and_users(small_root, tmp_path, kind)):
        root = Path(shutil.copytree(small_root, tmp_path / f"root{number}"))
        check_that_held_out_stars_change_nothing(kind, root, **options, **chosen)


def test_histories_of_held_out_users_change_only_what_is_known_of_these_users(small_root: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(small_root, tmp_path / "root"))
    chosen: dict[str, Any] = {"split": "users", "fractions": (0.6, 0.2, 0.2), "cache": False}
    before, after = (RatingsDataModule(root=root, **chosen) for _ in range(2))
    state = state_of(before)
    tables = before.tables
    assert tables is not None
    user = torch.repeat_interleave(tables.held_out, tables.history_offsets.diff())
    owner = torch.repeat_interleave(tables.user_ids, tables.history_offsets.diff())[user].tolist()
    known = set(zip(owner, tables.movie_ids[tables.history_movies[user].long()].tolist(), strict=True))
    assert all(known.isdisjoint(pairs(before, rows)) for rows in before.rows.values())
    change_stars(root, known)
    changed = {name for name, value in state_of(after).items() if value != state[name]}
    assert changed == {"user_statistics", "history_stars"}
    assert after.tables is not None
    of_users = (after.tables.user_statistics != tables.user_statistics).any(dim=2)
    assert not of_users[: tables.scoring_bank].any()  # what training rows read
    assert not of_users[tables.scoring_bank, ~tables.held_out].any()
    assert of_users[tables.scoring_bank, tables.held_out].double().mean() > 0.9


@pytest.mark.parametrize("statistics", LEAK_FREE)
@pytest.mark.parametrize("kind", MODULES)
def test_held_out_stars_change_not_one_bit_of_what_is_read_or_fitted(
    small_root: Path, tmp_path: Path, kind: type[MovieDataModule], statistics: Any
) -> None:
    root = Path(shutil.copytree(small_root, tmp_path / "root"))
    check_that_held_out_stars_change_nothing(kind, root, statistics=statistics, fractions=(0.6, 0.2, 0.2))


def check_that_held_out_stars_change_nothing(kind: type[MovieDataModule], root: Path, **options: Any) -> None:
    """Prepare twice, the second time with other stars in the validation and test part."""
    before, after = (kind(root=root, cache=False, **options) for _ in range(2))
    state = state_of(before)
    change_stars(root, pairs(before, before.rows["val"]) | pairs(before, before.rows["test"]))
    assert state_of(after) == state
    for part in ("val", "test"):
        changed = before.rows[part].rating != after.rows[part].rating
        assert changed.double().mean() > 0.5  # the file was changed: all but ratings of 3 stars


@pytest.mark.parametrize("statistics", ["self_inclusive", "per_split"])
def test_training_stars_and_with_per_split_validation_stars_change_what_is_read(
    small_root: Path, tmp_path: Path, statistics: Any
) -> None:
    part = "val" if statistics == "per_split" else "train"
    root = Path(shutil.copytree(small_root, tmp_path / "root"))
    before = RatingsDataModule(root=root, statistics=statistics, cache=False)
    state = state_of(before)
    change_stars(root, pairs(before, before.rows[part]))
    assert state_of(RatingsDataModule(root=root, statistics=statistics, cache=False)) != state


def change_films(root: Path, film_ids: set[int]) -> None:
    """Give some films genres and metadata that no other film has, and numbers far beyond all others."""
    for path, separator in ((root / "ml-latest-small/movies.csv", ","), (root / "ml-1m/movies.dat", "::")):
        encoding = "latin-1" if path.suffix == ".dat" else "utf-8"
        lines = path.read_text(encoding=encoding).splitlines()
        for number, line in enumerate(lines):
            film, genres = line.split(separator, 1)[0], line.rsplit(separator, 1)[-1]
            if film.isdigit() and int(film) in film_ids:
                lines[number] = line[: -len(genres)] + "Unheard-of"
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
    links = pd.read_csv(root / "ml-latest-small/links.csv", dtype=str)
    links = links[links["movieId"].astype(int).isin(film_ids)]
    tmdb = pd.read_csv(root / "metadata/tmdb.csv", dtype=str, keep_default_na=False)
    mine = tmdb["tmdbId"].isin(links["tmdbId"])
    tmdb.loc[mine & (tmdb["vote_count"] != ""), "vote_count"] = "999999999"
    tmdb.loc[mine & (tmdb["original_language"] != ""), "original_language"] = "zz"
    tmdb.to_csv(root / "metadata/tmdb.csv", index=False)
    omdb = pd.read_csv(root / "metadata/omdb.csv", dtype=str, keep_default_na=False)
    mine = omdb["imdbID"].isin("tt" + links["imdbId"])
    omdb.loc[mine & (omdb["imdbVotes"] != "N/A"), "imdbVotes"] = "999,999,999"
    omdb.loc[mine & (omdb["Country"] != "N/A"), "Country"] = "Atlantis"
    omdb.to_csv(root / "metadata/omdb.csv", index=False)


@pytest.mark.parametrize("missing", ["drop", "impute"])
@pytest.mark.parametrize("kind", MODULES)
def test_films_that_only_held_out_ratings_are_of_change_nothing_but_their_own_line(
    small_root: Path, tmp_path: Path, kind: type[MovieDataModule], missing: Any
) -> None:
    def module() -> MovieDataModule:
        return kind(root=root, missing=missing, fractions=(0.1, 0.45, 0.45), cache=False)

    root = Path(shutil.copytree(small_root, tmp_path / "root"))
    before = module()
    before.setup()
    assert before.tables is not None
    trained = torch.zeros(len(before.tables.movie_ids), dtype=torch.bool)
    trained[before.rows["train"].movie.long()] = True
    held_out = torch.unique(torch.cat([before.rows[part].movie for part in ("val", "test")])).long()
    held_out = held_out[~trained[held_out]]
    assert len(held_out) > 3
    change_films(root, set(before.tables.movie_ids[held_out].tolist()))
    after = module()
    assert state_of(after, films=trained) == state_of(before, films=trained)
    assert after.tables is not None
    assert not torch.equal(after.tables.movie_features[held_out], before.tables.movie_features[held_out])


def write_rated_once(root: Path, noise: float = 0.0) -> Path:
    """Write 60 films that one of three users rates each, and TMDb averages that are twice the stars, but for noise."""
    rng = np.random.default_rng(3)
    stars = rng.integers(1, 11, 60) / 2
    film = np.arange(1, 61)
    frames: dict[str, dict[str, Any]] = {
        "ml-latest-small/ratings": {"userId": 1 + film % 3, "movieId": film, "rating": stars, "timestamp": 1000 + film},
        "ml-latest-small/movies": {"movieId": film, "title": [f"Film {n}" for n in film], "genres": "Drama"},
        "ml-latest-small/links": {"movieId": film, "imdbId": 1000 + rng.permutation(60), "tmdbId": film},
        "metadata/tmdb": {
            "tmdbId": film, "vote_average": 2 + stars + noise * rng.normal(size=60), "vote_count": 9, "budget": 0,
            "revenue": 0, "runtime": 90, "release_date": "1999-01-01", "original_language": "en",
            "origin_country": "US",
        },
    }  # fmt: skip
    for name, columns in frames.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(columns).to_csv(root / f"{name}.csv", index=False)
    return root


@pytest.mark.parametrize(("noise", "refused"), [(0.0, True), (0.1, True), (0.75, False)])
def test_a_column_that_is_nearly_a_copy_of_the_ratings_is_refused_before_a_fit(
    tmp_path: Path, noise: float, *, refused: bool
) -> None:
    module = TMDbDataModule(root=write_rated_once(tmp_path, noise), cache=False)
    module.setup()  # anything but a fit
    assert module.tables is not None
    (name, value), *others = module.tables.record["correlations"].items()
    assert (name, value > 0.99, others) == ("tmdb_vote_average", refused, [])
    if not refused:
        module.setup("fit")
        return
    with pytest.raises(LeakageError) as caught:
        module.setup("fit")
    assert str(caught.value) == (
        "Expected inputs that do not give the ratings away; beyond 0.99 correlate with the training ratings: "
        f"tmdb_vote_average ({value:.4f}). Either leave out the column with --data.exclude_columns "
        "'[tmdb_vote_average]', or train all the same with --data.allow_leaks true, which metrics.json records."
    )


def test_a_copy_may_be_left_out_or_allowed_which_is_recorded(tmp_path: Path) -> None:
    write_rated_once(tmp_path)
    without = TMDbDataModule(root=tmp_path, cache=False, exclude_columns="tmdb_vote_average")
    without.setup("fit")
    assert without.tables is not None
    assert without.tables.record["leaks"] == []
    allowed = TMDbDataModule(root=tmp_path, cache=False, allow_leaks=True)
    allowed.setup("fit")
    assert allowed.tables is not None
    assert allowed.tables.record["leaks"] == ["column tmdb_vote_average: correlation 1.0000"]


def test_a_mean_of_the_one_rating_itself_is_refused_as_a_copy(tmp_path: Path) -> None:
    module = RatingsDataModule(root=write_rated_once(tmp_path), cache=False, statistics="self_inclusive")
    with pytest.raises(
        LeakageError, match=r"movie_rating_mean \(1\.0000\).*Either compute.*--data.statistics cross_fit"
    ):
        module.setup("fit")


def test_an_input_is_traced_to_the_column_it_was_encoded_from(tmp_path: Path) -> None:
    write_rated_once(tmp_path)
    path = tmp_path / "ml-latest-small/ratings.csv"
    ratings, tmdb = pd.read_csv(path), pd.read_csv(tmp_path / "metadata/tmdb.csv")
    high = ratings["rating"] > 2.5
    ratings.assign(rating=np.where(high, 5.0, 1.0)).to_csv(path, index=False)
    tmdb["original_language"] = np.where(high, "fr", "en")
    tmdb["runtime"] = tmdb["runtime"].where(high)
    tmdb.assign(vote_average=7).to_csv(tmp_path / "metadata/tmdb.csv", index=False)
    module = TMDbDataModule(root=tmp_path, cache=False, missing="impute")
    with pytest.raises(LeakageError) as caught:
        module.setup("fit")
    message = str(caught.value)
    assert "missingindicator_tmdb_runtime (-1.0000)" in message
    assert "tmdb_original_language=fr (1.0000)" in message
    assert "--data.exclude_columns '[tmdb_runtime, tmdb_original_language]'" in message


@pytest.mark.parametrize("kind", MODULES)
def test_no_input_of_the_real_data_is_near_a_copy(real_root: Path, kind: type[MovieDataModule]) -> None:
    module = kind(root=real_root)
    module.prepare_data()
    module.setup("fit")
    assert module.tables is not None
    assert 0.3 < abs(next(iter(module.tables.record["correlations"].values()))) < 0.6
