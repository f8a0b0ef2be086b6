"""A folder for what is half-way: nothing of it stays, and nobody else's folder is touched."""

import os
import time
from pathlib import Path

import pytest

from movierec.datasets.building import OLD, building
from movierec.errors import WriteError


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_what_is_stopped_leaves_nothing(tmp_path: Path, stop: type[BaseException]) -> None:
    def build() -> None:
        with building("ml-1m", tmp_path) as folder:
            (folder / "half").write_text("1")
            raise stop

    with pytest.raises(stop):
        build()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_after_a_day_and_nothing_else(tmp_path: Path) -> None:
    names = ["ml-1m.movierec-abcd1234", "ml-1m.movierec-new_one_", "ml-10m.movierec-abcd1234", "ml-1m.partial"]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_text("1")
        age = 0 if "new" in name else OLD + 60
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))
    with building("ml-1m", tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(WriteError, match=f"{tmp_path / 'file'}: a file is in the way") as caught,
        building("ml-1m", tmp_path / "file"),
    ):
        pass
    assert "room" not in str(caught.value)
