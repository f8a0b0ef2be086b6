from pathlib import Path

import pandas as pd
import pytest
import torch

from movierec.data import TMDbDataModule
from movierec.data.pairs import read_pairs
from movierec.data.tables import Tables
from movierec.errors import DataFormatError, MissingDataError, UnknownIdError


@pytest.fixture(scope="module")
def tables(sample_root: Path) -> Tables:
    module = TMDbDataModule(root=sample_root, missing="drop")
    module.setup()
    assert module.tables is not None
    return module.tables


def write(folder: Path, *lines: str) -> Path:
    path = folder / "pairs.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def ids(tables: Tables, *, complete: bool) -> list[int]:
    known: list[int] = tables.movie_ids[tables.complete == complete].tolist()
    return known


def test_pairs_keep_the_order_of_the_file_and_read_the_scoring_bank(tables: Tables, tmp_path: Path) -> None:
    first, second, third = ids(tables, complete=True)[:3]
    path = write(tmp_path, "userId,movieId", f"9,{third}", f"300,{first}", f"9,{second}", f"9,{third}")
    pairs = read_pairs(path, tables)
    assert tables.user_ids[pairs.user].tolist() == [9, 300, 9, 9]
    assert tables.movie_ids[pairs.movie].tolist() == [third, first, second, third]
    assert pairs.bank.tolist() == [tables.scoring_bank] * 4
    assert torch.isnan(pairs.rating).all()
    assert pairs.day.tolist() == [-1] * 4
    assert [column.dtype for column in pairs] == [*[torch.int32] * 3, torch.float32, torch.int32]


def test_other_columns_and_another_order_of_columns_do_no_harm(tables: Tables, tmp_path: Path) -> None:
    film = ids(tables, complete=True)[0]
    pairs = read_pairs(write(tmp_path, "title,movieId,userId", f'"An, other",{film},5'), tables)
    assert (tables.user_ids[pairs.user].tolist(), tables.movie_ids[pairs.movie].tolist()) == ([5], [film])


def test_a_file_of_all_pairs_is_read_whole(tables: Tables, tmp_path: Path) -> None:
    films = ids(tables, complete=True)
    frame = pd.MultiIndex.from_product([range(1, 21), films], names=["userId", "movieId"]).to_frame()
    frame.to_csv(tmp_path / "pairs.csv", index=False)
    pairs = read_pairs(tmp_path / "pairs.csv", tables)
    assert tables.user_ids[pairs.user].tolist() == frame["userId"].tolist()
    assert tables.movie_ids[pairs.movie].tolist() == frame["movieId"].tolist()


@pytest.mark.parametrize("user_id", [0, 301, 10**12])
def test_an_unknown_user_is_an_error_that_names_the_line_and_the_ids_there_are(
    tables: Tables, tmp_path: Path, user_id: int
) -> None:
    film = ids(tables, complete=True)[0]
    path = write(tmp_path, "userId,movieId", f"1,{film}", "", f"{user_id},{film}")
    with pytest.raises(UnknownIdError, match=rf"pairs.csv, line 4: user {user_id} is not in .*from 1 to 300"):
        read_pairs(path, tables)


def test_an_unknown_film_is_an_error_that_names_the_line(tables: Tables, tmp_path: Path) -> None:
    known = tables.movie_ids.tolist()
    film = next(number for number in range(known[0], known[-1]) if number not in known)
    path = write(tmp_path, "userId,movieId", f"1,{known[0]}", f"1,{film}")
    with pytest.raises(UnknownIdError, match=f"line 3: film {film} is not in"):
        read_pairs(path, tables)


def test_a_film_without_metadata_cannot_be_scored_under_drop(tables: Tables, tmp_path: Path) -> None:
    film = ids(tables, complete=False)[0]
    with pytest.raises(UnknownIdError, match=f"line 2: film {film} lacks metadata.*missing impute"):
        read_pairs(write(tmp_path, "userId,movieId", f"1,{film}"), tables)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("userId,movieId",), "expected pairs of userId and movieId, found none"),
        (("",), "expected a header line"),
        (("user,movie", "1,1"), "expected a column userId"),
        (("userId,movieId", "1,one"), "line 2: expected a whole number from 0 to 2.53 as movieId, found 'one'"),
        (("userId,movieId", "1,1", ",1"), "line 3: expected a whole number from 0 to 2.53 as userId, found ''"),
        (("userId,movieId", "-5,1"), "line 2: expected a whole number from 0 to 2.53 as userId, found '-5'"),
    ],
)
def test_a_file_that_holds_no_pairs_is_refused(
    tables: Tables, tmp_path: Path, lines: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataFormatError, match=message):
        read_pairs(write(tmp_path, *lines), tables)


def test_a_file_that_is_not_there_is_an_error_of_its_own(tables: Tables, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"pairs\.csv"):
        read_pairs(tmp_path / "pairs.csv", tables)
