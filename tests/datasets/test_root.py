"""What is in a data root, and the commands that bring the rest."""

import shlex
from pathlib import Path

import pytest

from movierec.cli import main
from movierec.datasets.catalog import RELEASES
from movierec.datasets.check import check_data
from movierec.datasets.metadata import OMDB_FILE
from movierec.datasets.root import (
    MARKER,
    default_root,
    explain_release_folder,
    files_of,
    how_to_get,
    is_complete,
    missing_releases,
    way_to,
)
from movierec.datasets.sample import SampleSize, write_sample
from movierec.errors import ConfigError, MissingDataError


def test_a_release_is_complete_when_all_its_files_have_content(tmp_path: Path) -> None:
    release = RELEASES["ml-100k"]
    names = files_of(release)
    assert names[:4] == ["ml-100k/u.data", "ml-100k/u.item", "ml-100k/u1.base", "ml-100k/u1.test"]
    (tmp_path / "ml-100k").mkdir()
    for name in names:
        (tmp_path / name).write_text("1")
    assert is_complete(tmp_path, release)
    (tmp_path / names[-1]).write_text("")
    assert not is_complete(tmp_path, release)
    assert missing_releases(tmp_path, [*names, OMDB_FILE]) == [release]


def test_a_command_names_the_root_as_a_shell_reads_it(tmp_path: Path) -> None:
    root = tmp_path / "my data"
    assert way_to(root, "fetch tmdb") == f"python -m movierec data fetch tmdb --root '{root}'"


@pytest.mark.parametrize(
    ("name", "options"), [(RELEASES["ml-10m"].ratings, " --releases ml-10m"), (OMDB_FILE, "")], ids=str
)
def test_what_a_sample_lacks_is_generated_and_not_downloaded(tmp_path: Path, name: str, options: str) -> None:
    (tmp_path / MARKER).write_text("{}")
    message = how_to_get(tmp_path, name)
    assert f"`python -m movierec data sample --root {tmp_path}{options}`" in message
    assert "download" not in message
    assert "fetch" not in message


def test_ml_100k_is_not_generated_but_downloaded_to_another_root(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text("{}")
    message = how_to_get(tmp_path, RELEASES["ml-100k"].ratings)
    assert "no ml-100k. Get it with `python -m movierec data download ml-100k --root data`, and name that" in message


def test_the_command_for_a_sample_generates_what_was_there_and_what_is_missing(tmp_path: Path) -> None:
    root = tmp_path / "my sample"
    size = SampleSize(num_users=20, num_movies=60, num_ratings=200, seed=7, releases=("ml-20m",))
    write_sample(root, size)
    before = (root / "ml-20m/ratings.csv").read_bytes()
    command = way_to(root, "download ml-1m ml-20m")
    options = "--users 20 --movies 60 --ratings 200 --seed 7 --releases ml-20m ml-1m"
    assert command == f"python -m movierec data sample --root '{root}' {options}"
    assert main(shlex.split(command)[3:]) == 0
    assert (root / "ml-20m/ratings.csv").read_bytes() == before
    assert is_complete(root, RELEASES["ml-1m"])


@pytest.mark.parametrize("sample", [True, False])
def test_a_release_that_is_there_is_offered_before_one_that_is_not(tmp_path: Path, *, sample: bool) -> None:
    write_sample(tmp_path, SampleSize(num_users=20, num_movies=60, num_ratings=200, releases=("ml-20m",)))
    if not sample:
        (tmp_path / MARKER).unlink()
    message = how_to_get(tmp_path, RELEASES["ml-1m"].ratings)
    assert message.startswith("The folder has ml-20m: train on that with `--data.release ml-20m`. ")
    assert ("download" in message) is not sample
    assert "--data.release" not in how_to_get(tmp_path, "ml-latest-small/links.csv")


def test_the_folder_of_a_release_is_not_the_root_but_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "ml-1m"
    place.mkdir()
    assert explain_release_folder(place) == ""
    (place / "ratings.dat").write_text("1::1::1::1")
    assert explain_release_folder(place).endswith(
        f"is the folder of ml-1m itself. Name the one that it is in: {tmp_path}"
    )
    assert how_to_get(place, "ml-1m/ratings.dat") == explain_release_folder(place)
    monkeypatch.chdir(place)
    assert explain_release_folder(Path()).endswith(f": {tmp_path}")
    assert explain_release_folder(tmp_path) == ""


def test_a_root_that_the_environment_names_is_said_to_be_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOVIEREC_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(MissingDataError, match=r"nowhere \(from MOVIEREC_DATA\), found none"):
        check_data(default_root())


def test_the_folder_of_a_release_is_refused_as_a_root(sample_root: Path) -> None:
    with pytest.raises(ConfigError, match="is the folder of ml-latest-small itself"):
        check_data(sample_root / "ml-latest-small")


def test_a_sample_gets_what_all_models_need_by_one_command(tmp_path: Path) -> None:
    size = SampleSize(num_users=20, num_movies=60, num_ratings=200, releases=("ml-20m",))
    write_sample(tmp_path, size)
    commands = {command for model in check_data(tmp_path).models.values() for command in model["lacks"].values()}
    (command,) = commands
    assert command.endswith("--users 20 --movies 60 --ratings 200 --seed 0 --releases ml-20m ml-latest-small ml-1m")
