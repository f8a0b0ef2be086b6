"""What is left to do for a run, told from run folders written by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from movierec.model_selection.plan import Entry, Job, Resolved
from movierec.model_selection.step import finished_run, next_step

CONFIG: dict[str, Any] = {
    "seed_everything": 123,
    "name": None,
    "trainer": {"max_epochs": 50, "default_root_dir": None, "precision": None},
    "model": {"hidden": [16, 8], "lr": 0.001},
    "data": {"class_path": "movierec.data.RatingsDataModule", "init_args": {"root": "data", "seed": 123}},
}
JOB = Job(
    Entry("model1", ("configs/model1.yaml", "mine.yaml"), (7,)),
    7,
    Resolved(config=CONFIG, root="data", missing=[], fingerprint="f", sample=False, epochs=50, seconds=60.0),
)
TRAINED = {"seed": 7, "data": {"fingerprint": "f"}, "checkpoint": "checkpoints/best.ckpt", "end": "planned"}
TESTED = TRAINED | {"test": {"r2": 0.3}}
FRESH = (
    "fit --config configs/model1.yaml --config mine.yaml --name model1 --seed_everything 7 --data.root data "
    "--trainer.default_root_dir {}"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "lightning_logs"


def write_run(
    root: Path, version: int = 0, *, metrics: dict[str, Any] | None = None, config: dict[str, Any] | None = None
) -> Path:
    run = root / "model1" / f"version_{version}"
    (run / "checkpoints").mkdir(parents=True)
    for name in ("best", "last"):
        (run / "checkpoints" / f"{name}.ckpt").write_bytes(b"weights")
    (run / "config.yaml").write_text(yaml.safe_dump(CONFIG | {"seed_everything": 7} | (config or {})))
    if metrics is not None:
        (run / "metrics.json").write_text(json.dumps(metrics))
    return run


def command(root: Path, *, resume: bool = True) -> str:
    step = next_step(JOB, root, resume=resume)
    return "nothing" if step is None else " ".join(step.arguments)


def test_without_a_run_it_is_trained_from_the_start(root: Path) -> None:
    assert command(root) == FRESH.format(root.parent)
    assert finished_run(JOB, root) is None


def test_runs_in_the_folder_one_stands_in_need_no_place() -> None:
    step = next_step(JOB, Path("lightning_logs"))
    assert step is not None
    assert step.arguments[-2:] == ["--data.root", "data"]


def test_a_tested_run_is_done(root: Path) -> None:
    run = write_run(root, metrics=TESTED)
    found = finished_run(JOB, root)
    assert found is not None
    assert found.path == run
    assert command(root) == "nothing"


def test_a_run_of_the_same_options_under_another_place_is_done(root: Path) -> None:
    moved = {"class_path": "movierec.data.RatingsDataModule", "init_args": {"root": "elsewhere", "seed": 123}}
    trainer = {"max_epochs": 50, "default_root_dir": "runs"}  # and a later version has an option more
    write_run(root, metrics=TESTED, config={"name": "model1", "data": moved, "trainer": trainer})
    assert command(root) == "nothing"


def test_a_trained_run_is_tested(root: Path) -> None:
    run = write_run(root, metrics=TRAINED)
    assert command(root) == f"test --config {run / 'config.yaml'} --trainer.default_root_dir {root.parent}"


@pytest.mark.parametrize(
    "metrics", [None, TRAINED | {"end": "interrupted"}, TESTED | {"end": "interrupted"}, {"epochs": {"trained": 3}}]
)
def test_an_interrupted_run_goes_on_though_it_may_have_been_tested(root: Path, metrics: dict[str, Any] | None) -> None:
    run = write_run(root, metrics=metrics)
    place = f"--trainer.default_root_dir {root.parent}"
    assert command(root) == f"fit --config {run / 'config.yaml'} --ckpt_path last {place}"
    assert command(root, resume=False) == FRESH.format(root.parent)


def test_a_run_stopped_before_its_first_epoch_is_trained_from_the_start(root: Path) -> None:
    (write_run(root) / "checkpoints" / "last.ckpt").unlink()
    assert command(root) == FRESH.format(root.parent)


def test_a_done_run_counts_though_a_newer_one_was_interrupted(root: Path) -> None:
    write_run(root, 0, metrics=TESTED)
    write_run(root, 1)
    assert command(root) == "nothing"


@pytest.mark.parametrize(
    ("epochs", "end", "expected"),
    [
        ((50, 50), None, "nothing"),
        ((18, 50), "early", "nothing"),
        ((18, 50), None, "fit"),
        ((50, 50), "early", "nothing"),
    ],
)
def test_a_run_ends_with_its_last_epoch_or_when_it_stops_early(
    root: Path, epochs: tuple[int, int], end: str | None, expected: str
) -> None:
    content = {name: value for name, value in TESTED.items() if name != "end"} | ({"end": end} if end else {})
    write_run(root, metrics=content | {"epochs": {"trained": epochs[0], "planned": epochs[1]}})
    assert command(root).split()[0] == expected


@pytest.mark.parametrize(
    "other",
    [
        {"seed_everything": 8},
        {"model": {"hidden": [16, 8], "lr": 0.01}},
        {"trainer": {"max_epochs": 51}},
        {"trainer": {"max_epochs": 50, "precision": "bf16-mixed"}},
    ],
)
def test_a_run_with_another_option_does_not_count(root: Path, other: dict[str, Any]) -> None:
    write_run(root, metrics=TESTED, config=other)
    assert command(root) == FRESH.format(root.parent)


@pytest.mark.parametrize("metrics", [TESTED | {"data": {"fingerprint": "g"}}, TRAINED | {"data": {"fingerprint": "g"}}])
def test_a_run_on_other_data_does_not_count(root: Path, metrics: dict[str, Any]) -> None:
    write_run(root, metrics=metrics)
    assert command(root) == FRESH.format(root.parent)


@pytest.mark.parametrize("text", ["seed_everything: 7\n", "seed_everything: 7\n: [", "- seed_everything: 7\n", ""])
def test_a_run_whose_configuration_is_damaged_does_not_count(root: Path, text: str) -> None:
    (write_run(root, metrics=TESTED) / "config.yaml").write_text(text)
    assert command(root) == FRESH.format(root.parent)


def test_the_test_of_another_checkpoint_is_repeated(root: Path) -> None:
    write_run(root, metrics=TESTED | {"checkpoint": "checkpoints/last.ckpt"})
    assert command(root).startswith("test --config")
