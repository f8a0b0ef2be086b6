"""The run folders: found, numbered, and their metrics kept."""

import json
import math
from pathlib import Path

import pytest

from movierec.errors import CheckpointError
from movierec.runs import Run, existing_checkpoint, find_runs, finite, newest_run, next_version, replace_text, run_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "lightning_logs"


def make_run(root: Path, name: str, version: int, *checkpoints: str) -> Run:
    run = Run(root / name / f"version_{version}")
    run.checkpoints.mkdir(parents=True)
    run.config.write_text("seed_everything: 1\n")
    for checkpoint in checkpoints:
        (run.checkpoints / f"{checkpoint}.ckpt").write_bytes(b"weights")
    return run


def test_runs_are_listed_by_name_then_by_number(root: Path) -> None:
    for name, version in [("published/model1", 0), ("model1", 10), ("model1", 9), ("model1", 100), ("model1", 0)]:
        make_run(root, name, version)
    found = [(name, run.version) for name, run in find_runs(root)]
    assert found == [("model1", 0), ("model1", 9), ("model1", 10), ("model1", 100), ("published/model1", 0)]


def test_what_only_looks_like_a_run_is_not_listed(root: Path) -> None:
    for folder in ("version_x", "version_1_old", "version_", "my_version_2"):
        (root / "model1" / folder).mkdir(parents=True)
    (root / "model1" / "version_3").write_text("a file")
    assert list(find_runs(root)) == []


def test_a_root_that_is_not_there_holds_no_runs(root: Path) -> None:
    assert list(find_runs(root)) == []


@pytest.mark.parametrize(("versions", "following"), [([], 0), ([0], 1), ([9, 10], 11), ([3], 4)])
def test_the_next_version_follows_the_highest_of_the_name(root: Path, versions: list[int], following: int) -> None:
    make_run(root, "published/model1", 41)
    for version in versions:
        make_run(root, "model1", version)
    assert next_version(root, "model1") == following


def test_the_newest_run_is_the_highest_that_holds_a_checkpoint(root: Path) -> None:
    make_run(root, "model1", 9, "best", "last")
    trained = make_run(root, "model1", 10, "last")
    make_run(root, "model1", 11)
    make_run(root, "published/model1", 12, "best")
    assert newest_run(root, "model1") == trained


def test_no_trained_run_is_an_error_that_says_where_and_what_to_do(root: Path) -> None:
    make_run(root, "model1", 0)
    with pytest.raises(CheckpointError, match="movierec fit") as caught:
        newest_run(root, "model1")
    assert str(root / "model1") in str(caught.value)


@pytest.mark.parametrize("name", ["absent.ckpt", ".", "", "lightning_logs"])
def test_a_checkpoint_that_is_not_there_is_an_error_that_names_it(root: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match="found none") as caught:
        existing_checkpoint(name)
    assert f"at {Path(name)}," in str(caught.value)


def test_metrics_are_replaced_and_what_json_lacks_becomes_null(root: Path) -> None:
    run = make_run(root, "model1", 0)
    run.write_metrics({"seed": 1, "val": {"r2": math.nan, "rmse": 0.2}})
    run.write_metrics({"test": {"r2": -math.inf, "ranks": [1.0, math.nan]}, "seed": 2})
    text = (run.path / "metrics.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail) == run.read_metrics()
    assert run.read_metrics() == {
        "seed": 2,
        "test": {"r2": None, "ranks": [1.0, None]},
    }
    assert [path.name for path in run.path.iterdir() if "partial" in path.name] == []


@pytest.mark.parametrize("damaged", [b"", b'{"test": {"r2"', b"[1, 2]", b"null", b"\xff\xfe"])
def test_damaged_metrics_read_as_none_and_can_be_written_again(root: Path, damaged: bytes) -> None:
    run = make_run(root, "model1", 0)
    (run.path / "metrics.json").write_bytes(damaged)
    assert run.read_metrics() == {}
    run.write_metrics({"seed": 1})
    assert run.read_metrics() == {"seed": 1}


def test_finite_changes_nothing_but_nan_and_infinity() -> None:
    value = {"a": [1, 2.5, None, "nan", True], "b": ()}
    assert finite(value) == {"a": [1, 2.5, None, "nan", True], "b": []}
    assert finite([math.inf, {"c": math.nan}]) == [None, {"c": None}]


def test_a_write_that_fails_leaves_the_old_text(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    replace_text(path, "old é")
    with pytest.raises(UnicodeEncodeError):
        replace_text(path, "new \udc80")
    assert path.read_text(encoding="utf-8") == "old é"


def test_a_checkpoint_knows_its_run_and_the_run_its_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(root, "published/model1", 7, "best")
    assert run_of(run.checkpoints / "best.ckpt") == run
    assert (run.version, run.root, run.has_checkpoint) == (7, root, True)
    monkeypatch.chdir(root.parent)
    relative = Path("lightning_logs/published/model1/version_7")
    assert run_of(relative / "checkpoints" / "best.ckpt") == Run(relative)


def test_a_checkpoint_outside_a_run_has_none(root: Path, tmp_path: Path) -> None:
    run = make_run(root, "model1", 0, "best")
    run.config.unlink()
    assert run_of(run.checkpoints / "best.ckpt") is None
    assert run_of(tmp_path / "downloaded.ckpt") is None
