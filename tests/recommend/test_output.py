from pathlib import Path

import pandas as pd
import pytest

from movierec.errors import ConfigError
from movierec.recommend.output import writer_to

PART = pd.DataFrame({"rank": [1, 2], "title": ["Café, The (1999)", "=1+1 (2000)"], "stars": [4.25, 0.5]})


def test_csv_has_one_header_and_guards_titles_against_spreadsheets(tmp_path: Path) -> None:
    with writer_to(tmp_path / "new" / "top.csv") as write:
        write(PART)
        write(PART.head(1))
    assert (tmp_path / "new" / "top.csv").read_text(encoding="utf-8") == (
        'rank,title,stars\n1,"Café, The (1999)",4.2500\n2,\'=1+1 (2000),0.5000\n1,"Café, The (1999)",4.2500\n'
    )


@pytest.mark.parametrize("title", ["=A1", "+1", "-1", "@x", "\tx"])
def test_whatever_starts_a_formula_gets_an_apostrophe(title: str, tmp_path: Path) -> None:
    with writer_to(tmp_path / "top.csv") as write:
        write(pd.DataFrame({"title": [title]}))
    assert (tmp_path / "top.csv").read_text().splitlines()[1] == f"'{title}"


def test_an_error_leaves_the_earlier_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "top.csv"
    path.write_text("old")

    def fail() -> None:
        with writer_to(path) as write:
            write(PART)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.csv or \.parquet"), writer_to(tmp_path / "top.xlsx"):
        pass


def test_parquet_holds_what_was_written(tmp_path: Path) -> None:
    with writer_to(tmp_path / "top.parquet") as write:
        for part in PART.head(0), PART, PART.head(0).astype({"title": object}), PART:  # a user may have no film left
            write(part)
    read = pd.read_parquet(tmp_path / "top.parquet")
    pd.testing.assert_frame_equal(read, pd.concat([PART, PART], ignore_index=True), check_dtype=False)
    assert list(read["title"]) == 2 * ["Café, The (1999)", "=1+1 (2000)"]
