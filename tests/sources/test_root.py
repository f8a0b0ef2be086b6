"""What is in a data root, and the commands that bring the rest."""

from pathlib import Path

import pytest

from movierec.sources.catalog import RELEASES
from movierec.sources.metadata import OMDB_FILE
from movierec.sources.root import MARKER, files_of, how_to_get, is_complete, missing_releases, way_to


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
