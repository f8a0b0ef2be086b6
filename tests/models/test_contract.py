"""The contract, for each network of the package and for the one that docs/models.md shows."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from tests.contract import ModelContract

DOCUMENT = (Path(__file__).parents[2] / "docs/models.md").read_text(encoding="utf-8")
PYTHON, YAML = (
    re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL) for language in ("python", "yaml")
)


class TestMLP(ModelContract):
    network: ClassVar[dict[str, Any]] = {"class_path": "MLP", "init_args": {"hidden": [16, 8], "dropout": 0.2}}


class TestDocumentedModel(ModelContract):
    network: ClassVar[dict[str, Any]] = yaml.safe_load(YAML[0])["model"]["network"]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def module(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        """The file of the document, where Python finds it."""
        folder = tmp_path_factory.mktemp("own")
        (folder / "film_embedding.py").write_text(PYTHON[0], encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(folder)
            yield
        sys.modules.pop("film_embedding", None)

    def test_the_document_shows_it_in_less_than_thirty_lines(self) -> None:
        assert len(PYTHON[0].splitlines()) < 30
