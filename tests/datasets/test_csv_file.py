"""Delimited text into typed columns, and the errors that name the file and the line."""

from pathlib import Path

import pytest

from movierec.datasets.csv_file import csv_line, read_csv
from movierec.datasets.file import require_file
from movierec.errors import DataFormatError, MissingDataError

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


@pytest.mark.parametrize("text", ["", "\n", "\n\n", "\ufeff"])
def test_an_empty_file_is_an_error_that_says_so(path: Path, text: str) -> None:
    write(path, text)
    with pytest.raises(DataFormatError, match=r"films\.csv: expected a header line, the file is empty"):
        read_csv(path, columns=COLUMNS)


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("id,name", "a column score, found 'id, name'"),
        ("id,rating,name", "a column score, found 'id, rating, name'"),
        ("ID,score, name", "a column id, name, found 'ID, score,  name'"),
        ("id;score;name", "a column id, score, name, found 'id;score;name'"),
    ],
)
def test_a_missing_or_renamed_column_is_an_error_that_lists_both_sides(path: Path, header: str, missing: str) -> None:
    write(path, f"{header}\n")
    with pytest.raises(DataFormatError) as caught:
        read_csv(path, columns=COLUMNS)
    assert f"{path}, line 1: expected {missing}." in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x,1,Heat", "expected a whole number from 0 to 2^53 as id, found 'x'"),
        ("1.5,1,Heat", "expected a whole number from 0 to 2^53 as id, found '1.5'"),
        (",1,Heat", "expected a whole number from 0 to 2^53 as id, found ''"),
        ("99999999999999999999,1,Heat", "expected a whole number from 0 to 2^53 as id, found '99999999999999999999'"),
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


@pytest.mark.parametrize(("bad", "found"), [("6,1", 2), ("6,1,Heat, The", 4), ("6", 1)])
@pytest.mark.parametrize("num_before", [0, 3, 300_000])
def test_a_line_of_another_length_is_found_in_any_block(path: Path, num_before: int, bad: str, found: int) -> None:
    write(path, HEADER + "5,1,Jumanji\n" * num_before + bad + "\n7,1,Sabrina\n")
    with pytest.raises(DataFormatError, match=rf"line {num_before + 2}: expected 3 fields, found {found}\. "):
        read_csv(path, columns=COLUMNS)


@pytest.mark.parametrize(
    "line", ['6,1,"Heat', '6,1,"', '6,"1,Heat', '"6,1,Heat', '6,1,"Heat, ""The""', '"6","1","Heat, the\r']
)
@pytest.mark.parametrize("rest", ["", "\n", "\n7,1,Sabrina", "\n7,1,Sabrina\n\n", "\r\n7,1,Sabrina\r\n" * 3])
def test_a_quote_that_is_never_closed_is_an_error_that_names_its_line(path: Path, line: str, rest: str) -> None:
    write(path, HEADER + '4,1,"A\nB"\n5,1,Jumanji\n' + line + rest)
    with pytest.raises(DataFormatError, match=r"films\.csv, line 5: expected comma-separated fields whose quotes"):
        read_csv(path, columns=COLUMNS)


def test_a_number_that_is_read_despite_its_spaces_is_not_named_as_the_fault(path: Path) -> None:
    write(path, HEADER + " 6 , 1,Heat\n7,four,Sabrina\n8, ,Casino\n")
    with pytest.raises(DataFormatError, match="line 3: expected a number as score, found 'four'"):
        read_csv(path, columns=COLUMNS)
    write(path, HEADER + " 6 , 1,Heat\n8, ,Casino\n")
    with pytest.raises(DataFormatError, match="line 3: expected a number as score, found ' '"):
        read_csv(path, columns=COLUMNS)


def test_bytes_that_are_not_utf8_are_an_error_that_says_how_to_mend_it(path: Path) -> None:
    path.write_bytes((HEADER + "6,1,Amélie\n").encode("latin-1"))
    with pytest.raises(
        DataFormatError, match=r"films\.csv, line 2: expected UTF-8 text, found the bytes b'\\xe9'. Save the file as"
    ):
        read_csv(path, columns=COLUMNS)


@pytest.mark.parametrize(("is_folder", "found"), [(False, "no such file"), (True, "a folder")])
def test_a_missing_file_is_an_error_that_names_it(path: Path, *, is_folder: bool, found: str) -> None:
    if is_folder:
        path.mkdir()
    for read in (require_file, lambda path: read_csv(path, columns=COLUMNS)):
        with pytest.raises(MissingDataError, match=rf"{path.name}, found {found}\. Check the path\."):
            read(path)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("h\na\nb\n", [2, 3]),
        ("h\n\na\n\n\nb", [3, 6]),
        ('h\n"a\nstill a"\nb\n', [2, 4]),
        ("\ufeffh\r\na\r\nb\r\n", [2, 3]),
    ],
)
def test_csv_line_counts_what_an_editor_counts(path: Path, text: str, lines: list[int]) -> None:
    write(path, text)
    assert [csv_line(path, record) for record in range(len(lines))] == lines


def test_a_field_that_is_too_long_for_the_csv_module_is_read_or_refused_by_line(path: Path) -> None:
    long = "x" * 131_073
    write(path, HEADER + f'5,1,Jumanji\n6,1,"{long}"\n')
    assert read_csv(path, columns=COLUMNS)["name"].tolist() == ["Jumanji", long]
    write(path, HEADER + f'5,1,Jumanji\n6,1,"{long}"\n7,1\n')
    with pytest.raises(DataFormatError, match=r"films\.csv, line 3: .*field larger than field limit"):
        read_csv(path, columns=COLUMNS)
    write(path, HEADER + '5,1,Jumanji\n6,1,"Heat\n' + "7,1,Sabrina\n" * 20_000)
    with pytest.raises(DataFormatError, match=r"films\.csv, line 3: .*field larger than field limit"):
        read_csv(path, columns=COLUMNS)


def test_digits_that_are_a_number_to_python_alone_are_an_error_that_names_the_line(path: Path) -> None:
    for number in ("1_0", "\u0661"):
        write(path, HEADER + f"5,1,Jumanji\n{number},1,Heat\n")
        with pytest.raises(DataFormatError, match=f"line 3: expected a whole .* as id, found '{number}'"):
            read_csv(path, columns=COLUMNS)
