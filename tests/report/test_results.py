"""Gathering what the runs measured, whatever state they are in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from movierec.report.results import Family, family_of, gather, letter_test_sets

WriteRun = Callable[..., Path]


def test_seeds_become_mean_and_sample_standard_deviation(runs: Path, write_run: WriteRun) -> None:
    for version, (seed, error) in enumerate([(1, 0.80), (2, 0.82), (3, 0.87)]):
        write_run("model1", version, seed=seed, error=error)
    (one,), lines = gather(runs)
    assert [run.path.name for run in one.runs] == ["version_2", "version_1", "version_0"]
    assert one.seeds == [3, 2, 1]
    assert one.mean("test", "rmse_stars") == pytest.approx(0.83)
    assert one.sd("test", "rmse_stars") == pytest.approx(((0.03**2 + 0.01**2 + 0.04**2) / 2) ** 0.5)
    assert not [line for line in lines if line.startswith("model1")]


def test_one_seed_has_no_standard_deviation(runs: Path, write_run: WriteRun) -> None:
    write_run("model1")
    assert gather(runs)[0][0].sd("test", "r2") is None


def test_the_newest_run_of_a_seed_counts_and_the_older_ones_are_mentioned(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", 9, error=0.9)
    write_run("model1", 10, error=0.8)
    (one,), lines = gather(runs)
    assert one.values("test", "rmse_stars") == [0.8]
    assert "model1: 1 older run of the same seeds (--all shows them)." in lines


def test_all_lists_each_tested_run_by_itself(runs: Path, write_run: WriteRun) -> None:
    write_run("model1", 0, error=0.9)
    write_run("model1", 1, error=0.8)
    found, lines = gather(runs, every=True)
    assert [(one.name, one.model, one.values("test", "rmse_stars")) for one in found] == [
        ("model1/version_0", "model1", [0.9]),
        ("model1/version_1", "model1", [0.8]),
    ]
    assert not [line for line in lines if "older" in line]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"data": {"fingerprint": "f0"}}, "its data or its split differ"),
        ({"data": {}, "versions": {"movierec": "0.0.9"}}, "it was measured with movierec 0.0.9, not 0.1.0"),
        ({"versions": {}}, "it was measured with movierec of an unknown version, not 0.1.0"),
    ],
)
def test_a_run_that_differs_in_more_than_the_seed_is_not_averaged(
    runs: Path, write_run: WriteRun, changed: dict[str, Any], reason: str
) -> None:
    write_run("model1", 0, seed=1, error=0.5, **changed)
    write_run("model1", 1, seed=2, error=0.8)
    (one,), lines = gather(runs)
    assert one.seeds == [2]
    assert f"model1/version_0: {reason}, so it is not averaged with version_1." in lines


def test_runs_with_other_settings_are_not_averaged_but_those_in_other_places_are(
    runs: Path, write_run: WriteRun
) -> None:
    def config(lr: float, root: str, **options: Any) -> dict[str, Any]:
        given = {"root": root, "missing": "drop", **options}
        data = {"class_path": "movierec.data.RatingsDataModule", "init_args": given}
        return {
            "model": {"optimizer": {"init_args": {"lr": lr}}},
            "data": data,
            "checkpoint": {},
            "trainer": {"max_epochs": 5},
        }

    write_run("model1", 0, seed=1, config=config(0.5, "data"))
    write_run("model1", 1, seed=2, config=config(0.001, "data"))
    write_run("model1", 2, seed=3, config=config(0.001, "elsewhere"))
    # What is left of the columns is in the fingerprint of the data; older runs know neither option.
    write_run("model1", 3, seed=4, config=config(0.001, "data", exclude_columns=None, allow_leaks=False))
    (one,), lines = gather(runs)
    assert one.seeds == [4, 3, 2]
    assert (
        "model1/version_0: it was trained with another model.optimizer.lr, so it is not averaged with version_3."
        in lines
    )


def test_a_damaged_config_hides_no_numbers(runs: Path, write_run: WriteRun) -> None:
    folder = write_run("model1")
    (folder / "config.yaml").write_text("model: [", encoding="utf-8")
    write_run("model1", 1, seed=7, config={"model": None})
    assert gather(runs)[0][0].seeds == [7, 123]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"test": {"r2": 0.', "metrics.json is damaged. Test it: python -m movierec test --config "),
        ("[1, 2]", "metrics.json is damaged. Test it: python -m movierec test --config "),
        ('{"val": {"r2": 0.1}}', "trained, not tested. Test it: python -m movierec test --config "),
        ("\udcff", "metrics.json is damaged. Test it: python -m movierec test --config "),
    ],
)
def test_a_run_that_cannot_be_shown_is_named_with_the_reason(
    runs: Path, write_run: WriteRun, text: str, reason: str
) -> None:
    folder = write_run("model1")
    (folder / "metrics.json").write_bytes(text.encode(errors="surrogateescape"))
    found, lines = gather(runs)
    assert found == []
    assert len(lines) == 1
    assert lines[0].startswith(f"model1/version_0: {reason}")


def test_a_fit_that_ended_half_way_is_told_from_one_that_only_needs_a_test(runs: Path) -> None:
    (runs / "model1" / "version_0").mkdir(parents=True)
    checkpoints = runs / "model1" / "version_1" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "best.ckpt").touch()
    needs_test, stopped = gather(runs)[1]
    assert needs_test.startswith("model1/version_1: trained, not tested. Test it: python -m movierec test --config ")
    assert stopped.startswith("model1/version_0: no checkpoint and no metrics.json")


def test_a_folder_that_is_empty_or_not_there_has_nothing(tmp_path: Path) -> None:
    assert gather(tmp_path) == ([], [])
    assert gather(tmp_path / "nowhere") == ([], [])


def test_a_run_that_lacks_some_metrics_is_shown(runs: Path) -> None:
    folder = runs / "model1" / "version_0"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps({"test": {"r2": 0.2, "mae": None, "rmse": 0.19}}))
    (one,), _ = gather(runs)
    assert one.mean("test", "r2") == 0.2
    assert one.mean("test", "mae") is None
    assert one.size("test") is None


def test_both_families_of_a_model_stand_together(runs: Path, write_run: WriteRun) -> None:
    for name in ("published/model2", "model2", "mine/wide", "model1"):
        write_run(name)
    assert [one.name for one in gather(runs)[0]] == ["model1", "published/model2", "model2", "mine/wide"]


def test_generated_ratings_are_shown_until_there_are_real_ones(runs: Path, write_run: WriteRun) -> None:
    write_run("sample/model1", data={"sample": True})
    assert [one.name for one in gather(runs)[0]] == ["sample/model1"]
    write_run("model1")
    found, lines = gather(runs)
    assert [one.name for one in found] == ["model1"]
    assert lines == ["sample/model1: measured on generated ratings."]


def test_seeds_are_averaged_whatever_the_options_without_effect_on_numbers(runs: Path, write_run: WriteRun) -> None:
    def config(trainer: dict[str, Any], **options: Any) -> dict[str, Any]:
        data = {"class_path": "movierec.data.RatingsDataModule", "init_args": options}
        return {"data": data, "trainer": {"max_epochs": 5, **trainer}}

    write_run("model1", 0, seed=1, config=config({}, download=True, eval_batch_size=64, num_workers=2))
    write_run("model1", 1, seed=2, config=config({"num_sanity_val_steps": 2, "detect_anomaly": True}))
    write_run("model1", 2, seed=3, config=config({"enable_checkpointing": True, "inference_mode": False}))
    assert gather(runs)[0][0].seeds == [3, 2, 1]


def test_whole_stars_of_the_same_films_are_other_test_ratings(runs: Path, write_run: WriteRun) -> None:
    for name, whole in (("model1", False), ("published/model1", True)):
        write_run(name, data={"row_sets": {"test": "ab"}}, options={"whole_stars": whole})
    one, other = gather(runs)[0]
    assert one.test_set != other.test_set


@pytest.mark.parametrize(("trained", "faithful"), [(50, True), (2, False)])
def test_a_reproduction_has_the_epochs_of_the_notebook(
    runs: Path, write_run: WriteRun, *, trained: int, faithful: bool
) -> None:
    write_run("published/model1", epochs={"trained": trained, "planned": trained})
    assert gather(runs)[0][0].is_faithful == faithful


@pytest.mark.parametrize(
    ("name", "sample", "family"),
    [
        ("model1", False, "described"),
        ("published/model1", False, "published"),
        ("sample/published/model1", True, "published"),
        ("sample/model1", True, "described"),
        ("mine/model1", False, "other"),
        ("mine/published/model1", False, "other"),
        ("model7", False, "other"),
        ("published/model7", False, "other"),
    ],
)
def test_only_the_shipped_configurations_are_of_a_family(name: str, *, sample: bool, family: Family) -> None:
    assert family_of(name, sample=sample) == family


@pytest.mark.parametrize(("hashed", "letter"), [("ab", "A"), ("cd", "B"), (None, "?")])
def test_test_ratings_are_the_same_where_their_hash_is(
    runs: Path, write_run: WriteRun, hashed: str | None, letter: str
) -> None:
    write_run("model1", data={"row_sets": {"test": "ab"}})
    write_run("model2", data={"row_sets": {"test": hashed}})
    found = gather(runs)[0]
    letters = letter_test_sets(found)
    assert [letters[one.test_set] for one in found] == ["A", letter]
