"""Checkpoints: damaged in any place, or whole and holding something else."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from movierec.errors import CheckpointError
from movierec.recommend.recommender import Recommender
from tests.fuzzing import mutation, world
from tests.fuzzing.contract import assert_clear

TIMES = 8
WHOLE_FILES = {
    "empty": b"", "zeros": bytes(5000), "html": mutation.HTML, "empty archive": b"PK\x05\x06" + bytes(18),
    "csv": b"userId,movieId\n1,1\n", "pickle": b"\x80\x02}q\x00.", "half a pickle": b"\x80\x02}q\x00",
}  # fmt: skip


def recommended(recommender: Recommender) -> list[pd.DataFrame]:
    """What a few users are recommended, and the films like another."""
    frames = [recommender.recommend(user, top=3, min_ratings=1) for user in (1, world.LARGEST)]
    return [*frames, recommender.recommend(ratings={world.LARGEST: 4.0}, top=3, min_ratings=1)]


def assert_same_or_refused(path: Path, small: Recommender) -> None:
    """Recommend by a checkpoint what the whole one does, or refuse it and name it."""
    try:
        found = recommended(Recommender.from_checkpoint(path))
    except CheckpointError as error:
        assert_clear(str(error), path)
        return
    for mine, theirs in zip(found, recommended(small), strict=True):
        pd.testing.assert_frame_equal(mine, theirs)


@pytest.mark.parametrize("number", range(TIMES))
@pytest.mark.parametrize("change", mutation.CHANGES)
def test_a_damaged_checkpoint(
    tmp_path: Path, small_checkpoint: Path, small: Recommender, change: str, number: int
) -> None:
    path = tmp_path / "damaged.ckpt"
    path.write_bytes(mutation.damage(small_checkpoint.read_bytes(), change, number))
    assert_same_or_refused(path, small)


@pytest.mark.parametrize("name", WHOLE_FILES)
def test_something_else_in_the_place_of_a_checkpoint_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "other.ckpt"
    path.write_bytes(WHOLE_FILES[name])
    with pytest.raises(CheckpointError) as caught:
        Recommender.from_checkpoint(path)
    assert_clear(str(caught.value), path)


@pytest.mark.parametrize("number", range(8))
def test_a_changed_byte_of_the_weights_is_refused(tmp_path: Path, small_checkpoint: Path, number: int) -> None:
    content = bytearray(small_checkpoint.read_bytes())
    stored = torch.load(small_checkpoint, weights_only=True)["state_dict"]["model.first.number_weight"]
    place = content.index(stored.numpy().tobytes()) + 37 * number
    content[place] ^= 1
    path = tmp_path / "damaged.ckpt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is not as it was written") as caught:
        Recommender.from_checkpoint(path)
    assert_clear(str(caught.value), path)
