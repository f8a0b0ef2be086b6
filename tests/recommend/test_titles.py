import pytest

from movierec.recommend.titles import TitleIndex, simplify, year_of

TITLES = [
    "Matrix, The (1999)",
    "Matrix Reloaded, The (2003)",
    "Godzilla (1998)",
    "Godzilla (Gojira) (1954)",
    "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
    "Amélie (2001)",
    "Rocky II (1979)",
    "千と千尋の神隠し (2001)",
    "Ночной дозор (2004)",
    "M (1931)",
    "1984 (1984)",
    "Misérables, Les (1995)",
    "Misérables, Les (2012)",
    "Hamlet (2000)",
    "Hamlet",
]


@pytest.fixture(scope="module")
def index() -> TitleIndex:
    return TitleIndex(TITLES)


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("The Matrix", "Matrix, The (1999)"),
        ("matrix", "Matrix, The (1999)"),
        ("  THE   MATRIX ", "Matrix, The (1999)"),
        ("Matrix, The (1999)", "Matrix, The (1999)"),
        ("the matrix (1999)", "Matrix, The (1999)"),
        ("Gojira", "Godzilla (Gojira) (1954)"),
        ("godzilla (1998)", "Godzilla (1998)"),
        ("Godzilla (1998)", "Godzilla (1998)"),
        ("la cite des enfants perdus", "City of Lost Children, The (Cité des enfants perdus, La) (1995)"),
        ("City of Lost Children", "City of Lost Children, The (Cité des enfants perdus, La) (1995)"),
        ("amelie", "Amélie (2001)"),
        ("Ame\u0301lie", "Amélie (2001)"),
        ("rocky ii", "Rocky II (1979)"),
        ("Rocky Ⅱ", "Rocky II (1979)"),
        ("千と千尋の神隠し", "千と千尋の神隠し (2001)"),
        ("НОЧНОЙ ДОЗОР", "Ночной дозор (2004)"),
        ("m", "M (1931)"),
        ("1984", "1984 (1984)"),
        ("Les Misérables (2012)", "Misérables, Les (2012)"),
        ("Hamlet", "Hamlet"),
        ("hamlet (2000)", "Hamlet (2000)"),
    ],
)
def test_a_title_is_found_however_people_write_it(index: TitleIndex, typed: str, title: str) -> None:
    assert [TITLES[row] for row in index.find(typed)] == [title]


@pytest.mark.parametrize(
    ("typed", "titles"),
    [
        ("Godzilla", ["Godzilla (1998)", "Godzilla (Gojira) (1954)"]),
        ("les miserables", ["Misérables, Les (1995)", "Misérables, Les (2012)"]),
    ],
)
def test_a_title_of_several_films_finds_all_of_them(index: TitleIndex, typed: str, titles: list[str]) -> None:
    assert [TITLES[row] for row in index.find(typed)] == titles


@pytest.mark.parametrize("typed", ["The Matrix (1998)", "Inception", "", "(1999)", "...", "The"])
def test_what_is_no_title_finds_nothing(index: TitleIndex, typed: str) -> None:
    assert index.find(typed) == []


def test_a_misspelt_title_suggests_the_nearest_first(index: TitleIndex) -> None:
    assert TITLES[index.suggest("matirx")[0]] == "Matrix, The (1999)"
    assert index.suggest("zzzzzz") == []


@pytest.mark.parametrize(
    ("title", "year"),
    [
        ("Toy Story (1995)", 1995),
        ("Toy Story (1995) ", 1995),
        ("Series (1995-1997)", 1995),
        ("Series (1995–)", 1995),  # noqa: RUF001 - MovieLens has both dashes
        ("2001: A Space Odyssey", None),
        ("Babylon 5", None),
    ],
)
def test_the_year_is_the_one_at_the_end(title: str, year: int | None) -> None:
    assert year_of(title) == year


def test_a_title_of_an_article_alone_is_not_reduced_to_nothing() -> None:
    assert simplify("The (2000)") == "the"
