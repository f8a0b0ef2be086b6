from pathlib import Path

import pandas as pd
import pytest

from movierec.cli import main
from movierec.data import RatingsDataModule
from movierec.data.export import export_split

PAIR = ["userId", "movieId"]


def read(folder: Path) -> dict[str, pd.DataFrame]:
    return {path.stem: pd.read_csv(path) for path in folder.iterdir()}


def test_the_parts_are_those_that_a_model_is_trained_and_tested_on(
    sample_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "export-split", "--config", "model1", "--root", str(sample_root), str(tmp_path / "out")]) == 0
    parts = read(tmp_path / "out")
    assert f"test.csv: {len(parts['test']):,} ratings" in capsys.readouterr().out
    options = {"root": sample_root, "cache": False}
    for part in "val", "test":
        parts[part].to_csv(tmp_path / f"{part}.csv", index=False)
        options |= {"split": "file", f"{part}_pairs": tmp_path / f"{part}.csv"}
    record = RatingsDataModule(**options).prepare()[0].record  # type: ignore[arg-type]
    assert record["row_sets"] == RatingsDataModule(root=sample_root, cache=False).prepare()[0].record["row_sets"]
    ratings = pd.read_csv(sample_root / "ml-latest-small/ratings.csv")
    found = pd.concat(parts.values()).sort_values(PAIR, ignore_index=True)
    pd.testing.assert_frame_equal(found, ratings.sort_values(PAIR, ignore_index=True))


def test_the_ratings_by_which_held_out_users_are_known_have_a_file(sample_root: Path, tmp_path: Path) -> None:
    export_split(RatingsDataModule(root=sample_root, cache=False, split="users"), tmp_path)
    parts = read(tmp_path)
    assert sum(map(len, parts.values())) == 20_000
    assert set(parts["history"].userId) >= {*parts["val"].userId, *parts["test"].userId}
    assert not {*parts["history"].userId} & {*parts["train"].userId}


def test_ids_that_are_texts_are_written_as_such(tmp_path: Path) -> None:
    rows = [(user, film, len(film) / 2, 5) for user in ("ann", "bob", "cid") for film in ("Up", "Heat", "Alien", "Big")]
    pd.DataFrame(rows, columns=[*PAIR, "rating", "timestamp"]).to_csv(tmp_path / "own.csv", index=False)
    export_split(RatingsDataModule(ratings=tmp_path / "own.csv", cache=False), tmp_path / "out")
    assert sorted(pd.concat(read(tmp_path / "out").values()).itertuples(index=False, name=None)) == sorted(rows)
