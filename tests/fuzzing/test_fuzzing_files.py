"""Every file of data that people bring, damaged and rearranged: read as the reference reads it, or clearly refused."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from movierec.data.pairs import read_pairs
from movierec.datasets.catalog import RELEASES
from movierec.datasets.metadata import FILES as METADATA
from movierec.datasets.metadata import OMDB_PEOPLE, OMDB_STORY, READERS, TMDB_STORY
from movierec.datasets.movielens import read_links, read_movies, read_ratings
from movierec.recommend.ratings_file import read_ratings_file
from movierec.recommend.recommender import Recommender
from tests.fuzzing import mutation, reference
from tests.fuzzing.contract import assert_read_or_refused
from tests.fuzzing.mutation import BOM
from tests.fuzzing.reference import csv_rows, lines_of

CSV, DOUBLE_COLON, TAB = RELEASES["ml-latest-small"], RELEASES["ml-1m"], RELEASES["ml-100k"]
NO_NUMBERS = [
    "four", "4 stars", "1_0", "\u0663", "\uff14", "--4", "1e", "4.5.3", "2024-01-01", "=1+1", "1;5", "True", "\u00bd",
    "'4'", "4\0", "\0", "\u200e4", "4\xa0", "1e400", "inf", "-inf", "9" * 400, " ", "NA", "None", "",
]  # fmt: skip
IDS = [
    *NO_NUMBERS, "-1", "-0.5", "1.5", "9007199254740993", "9223372036854775808", "18446744073709551616", "9" * 5000,
    "7", "007", " 7", "7 ", "7.0", "7e0", "0", "9007199254740992", "2147483648", "4294967297", '"7"', "7\t", "nan",
]  # fmt: skip
NUMBERS = [
    *NO_NUMBERS, "nan", "0", "-4", "5.5", "5.0000001", "0.4", "1e9", "1e300", "4", "4.", " 4", "04.0", "4.25", ".4e1",
    "40e-1", '"4"', "4.00000000000000000000000000000000001", "9007199254740992", "9007199254740994",
]  # fmt: skip
TITLES = [
    "", " ", "NA", "nan", "None", "null", "0", "-1", "=1+1", "<b>Bold</b>", "{{ 7 * 7 }}", "$(reboot)", "%s%n",
    "Ame\u0301lie", "千と千尋", "الرسالة", "👩‍🚀🎬", "\u202egnipparts", "zero\u200bwidth", "a" * 10_000, "it's", "|",
    "a||b", '"""Quoted"""', '"A, comma"', '"Two\nlines"', "Ö\xa0space", 'a "quote"', '"a" behind',
]  # fmt: skip
OMDB_IDS = ["tt7", "7", "tt0114709", "", "N/A", "tt", "nm0000001", "tt-5", "tt1.5", "tt\u0663", "TT5", "tt" + "9" * 40]
DATES = ["", "1995", "22.11.1995", "95-11-22", "19951122", "soon", "N/A", "1995-1996", "\uff11\uff19\uff19\uff15"]
DURATIONS = ["", "81", "81 min", "1 h", "1 h 30 min", "0 min", "-81 min", "9" * 30 + " min", "h min", " 81 min "]
AMOUNTS = [
    "", "N/A", "$5", "5$", "$-5", "-5", "1e400", "1e300", "inf", "nan", "9" * 400, "1_0", "\u0663", "$", "$5 million",
    "007", "5.5.5", '"7,5"', '"1,000"', '"1,000,5"', '"12,345.5"', '"1234,567"', "$ 5", "7 5", "100", "101", "10.1",
]  # fmt: skip
NAMES = ["['en', 'fr']", "", "N/A", "NA", " English ", "English|French", "None", "العربية", "=cmd", '"French, ,Latin,"']

RATINGS = b"""\
userId,movieId,rating,timestamp
1,1,4.0,964982703
1,3,4.5,964981247
2,1,0.5,1445714835
2,318,3.0,1445714835
15,9007199254740992,2.5,1510577970
9007199254740992,1,1.0,1510577970
"""
WHOLE = RATINGS.split(b"\n", 1)[1].replace(b".0", b"").replace(b"0.5", b"1").replace(b".5", b"")
FILMS = """\
movieId,title,genres
1,Toy Story (1995),Adventure|Animation|Children
2,Jumanji (1995),Adventure
318,(500) Days of Summer,
11,Amélie (2001),Comedy|Romance
9007199254740992,Film: 7::8,(no genres listed)
""".encode()
QUOTED = '''\
movieId,title,genres
1,"City of Lost Children, The (Cité des enfants perdus, La) (1995)",Adventure
2,"Say ""Amen""","Drama|""Other"""
3,"Two
lines, and more",Comedy
4,千 (2001),Animation
'''.encode()
COLON_FILMS = b"""\
1::Toy Story (1995)::Animation|Children's|Comedy
2::Jumanji: a film (1995)::Adventure
73::Mis\xe9rables, Les (1995)::Drama|Musical
9007199254740992::"Quoted" 'film', the::
"""
NO_FLAGS = b"|0" * 18
BAR_FILMS = (
    b"1|Toy Story (1995)|01-Jan-1995||http://us.imdb.com/M/title-exact?Toy%20Story|0|0|0|1|1|1" + b"|0" * 13
    + b"\n267|unknown||||1" + NO_FLAGS
    + b"\n543|Mis\xe9rables, Les (1995)|01-Jan-1995|||0" + NO_FLAGS[2:] + b"|1\n"
)  # fmt: skip
LINKS = b"""\
movieId,imdbId,tmdbId
1,0114709,862
2,0113497,
3,,15602
9007199254740992,9007199254740992,9007199254740992
5,0113041,11862
"""
TMDB = """\
tmdbId,title,vote_average,vote_count,release_date,original_language,origin_country,budget,revenue,runtime
2,Ariel,7.124,344.0,1988-10-21,fi,FI,0,0,69.0
862,Toy Story,7.97,18000,1995-10-30,en,US,30000000,394400000,81
129,千と千尋の神隠し,8.5,,2001-07-20,ja,JP,19000000,274925095,125
9007199254740992,,,,,,,,,
""".encode()
OMDB = """\
imdbID,Title,Year,Released,Runtime,Language,Country,Metascore,imdbRating,imdbVotes,BoxOffice
tt0000417,N/A,1902,01 Sep 1902,14 min,French,France,N/A,8.2,34944,N/A
tt0114709,Toy Story,1995,22 Nov 1995,1 h 21 min,English,United States,96,8.3,1112586,$223225679
tt9007199254740992,Amélie,2001,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A
""".encode()
PAIRS = b"userId,movieId\n1,2\n1,5\n24,318\n9007199254740992,9007199254740992\n4294967297,1\n3,50\n"
MINE = b"movieId,rating\n1,4.5\n2,3\n9007199254740992,5\n318,0.5\n50,\n"


Check = Callable[[str, bytes], None]


class File(NamedTuple):
    """A file to damage.

    Attributes:
        valid: What is in it.
        place: Where it lies below the data root.
        read: Reads it, given the data root and the small model.
        expected: What the reference reads.
        values: Texts to write into a column.
        mark: What stands between the fields.
    """

    valid: bytes
    place: str
    read: Callable[[Path, Recommender], Any]
    expected: Callable[[bytes], Any]
    values: dict[int, Sequence[str]]
    mark: bytes = b","


def rows_of(frame: Any) -> list[tuple[Any, ...]]:
    """List the rows of a frame."""
    return list(zip(*(frame[name].tolist() for name in frame), strict=True))


def films_of(frame: Any) -> dict[int, list[Any]]:
    """List the fields of each film; what is unknown is None."""
    return {
        film: [None if isinstance(value, float) and math.isnan(value) else value for value in row]
        for film, *row in frame.itertuples()
    }


def fields_of(frame: Any) -> dict[int, list[Any]]:
    """List the fields of each film but for those that a file may lack."""
    optional = [*OMDB_PEOPLE.values(), *OMDB_STORY.values(), *TMDB_STORY.values(), "tmdb_title", "imdb_title"]
    return films_of(frame.drop(columns=optional, errors="ignore"))


def pairs_of(path: Path, small: Recommender) -> list[tuple[int, int]]:
    """Read pairs, and find the ids of their rows."""
    batch = read_pairs(path, small.tables)
    ids = small.tables.user_ids[batch.user.long()].tolist(), small.tables.movie_ids[batch.movie.long()].tolist()
    return list(zip(*ids, strict=True))


FILES = {
    "ratings.csv": File(
        RATINGS, CSV.ratings, lambda root, _: rows_of(read_ratings(root, CSV)),
        lambda content: reference.ratings(csv_rows(content, "userId", "movieId", "rating", "timestamp"), 0.5),
        {0: IDS, 1: IDS, 2: NUMBERS, 3: IDS},
    ),
    "ratings.dat": File(
        WHOLE.replace(b",", b"::"), DOUBLE_COLON.ratings, lambda root, _: rows_of(read_ratings(root, DOUBLE_COLON)),
        lambda content: reference.ratings(lines_of(content.removeprefix(BOM), "::"), 1.0), {1: IDS, 2: NUMBERS}, b"::",
    ),
    "u.data": File(
        WHOLE.replace(b",", b"\t"), TAB.ratings, lambda root, _: rows_of(read_ratings(root, TAB)),
        lambda content: reference.ratings(lines_of(content.removeprefix(BOM), "\t"), 1.0), {1: IDS, 2: NUMBERS}, b"\t",
    ),
    "movies.csv": File(
        FILMS, CSV.movies, lambda root, _: rows_of(read_movies(root, CSV)),
        lambda content: reference.films(csv_rows(content, "movieId", "title", "genres")),
        {0: IDS, 1: TITLES, 2: TITLES},
    ),
    "movies.csv with quotes": File(
        QUOTED, CSV.movies, lambda root, _: rows_of(read_movies(root, CSV)),
        lambda content: reference.films(csv_rows(content, "movieId", "title", "genres")), {},
    ),
    "movies.dat": File(
        COLON_FILMS, DOUBLE_COLON.movies, lambda root, _: rows_of(read_movies(root, DOUBLE_COLON)),
        lambda content: reference.films(reference.film_lines(content, "::")), {0: IDS, 1: TITLES}, b"::",
    ),
    "u.item": File(
        BAR_FILMS, TAB.movies, lambda root, _: rows_of(read_movies(root, TAB)),
        lambda content: reference.films(reference.film_lines(content, "|"), reference.film_with_flags), {0: IDS}, b"|",
    ),
    "links.csv": File(
        LINKS, str(CSV.links), lambda root, _: films_of(read_links(root, CSV).set_index("movie_id")),
        reference.links, {0: IDS, 1: [*IDS, *OMDB_IDS], 2: IDS},
    ),
    "tmdb.csv": File(
        TMDB, METADATA["tmdb"], lambda root, _: fields_of(READERS["tmdb"](root)),
        reference.tmdb, {0: IDS, 2: NUMBERS, 4: DATES, 5: NAMES, 6: NAMES, 7: NUMBERS},
    ),
    "omdb.csv": File(
        OMDB, METADATA["omdb"], lambda root, _: fields_of(READERS["omdb"](root)),
        reference.omdb, {0: OMDB_IDS, 3: DATES, 4: DURATIONS, 5: NAMES, 6: NAMES, 7: AMOUNTS, 8: AMOUNTS, 10: AMOUNTS},
    ),
    "pairs.csv": File(
        PAIRS, "pairs.csv", lambda root, small: pairs_of(root / "pairs.csv", small), reference.pairs, {0: IDS, 1: IDS},
    ),
    "my ratings": File(
        MINE, "my.csv", lambda root, small: read_ratings_file(root / "my.csv", small)[0], reference.own_ratings,
        {0: IDS, 1: NUMBERS},
    ),
}  # fmt: skip
UNQUOTED = {name: file for name, file in FILES.items() if file.values}
all_files = pytest.mark.parametrize("file", FILES.values(), ids=list(FILES))
unquoted_files = pytest.mark.parametrize("file", UNQUOTED.values(), ids=list(UNQUOTED))


@pytest.fixture
def check(tmp_path: Path, small: Recommender, file: File) -> Check:
    """Check variants of a file, by name and content."""
    path = tmp_path / file.place
    path.parent.mkdir(exist_ok=True)

    def check(name: str, content: bytes) -> None:
        try:
            assert_read_or_refused(content, path, lambda: file.read(tmp_path, small), file.expected)
        except BaseException as error:
            error.add_note(f"The variant is {name!r}.")
            raise

    return check


@all_files
def test_the_reference_reads_the_whole_file(file: File, check: Check) -> None:
    assert len(file.expected(file.valid)) > 1
    check("whole", file.valid)


@all_files
@pytest.mark.parametrize("change", mutation.CHANGES)
def test_a_damaged_file(file: File, change: str, check: Check) -> None:
    for number in range(8):
        check(f"{change} {number}", mutation.damage(file.valid, change, number))


@all_files
@pytest.mark.parametrize("variants", [mutation.saved_otherwise, mutation.foreign, mutation.not_utf_8])
def test_a_file_saved_by_another_program_and_another_file(
    file: File, variants: Callable[[bytes], mutation.Variants], check: Check
) -> None:
    for variant in variants(file.valid):
        check(*variant)


@unquoted_files
def test_rearranged_columns_and_lines(file: File, check: Check) -> None:
    for variant in mutation.rearranged(file.valid, file.mark):
        check(*variant)


@unquoted_files
def test_other_values(file: File, check: Check) -> None:
    for column, texts in file.values.items():
        for variant in mutation.with_values(file.valid, file.mark, column, texts):
            check(*variant)
