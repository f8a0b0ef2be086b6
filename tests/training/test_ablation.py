"""The configurations that compare feature sets: they differ in what is read, and in nothing else."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from movierec.data import CombinedDataModule, IMDbDataModule, MovieDataModule, RatingsDataModule, TMDbDataModule

FOLDER = Path(__file__).parents[2] / "configs" / "ablation"


def test_the_configurations_differ_in_their_data_module_alone() -> None:
    modules = set()
    rest: list[dict[str, Any]] = []
    for path in sorted(FOLDER.glob("*.yaml")):
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        modules.add(config["data"].pop("class_path").rpartition(".")[2])
        rest.append(config)
    assert modules == {"RatingsDataModule", "TMDbDataModule", "IMDbDataModule", "CombinedDataModule"}
    assert rest == [rest[0]] * 4
    assert rest[0]["data"]["init_args"]["missing"] == "impute"


@pytest.mark.parametrize("kind", [TMDbDataModule, IMDbDataModule, CombinedDataModule])
def test_with_missing_values_filled_in_every_feature_set_has_the_same_rows(
    kind: type[MovieDataModule], sample_root: Path
) -> None:
    genres = RatingsDataModule(root=sample_root, missing="impute", cache=False)
    more = kind(root=sample_root, missing="impute", cache=False)
    for data in (genres, more):
        data.setup()
    assert genres.tables is not None
    assert more.tables is not None
    assert more.tables.width > genres.tables.width
    for part in ("train", "val", "test"):
        assert genres.rows[part].user.equal(more.rows[part].user)
        assert genres.rows[part].movie.equal(more.rows[part].movie)
        assert genres.rows[part].rating.equal(more.rows[part].rating)
