"""Films and their ids at IMDb and TMDb, in the formats of MovieLens."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from movierec.datasets.catalog import RELEASES, Release
from movierec.datasets.movielens import NO_ID, read_links, read_movies
from tests.fuzzing import mutation, reference
from tests.fuzzing.contract import assert_read_or_refused
from tests.fuzzing.mutation import Outcome, Variant
from tests.fuzzing.values import IDS, OPTIONAL_IDS, TITLES

CSV, DOUBLE_COLON, TAB = RELEASES["ml-latest-small"], RELEASES["ml-1m"], RELEASES["ml-100k"]
HEADER = b"movieId,title,genres\n"
PLAIN = (
    HEADER
    + """\
1,Toy Story (1995),Adventure|Animation|Children
2,Jumanji (1995),Adventure
11,Amélie (2001),Comedy|Romance
318,(500) Days of Summer,
9007199254740992,Film: 7::8,(no genres listed)
""".encode()
)
QUOTED = (
    HEADER
    + b'''\
1,"City of Lost Children, The (Cit\xc3\xa9 des enfants perdus, La) (1995)",Adventure
2,"Say ""Amen""","Drama|""Other"""
3,"Two
lines, and more",Comedy
4,\xe5\x8d\x83 (2001),Animation
'''
)
COLONS = b"""\
1::Toy Story (1995)::Animation|Children's|Comedy
2::Jumanji: a film (1995)::Adventure
73::Mis\xe9rables, Les (1995)::Drama|Musical
9007199254740992::"Quoted" 'film', the::
"""
NO_FLAGS = b"|0" * 18
BARS = b"".join(
    line + b"\n"
    for line in (
        b"1|Toy Story (1995)|01-Jan-1995||http://us.imdb.com/M/title-exact?Toy%20Story|0|0|0|1|1|1" + b"|0" * 13,
        b"267|unknown||||1" + NO_FLAGS,
        b"543|Mis\xe9rables, Les (1995)|01-Jan-1995|||0" + NO_FLAGS[2:] + b"|1",
    )
)
LINKS_HEADER = b"movieId,imdbId,tmdbId\n"
LINKS = (
    LINKS_HEADER
    + b"""\
1,0114709,862
2,0113497,
3,,15602
9007199254740992,9007199254740992,9007199254740992
5,0113041,11862
"""
)
GENRES: dict[str, Outcome] = dict.fromkeys(["", "None", "|", "a||b", " Drama", "0"], "either")


def csv_of(valid: bytes) -> Iterator[Variant]:
    yield from mutation.damaged(valid)
    yield from mutation.reencoded(valid)


def films_in_csv() -> Iterator[Variant]:
    yield from csv_of(PLAIN)
    yield from mutation.empty(HEADER)
    yield from mutation.foreign(PLAIN)
    yield from mutation.not_utf_8(PLAIN, b"Juman")
    yield from mutation.tabular(PLAIN)
    yield from mutation.with_values(PLAIN, 0, IDS, name="film", row=3)
    yield from mutation.with_values(PLAIN, 1, TITLES, name="title", row=3)
    yield from mutation.with_values(PLAIN, 2, GENRES, name="genres", row=3)


def films_in_lines(valid: bytes, mark: bytes) -> Iterator[Variant]:
    yield from mutation.damaged(valid)
    yield from mutation.empty()
    yield from mutation.foreign(valid)
    yield from mutation.lines_of_fields(valid, mark)
    yield from mutation.with_values(valid, 0, IDS, name="film", row=1, mark=mark)


def links() -> Iterator[Variant]:
    yield from csv_of(LINKS)
    yield from mutation.empty()
    yield from mutation.foreign(LINKS)
    yield from mutation.not_utf_8(LINKS, b"\n2")
    yield from mutation.tabular(LINKS)
    for column, name, texts in (1, "IMDb", OPTIONAL_IDS), (2, "TMDb", OPTIONAL_IDS):
        yield from mutation.with_values(LINKS, column, texts, name=name, row=1)


def read(root: Path, release: Release) -> list[tuple[int, str, list[str]]]:
    frame = read_movies(root, release)
    return list(zip(*(frame[name].tolist() for name in frame), strict=True))


def place(root: Path, name: str) -> Path:
    path = root / name
    path.parent.mkdir()
    return path


@pytest.mark.parametrize("variant", mutation.params(films_in_csv()))
def test_films_in_csv(tmp_path: Path, variant: Variant) -> None:
    path = place(tmp_path, CSV.movies)
    assert_read_or_refused(variant, path, lambda: read(tmp_path, CSV), reference.csv_films, PLAIN)


@pytest.mark.parametrize("variant", mutation.params(replace(variant, outcome="either") for variant in csv_of(QUOTED)))
def test_films_in_csv_with_quotes(tmp_path: Path, variant: Variant) -> None:
    path = place(tmp_path, CSV.movies)
    assert_read_or_refused(variant, path, lambda: read(tmp_path, CSV), reference.csv_films, QUOTED)


@pytest.mark.parametrize("variant", mutation.params(films_in_lines(COLONS, b"::")))
def test_films_between_double_colons(tmp_path: Path, variant: Variant) -> None:
    path = place(tmp_path, DOUBLE_COLON.movies)
    expected = partial(reference.line_films, encoding="latin-1")
    assert_read_or_refused(variant, path, lambda: read(tmp_path, DOUBLE_COLON), expected, COLONS)


@pytest.mark.parametrize("variant", mutation.params(films_in_lines(BARS, b"|")))
def test_films_between_bars(tmp_path: Path, variant: Variant) -> None:
    path = place(tmp_path, TAB.movies)
    assert_read_or_refused(variant, path, lambda: read(tmp_path, TAB), reference.bar_films, BARS)


@pytest.mark.parametrize("variant", mutation.params(links()))
def test_links(tmp_path: Path, variant: Variant) -> None:
    path = place(tmp_path, str(CSV.links))

    def read_ids() -> list[tuple[int | None, ...]]:
        rows = read_links(tmp_path, CSV).to_numpy().tolist()
        return [tuple(None if number == NO_ID else number for number in row) for row in rows]

    assert_read_or_refused(variant, path, read_ids, reference.csv_links, LINKS)
