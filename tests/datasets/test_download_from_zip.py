"""Installing a release from an archive that is here already: what is refused, and what stays as it was."""

import zipfile
from pathlib import Path

import pytest

from movierec.cli import main
from movierec.datasets.catalog import RELEASES, Release
from movierec.datasets.download import download_releases
from movierec.datasets.movielens import read_links
from movierec.errors import ConfigError, DataFormatError

SMALL = RELEASES["ml-latest-small"]


def left(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def write_small(path: Path, archives: Path, changes: dict[str, bytes]) -> Path:
    """Write an archive of ml-latest-small with some entries changed or added."""
    folder = archives / "sample" / "ml-latest-small"
    files = {f"ml-latest-small/{path.name}": path.read_bytes() for path in folder.iterdir()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in (files | changes).items():
            opened.writestr(name, data)
    return path


def test_an_archive_without_a_file_of_the_release_is_refused(archives: Path, tmp_path: Path) -> None:
    origin = write_small(tmp_path / "a.zip", archives, {"ml-latest-small/ratings.csv": b"", "other/README": b"x"})
    with pytest.raises(DataFormatError, match=r"expected ml-latest-small/ratings\.csv in the archive, found none"):
        download_releases([SMALL], tmp_path / "root", archive=origin)
    assert left(tmp_path / "root") == []


def test_only_what_is_below_the_releases_folder_comes_out_and_nothing_beside_it(archives: Path, tmp_path: Path) -> None:
    evil = dict.fromkeys(("ml-latest-small/../../evil", "/ml-latest-small/evil", "../evil", "README"), b"evil")
    origin = write_small(tmp_path / "a.zip", archives, {**evil, "ml-latest-small/deep/er/千年": b"y"})
    download_releases([SMALL], tmp_path / "in" / "root", archive=origin)
    names = [path.name for path in (archives / "sample" / "ml-latest-small").iterdir()]
    inside = [*names, "deep", "deep/er", "deep/er/千年", "evil"]
    assert left(tmp_path / "in") == sorted(
        ["root", "root/ml-latest-small", *(f"root/ml-latest-small/{n}" for n in inside)]
    )
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "in"}


def test_a_damaged_archive_is_an_error_that_names_it(archives: Path, tmp_path: Path) -> None:
    origin = write_small(tmp_path / "a.zip", archives, {})
    whole = origin.read_bytes()
    middle = whole.index(b"PK\x01\x02") // 4
    origin.write_bytes(whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :])
    with pytest.raises(DataFormatError, match=r"a\.zip: a damaged zip archive"):
        download_releases([SMALL], tmp_path / "root", archive=origin)
    assert left(tmp_path / "root") == []


def test_what_is_incomplete_is_completed_and_a_users_own_files_stay(
    release: Release, archives: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "ml-1m"
    (folder / "notes").mkdir(parents=True)
    (folder / "notes" / "thesis.tex").write_text("years of work")
    (folder / "ratings.dat").write_bytes(b"")
    (folder / "movies.dat").write_text("1::Half of a fi")
    download_releases([release], tmp_path, archive=archives / "ml-1m.zip")
    for name in "movies.dat", "ratings.dat", "users.dat":
        assert (folder / name).read_bytes() == (archives / "sample" / "ml-1m" / name).read_bytes()
    assert (folder / "notes" / "thesis.tex").read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["ml-1m"]


def test_what_is_damaged_is_replaced_when_it_is_asked_for_again(archives: Path, tmp_path: Path) -> None:
    command = ["data", "download", "ml-latest-small", "--root", str(tmp_path)]
    command += ["--from-zip", str(archives / "ml-latest-small.zip")]
    ratings = tmp_path / SMALL.ratings
    ratings.parent.mkdir()
    assert main(command) == 0
    whole = ratings.read_bytes()
    ratings.write_bytes(whole[:100])
    assert main(command) == 0
    assert ratings.read_bytes() == whole[:100]
    assert main([*command, "--again"]) == 0
    assert ratings.read_bytes() == whole


@pytest.mark.parametrize("name", ["ml-1m", "", "deep/er"])
def test_a_file_where_a_folder_should_be_stays(release: Release, archives: Path, tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    path = root / "ml-1m" if name == "ml-1m" else root
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        download_releases([release], root / name if name == "deep/er" else root, archive=archives / "ml-1m.zip")
    assert path.read_text() == "mine"


def test_a_generated_sample_is_not_mixed_with_a_release(release: Release, archives: Path, tmp_path: Path) -> None:
    (tmp_path / "sample.json").write_text("{}")
    with pytest.raises(ConfigError, match="Choose another root"):
        download_releases([release], tmp_path, archive=archives / "ml-1m.zip")
    assert left(tmp_path) == ["sample.json"]


def test_a_release_is_not_put_into_its_own_folder(release: Release, archives: Path, tmp_path: Path) -> None:
    where = archives / "ml-1m.zip"
    download_releases([release], tmp_path, archive=where)
    before = left(tmp_path)
    with pytest.raises(ConfigError, match="is the folder of ml-1m itself"):
        download_releases([release], tmp_path / "ml-1m", archive=where)
    assert left(tmp_path) == before


def test_an_archive_that_is_here_is_installed_and_stays(
    archives: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = archives / "ml-latest-small.zip"
    before = archive.read_bytes()
    command = ["data", "download", "ml-latest-small", "--root", str(tmp_path), "--from-zip", str(archive)]
    assert main(command) == 0
    assert archive.read_bytes() == before
    assert len(read_links(tmp_path, SMALL)) == 60
    assert "downloading" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file. Check the path after --from-zip"),
        ("a folder", "found a folder. Check the path"),
        (b"", "expected a whole zip archive, got what begins with b''"),
        (b"Rar!\x1a\x07", "expected a whole zip archive, got what begins with b'Rar!"),
        (b"the first half", "expected a whole zip archive"),
        (b"another archive", "expected the md5 checksum c4d9eecfca2ab87c1945afe126590906, got "),
        (b"another archive", "was not unpacked. Get it again, or from elsewhere. If you trust it, "),
    ],
    ids=str,
)
def test_an_archive_here_that_is_not_the_published_one_is_refused(
    body: bytes, tmp_path: Path, content: bytes | str | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "my.zip"
    if content == "a folder":
        archive.mkdir()
    elif isinstance(content, bytes):
        halves = {b"the first half": body[: len(body) // 2], b"another archive": body}
        archive.write_bytes(halves.get(content, content))
    command = ["data", "download", "ml-1m", "--root", str(tmp_path / "root"), "--from-zip", str(archive)]
    assert main(command) == 1
    error = capsys.readouterr().err
    assert error.startswith("movierec: error: ")
    assert archive.name in error
    assert message in error
    assert left(tmp_path / "root") == []
