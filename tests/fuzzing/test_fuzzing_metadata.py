"""The metadata of TMDb and of OMDb."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from movierec.datasets.metadata import FILES, READERS, Source
from tests.fuzzing import mutation, reference
from tests.fuzzing.contract import assert_read_or_refused
from tests.fuzzing.mutation import Outcome, Variant
from tests.fuzzing.values import IDS, NUMBERS, outcomes

TMDB_HEADER = (
    b"tmdbId,title,vote_average,vote_count,release_date,original_language,origin_country,budget,revenue,runtime\n"
)
TMDB = (
    TMDB_HEADER
    + """\
2,Ariel,7.124,344.0,1988-10-21,fi,FI,0,0,69.0
862,Toy Story,7.97,18000,1995-10-30,en,US,30000000,394400000,81
129,千と千尋の神隠し,8.5,,2001-07-20,ja,JP,19000000,274925095,125
9007199254740992,,,,,,,,,
3,Varjoja paratiisissa,7.1,300,1986-10-17,fi,,,,74
""".encode()
)
OMDB_HEADER = b"imdbID,Title,Year,Released,Runtime,Language,Country,Metascore,imdbRating,imdbVotes,BoxOffice\n"
OMDB = (
    OMDB_HEADER
    + """\
tt0000417,N/A,1902,01 Sep 1902,14 min,French,France,N/A,8.2,34944,N/A
tt0114709,Toy Story,1995,22 Nov 1995,1 h 21 min,English,United States,96,8.3,1112586,$223225679
tt9007199254740992,Amélie,2001,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A
tt0113497,Jumanji,1995,15 Dec 1995,104 min,English,United States,39,7.1,399017,$100499940
""".encode()
)
QUOTED = (
    OMDB_HEADER
    + b'''\
tt0245429,"Away, a film",2001,20 Jul 2001,"1,125 min","Japanese, English","Japan, ""N""",96,8.6,"912,345","$15,206"
tt0000417,"A ""film""",1902,01 Sep 1902,14 min,"French,
Latin",France,N/A,8.2,"34,944",N/A
'''
)
DATES: dict[str, Outcome] = outcomes(
    [
        "",
        "1995",
        "22.11.1995",
        "0",
        "95-11-22",
        "12345",
        "19951122",
        "soon",
        "N/A",
        "1995-1996",
        "\uff11\uff19\uff19\uff15",
    ],
    "either",
)
MINUTES: dict[str, Outcome] = outcomes(
    [
        "", "81", "81 min", "1 h", "1 h 30 min", "0 min", "-81 min", "81 mins", "9" * 30 + " min", "1e3 min", "h min",
        " 81 min ",
    ],
    "either",
)  # fmt: skip
AMOUNTS: dict[str, Outcome] = outcomes(
    [
        "", "N/A", "$5", "5$", "$-5", "-5", "1e400", "1e300", "inf", "nan", "9" * 400, "0x10", "1_0", "\u0663", "$",
        "$5 million", "007", "5.5.5", "True",
    ],
    "either",
)  # fmt: skip
NAMES: dict[str, Outcome] = outcomes(
    ["", "N/A", " English ", "English|French", "None", "nan", "العربية", "=cmd", "zh\u200b"], "either"
)


def of_csv(valid: bytes, header: bytes, place: bytes) -> Iterator[Variant]:
    yield from mutation.damaged(valid)
    yield from mutation.reencoded(valid)
    yield from mutation.foreign(valid)
    yield from mutation.not_utf_8(valid, place)
    yield Variant(name="half a file", content=valid[: len(valid) // 2])
    yield Variant(name="header alone", content=header)


def of_tmdb() -> Iterator[Variant]:
    yield from of_csv(TMDB, TMDB_HEADER, b"Toy")
    yield from mutation.with_values(TMDB, 0, IDS, name="id", row=2)
    for column, name in (2, "vote_average"), (7, "budget"):
        yield from mutation.with_values(TMDB, column, NUMBERS, name=name, row=2)
    yield from mutation.with_values(TMDB, 4, DATES, name="date", row=2)
    yield from mutation.with_values(TMDB, 6, NAMES, name="country", row=2)


def of_omdb() -> Iterator[Variant]:
    yield from of_csv(OMDB, OMDB_HEADER, b"Toy")
    possible = ["tt7", "7", "tt0114709"]
    none = [
        "",
        "N/A",
        "tt",
        "nm0000001",
        "tt-5",
        "tt1.5",
        "tt\u0663",
        "tt9007199254740993",
        "tt" + "9" * 40,
        "TT5",
        "0x5",
    ]
    ids: dict[str, Outcome] = outcomes(possible, "either") | outcomes(none, "refused")
    yield from mutation.with_values(OMDB, 0, ids, name="id", row=2)
    texts_of = {
        "date": (3, DATES),
        "runtime": (4, MINUTES),
        "language": (5, NAMES),
        "score": (7, AMOUNTS),
        "sum": (10, AMOUNTS),
    }
    for name, (column, texts) in texts_of.items():
        yield from mutation.with_values(OMDB, column, texts, name=name, row=2)


def read(root: Path, source: Source) -> dict[int, list[Any]]:
    frame = READERS[source](root)
    return {film: [None if not_known(value) else value for value in row] for film, *row in frame.itertuples()}


def not_known(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


@pytest.mark.parametrize("variant", mutation.params(of_tmdb()))
def test_tmdb(tmp_path: Path, variant: Variant) -> None:
    assert_read_or_refused(variant, place(tmp_path, "tmdb"), lambda: read(tmp_path, "tmdb"), reference.csv_tmdb, TMDB)


@pytest.mark.parametrize("variant", mutation.params(of_omdb()))
def test_omdb(tmp_path: Path, variant: Variant) -> None:
    assert_read_or_refused(variant, place(tmp_path, "omdb"), lambda: read(tmp_path, "omdb"), reference.csv_omdb, OMDB)


@pytest.mark.parametrize("variant", mutation.params(mutation.damaged(QUOTED)))
def test_omdb_with_quotes(tmp_path: Path, variant: Variant) -> None:
    assert_read_or_refused(variant, place(tmp_path, "omdb"), lambda: read(tmp_path, "omdb"), reference.csv_omdb, QUOTED)


def place(root: Path, source: Source) -> Path:
    path = root / FILES[source]
    path.parent.mkdir()
    return path
