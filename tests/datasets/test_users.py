"""What MovieLens tells of its users."""

from pathlib import Path

import pytest

from movierec.datasets.catalog import RELEASES
from movierec.datasets.movielens import read_users
from movierec.errors import DataFormatError, MissingDataError


def write(root: Path, name: str, *lines: str) -> Path:
    path = root / name
    path.parent.mkdir()
    path.write_text("".join(f"{line}\n" for line in lines), encoding="latin-1")
    return path


def test_users_of_ml_1m_are_read(tmp_path: Path) -> None:
    write(tmp_path, "ml-1m/users.dat", "1::F::1::10::48067", "", "7::M::56::16::70072-1234")
    users = read_users(tmp_path, RELEASES["ml-1m"])
    assert users.columns.tolist() == ["user_gender", "user_age", "user_occupation"]
    assert users.to_dict("split")["data"] == [["F", "1", "10"], ["M", "56", "16"]]
    assert users.index.tolist() == [1, 7]


def test_ages_of_ml_100k_are_put_into_the_groups_of_ml_1m(tmp_path: Path) -> None:
    ages = [7, 17, 18, 24, 25, 34, 35, 44, 45, 49, 50, 55, 56, 73]
    write(tmp_path, "ml-100k/u.user", *(f"{n}|{age}|M|technician|85711" for n, age in enumerate(ages, start=1)))
    users = read_users(tmp_path, RELEASES["ml-100k"])
    groups = ["1", "1", "18", "18", "25", "25", "35", "35", "45", "45", "50", "50", "56", "56"]
    assert users["user_age"].tolist() == groups
    assert users.iloc[0].tolist() == ["M", "1", "technician"]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("ml-1m", "1::F::1::10::48067", "2::M::56::16"),
        ("ml-1m", "1::F::1::10::48067", "2::M::old::16::1"),
        ("ml-100k", "1|24|M|technician|85711", "x|24|M|technician|85711"),
    ],
)
def test_a_line_that_is_no_user_is_named(tmp_path: Path, name: str, good: str, bad: str) -> None:
    file = RELEASES[name].users
    assert file is not None
    path = write(tmp_path, file, good, bad)
    with pytest.raises(DataFormatError) as caught:
        read_users(tmp_path, RELEASES[name])
    assert f"{path}, line 2: expected " in str(caught.value)
    assert f"found {bad!r}" in str(caught.value)


def test_the_way_to_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="data download ml-1m"):
        read_users(tmp_path, RELEASES["ml-1m"])
