import functools
import io
import shutil
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
import torch
from pytest_httpserver import HTTPServer

from movierec.data import (
    Combined1MDataModule,
    CombinedDataModule,
    IMDbDataModule,
    MovieDataModule,
    RatingsDataModule,
    TMDbDataModule,
)
from movierec.data.batches import Batch
from movierec.data.leakage import source_of
from movierec.data.missing import missing_releases
from movierec.data.modules import PARTS
from movierec.data.tables import Tables
from movierec.datasets import download
from movierec.datasets.sample import SampleSize, write_sample
from movierec.errors import ConfigError, MissingDataError, UnknownIdError

MODULES = [RatingsDataModule, TMDbDataModule, IMDbDataModule, CombinedDataModule, Combined1MDataModule]
RATINGS = "ml-latest-small/ratings.csv"
PUBLISHED = {"statistics": "per_split", "scaling": "per_split", "whole_stars": True}


class Prepared(NamedTuple):
    tables: Tables
    rows: dict[str, Batch]


def prepared(module: MovieDataModule) -> Prepared:
    module.setup()
    assert module.tables is not None
    return Prepared(module.tables, module.rows)


def inputs(data: Prepared, part: str) -> torch.Tensor:
    tables, (user, movie, bank, *_) = data.tables, data.rows[part]
    read = (tables.movie_features[movie], tables.movie_statistics[bank, movie], tables.user_statistics[bank, user])
    return torch.cat(read, dim=-1)


@pytest.mark.parametrize(
    "options",
    [{}, {"missing": "impute"}, PUBLISHED, {"split": "time"}, {"columns": ["movieId"]}, {"columns": []}],
    ids=str,
)
@pytest.mark.parametrize("module", MODULES)
def test_each_module_names_as_many_inputs_as_its_tables_hold(
    sample_root: Path, module: type[MovieDataModule], options: dict[str, Any]
) -> None:
    data = prepared(module(root=sample_root, **options))
    tables = data.tables
    widths = [t.shape[-1] for t in (tables.movie_features, tables.movie_statistics, tables.user_statistics)]
    assert tables.width == len(tables.feature_names) == len(set(tables.feature_names)) == sum(widths)
    for part in PARTS:
        assert inputs(data, part).shape == (len(data.rows[part].rating), tables.width)
        assert inputs(data, part).isfinite().all()
    train = inputs(data, "train")
    assert train.min() >= -1e-6
    assert train.max() <= 1 + 1e-6


@pytest.mark.parametrize("module", MODULES)
def test_the_columns_of_a_module_are_in_its_names(sample_root: Path, module: type[MovieDataModule]) -> None:
    names = prepared(module(root=sample_root)).tables.feature_names
    assert {name.split("=")[0] for name in names if "_rating_" not in name} == set(module.default_columns)
    assert len([name for name in names if "_rating_" in name]) == 6


@pytest.mark.parametrize("module", MODULES)
def test_any_column_of_a_module_can_be_left_out_and_no_other_goes_with_it(
    sample_root: Path, module: type[MovieDataModule]
) -> None:
    whole = prepared(module(root=sample_root, missing="impute")).tables
    for name in ("movieId", module.default_columns[-1]):
        part = prepared(module(root=sample_root, missing="impute", exclude_columns=[name])).tables
        left_out = [one for one in whole.feature_names if source_of(one) == name]
        assert left_out
        assert part.feature_names == [one for one in whole.feature_names if one not in left_out]
        assert part.record["fingerprint"] != whole.record["fingerprint"]
        assert part.record["row_sets"] == whole.record["row_sets"]


def test_columns_left_out_are_those_not_listed(sample_root: Path) -> None:
    left = [name for name in TMDbDataModule.default_columns if name != "tmdb_vote_average"]
    listed = prepared(TMDbDataModule(root=sample_root, columns=left)).tables.record
    assert prepared(TMDbDataModule(root=sample_root, exclude_columns="tmdb_vote_average")).tables.record == listed
    assert TMDbDataModule(columns=["genres"], exclude_columns=["tmdb_budget"]).options.columns == ("genres",)
    whole = prepared(TMDbDataModule(root=sample_root)).tables.record
    assert prepared(TMDbDataModule(root=sample_root, exclude_columns=[])).tables.record == whole


def test_model_1_reads_28_numbers_of_the_real_data(real_root: Path) -> None:
    data = prepared(RatingsDataModule(root=real_root))
    assert data.tables.width == 28
    assert len([name for name in data.tables.feature_names if name.startswith("genres=")]) == 20
    assert (data.tables.record["ratings"], data.tables.record["users"]) == (100_836, 610)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scaling": "per_split"}, "statistics: per_split"),
        ({"scaling": "per_split", "statistics": "leave_one_out"}, "statistics: per_split"),
        ({"folds": 1}, "at least 2 folds"),
        ({"folds": 1001}, "at most 1000; got 1001"),
        ({"seed": 2**32}, "a seed from 0 to 4294967295, got 4294967296"),
        ({"split": "ua"}, "with ml-latest-small, got ua: that is a published split of ml-100k"),
        ({"columns": ["genre"]}, "'genre': unknown; did you mean genres.*userId, movieId, genres"),
        ({"columns": ["genres", "tmdb_budget"]}, "'tmdb_budget': belongs to a source"),
        ({"columns": ["genres", "genres"]}, "each column once"),
        ({"exclude_columns": ["genre"]}, "'genre': unknown; did you mean genres.*userId, movieId, genres"),
        ({"exclude_columns": ["imdb_rating"]}, "'imdb_rating': belongs to a source"),
    ],
    ids=str,
)
def test_options_that_contradict_each_other_are_refused_before_any_file_is_read(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        RatingsDataModule(root=tmp_path / "nowhere", **options).setup()


@pytest.mark.parametrize(
    ("module", "column"),
    [(TMDbDataModule, "imdb_rating"), (IMDbDataModule, "tmdb_budget"), (RatingsDataModule, "tmdbId")],
)
def test_a_column_of_a_source_that_is_not_read_is_refused(
    tmp_path: Path, module: type[MovieDataModule], column: str
) -> None:
    with pytest.raises(ConfigError, match=f"{column!r}: belongs to a source"):
        module(root=tmp_path / "nowhere", columns=[column]).setup()


@pytest.mark.parametrize(("fractions", "message"), [((0.8, 0.1, 0.2), "add up to 1"), ((0.9, 0.1, 0.0), "test part")])
def test_fractions_that_cannot_be_cut_are_refused(
    sample_root: Path, fractions: tuple[float, float, float], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        RatingsDataModule(root=sample_root, fractions=fractions).setup()


def test_folds_are_free_where_they_are_not_used(sample_root: Path) -> None:
    width = prepared(RatingsDataModule(root=sample_root)).tables.width
    assert prepared(RatingsDataModule(root=sample_root, folds=1, statistics="leave_one_out")).tables.width == width


def test_a_test_measures_the_three_parts_in_order(sample_root: Path) -> None:
    module = RatingsDataModule(root=sample_root, eval_batch_size=1500)
    data = prepared(module)
    for part, loader in zip(PARTS, module.test_dataloader(), strict=True):
        batches = list(loader)
        assert len(batches[0].rating) == 1500
        for mine, theirs in zip(zip(*batches, strict=True), data.rows[part], strict=True):
            assert torch.equal(torch.cat(mine), theirs)


def test_training_ratings_are_shuffled_and_validation_ratings_are_not(sample_root: Path) -> None:
    module = RatingsDataModule(root=sample_root, batch_size=700)
    data = prepared(module)
    users = torch.cat([batch.user for batch in module.train_dataloader()])
    assert not torch.equal(users, data.rows["train"].user)
    assert torch.equal(users.sort().values, data.rows["train"].user.sort().values)
    assert torch.equal(torch.cat([batch.user for batch in module.val_dataloader()]), data.rows["val"].user)


def test_predict_reads_the_test_ratings_unless_a_file_names_pairs(sample_root: Path, tmp_path: Path) -> None:
    module = RatingsDataModule(root=sample_root, eval_batch_size=4096)
    data = prepared(module)
    (batch,) = module.predict_dataloader()
    assert torch.equal(batch.movie, data.rows["test"].movie)
    film = int(data.tables.movie_ids[7])
    (tmp_path / "pairs.csv").write_text(f"userId,movieId\n3,{film}\n2,{film}\n", encoding="utf-8")
    module.pairs = tmp_path / "pairs.csv"
    (batch,) = module.predict_dataloader()
    assert (batch.user.tolist(), batch.movie.tolist()) == ([2, 1], [7, 7])
    (tmp_path / "pairs.csv").write_text("userId,movieId\n3,999999\n", encoding="utf-8")
    with pytest.raises(UnknownIdError, match="film 999999"):
        module.predict_dataloader()


def test_the_environment_names_the_data_root_that_no_option_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOVIEREC_DATA", "/some/where")
    assert RatingsDataModule().root == Path("/some/where")
    assert RatingsDataModule(root=Path("here")).root == Path("here")
    monkeypatch.delenv("MOVIEREC_DATA")
    assert RatingsDataModule().root == Path("data")


@pytest.fixture
def server(small_root: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A server in place of GroupLens', with an archive of ml-latest-small."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((small_root / "ml-latest-small").iterdir()):
            archive.write(path, f"ml-latest-small/{path.name}")
    httpserver.expect_request("/ml-latest-small.zip").respond_with_data(packed.getvalue())
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    from_here = functools.partial(download.download_releases, server=httpserver.url_for(""))
    monkeypatch.setattr(download, "download_releases", from_here)
    return httpserver


def test_what_is_missing_is_downloaded_where_that_is_asked_for(
    server: HTTPServer, small_root: Path, tmp_path: Path
) -> None:
    module = RatingsDataModule(root=tmp_path / "root", download=True)
    module.prepare_data()
    asked = len(server.log)
    RatingsDataModule(root=tmp_path / "root", download=True).prepare_data()
    assert len(server.log) == asked == 1
    record = prepared(RatingsDataModule(root=small_root)).tables.record
    assert module.tables is not None
    for name in "fingerprint", "options", "ratings":
        assert module.tables.record[name] == record[name], name


def test_the_release_whose_links_are_read_is_downloaded_too(
    server: HTTPServer, small_root: Path, tmp_path: Path
) -> None:
    for name in "ml-1m", "metadata":
        shutil.copytree(small_root / name, tmp_path / name)
    without_links = RatingsDataModule(root=tmp_path, release="ml-1m", download=True)
    assert missing_releases(without_links.root, without_links.options) == []
    module = Combined1MDataModule(root=tmp_path, download=True)
    assert [release.name for release in missing_releases(module.root, module.options)] == ["ml-latest-small"]
    module.prepare_data()
    assert missing_releases(module.root, module.options) == []
    assert module.tables is not None


def test_nothing_is_downloaded_while_metadata_are_missing(server: HTTPServer, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="a download does not bring metadata") as caught:
        Combined1MDataModule(root=tmp_path / "root", download=True).prepare_data()
    commands = [f"data {action} --root {tmp_path / 'root'}" for action in (
        "download ml-1m ml-latest-small", "fetch tmdb", "fetch omdb",
    )]  # fmt: skip
    assert str(caught.value).endswith("; ".join(f"python -m movierec {command}" for command in commands))
    assert server.log == []


def test_nothing_is_downloaded_unasked_nor_for_options_that_cannot_be(server: HTTPServer, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="data download ml-latest-small"):
        RatingsDataModule(root=tmp_path).prepare_data()
    with pytest.raises(ConfigError, match="at least 2 folds"):
        RatingsDataModule(root=tmp_path, download=True, folds=1).prepare_data()
    with pytest.raises(MissingDataError, match="data fetch tmdb"):
        TMDbDataModule(root=tmp_path, download=True).prepare_data()
    assert server.log == []
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("small") / "sample"
    write_sample(root, SampleSize(num_users=40, num_movies=60, num_ratings=1000))
    return root


def change_one_rating(root: Path, target: Path, data: Prepared, part: str) -> int:
    """Copy a data root, with one more half star for a rating of 3 stars of a film that many rated; say which row."""
    rows, tables = data.rows[part], data.tables
    films_ratings = torch.bincount(data.rows["train"].movie)[rows.movie]
    row = int((films_ratings * torch.isclose(tables.min_stars + rows.rating * 4.5, torch.tensor(3.0))).argmax())
    user_id, movie_id = tables.user_ids[rows.user[row]].item(), tables.movie_ids[rows.movie[row]].item()
    shutil.copytree(root, target)
    ratings = pd.read_csv(target / RATINGS)
    line = (ratings["userId"] == user_id) & (ratings["movieId"] == movie_id)
    assert ratings.loc[line, "rating"].tolist() == [3.0]
    ratings.loc[line, "rating"] = 3.5
    ratings.to_csv(target / RATINGS, index=False)
    return row


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("statistics", ["cross_fit", "leave_one_out", "self_inclusive", "per_split"])
def test_no_row_reads_its_own_rating_from_the_file_to_the_network(
    small_root: Path, tmp_path: Path, statistics: Any, part: str
) -> None:
    before = prepared(CombinedDataModule(root=small_root, statistics=statistics))
    row = change_one_rating(small_root, tmp_path / "root", before, part)
    after = prepared(CombinedDataModule(root=tmp_path / "root", statistics=statistics))
    changed = {name: (inputs(before, name) != inputs(after, name)).any(dim=1) for name in PARTS}
    targets = (before.rows[part].rating != after.rows[part].rating).nonzero().flatten().tolist()
    assert targets == [row]
    assert torch.equal(before.tables.movie_features, after.tables.movie_features)
    leaks = (statistics, part) in {("self_inclusive", "train"), ("per_split", "train"), ("per_split", "val")}
    assert changed[part][row].item() is leaks
    if part != "train":
        assert {name for name in PARTS if changed[name].any()} == ({part} if leaks else set())
