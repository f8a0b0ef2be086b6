"""The answers to wrong options: what is wrong in plain words, and where the right ones are listed."""

import re
from pathlib import Path

import pytest

from movierec.cli import main
from movierec.data import RatingsDataModule
from movierec.data.modules import MOST_WORKERS
from movierec.errors import ConfigError


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
        "movierec: error: trainer.max_epochs: expected int; got many\nAll options: python -m movierec fit --help-all\n"
    )


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_would_not_be_used_is_refused(
    seed: int, sample_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["fit", "--config", "configs/model1.yaml", "--data.root", str(sample_root)]
    assert main([*arguments, "--seed_everything", str(seed)]) == 1
    assert f"Expected seed_everything from 0 to 4294967295, got {seed}." in capsys.readouterr().err


def read_help(command: str, option: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, set[str]]:
    """Reads what the help says, and which options it lists."""
    with pytest.raises(SystemExit) as stop:
        main([command, option])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    return text, set(re.findall(r"^  (?:-\w[^-]*, )?(--[\w.-]+)", text, flags=re.MULTILINE))


def test_help_is_short_and_shows_the_options_that_people_use(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text, options = read_help("fit", "--help", capsys)
    used = ("accelerator", "devices", "precision", "max_epochs", "callbacks", "enable_progress_bar")
    assert {"--help-all", "--data", "--model", "--model.help", *(f"--trainer.{name}" for name in used)} <= options
    assert {"--trainer.profiler", "--ranking_users", "--out"} & options == set()
    assert text.count("\n") < 150
    assert max(map(len, text.splitlines())) <= 80


def test_help_all_shows_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    _, options = read_help("fit", "--help-all", capsys)
    assert {"--trainer.profiler", "--trainer.limit_val_batches", "--resume"} <= options


def test_the_help_of_a_model_shows_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--model.help", "RatingTask"])
    assert stop.value.code == 0
    assert "--model.optimizer" in capsys.readouterr().out


def test_the_help_of_test_has_no_options_of_fit(capsys: pytest.CaptureFixture[str]) -> None:
    _, options = read_help("test", "--help", capsys)
    assert {"--ranking_users", "--ckpt_path", "--trainer.devices"} <= options
    assert {"--resume", "--model.optimizer", "--trainer.max_epochs", "--checkpoint.monitor"} & options == set()


def test_a_misspelt_option_that_help_does_not_show_is_known_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fit", "--config", "configs/model1.yaml", "--trainer.profilr", "simple"])
    assert "Did you mean --trainer.profiler?" in capsys.readouterr().err


def test_the_help_of_a_callback_needs_no_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--trainer.callbacks.help", "EarlyStopping"])
    assert stop.value.code == 0
    assert "--trainer.callbacks.patience" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["../../evil", "/evil", "a/../../evil", "", "."])
def test_a_name_that_leads_out_of_the_runs_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--config", "configs/model1.yaml", "--name", name]) == 1
    message = f"Expected --name to be a folder below lightning_logs, such as wide or trials/wide; got {name!r}."
    assert capsys.readouterr().err == f"movierec: error: {message}\n"


def test_more_worker_processes_than_the_machine_has_use_for_are_refused(sample_root: Path) -> None:
    RatingsDataModule(root=sample_root, num_workers=MOST_WORKERS).prepare()
    with pytest.raises(ConfigError, match=f"num_workers from 0 to {MOST_WORKERS} on this machine, got"):
        RatingsDataModule(root=sample_root, num_workers=MOST_WORKERS + 1).prepare()


@pytest.mark.parametrize("option", ["--trainer.logger.save_dir", "--trainer.logger.init_args.save_dir"])
def test_options_of_no_logger_lead_to_the_class_and_to_the_folder_of_the_runs(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["fit", "--config", "configs/model1.yaml", option, "elsewhere"])
    message = capsys.readouterr().err.splitlines()[0]
    assert "trainer.logger: expected the class of the logger before its options" in message
    assert message.endswith("To write runs elsewhere, checkpoints and all, use --trainer.default_root_dir.")
