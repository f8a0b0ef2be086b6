"""The three formats of MovieLens, with every line that has been seen to go wrong."""

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from movierec.datasets import csv_file, headerless
from movierec.datasets.catalog import RELEASES, SERVER, Release
from movierec.datasets.movielens import read_links, read_movies, read_ratings, repeated_pairs
from movierec.errors import DataFormatError, MissingDataError

CSV, DOUBLE_COLON, TAB = RELEASES["ml-latest-small"], RELEASES["ml-1m"], RELEASES["ml-100k"]
LINKS_FILE = "ml-latest-small/links.csv"
FLAGS = "0|0|0|0|0|1|0|0|1|0|0|0|0|0|0|0|0|0|0"  # comedy and drama
LINKS = "movieId,imdbId,tmdbId\n1,0114709,862\n2,0113497,\n"
ANY_ID = st.integers(0, 3) | st.integers(2**53 - 2, 2**53) | st.integers(0, 2**53)
deterministic = settings(derandomize=True, deadline=None, max_examples=400, database=None)
all_formats = pytest.mark.parametrize("release", [CSV, DOUBLE_COLON, TAB], ids=["csv", "double colon", "tab"])


def write(path: Path, content: str, *, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode(encoding))
    return path


def write_ratings(root: Path, release: Release, *rows: str, end: str = "\n") -> Path:
    """Write rows given as `user,film,stars,time` in the release's format."""
    if release is CSV:
        rows = ("userId,movieId,rating,timestamp", *rows)
    else:
        rows = tuple(row.replace(",", "::" if release.format == "double_colon" else "\t") for row in rows)
    return write(root / release.ratings, "".join(row + end for row in rows))


def write_movies(root: Path, release: Release, text: str, links: str = LINKS) -> Path:
    write(root / LINKS_FILE, links)
    return write(root / release.movies, text, encoding=release.encoding)


def line(release: Release, record: int) -> int:
    """Line of a record that no blank line comes before, counted from 0."""
    return record + (2 if release is CSV else 1)


@all_formats
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"], ids=["LF", "CRLF", "blank lines"])
def test_ratings_are_read_in_the_order_of_the_file(tmp_path: Path, release: Release, end: str) -> None:
    write_ratings(tmp_path, release, "2,1193,4,978300760", "1,661,5,978302109", "1,1193,1,978301968", end=end)
    frame = read_ratings(tmp_path, release)
    assert frame.to_numpy().tolist() == [[2, 1193, 4, 978300760], [1, 661, 5, 978302109], [1, 1193, 1, 978301968]]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "user_id": "int64", "movie_id": "int64", "stars": "float64", "timestamp": "int64",
    }  # fmt: skip


@all_formats
@pytest.mark.parametrize("stars", ["", "nan", "0", "0.4", "5.5", "-3", "99999999999999999999"])
def test_a_rating_outside_the_scale_is_an_error_that_names_the_line(
    tmp_path: Path, release: Release, stars: str
) -> None:
    path = write_ratings(tmp_path, release, "1,1,4,0", f"1,2,{stars},0", "1,3,6,0")
    with pytest.raises(DataFormatError) as caught:
        read_ratings(tmp_path, release)
    message = str(caught.value)
    assert f"{path}, line {line(release, 1)}: expected a rating from {release.min_stars} to 5.0 stars" in message
    assert "(2 such rows)" in message


@all_formats
@pytest.mark.parametrize(
    "row",
    [
        "1,2,four,0", "1,2,4 stars,0", "x,2,4,0", "1,,4,0", "1,2,4", "1,2,4,0,0", "1,2,4,noon",
        "99999999999999999999,2,4,0",
    ],
)  # fmt: skip
def test_a_row_that_is_not_four_numbers_is_an_error_that_names_the_line(
    tmp_path: Path, release: Release, row: str
) -> None:
    path = write_ratings(tmp_path, release, "1,1,4,0", "2,1,4,0", row, "3,1,4,0")
    with pytest.raises(DataFormatError, match="expected") as caught:
        read_ratings(tmp_path, release)
    assert f"{path}, line {line(release, 2)}: " in str(caught.value)


@all_formats
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"], ids=["LF", "CRLF", "blank lines"])
def test_files_of_many_blocks_are_read_whole_and_the_lines_at_fault_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: Release, end: str
) -> None:
    for module in csv_file, headerless:
        monkeypatch.setattr(module, "BLOCK_BYTES", 50)
    rows = [[1 + row % 30, row // 30, 1 + row % 5, row] for row in range(300)]
    texts = [",".join(map(str, row)) for row in rows]
    write_ratings(tmp_path, release, *texts, end=end)
    assert read_ratings(tmp_path, release).to_numpy().tolist() == rows
    number = 1 + (300 + (release is CSV)) * len(end.replace("\r", ""))
    for more, wrong in (
        (["30,0,4,0", "1,0,4,0", "30,0,4,0"], r"user 30 rated film 0 before \(3 such rows\)"),
        (["1,99,x,0"], "expected a number as rating, found 'x'"),
        (["1,99,4"], "expected 4 fields, found 3"),
        (["1,99,6,0"], r"expected a rating .* found 6\.0"),
    ):
        path = write_ratings(tmp_path, release, *texts, *more, end=end)
        with pytest.raises(DataFormatError, match=rf"{re.escape(str(path))}, line {number}: {wrong}"):
            read_ratings(tmp_path, release)


@pytest.mark.parametrize(
    ("release", "films", "wrong"),
    [
        (CSV, "movieId,title,genres\n", "expected films, found none"),
        (DOUBLE_COLON, "", "expected films, found none"),
        (TAB, "", "expected films, found none"),
        (DOUBLE_COLON, "1::A::X\n\n2::B\n", "line 3: expected movie_id::title::genres, found '2::B'"),
        (TAB, f"1|A||||{FLAGS}\n2|B||||{FLAGS}|0\n", r"line 2: expected movie_id\|title\|.* found '2\|B\|"),
    ],
)
def test_a_file_without_films_and_a_line_that_is_none_are_errors(
    tmp_path: Path, release: Release, films: str, wrong: str
) -> None:
    path = write_movies(tmp_path, release, films)
    with pytest.raises(DataFormatError, match=rf"{re.escape(str(path))}.*{wrong}"):
        read_movies(tmp_path, release)


@all_formats
def test_pairs_of_huge_ids_are_told_apart_and_named_to_the_last_digit(tmp_path: Path, release: Release) -> None:
    rows = [f"{user},{film},4,0" for user in (1, 2**52, 2**53 - 1, 2**53) for film in (0, 1, 2**53 - 1, 2**53)]
    write_ratings(tmp_path, release, *rows)
    frame = read_ratings(tmp_path, release)
    assert frame["user_id"].tolist()[::4] == [1, 2**52, 2**53 - 1, 2**53]
    write_ratings(tmp_path, release, *rows, rows[-1])
    with pytest.raises(DataFormatError, match="user 9007199254740992 rated film 9007199254740992 before"):
        read_ratings(tmp_path, release)


@deterministic
@given(st.lists(st.tuples(ANY_ID, ANY_ID), min_size=1))
@example([(0, 0), (2**32, 0), (0, 2**32), (2**32, 2**32)])
def test_repeated_pairs_are_those_that_pandas_finds(pairs: list[tuple[int, int]]) -> None:
    frame = pd.DataFrame(pairs, columns=["user_id", "movie_id"], dtype="int64")
    expected = np.flatnonzero(frame.duplicated())
    assert repeated_pairs(frame["user_id"], frame["movie_id"]).tolist() == expected.tolist()


WAYS = ("--data.download true", f"unzip {SERVER}/", "--data.root", "MOVIEREC_DATA", "python -m movierec data sample")


@all_formats
def test_missing_data_is_an_error_that_names_the_path_and_the_ways_to_get_it(tmp_path: Path, release: Release) -> None:
    for root, named in (tmp_path, tmp_path / release.ratings), (tmp_path / "absent", tmp_path / "absent"):
        with pytest.raises(MissingDataError) as caught:
            read_ratings(root, release)
        message = str(caught.value)
        assert str(named) in message
        assert all(way in message for way in (f"data download {release.name} --root {root}`", *WAYS))


def test_films_of_a_csv_keep_quoted_commas(tmp_path: Path) -> None:
    films = '1,"City of Lost Children, The (Cité) (1995)",Adventure|Drama\n2,"Say ""A""",(no genres listed)\n3,X,\n'
    write_movies(tmp_path, CSV, "movieId,title,genres\n" + films)
    assert read_movies(tmp_path, CSV).to_dict("list") == {
        "movie_id": [1, 2, 3],
        "title": ["City of Lost Children, The (Cité) (1995)", 'Say "A"', "X"],
        "genres": [["Adventure", "Drama"], ["(no genres listed)"], ["(no genres listed)"]],
    }


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"], ids=["LF", "CRLF", "blank lines"])
def test_films_of_ml_1m_are_latin1_with_single_colons_and_take_the_links_of_ml_latest_small(
    tmp_path: Path, end: str
) -> None:
    lines = ["1::Star Wars: Épisode IV (1977)::Action|Sci-Fi", "2::Misérables, Les (1995)::Drama"]
    write_movies(tmp_path, DOUBLE_COLON, "".join(text + end for text in lines))
    assert read_movies(tmp_path, DOUBLE_COLON).to_dict("list") == {
        "movie_id": [1, 2],
        "title": ["Star Wars: Épisode IV (1977)", "Misérables, Les (1995)"],
        "genres": [["Action", "Sci-Fi"], ["Drama"]],
    }
    assert read_links(tmp_path, DOUBLE_COLON)["tmdb_id"].tolist() == [862, -1]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("release", [DOUBLE_COLON, TAB], ids=["ml-1m", "ml-100k"])
def test_films_that_were_converted_to_utf_8_keep_their_letters(tmp_path: Path, release: Release, encoding: str) -> None:
    lines = {"double_colon": "73::Misérables, Les (1995)::Drama\n", "tab": f"73|Misérables, Les (1995)||||{FLAGS}\n"}
    write(tmp_path / release.movies, lines[release.format], encoding=encoding)
    assert read_movies(tmp_path, release)["title"].tolist() == ["Misérables, Les (1995)"]


@pytest.mark.parametrize("release", [CSV, DOUBLE_COLON], ids=["csv", "double colon"])
def test_genres_are_few_however_they_are_written(tmp_path: Path, release: Release) -> None:
    genres = ["Drama|", "drama", "Drama|Drama", " Drama | sci-fi", "Sci-Fi|Horror", '"Sci-Fi, Horror"', "|", ""]
    lines = [f"{row},Film,{text}" for row, text in enumerate(genres)]
    if release is CSV:
        lines.insert(0, "movieId,title,genres")
    else:
        lines = [line.replace(",", "::", 2).replace('"', "") for line in lines]
    write_movies(tmp_path, release, "".join(f"{line}\n" for line in lines))
    assert read_movies(tmp_path, release)["genres"].tolist() == [
        ["Drama"], ["Drama"], ["Drama"], ["Drama", "Sci-Fi"], ["Sci-Fi", "Horror"], ["Sci-Fi", "Horror"],
        ["(no genres listed)"], ["(no genres listed)"],
    ]  # fmt: skip


def test_genres_that_are_a_list_in_brackets_are_refused(tmp_path: Path) -> None:
    path = write_movies(tmp_path, CSV, "movieId,title,genres\n1,A,Drama\n2,[REC],\"['Drama', 'Comedy']\"\n")
    with pytest.raises(
        DataFormatError, match=rf"{re.escape(str(path))}, line 3: .* without brackets, found \"\['Drama"
    ):
        read_movies(tmp_path, CSV)


def test_a_title_keeps_its_words_on_one_line_whatever_they_are(tmp_path: Path) -> None:
    rows = '1,None,NA\n2,nan,null\n3,"Tab\t, line\nend, \x1b[31mred",Drama\n4,\u200f千と千尋\u200f 👩\u200d🚀,X\n'
    write_movies(tmp_path, CSV, "movieId,title,genres\n" + rows)
    films = read_movies(tmp_path, CSV)
    assert films["title"].tolist() == [
        "None", "nan", "Tab , line end,  [31mred", "\u200f千と千尋\u200f 👩\u200d🚀"
    ]  # fmt: skip
    assert films["genres"].tolist() == [["NA"], ["null"], ["Drama"], ["X"]]


@pytest.mark.parametrize("column", ["imdbId", "tmdbId"])
@pytest.mark.parametrize("bad", ["-1", "x", "1.5", "9007199254740993", "1e400", "inf"])
def test_an_id_of_another_database_that_is_none_is_an_error_that_names_the_line(
    tmp_path: Path, column: str, bad: str
) -> None:
    ids = {"imdbId": "0113497", "tmdbId": "8844"} | {column: bad}
    path = write(tmp_path / LINKS_FILE, f"movieId,imdbId,tmdbId\n1,0114709,862\n2,{ids['imdbId']},{ids['tmdbId']}\n")
    with pytest.raises(
        DataFormatError, match=f"line 3: expected a whole number .*as {column}, found '{bad}'"
    ) as caught:
        read_links(tmp_path, CSV)
    assert str(path) in str(caught.value)


def test_ids_up_to_2_to_the_53_are_exact_beside_missing_ones(tmp_path: Path) -> None:
    write(tmp_path / LINKS_FILE, f"movieId,imdbId,tmdbId\n1,{2**53 - 1},{2**53}\n{2**53},,\n3,{2**53},{2**53 - 1}.0\n")
    assert read_links(tmp_path, CSV).to_numpy().tolist() == [
        [1, 2**53 - 1, 2**53], [2**53, -1, -1], [3, 2**53, 2**53 - 1]
    ]  # fmt: skip


@all_formats
def test_a_film_listed_twice_is_an_error(tmp_path: Path, release: Release) -> None:
    films = {
        CSV: "movieId,title,genres\n5,A,Drama\n5,B,Drama\n",
        DOUBLE_COLON: "5::A::Drama\n5::B::Drama\n",
        TAB: f"5|A||||{FLAGS}\n5|B||||{FLAGS}\n",
    }
    path = write_movies(tmp_path, release, films[release])
    with pytest.raises(DataFormatError, match=f"line {line(release, 1)}: film 5 is listed before") as caught:
        read_movies(tmp_path, release)
    assert str(path) in str(caught.value)


def test_half_stars_and_utf8_titles_of_ml_10m_are_read(tmp_path: Path) -> None:
    ten = RELEASES["ml-10m"]
    write_ratings(tmp_path, ten, "1,122,5,838985046", "1,185,0.5,838983525")
    assert read_ratings(tmp_path, ten)["stars"].tolist() == [5, 0.5]
    path = write_movies(tmp_path, ten, "1::\u5343\u5e74\u00e9::Drama\n2::B::\n")
    assert read_movies(tmp_path, ten)[["title", "genres"]].to_numpy().tolist() == [
        ["\u5343\u5e74\u00e9", ["Drama"]], ["B", ["(no genres listed)"]]
    ]  # fmt: skip
    path.write_bytes("1::A::Drama\n2::\u00e9::Drama\n".encode("latin-1"))
    with pytest.raises(DataFormatError, match=r"movies\.dat, line 2: expected UTF-8 text"):
        read_movies(tmp_path, ten)


def test_films_of_ml_100k_are_latin1_and_have_the_genres_whose_flags_are_set(tmp_path: Path) -> None:
    write_movies(
        tmp_path,
        TAB,
        "1|Toy Story (1995)|01-Jan-1995||http://us.imdb.com/M/title-exact?Toy%20Story%20(1995)|0|0|0|1|1|1"
        + "|0" * 13
        + f"\n267|unknown||||1{'|0' * 18}\n543|Misérables, Les (1995)|01-Jan-1995|||{FLAGS}\n"
        + f"3|X||||0{'|0' * 17}|1\n"
        + f"4|None||||0{'|0' * 18}\n",
    )
    assert read_movies(tmp_path, TAB).to_dict("list") == {
        "movie_id": [1, 267, 543, 3, 4],
        "title": ["Toy Story (1995)", "unknown", "Mis\u00e9rables, Les (1995)", "X", "None"],
        "genres": [
            ["Animation", "Children's", "Comedy"], ["unknown"], ["Comedy", "Drama"], ["Western"], ["(no genres listed)"]
        ],
    }  # fmt: skip


BLOCKS = st.lists(
    st.tuples(st.integers(1, 999), st.integers(1, 2**53), st.integers(2, 10), st.integers(0, 2**40)),
    min_size=1,
    unique_by=lambda row: row[:2],
)


def film_line(release: Release, movie_id: int, title: str, genres: list[str]) -> str:
    listed = "|".join(genres) or "(no genres listed)"
    if release.format == "csv":
        quoted = title.replace('"', '""')
        return ("" if movie_id > 1 else "movieId,title,genres\n") + f'{movie_id},"{quoted}",{listed}\n'
    if release.format == "double_colon":
        return f"{movie_id}::{title}::{listed}\n"
    flags = [not genres, *[False] * 7, "Drama" in genres, *[False] * 8, "War" in genres, False]
    return f"{movie_id}|{title}||||{'|'.join(str(int(flag)) for flag in flags)}\n"


@pytest.mark.parametrize("name", ["ml-latest-small", "ml-1m", "ml-100k", "ml-10m"])
@settings(deterministic, max_examples=25)
@given(rows=BLOCKS, titles=st.lists(st.text("a,\"'\u00e9 ()", min_size=1), min_size=1))
def test_what_is_written_in_a_format_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, *, name: str, rows: list[tuple[int, ...]], titles: list[str],
) -> None:  # fmt: skip
    release = RELEASES[name]
    ratings = pd.DataFrame(rows, columns=["user_id", "movie_id", "stars", "timestamp"])
    ratings["stars"] = ratings["stars"] // 2 if release.min_stars == 1 else ratings["stars"] / 2
    titles = [f"A: {title}." for title in titles]
    genres = [["Drama", "War"][: number % 3] for number, _ in enumerate(titles)]
    root = tmp_path_factory.mktemp("written")
    write_ratings(
        root, release, *(f"{user},{film},{stars:g},{time}" for _, user, film, stars, time in ratings.itertuples())
    )
    lines = map(film_line, [release] * len(titles), range(1, 1 + len(titles)), titles, genres)
    write_movies(root, release, "".join(lines))
    pd.testing.assert_frame_equal(read_ratings(root, release), ratings.astype({"stars": "float64"}))
    films = read_movies(root, release)
    assert films["title"].tolist() == titles
    nothing = "unknown" if release.format == "tab" else "(no genres listed)"
    assert films["genres"].tolist() == [g or [nothing] for g in genres]


@pytest.mark.parametrize(
    ("row", "imdb_id", "tmdb_id"),
    [
        ("1,0000417,775", 417, 775),
        ("1,tt0000417,775.0", 417, 775),
        ("1,12042730,", 12042730, -1),
        ("1,,", -1, -1),
        ("1,0000417,775\n1,0000418,776", 417, 775),
    ],
    ids=["zeros in front", "with tt", "no tmdbId", "neither", "the first of two"],
)
def test_links_are_numbers_and_minus_one_where_there_is_none(
    tmp_path: Path, row: str, imdb_id: int, tmdb_id: int
) -> None:
    write(tmp_path / LINKS_FILE, f"movieId,imdbId,tmdbId\n{row}\n")
    assert read_links(tmp_path, DOUBLE_COLON).to_numpy().tolist() == [[1, imdb_id, tmdb_id]]


@pytest.mark.parametrize(
    ("name", "ratings", "users", "films", "mean"),
    [("ml-latest-small", 100_836, 610, 9_742, 3.501557), ("ml-1m", 1_000_209, 6_040, 3_883, 3.581564)],
)
def test_the_real_release_has_the_published_counts(
    real_root: Path, *, name: str, ratings: int, users: int, films: int, mean: float
) -> None:
    frame = read_ratings(real_root, RELEASES[name])
    movies = read_movies(real_root, RELEASES[name])
    assert (len(frame), frame["user_id"].nunique(), len(movies)) == (ratings, users, films)
    assert frame["stars"].mean() == pytest.approx(mean, abs=1e-6)
    assert set(frame["movie_id"]) <= set(movies["movie_id"])


def test_real_ratings_are_those_that_the_csv_module_reads(real_root: Path) -> None:
    with (real_root / CSV.ratings).open(newline="", encoding="utf-8") as file:
        slow = [tuple(map(float, record)) for record in list(csv.reader(file))[1:]]
    assert list(read_ratings(real_root, CSV).itertuples(index=False, name=None)) == slow
