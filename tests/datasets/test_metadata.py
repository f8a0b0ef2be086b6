"""The services' own strings into numbers and lists."""

import csv
import logging
import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from movierec.datasets.catalog import RELEASES
from movierec.datasets.metadata import (
    FILES,
    OMDB_FILE,
    READERS,
    TMDB_FILE,
    Source,
    join_fields,
    minutes,
    number,
    read_omdb,
    read_tmdb,
    split_list,
    year,
)
from movierec.datasets.movielens import read_links, read_movies
from movierec.errors import DataFormatError, MissingDataError

TOY_STORY = {
    "imdbID": "tt0114709", "Title": "Toy Story", "Released": "22 Nov 1995", "Runtime": "81 min",
    "Language": "English, French", "Country": "United States, Japan", "Metascore": "96", "imdbRating": "8.3",
    "imdbVotes": "1,112,586", "BoxOffice": "$223,225,679", "Director": "John Lasseter",
    "Actors": "Tom Hanks, Tim Allen, Don Rickles", "Plot": "A doll, afraid.",
}  # fmt: skip
AT_TMDB = {
    "tmdbId": "862", "title": "Toy Story", "vote_average": "7.97", "vote_count": "18000", "release_date": "1995-11-22",
    "original_language": "en", "origin_country": "US, FR", "budget": "30000000", "revenue": "394436586",
    "runtime": "81", "overview": "Woody's toys live.", "keywords": "toy|jealousy",
}  # fmt: skip
deterministic = settings(derandomize=True, deadline=None, max_examples=200, database=None)


def write_rows(path: Path, *rows: dict[str, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def only_row(frame: pd.DataFrame) -> dict[str, Any]:
    assert len(frame) == 1
    return {str(name): values[0] for name, values in frame.to_dict("list").items()}


def test_a_film_of_omdb_is_read_from_its_strings(tmp_path: Path) -> None:
    write_rows(tmp_path / OMDB_FILE, TOY_STORY)
    frame = read_omdb(tmp_path)
    assert frame.index.tolist() == [114709]
    assert frame.index.name == "imdb_id"
    assert only_row(frame) == {
        "imdb_box_office": 223_225_679,
        "imdb_metascore": 96,
        "imdb_release_year": 1995,
        "imdb_runtime": 81,
        "imdb_rating": 8.3,
        "imdb_votes": 1_112_586,
        "imdb_country": "United States, Japan",
        "imdb_countries": ["United States", "Japan"],
        "imdb_languages": ["English", "French"],
        "imdb_directors": ["John Lasseter"],
        "imdb_actors": ["Tom Hanks", "Tim Allen", "Don Rickles"],
        "imdb_plot": "A doll, afraid.",
        "imdb_title": "Toy Story",
    }


def test_files_may_lack_the_columns_of_people_and_texts(tmp_path: Path) -> None:
    optional = {"Director", "Actors", "Plot", "overview", "keywords"}
    for place, film in (OMDB_FILE, TOY_STORY), (TMDB_FILE, AT_TMDB):
        write_rows(tmp_path / place, {name: text for name, text in film.items() if name not in optional})
    row = only_row(read_omdb(tmp_path)) | only_row(read_tmdb(tmp_path))
    names = "imdb_directors", "imdb_actors", "imdb_plot", "tmdb_overview", "tmdb_keywords"
    assert [row[name] for name in names] == [None] * 5
    assert (row["imdb_rating"], row["tmdb_runtime"]) == (8.3, 81)


@pytest.mark.parametrize("unknown", ["N/A", ""])
def test_what_omdb_does_not_know_is_nan_or_none(tmp_path: Path, unknown: str) -> None:
    write_rows(tmp_path / OMDB_FILE, dict.fromkeys(TOY_STORY, unknown) | {"imdbID": "tt0000417"})
    row = only_row(read_omdb(tmp_path))
    lists = "imdb_countries", "imdb_languages", "imdb_directors", "imdb_actors"
    assert [row.pop(name) for name in ("imdb_country", "imdb_title", "imdb_plot", *lists)] == [None] * 7
    assert len(row) == 6
    assert all(math.isnan(value) for value in row.values())


def test_a_film_of_tmdb_is_read_from_its_fields(tmp_path: Path) -> None:
    write_rows(tmp_path / TMDB_FILE, AT_TMDB)
    frame = read_tmdb(tmp_path)
    assert frame.index.tolist() == [862]
    assert only_row(frame) == {
        "tmdb_vote_average": 7.97,
        "tmdb_vote_count": 18_000,
        "tmdb_budget": 30_000_000,
        "tmdb_revenue": 394_436_586,
        "tmdb_runtime": 81,
        "tmdb_release_year": 1995,
        "tmdb_original_language": "en",
        "tmdb_origin_countries": ["US", "FR"],
        "tmdb_overview": "Woody's toys live.",
        "tmdb_keywords": "toy|jealousy",
        "tmdb_title": "Toy Story",
    }


def test_a_budget_of_zero_stays_zero_and_an_empty_field_is_unknown(tmp_path: Path) -> None:
    unknown = {"runtime": "", "release_date": "", "original_language": "", "origin_country": ""}
    write_rows(tmp_path / TMDB_FILE, AT_TMDB | {"budget": "0", "revenue": "0"} | unknown)
    row = only_row(read_tmdb(tmp_path))
    assert (row["tmdb_budget"], row["tmdb_revenue"]) == (0, 0)
    assert math.isnan(row["tmdb_runtime"])
    assert math.isnan(row["tmdb_release_year"])
    assert row["tmdb_original_language"] is None
    assert row["tmdb_origin_countries"] is None


def test_namibia_is_a_country_and_not_a_missing_value(tmp_path: Path) -> None:
    write_rows(tmp_path / TMDB_FILE, AT_TMDB | {"origin_country": "NA"})
    assert only_row(read_tmdb(tmp_path))["tmdb_origin_countries"] == ["NA"]


def test_a_second_row_of_a_film_at_tmdb_is_left_out_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    again = AT_TMDB | {"budget": "1"}
    path = write_rows(tmp_path / TMDB_FILE, AT_TMDB, AT_TMDB | {"tmdbId": "2"}, again, again)
    with caplog.at_level(logging.WARNING):
        frame = read_tmdb(tmp_path)
    assert frame["tmdb_budget"].to_dict() == {862: 30_000_000, 2: 30_000_000}
    (record,) = caplog.records
    assert f"{path}, line 4: tmdbId 862 is there already" in record.getMessage()
    assert "(2 rows left out)" in record.getMessage()


@pytest.mark.parametrize("spelling", ["tt0114709", "tt114709", "0114709"])
def test_a_second_row_of_a_film_at_omdb_is_left_out_however_its_id_is_spelt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spelling: str
) -> None:
    write_rows(tmp_path / OMDB_FILE, TOY_STORY, TOY_STORY | {"imdbID": spelling, "Metascore": "1"})
    with caplog.at_level(logging.WARNING):
        frame = read_omdb(tmp_path)
    assert frame["imdb_metascore"].to_dict() == {114709: 96}
    assert len(frame) == len(caplog.records) == 1


@pytest.mark.parametrize("bad", ["nm0000158", "", "tt", "ttinf", "tt1.5", "tt-7", "N/A"])
def test_an_imdb_id_that_is_not_tt_and_digits_is_an_error_that_names_the_line(tmp_path: Path, bad: str) -> None:
    path = write_rows(tmp_path / OMDB_FILE, TOY_STORY, TOY_STORY | {"imdbID": bad})
    with pytest.raises(DataFormatError) as caught:
        read_omdb(tmp_path)
    assert f"{path}, line 3: expected imdbID as `tt` and digits" in str(caught.value)


@pytest.mark.parametrize(("column", "kind"), [("tmdbId", "a whole number from 0 to 2^53"), ("runtime", "a number")])
def test_a_word_in_place_of_a_number_at_tmdb_is_an_error_that_names_the_line(
    tmp_path: Path, column: str, kind: str
) -> None:
    path = write_rows(tmp_path / TMDB_FILE, AT_TMDB, AT_TMDB | {column: "long"})
    with pytest.raises(DataFormatError) as caught:
        read_tmdb(tmp_path)
    assert f"{path}, line 3: expected {kind} as {column}, found 'long'" in str(caught.value)


def test_missing_metadata_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    for read, name in (read_tmdb, TMDB_FILE), (read_omdb, OMDB_FILE):
        with pytest.raises(MissingDataError, match=name):
            read(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("81 min", 81), ("1 h 30 min", 90), ("1h30min", 90), ("2 h", 120), (" 3 h 5 min ", 185), ("1,440 min", 1440),
        ("7,5 min", None), ("N/A", None), ("", None), ("90", None), ("1 season", None), ("min", None), (", min", None),
    ],
)  # fmt: skip
def test_minutes_of_a_runtime(text: str, expected: float | None) -> None:
    assert minutes(text) == pytest.approx(math.nan if expected is None else expected, nan_ok=True)


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (number, "$223,225,679", 223_225_679),
        (number, "1,112,586", 1_112_586),
        (number, "96", 96),
        (number, "8.3", 8.3),
        (number, "$ 1,000", 1_000),
        (number, "£5", None),
        (number, None, None),
        (year, "22 Nov 1995", 1995),
        (year, "1995-11-22", 1995),
        (year, "1995", 1995),
        (year, "22 Nov 95", None),
        (year, "19951122", None),
        (year, None, None),
    ],
)
def test_a_text_is_read_as_its_number_or_nan(parse: Any, text: str | None, expected: float | None) -> None:
    values = parse(pd.Series(["7", text], dtype="str"))
    assert str(values.dtype) == "float64"
    assert values.iloc[1] == pytest.approx(math.nan if expected is None else expected, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("English, French", ["English", "French"]),
        ("English,French", ["English", "French"]),
        ("None", ["None"]),
        ("French, ", ["French"]),
        (None, None),
    ],
)
def test_a_list_is_split_into_its_parts(text: str | None, parts: list[str] | None) -> None:
    assert split_list(pd.Series([text], dtype="str")).tolist() == [parts]


@deterministic
@given(st.text(), st.sampled_from([number, year]))
@example("9" * 400, number)
def test_no_text_crashes_the_parsers_of_numbers(text: str, parse: Any) -> None:
    assert parse(pd.Series([text], dtype="str")).dtype == "float64"


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("imdbRating", "7,5"), ("imdbVotes", "1,112,5"), ("imdbVotes", "1112,586"), ("BoxOffice", "$1,5"),
        ("BoxOffice", "$7 5"), ("Runtime", "7,5 min"),
    ],
)  # fmt: skip
def test_a_comma_that_is_not_before_three_digits_is_an_error_that_names_the_line(
    tmp_path: Path, column: str, text: str
) -> None:
    path = write_rows(tmp_path / OMDB_FILE, TOY_STORY, TOY_STORY | {"imdbID": "tt1", column: text})
    message = f"{path}, line 3: expected commas before three digits only in {column}, such as 1,112,586, found {text!r}"
    with pytest.raises(DataFormatError, match=re.escape(message)):
        read_omdb(tmp_path)


@pytest.mark.parametrize(
    ("source", "column", "text", "limit"),
    [
        ("omdb", "imdbRating", "10.1", "10"), ("omdb", "imdbRating", "-0.1", "10"), ("omdb", "Metascore", "101", "100"),
        ("omdb", "imdbVotes", "-1,000", "2^53"), ("omdb", "BoxOffice", "$-5", "2^53"),
        ("omdb", "BoxOffice", "inf", "2^53"),
        ("tmdb", "vote_average", "10.5", "10"), ("tmdb", "budget", "-1.0", "2^53"),
        ("tmdb", "runtime", "-81.0", "2^53"),
        ("tmdb", "revenue", "inf", "2^53"),
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_is_an_error_that_names_the_line(
    tmp_path: Path, source: Source, column: str, text: str, limit: str
) -> None:
    row, other = {"omdb": (TOY_STORY, {"imdbID": "tt1"}), "tmdb": (AT_TMDB, {"tmdbId": "1"})}[source]
    path = write_rows(tmp_path / FILES[source], row, row | other | {column: text})
    message = f"{path}, line 3: expected a number from 0 to {limit} as {column}, found {text!r}"
    with pytest.raises(DataFormatError, match=re.escape(message)):
        READERS[source](tmp_path)


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("omdb", "Language"),
        ("omdb", "Country"),
        ("omdb", "Actors"),
        ("tmdb", "origin_country"),
        ("tmdb", "original_language"),
    ],
)
@pytest.mark.parametrize("text", ["['en', 'fr']", "[1, 2]"])
def test_a_list_in_brackets_is_refused_and_not_cut_up(tmp_path: Path, source: Source, column: str, text: str) -> None:
    row = {"omdb": TOY_STORY, "tmdb": AT_TMDB}[source]
    path = write_rows(tmp_path / FILES[source], row | {column: text})
    message = f"{path}, line 2: expected names with commas between them, without brackets, as {column}, found"
    with pytest.raises(DataFormatError, match=re.escape(message)):
        READERS[source](tmp_path)


@pytest.mark.parametrize(
    ("title", "date", "is_believed"),
    [
        ("Toy Story", "1995-11-22", True),
        ("Histoire de jouets", "1995-11-22", True),  # no other film's
        ("Jumanji", "1995-12-15", False),
        ("Jumanji", "", False),
        ("Jumanji", "2017-12-09", True),  # no such film here
        ("Heat", "1995-11-22", True),  # as our film is called, too
        ("", "1995-11-22", True),
    ],
)
def test_an_id_beside_the_title_of_another_film_is_not_believed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, title: str, date: str, is_believed: bool
) -> None:
    write_rows(tmp_path / TMDB_FILE, AT_TMDB | {"title": title, "release_date": date})
    titles = ["Toy Story (Heat) (1995)", "Jumanji (1995)", "Heat (1995)"]
    movies = pd.DataFrame({"movie_id": [1, 2, 3], "title": titles})
    links = pd.DataFrame({"movie_id": [1, 2, 3], "imdb_id": [5, 6, 7], "tmdb_id": [862, -1, -1]})
    with caplog.at_level(logging.WARNING):
        joined = join_fields(movies, links, [read_tmdb(tmp_path)])
    assert joined["tmdb_runtime"].notna().tolist() == [is_believed, False, False]
    assert joined["tmdbId"].notna().tolist() == [is_believed, False, False]
    assert "tmdb_title" not in joined
    assert len(caplog.records) == (not is_believed)
    if not is_believed:
        assert "tmdb_id 862 is 'Jumanji' in the metadata, but Toy Story (Heat) (1995) in MovieLens" in caplog.text


def test_real_titles_are_those_of_their_ids_but_for_none(real_root: Path, caplog: pytest.LogCaptureFixture) -> None:
    release = RELEASES["ml-latest-small"]
    with caplog.at_level(logging.WARNING):
        join_fields(
            read_movies(real_root, release),
            read_links(real_root, release),
            [read_tmdb(real_root), read_omdb(real_root)],
        )
    assert caplog.records == []


def test_real_metadata_has_the_published_counts_and_one_row_a_film(real_root: Path) -> None:
    tmdb, omdb = read_tmdb(real_root), read_omdb(real_root)
    assert (len(tmdb), len(omdb)) == (10_625, 10_663)
    assert tmdb.index.is_unique
    assert omdb.index.is_unique


def test_real_box_offices_are_those_that_a_slow_reader_finds(real_root: Path) -> None:
    with (real_root / OMDB_FILE).open(newline="", encoding="utf-8-sig") as file:
        records = [(int(row["imdbID"][2:]), row["BoxOffice"]) for row in csv.DictReader(file)]
    slow = {film: float(text[1:].replace(",", "")) for film, text in records if text not in ("N/A", "")}
    assert read_omdb(real_root)["imdb_box_office"].dropna().to_dict() == slow
