"""Every shipped configuration through fit and test on the generated sample."""

import json
import re
import shutil
from pathlib import Path

import pytest

from movierec.cli import main
from movierec.training.config import shipped_names

SHIPPED = [name for name in shipped_names() if re.search(r"model\d(_\w+)?$", name)]
MODELS = [name for name in SHIPPED if not re.search("model[678]", name)]  # the networks
LISTS = [name for name in SHIPPED if re.search("model[78]", name)] + [
    f"baseline/{name}" for name in ("popularity", "liked", "item_knn")
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_root: Path) -> Path:
    """An empty folder to run in, far from the repository, with the sample where the overlay expects it."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sample_root, tmp_path / "data" / "sample")
    return tmp_path


def test_all_ten_models_are_shipped() -> None:
    assert sorted(MODELS) == [f"{family}model{n}" for family in ("", "published/") for n in range(1, 6)]


@pytest.mark.parametrize("name", MODELS)
def test_fit_then_test_measures_every_part_and_quotes_no_report_beside_invented_ratings(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--config", f"configs/{name}.yaml", "--config", "configs/sample.yaml"]
    # The wide networks are made narrow here: their width is not what can break.
    narrow = ["--trainer.max_epochs", "2", "--model.network.hidden", "[16, 8]", "--model.network.dropout", "0.2"]
    assert main(["fit", *options, *narrow]) == 0
    assert f"lightning_logs/sample/{name}/version_0" in capsys.readouterr().out
    assert main(["test", *options, *narrow]) == 0
    run = here / "lightning_logs" / "sample" / name / "version_0"
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["config"] == f"sample/{name}"
    assert metrics["data"]["sample"]
    for part in ("train", "val", "test"):
        assert 0 < metrics[part]["rmse"] < 1
        assert metrics[part]["rmse_stars"] > metrics[part]["rmse"]
    assert metrics["val"]["rmse"] != metrics["test"]["rmse"]
    assert "published" not in capsys.readouterr().out.replace(f"sample/{name}", "")


def test_the_bias_model_is_fitted_and_printed_beside_itself(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--config", "configs/baseline/bias.yaml", "--config", "configs/sample.yaml", "--trainer.max_epochs", "1"]
    assert main(["fit", *options]) == 0
    assert main(["test", *options, "--ranking_users", "0"]) == 0
    printed = re.search(r"this model (\S+), bias model (\S+), always the mean (\S+)\.", capsys.readouterr().out)
    assert printed
    itself, bias, mean = map(float, printed.groups())
    assert itself == pytest.approx(bias, abs=1e-3)
    assert itself < mean


@pytest.mark.parametrize("name", LISTS)
def test_the_list_models_are_fitted_on_the_sample_and_make_lists(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--config", f"configs/{name}.yaml", "--config", "configs/sample.yaml"]
    assert main(["fit", *options]) == 0
    assert main(["test", *options, "--ranking_users", "20"]) == 0
    assert "lists of 20 users" in capsys.readouterr().out
    assert main(["recommend", "--user_id", "1", "--top", "3", "--explain"]) == 0
    assert "Left out: the" in capsys.readouterr().out
    assert main(["predict", *options]) == 1
    assert "Expected a model that predicts stars" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["model6", "model6_1m", "model6_combined", "model6_large"])
def test_the_factor_model_is_fitted_on_the_sample_and_makes_lists(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--config", f"configs/{name}.yaml", "--config", "configs/sample.yaml"]
    assert main(["fit", *options, "--model.rank", "4", "--model.implicit_rank", "10"]) == 0
    capsys.readouterr()
    assert main(["recommend", "--user_id", "1", "--top", "3", "--explain"]) == 0
    assert "because you rated" in capsys.readouterr().out


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_config_says_what_it_is(name: str) -> None:
    text = (Path(__file__).parents[2] / "configs" / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith(f"# Model {name.partition('model')[2][0]} ")
    assert "Scores" in text
