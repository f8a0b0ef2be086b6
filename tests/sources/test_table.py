"""Delimited text into typed columns, and the errors that name the file and the line."""

from pathlib import Path

import pytest

from movierec.errors import DataFormatError, MissingDataError
from movierec.sources.table import csv_line, read_csv, require_file

COLUMNS = {"id": "int64", "score": "float64", "name": "str"}
HEADER = "id,score,name\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "films.csv"


def write(path: Path, text: str) -> None:
    path.write_bytes(text.encode())


def test_columns_come_in_the_order_wanted_and_others_are_left_out(path: Path) -> None:
    write(path, "name,other,score,id\nHeat,x,4.5,6\n")
    frame = read_csv(path, columns=COLUMNS)
    assert frame.to_dict("list") == {"id": [6], "score": [4.5], "name": ["Heat"]}
    assert frame["id"].dtype == "int64"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("id,score,name\n6,4.5,Heat\n7,,Sabrina\n", id="plain"),
        pytest.param("id,score,name\n6,4.5,Heat\n7,,Sabrina", id="no newline at the end"),
        pytest.param("id,score,name\n6,4.5,Heat\n\n7,,Sabrina\n\n\n", id="blank lines"),
        pytest.param("id,score,name\r\n6,4.5,Heat\r\n7,,Sabrina\r\n", id="CRLF"),
        pytest.param("\ufeffid,score,name\n6,4.5,Heat\n7,,Sabrina\n", id="BOM"),
        pytest.param('"id","score","name"\n"6","4.5","Heat"\n"7","","Sabrina"\n', id="all quoted"),
    ],
)
def test_the_same_table_is_read_however_it_was_saved(path: Path, text: str) -> None:
    write(path, text)
    frame = read_csv(path, columns=COLUMNS)
    assert frame["id"].tolist() == [6, 7]
    assert frame["score"].fillna(-1).tolist() == [4.5, -1]
    assert frame["name"].tolist() == ["Heat", "Sabrina"]


def test_a_quoted_field_keeps_its_commas_quotes_and_letters(path: Path) -> None:
    write(path, HEADER + '6,1,"Fabuleux destin d\'Amélie, Le (""Amélie""), 千年"\n')
    assert read_csv(path, columns=COLUMNS)["name"].tolist() == ['Fabuleux destin d\'Amélie, Le ("Amélie"), 千年']


def test_a_file_of_nothing_but_a_header_is_an_empty_table(path: Path) -> None:
    write(path, HEADER)
    frame = read_csv(path, columns=COLUMNS)
    assert frame.empty
    assert list(frame) == list(COLUMNS)


@pytest.mark.parametrize("text", ["", "\n", "\n \n\n", "\ufeff"])
def test_an_empty_file_is_an_error_that_says_so(path: Path, text: str) -> None:
    write(path, text)
    with pytest.raises(DataFormatError, match=r"films\.csv: expected a header line, the file is empty"):
        read_csv(path, columns=COLUMNS)


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("id,name", "score not among id, name"),
        ("id,rating,name", "score not among id, rating, name"),
        ("ID,score, name", "id, name not among ID, score,  name"),
        ("id;score;name", "id, score, name not among id;score;name"),
    ],
)
def test_a_missing_or_renamed_column_is_an_error_that_lists_both_sides(path: Path, header: str, missing: str) -> None:
    write(path, f"{header}\n")
    with pytest.raises(DataFormatError) as caught:
        read_csv(path, columns=COLUMNS)
    assert f"{path}, line 1: expected the columns id, score, name; {missing}." in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x,1,Heat", "expected a whole number as id, found 'x'"),
        ("1.5,1,Heat", "expected a whole number as id, found '1.5'"),
        (",1,Heat", "expected a whole number as id, found ''"),
        ("99999999999999999999,1,Heat", "expected a whole number as id, found '99999999999999999999'"),
        ("6,four,Heat", "expected a number as score, found 'four'"),
        ('6,"4,5",Heat', "expected a number as score, found '4,5'"),
        ("6,1", "expected 3 fields, found 2"),
        ("6,1,Heat, The", "expected 3 fields, found 4"),
    ],
)
@pytest.mark.parametrize("before", ["", "5,1,Jumanji\n", '5,1,"Jumanji,\nthe film"\n\n'])
def test_a_bad_line_is_an_error_that_names_file_line_and_field(
    path: Path, line: str, message: str, before: str
) -> None:
    write(path, HEADER + before + line + "\n")
    number = 2 + before.count("\n")
    with pytest.raises(DataFormatError) as caught:
        read_csv(path, columns=COLUMNS)
    assert f"{path}, line {number}: {message}. " in str(caught.value)


def test_a_quote_that_is_never_closed_is_an_error_that_names_the_file(path: Path) -> None:
    write(path, HEADER + '6,1,"Heat\n7,1,Sabrina\n')
    with pytest.raises(DataFormatError, match=r"films\.csv"):
        read_csv(path, columns=COLUMNS)


def test_the_line_is_right_below_a_blank_first_line(path: Path) -> None:
    write(path, "\n" + HEADER + "6,four,Heat\n")
    with pytest.raises(DataFormatError, match="line 3: expected a number as score, found 'four'"):
        read_csv(path, columns=COLUMNS)


def test_bytes_that_are_not_utf8_are_an_error_that_says_how_to_mend_it(path: Path) -> None:
    path.write_bytes((HEADER + "6,1,Amélie\n").encode("latin-1"))
    with pytest.raises(DataFormatError, match=r"films\.csv: expected UTF-8 text; .* Save the file as UTF-8"):
        read_csv(path, columns=COLUMNS)


def test_a_zip_archive_under_the_name_of_a_table_is_an_error_that_names_it(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04\x14\x00\x00\x00\x08\x00\xff\xfe\n\r\x00")
    with pytest.raises(DataFormatError, match=r"films\.csv"):
        read_csv(path, columns=COLUMNS)


@pytest.mark.parametrize(("is_folder", "found"), [(False, "no such file"), (True, "a folder")])
def test_a_missing_file_is_an_error_that_names_it_and_three_ways_to_get_it(
    path: Path, *, is_folder: bool, found: str
) -> None:
    if is_folder:
        path.mkdir()
    for read in (require_file, lambda path: read_csv(path, columns=COLUMNS)):
        with pytest.raises(MissingDataError) as caught:
            read(path)
        message = str(caught.value)
        assert f"{path}, found {found}" in message
        for way in ("https://grouplens.org", "MOVIEREC_DATA", "python -m movierec data sample"):
            assert way in message


def test_require_file_returns_the_path_of_a_file_that_is_there(path: Path) -> None:
    write(path, HEADER)
    assert require_file(path) == path


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("h\na\nb\n", [2, 3]),
        ("h\n\na\n\n\nb", [3, 6]),
        ('h\n"a\nstill a"\nb\n', [3, 4]),
        ("\ufeffh\r\na\r\nb\r\n", [2, 3]),
        ("h\na\n  \nb\n", [2, 4]),
    ],
)
def test_csv_line_counts_what_an_editor_counts(path: Path, text: str, lines: list[int]) -> None:
    write(path, text)
    assert [csv_line(path, record) for record in range(len(lines))] == lines
