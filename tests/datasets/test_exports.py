"""The files that people export: Letterboxd's, IMDb's, and csv files as spreadsheets write them."""

import io
import zipfile
from datetime import date

import pytest

from movierec.datasets import exports
from movierec.datasets.exports import Export, is_export, read_export
from movierec.errors import DataFormatError

LETTERBOXD = """Date,Name,Year,Letterboxd URI,Rating
2022-05-04,Amélie,2001,https://boxd.it/2aEw,0.5
2022-05-01,"Crouching Tiger, Hidden Dragon",2000,https://boxd.it/2a1m,5
2022-05-05,Emma.,2020,https://boxd.it/iuTG,
"""
IMDB = """Const,Your Rating,Date Rated,Title,URL,Title Type,IMDb Rating,Runtime (mins),Year
tt0133093,9,2021-02-19,The Matrix,https://www.imdb.com/title/tt0133093/,Movie,8.7,136,1999
tt2861424,10,2021-02-21,Rick and Morty,https://www.imdb.com/title/tt2861424/,TV Series,9.1,23,2013
tt0000001,1,2021-02-22,A Short,https://www.imdb.com/title/tt0000001/,Short,5,1,1894
"""


def read(content: bytes, scale: tuple[float, float] = (0.5, 5.0)) -> Export:
    return read_export(content, scale)


def zipped(**parts: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/") + ".csv", text)
    return stream.getvalue()


def stars_of(text: str) -> dict[str, float | None]:
    return {str(film): film.stars for film in read(text.encode()).films}


def test_letterboxds_half_stars_are_read_oldest_first_and_no_rating_means_seen() -> None:
    found = read(LETTERBOXD.encode())
    assert [(str(film), film.stars) for film in found.films] == [
        ("Crouching Tiger, Hidden Dragon (2000)", 5.0),
        ("Amélie (2001)", 0.5),
        ("Emma. (2020)", None),
    ]
    assert found.films[0].day == (date(2022, 5, 1) - date(1970, 1, 1)).days
    assert not found.notes


def test_imdbs_points_are_halved_and_series_are_left_out_and_counted() -> None:
    found = read(IMDB.encode())
    assert [(film.imdb_id, film.stars) for film in found.films] == [(133093, 4.5), (1, 0.5)]
    assert found.notes[0] == "Series, episodes and games left out: 1."
    assert found.notes[1] == "Ratings up to 10 were read as stars up to 5."


def test_of_a_zip_the_current_ratings_and_the_watched_films_are_read() -> None:
    watched = "Date,Name,Year,Letterboxd URI\n2022-06-01,Heat,1995,https://boxd.it/1\n"
    found = read(zipped(diary="x", deleted__ratings="x", ratings=LETTERBOXD, watched=watched))
    assert str(found.films[0]) == "Heat (1995)"
    assert [film.stars for film in found.films] == [None, 5.0, 0.5, None]


def test_a_spreadsheet_may_have_written_the_file() -> None:
    assert stars_of("\ufeffmovieId;rating\r\n1;4,5\r\n2;3\r\n") == {"film 1": 4.5, "film 2": 3.0}
    assert stars_of("title\trating\nHeat\t8\nAlien\t3\n") == {"Heat": 4.0, "Alien": 1.5}
    old = "title,rating\nAmélie,4\n".encode("cp1252")
    assert read(old).films[0].titles == ("Amélie",)


def test_stars_are_read_on_the_scale_of_the_model() -> None:
    ten, whole, own = (1.0, 10.0), (1.0, 5.0), b"movieId,rating\n1,4\n2,3\n"
    assert [film.stars for film in read(LETTERBOXD.encode(), ten).films] == [10.0, 1.0, None]
    assert [film.stars for film in read(IMDB.encode(), ten).films] == [9.0, 1.0]
    assert [film.stars for film in read(own, ten).films] == [4.0, 3.0]  # as the page writes it
    below = read(b"movieId,rating\n1,-9\n2,0\n3,-11\n", (-10.0, 10.0))
    assert [film.stars for film in below.films] == [-9.0, 0.0]
    assert below.notes == ["Ratings that are no number up to 10 left out: 1."]
    raised = read(LETTERBOXD.encode(), whole)
    assert [film.stars for film in raised.films] == [5.0, 1.0, None]
    assert raised.notes == ["Ratings raised to 1, the model's lowest: 1."]


def test_lines_that_make_no_sense_are_counted() -> None:
    found = read(b"title,rating\nHeat,good\nAlien,4\nBabe,nan\nBig,99\n")
    assert [str(film) for film in found.films] == ["Alien"]
    assert found.notes == ["Ratings that are no number up to 10 left out: 3."]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expected columns"),
        (b"a,b\n1,2\n", "found 'a, b'"),
        (b"PK\x03\x04 no zip at all", "zip file"),
        (zipped(profile="x"), r"ratings\.csv"),
        (b"\xff\xfet\0i\0", "no UTF-8"),
        (b"userId,movieId,rating\n1,1,4\n2,1,4\n", "several"),
        (b'title,rating\n"' + b"x" * 200_000, "field larger"),
    ],
)
def test_what_is_no_export_is_refused_and_says_why(content: bytes, message: str) -> None:
    with pytest.raises(DataFormatError, match=message):
        read(content)


def test_a_zip_bomb_and_a_million_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MOST_BYTES", 1000)
    with pytest.raises(DataFormatError, match="at most"):
        read(zipped(ratings=LETTERBOXD + " " * 5000))
    monkeypatch.setattr(exports, "MOST_ROWS", 2)
    with pytest.raises(DataFormatError, match="at most 2 rows"):
        read(LETTERBOXD.encode())


def test_exports_are_told_from_our_own_files() -> None:
    assert is_export(LETTERBOXD.encode())
    assert is_export(IMDB.encode())
    assert is_export(b"\xef\xbb\xbfmovieId;rating\n")
    assert is_export(zipped(ratings=LETTERBOXD))
    assert not is_export(b"movieId,rating\n1,4\n")
    assert not is_export(b"title,year,rating\n")
    assert not is_export(b"")
