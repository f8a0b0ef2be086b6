from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from movierec.data import CombinedDataModule, leakage
from movierec.data.batches import Batch
from movierec.data.leakage import correlate
from movierec.data.tables import Tables


def prepared(root: Path, **options: Any) -> tuple[Tables, Batch]:
    module = CombinedDataModule(root=root, cache=False, **options)
    module.setup()
    assert module.tables is not None
    return module.tables, module.rows["train"]


def reference(tables: Tables, train: Batch) -> dict[str, float]:
    """Write out the matrix of rows and inputs, and correlate column by column."""
    user, movie, bank, rating, _ = (column.long() if column.dtype == torch.int32 else column for column in train)
    statistics = tables.movie_statistics[bank, movie], tables.user_statistics[bank, user]
    matrix = torch.cat([tables.movie_features[movie], *statistics], dim=1).double().numpy()
    return {
        name: float(np.corrcoef(column, rating.double().numpy())[0, 1]) if column.std() > 1e-9 else 0.0
        for name, column in zip(tables.feature_names, matrix.T, strict=True)
    }


@pytest.mark.parametrize(
    "options",
    [{}, {"missing": "impute"}, {"statistics": "leave_one_out"}, {"statistics": "per_split", "scaling": "per_split"}],
    ids=str,
)
def test_each_correlation_is_that_of_the_matrix_written_out(
    sample_root: Path, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leakage, "ROWS", 16_000)  # all of them
    tables, train = prepared(sample_root, **options)
    found, expected = correlate(tables, train), reference(tables, train)
    assert list(found) == tables.feature_names
    assert found == pytest.approx(expected, abs=1e-6)
    assert max(map(abs, found.values())) > 0.2  # something is to be seen at all


def test_of_many_rows_a_sample_over_all_of_them_is_enough(sample_root: Path) -> None:
    tables, train = prepared(sample_root)
    assert len(train.rating) > leakage.ROWS
    assert correlate(tables, train) == pytest.approx(reference(tables, train), abs=0.03)


def test_a_copy_correlates_by_one_its_mirror_by_minus_one_and_a_constant_by_zero() -> None:
    class Small:
        movie_features = torch.tensor([[0.0, 1.0, 0.3], [0.5, 0.5, 0.3], [1.0, 0.0, 0.3], [9e9, 9e9, 9e9]])
        movie_statistics = torch.zeros(1, 4, 1)
        user_statistics = torch.zeros(1, 2, 1)
        movie_ids = torch.arange(4)  # nobody rated the last one
        feature_names = ("copy", "mirror", "constant", "movie", "user")

    index = torch.tensor([0, 1, 2, 2], dtype=torch.int32)
    nought = torch.zeros(4, dtype=torch.int32)
    train = Batch(user=nought, movie=index, bank=nought, rating=torch.tensor([0.2, 0.4, 0.6, 0.6]), day=nought)
    found = correlate(Small(), train)  # type: ignore[arg-type]  # what is read of the tables
    assert found == pytest.approx({"copy": 1, "mirror": -1, "constant": 0, "movie": 0, "user": 0}, abs=1e-6)
    assert (found["constant"], found["movie"]) == (0, 0)
