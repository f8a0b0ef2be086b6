"""What is trained, with which seeds, in which order."""

from pathlib import Path

import pytest
from movierec.model_selection.plan import NAMES, Entry, Resolved, make_entries, make_jobs

from movierec.errors import ConfigError

REPOSITORY = Path(__file__).parent.parent.parent


def resolved(seed: int) -> Resolved:
    config = {"seed_everything": seed}
    return Resolved(config=config, root="data", missing=[], fingerprint="f", sample=True, epochs=1, seconds=1.0)


def test_the_described_models_have_five_seeds_the_largest_two_and_the_published_their_own() -> None:
    entries = {entry.name: entry for entry in make_entries(seeds=5, full=False)}
    assert {name: len(entries[name].seeds) for name in ("model1", "model4", "model5", "ablation/both")} == {
        "model1": 5,
        "model4": 5,
        "model5": 2,
        "ablation/both": 5,
    }
    assert entries["model1"].seeds == (123, 124, 125, 126, 127)
    published = make_jobs([entries["published/model4"]], [resolved(1234)])
    assert [job.seed for job in published] == [1234]
    assert list(entries)[-1] == "model5"


def test_only_the_largest_model_stops_early_and_not_when_all_epochs_are_asked_for() -> None:
    configs = {entry.name: entry.configs for entry in make_entries(seeds=1, full=False, overlays=["mine.yaml"])}
    patient = {name for name, given in configs.items() if "configs/patience.yaml" in given}
    assert patient == {"model5"}
    assert configs["model5"] == ("configs/model5.yaml", "configs/patience.yaml", "mine.yaml")
    full = make_entries(seeds=1, full=True, only=["model5"])
    assert full == [Entry("model5", ("configs/model5.yaml",), (123,))]


def test_names_may_be_patterns_and_keep_their_order() -> None:
    names = [entry.name for entry in make_entries(seeds=1, full=False, only=["model2", "published/*"])]
    assert names == [*(f"published/model{number}" for number in range(1, 6)), "model2"]


@pytest.mark.parametrize(
    ("seeds", "only", "message"), [(0, [], "--seeds of 1 or more, got 0"), (1, ["model1", "modle2"], "got modle2")]
)
def test_what_cannot_be_planned_is_refused(seeds: int, only: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_entries(seeds=seeds, full=False, only=only)


def test_every_configuration_of_the_plan_is_shipped() -> None:
    assert len(NAMES) == 14
    for entry in make_entries(seeds=1, full=False):
        for config in entry.configs:
            assert (REPOSITORY / config).is_file()
