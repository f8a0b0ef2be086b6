"""Which models can be trained, against the data modules that train them."""

import shutil
from pathlib import Path

import pytest

from movierec import data
from movierec.data.modules import MovieDataModule
from movierec.datasets.catalog import ReleaseName
from movierec.datasets.check import check_data
from movierec.datasets.check_output import show
from movierec.datasets.readiness import MODELS
from movierec.datasets.sample import SampleSize, write_sample
from tests.ml_100k import write_ml_100k

MODULES: dict[str, type[MovieDataModule]] = {
    "model1": data.RatingsDataModule,
    "model2": data.TMDbDataModule,
    "model3": data.IMDbDataModule,
    "model4": data.CombinedDataModule,
    "model5": data.Combined1MDataModule,
}


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_trained_on_as_many_ratings_as_promised(model: str, sample_root: Path) -> None:
    module = MODULES[model](root=sample_root, cache=False)
    assert (module.options.release, module.options.sources) == MODELS[model]
    module.setup()
    assert module.tables is not None
    assert check_data(sample_root).models[model].ratings == module.tables.record["ratings"]


@pytest.mark.parametrize("source", ["tmdb", "omdb"])
def test_metadata_that_are_not_there_are_what_models_lack_and_no_problem(
    source: str, sample_root: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(sample_root, tmp_path / f"without {source}")
    (root / "metadata" / f"{source}.csv").unlink()
    (root / "sample.json").unlink()
    check = check_data(root)
    assert check.problems == []
    ready = [name for name, model in check.models.items() if not model.lacks]
    assert ready == [name for name, (_, sources) in MODELS.items() if source not in sources]
    assert check.models["model5"].lacks == {source: f"python -m movierec data fetch {source} --root '{root}'"}
    for release in check.releases.values():
        assert release.films is not None
        assert list(release.films.coverage) == [name for name in ("tmdb", "omdb") if name != source]


@pytest.mark.parametrize(
    ("releases", "others"),
    [
        (("ml-latest-small", "ml-1m"), {}),
        (("ml-1m",), {"ml-1m": ["model1", "model2", "model3", "model4"]}),
        (("ml-latest-small", "ml-100k"), {"ml-100k": ["model1"]}),
    ],
)
def test_models_that_other_releases_can_train_are_named(
    releases: tuple[str, ...], others: dict[ReleaseName, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generated = tuple(name for name in releases if name != "ml-100k")
    write_sample(tmp_path, SampleSize(num_users=20, num_movies=60, num_ratings=600, releases=generated))
    if "ml-100k" in releases:
        write_ml_100k(tmp_path)
    check = check_data(tmp_path)
    assert check.others == others
    show(check, as_json=False)
    output = capsys.readouterr().out
    assert ("another release:" in output) == bool(others)
    assert all(f"  {', '.join(models)}: --data.release {name}\n" in output for name, models in others.items())
    for release, models in others.items():
        for model in models:
            module = MODULES[model](root=tmp_path, release=release, cache=False)
            module.setup()
            assert module.tables is not None
