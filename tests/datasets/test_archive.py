"""Unpacking: what a release holds comes out as it went in, and nothing comes out elsewhere."""

import zipfile
from pathlib import Path

import pytest

from movierec.datasets.archive import extract, what_is_in
from movierec.errors import DataFormatError

FILES = {"ml/ratings.csv": b"userId,movieId\n1,2\n" * 40, "ml/movies.csv": "1,Été 千年\n".encode() * 40}
Content = dict[str, bytes]


def write_zip(path: Path, content: Content) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def unpack(archive: Path, target: Path, *, max_bytes: float = 1e6) -> Content:
    """Unpack the folder `ml`, and read all that lies below the target then."""
    extract(archive, target, folder="ml", max_bytes=max_bytes, source="here.zip")
    return contents(target)


def contents(folder: Path) -> Content:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_files_come_out_as_they_went_in(tmp_path: Path, compression: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", compression) as archive:
        archive.writestr("ml/", b"")
        for name, data in FILES.items():
            archive.writestr(name, data)
    assert unpack(tmp_path / "a.zip", tmp_path / "target") == FILES


def test_only_what_is_below_the_releases_folder_comes_out(tmp_path: Path) -> None:
    others = {"README": b"x", "ml2/ratings.csv": b"x", "__MACOSX/ml/._movies.csv": b"x"}
    archive = write_zip(tmp_path / "a.zip", FILES | others | {"ml/deep/er/file": b"y"})
    assert unpack(archive, tmp_path / "target") == FILES | {"ml/deep/er/file": b"y"}


def test_names_in_other_alphabets_are_kept(tmp_path: Path) -> None:
    files = {"ml/Ночь.csv": b"1", "ml/千年の.csv": b"2", "ml/two words .. and dots...csv": b"3", "ml/console.csv": b"4"}
    assert unpack(write_zip(tmp_path / "a.zip", files), tmp_path / "target") == files


@pytest.mark.parametrize("name", ["ml/../../evil", "/ml/evil", "../ml/evil", "ml/deep/../../../evil"])
def test_no_path_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("ml/ratings.csv", b"1")
        archive.writestr(name, b"evil")
    unpack(tmp_path / "a.zip", tmp_path / "in" / "target")
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "in"}
    assert {path.name for path in (tmp_path / "in").iterdir()} == {"target"}


def test_an_archive_that_would_unpack_to_too_much_is_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"ml/ratings.csv": bytes(2_000_000)})
    with pytest.raises(DataFormatError, match=r"here\.zip: expected at most 1\.0 MB when unpacked, found 2\.0 MB"):
        unpack(archive, tmp_path / "target")
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("damage", ["no zip at all", "", "cut", "flipped"])
def test_a_damaged_archive_is_an_error_that_names_it(tmp_path: Path, damage: str) -> None:
    archive = write_zip(tmp_path / "a.zip", FILES)
    whole = archive.read_bytes()
    middle = whole.index(b"PK\x01\x02") // 4
    flipped = whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]
    archive.write_bytes({"cut": whole[: len(whole) // 2], "flipped": flipped}.get(damage, damage.encode()))
    with pytest.raises(DataFormatError, match=r"here\.zip: a damaged zip archive"):
        unpack(archive, tmp_path / "target")


def test_the_folders_of_an_archive_are_named_unless_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in "b/1", "a/2", "a/3/4", "loose":
            archive.writestr(name, "x")
    assert what_is_in(path) == "; it holds 'a/', 'b/'"
    path.write_bytes(path.read_bytes()[:-30])
    assert what_is_in(path) == ""
