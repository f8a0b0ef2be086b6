"""Whether a file is there."""

from pathlib import Path

from movierec.datasets.file import is_absent


def test_a_file_and_a_folder_are_there_and_what_is_below_a_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not is_absent(tmp_path / "file")
    assert not is_absent(tmp_path)
    assert is_absent(tmp_path / "nothing")
    assert is_absent(tmp_path / "file" / "below")


def test_a_link_to_nothing_is_absent(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    assert is_absent(tmp_path / "link")
