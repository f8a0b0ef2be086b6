"""Configurations: found from anywhere, and the names of the runs they make."""

from pathlib import Path

import pytest

from movierec.errors import ConfigError
from movierec.training.config import config_name, find_config, own_config, run_name, shipped_names, split_configs

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder far from the repository, to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_run(folder: Path) -> Path:
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.yaml").write_text("seed_everything: 1\n")
    (folder / "checkpoints" / "best.ckpt").write_bytes(b"weights")
    return folder / "config.yaml"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("model1", "model1.yaml"),
        ("model1.yaml", "model1.yaml"),
        ("configs/model1.yaml", "model1.yaml"),
        ("./configs/model1", "model1.yaml"),
        ("published/model1", "published/model1.yaml"),
        ("configs/published/model1.yaml", "published/model1.yaml"),
        ("sample", "sample.yaml"),
    ],
)
def test_a_shipped_config_is_found_wherever_one_stands(name: str, file: str) -> None:
    found = find_config(name)
    assert found.is_absolute()
    assert found.read_bytes() == (REPOSITORY / "configs" / file).read_bytes()


def test_the_home_folder_is_found_where_no_shell_has_named_it(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(elsewhere))
    (elsewhere / "mine.yaml").write_text("{}\n")
    assert find_config("~/mine.yaml") == elsewhere / "mine.yaml"


def test_a_file_of_ones_own_comes_before_a_shipped_one(elsewhere: Path) -> None:
    (elsewhere / "configs").mkdir()
    own = elsewhere / "configs" / "model1.yaml"
    own.write_text("seed_everything: 7\n")
    assert find_config("configs/model1.yaml").resolve() == own
    assert find_config(str(own)) == own


@pytest.mark.parametrize("name", ["model9", "configs/model9.yaml", "/absent/model1.yaml", "published", "", ".", ".."])
def test_a_missing_config_is_an_error_that_lists_those_that_are_shipped(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_config(name)
    message = str(caught.value)
    assert f"a configuration file at {name}, found none" in message
    assert all(shipped in message for shipped in ("model1, ", "published/model5", "sample"))


def test_every_file_in_configs_is_shipped_under_its_name() -> None:
    files = [path for path in (REPOSITORY / "configs").rglob("*.yaml") if path.parent.name != "tune"]  # search spaces
    assert set(shipped_names()) == {
        path.relative_to(REPOSITORY / "configs").as_posix().removesuffix(".yaml") for path in files
    }


@pytest.mark.parametrize(
    ("configs", "name"),
    [
        ([], "unnamed"),
        (["model5"], "model5"),
        (["published/model5"], "published/model5"),
        (["model5", "sample"], "sample/model5"),
        (["published/model1", "sample"], "sample/published/model1"),
    ],
)
def test_a_run_is_named_after_its_configs_the_overlays_in_front(configs: list[str], name: str) -> None:
    assert run_name([find_config(config) for config in configs]) == name


def test_a_config_of_ones_own_is_named_after_its_file(elsewhere: Path) -> None:
    own = elsewhere / "mine" / "wide.yaml"
    assert config_name(own) == "wide"
    assert run_name([own, find_config("sample")]) == "sample/wide"


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("lightning_logs/published/model1/version_3", "published/model1"),
        ("lightning_logs/sample/model5/version_12", "sample/model5"),
        ("lightning_logs/old/lightning_logs/model1/version_0", "model1"),
        ("elsewhere/model1/version_0", "model1"),
        ("lightning_logs/model1/latest", "config"),
    ],
)
def test_the_saved_config_of_a_run_stands_for_that_run(elsewhere: Path, folder: str, name: str) -> None:
    assert run_name([make_run(elsewhere / folder)]) == name
    assert run_name([Path(folder) / "config.yaml"]) == name


@pytest.mark.parametrize("given", [["--config", "model1"], ["--config=model1"], ["-c", "model1"], ["-c=model1"]])
def test_configs_come_before_the_options_wherever_and_however_they_are_given(given: list[str]) -> None:
    args, found = split_configs(["--trainer.max_epochs=3", *given, "--seed_everything", "4"])
    shipped = find_config("model1")
    assert args == ["--config", str(shipped), "--trainer.max_epochs=3", "--seed_everything", "4"]
    assert found == {"model1": shipped}


def test_several_configs_keep_their_order() -> None:
    args, found = split_configs(["--config", "published/model2", "-c=sample", "-c", "published/model2"])
    paths = [str(find_config(name)) for name in ("published/model2", "sample", "published/model2")]
    assert args[1::2] == paths
    assert list(found) == ["published/model2", "sample"]
    assert run_name(list(found.values())) == "sample/published/model2"


def test_arguments_that_name_no_config_stay_as_they_are() -> None:
    args = ["test", "--ckpt_path", "best", "--print_config", "--config"]
    assert split_configs(args) == (args, {})


def test_a_config_among_the_arguments_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ConfigError, match="configuration file at modle1, found none"):
        split_configs(["fit", "--config", "modle1"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: 1\nmodel: [1, 2\n", "line 3: expected YAML"),
        (b"a: 1\nb: \xe9\n", "expected YAML; 'utf-8' codec can't decode byte 0xe9 in position 8"),
        (b"a: 1\n\nb: \x00\n", "expected YAML; unacceptable character #x0000"),
        (b"a: 2024-99-99\n", "expected YAML; month must be in 1..12"),
        (b"[" * 5000, "expected YAML; "),
    ],
)
def test_what_is_no_yaml_is_an_error_that_names_the_line(elsewhere: Path, text: bytes, message: str) -> None:
    (elsewhere / "mine.yaml").write_bytes(text)
    with pytest.raises(ConfigError, match=rf"mine\.yaml.*{message}"):
        split_configs(["fit", "--config", "mine.yaml"])


@pytest.mark.parametrize("joined", [True, False])
def test_a_checkpoint_brings_the_config_of_its_run(elsewhere: Path, *, joined: bool) -> None:
    config = make_run(elsewhere / "lightning_logs" / "model1" / "version_0")
    checkpoint = str(config.parent / "checkpoints" / "best.ckpt")
    args = [f"--ckpt_path={checkpoint}"] if joined else ["--ckpt_path", checkpoint]
    option, path = own_config(["test", *args])
    assert option == "--config"
    assert Path(path).resolve() == config


@pytest.mark.parametrize("args", [["test"], ["test", "--ckpt_path", "best"], ["test", "--ckpt_path"]])
def test_no_path_to_a_checkpoint_brings_no_config(args: list[str]) -> None:
    assert own_config(args) == []
