"""Unpacking: what a release holds comes out as it went in, and nothing else comes out anywhere."""

import stat
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movierec.datasets.archive import MAX_ENTRIES, extract, what_is_in
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


def refusal(archive: Path, tmp_path: Path, **options: float) -> str:
    """Unpack what must be refused; nothing may be there afterwards that was not there before."""
    before = contents(tmp_path)
    with pytest.raises(DataFormatError, match=r"^here\.zip: ") as caught:
        unpack(archive, tmp_path / "in" / "target", **options)
    assert contents(tmp_path) == before
    return str(caught.value)


def entry(name: str, mode: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.filename = info.orig_filename = name  # ZipInfo would mend the name, which an attacker does not
    info.external_attr = mode << 16
    return info


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


@pytest.mark.parametrize(
    "name",
    [
        "../evil", "ml/../../evil", "ml/..", "/etc/evil", "//server/share/evil", "C:/evil", "C:evil", "ml/C:evil",
        "..\\evil", "ml\\..\\..\\evil", "\\evil", "ml/ratings.csv:stream", "ml/.. /evil", "ml/... /evil", "ml/./evil",
        "ml/NUL", "ml/con.csv", "aux/evil", "ml/LPT1 .csv",
    ],
)  # fmt: skip
def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("ml/ratings.csv", b"1")
        archive.writestr(entry(name), b"evil")
    assert "one that leads out" in refusal(tmp_path / "a.zip", tmp_path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_a_link_or_a_device_is_refused(tmp_path: Path, kind: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(entry("ml/ratings.csv", kind | 0o777), b"/etc/passwd")
    assert "found a link or a device: 'ml/ratings.csv'" in refusal(tmp_path / "a.zip", tmp_path)


def test_permissions_of_the_archive_are_not_taken_over(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(entry("ml/run.sh", stat.S_IFREG | 0o4777), b"#!/bin/sh")
    unpack(tmp_path / "a.zip", tmp_path / "target")
    assert (tmp_path / "target" / "ml" / "run.sh").stat().st_mode & 0o7111 == 0


def test_an_archive_that_would_unpack_to_too_much_is_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"ml/ratings.csv": bytes(range(256)) * 10})
    assert "at most 0.0 MB when unpacked, found 0.0 MB" in refusal(archive, tmp_path, max_bytes=2559)
    assert len(unpack(archive, tmp_path / "target", max_bytes=2560)["ml/ratings.csv"]) == 2560


def test_an_archive_far_smaller_than_its_content_is_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "bomb.zip", {"ml/ratings.csv": bytes(10_000_000)})
    assert archive.stat().st_size < 20_000
    assert "found 10.0 MB" in refusal(archive, tmp_path, max_bytes=1e9)


def test_an_archive_that_lies_about_its_sizes_does_not_unpack_to_more(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"ml/ratings.csv": bytes(1000)})
    true, false = (size.to_bytes(4, "little") for size in (1000, 10))
    archive.write_bytes(archive.read_bytes().replace(true, false))
    with pytest.raises(DataFormatError, match="damaged"):
        unpack(archive, tmp_path / "target")
    assert all(len(data) <= 10 for data in contents(tmp_path / "target").values())


def test_an_archive_of_very_many_files_is_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {f"ml/{number}": b"" for number in range(MAX_ENTRIES + 1)})
    assert "at most 1000 entries, found 1001" in refusal(archive, tmp_path)


@pytest.mark.parametrize("other", ["ml/movies.csv", "ml/Movies.csv", "ML/MOVIES.CSV"])
def test_a_name_that_stands_twice_is_refused_as_it_is_on_file_systems_that_fold_case(
    tmp_path: Path, other: str
) -> None:
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        warnings.simplefilter("ignore")  # zipfile sees the duplicate too, and writes it
        archive.writestr("ml/movies.csv", b"1")
        archive.writestr(other, b"2")
    assert "each name once, found 'ml/movies.csv' again" in refusal(tmp_path / "a.zip", tmp_path)


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"ml/ratings.csv": b"1"})
    data = bytearray(archive.read_bytes())
    for signature, offset in (b"PK\x03\x04", 6), (b"PK\x01\x02", 8):  # where the flags stand, APPNOTE 4.3
        data[data.index(signature) + offset] |= 1
    archive.write_bytes(data)
    assert "an encrypted entry: 'ml/ratings.csv'" in refusal(archive, tmp_path)


@pytest.mark.parametrize("damage", ["no zip at all", "", "cut", "flipped"])
def test_a_damaged_archive_is_an_error_that_names_it(tmp_path: Path, damage: str) -> None:
    archive = write_zip(tmp_path / "a.zip", FILES)
    whole = archive.read_bytes()
    middle = whole.index(b"PK\x01\x02") // 4
    flipped = whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]
    archive.write_bytes({"cut": whole[: len(whole) // 2], "flipped": flipped}.get(damage, damage.encode()))
    with pytest.raises(DataFormatError, match=r"here\.zip: a damaged zip archive"):
        unpack(archive, tmp_path / "target")


@settings(derandomize=True, deadline=None, max_examples=200, database=None)
@given(changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8))
def test_whatever_bytes_are_changed_nothing_comes_out_but_the_files_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    data = bytearray(write_zip(folder / "a.zip", FILES).read_bytes())
    for position, value in changes:
        data[position % len(data)] = value
    (folder / "a.zip").write_bytes(data)
    try:
        found = unpack(folder / "a.zip", folder / "target")
    except DataFormatError:
        found = {}
    assert set(found.values()) <= {*FILES.values(), b""}
    assert set(contents(folder)) - {"a.zip"} == {f"target/{name}" for name in contents(folder / "target")}


def test_the_folders_of_an_archive_are_named_unless_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in "b/1", "a/2", "a/3/4", "loose":
            archive.writestr(name, "x")
    assert what_is_in(path) == "; it holds 'a/', 'b/'"
    path.write_bytes(path.read_bytes()[:-30])
    assert what_is_in(path) == ""
