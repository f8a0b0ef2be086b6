"""The answers to wrong options: what is wrong in plain words, and where the right ones are listed."""

from pathlib import Path

import pytest

from movierec.cli import main


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--data.batch_sizes", "unrecognized arguments: --data.batch_sizes\nDid you mean --data.batch_size? "),
        ("--data.missing", "data.missing: expected one of drop, impute; got 7\n"),
        ("--data.download", "data.download: expected bool; got 7\n"),
        ("--data.fractions", "data.fractions: expected tuple; got 7\n"),
    ],
)
def test_a_misspelt_or_wrong_option_of_the_data_leads_to_their_help(
    option: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--config", "configs/model1.yaml", option, "7"])
    assert stop.value.code == 2
    hint = "All options: python -m movierec fit --data.help RatingsDataModule\n"
    assert capsys.readouterr().err == f"movierec: error: {said}{hint}"


def test_a_wrong_option_of_the_trainer_leads_to_the_help_of_fit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fit", "--config", "configs/model1.yaml", "--trainer.max_epochs", "many"])
    assert capsys.readouterr().err == (
        "movierec: error: trainer.max_epochs: expected int; got many\nAll options: python -m movierec fit --help\n"
    )


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_would_not_be_used_is_refused(
    seed: int, sample_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["fit", "--config", "configs/model1.yaml", "--data.root", str(sample_root)]
    assert main([*arguments, "--seed_everything", str(seed)]) == 1
    assert f"Expected seed_everything from 0 to 4294967295, got {seed}." in capsys.readouterr().err
