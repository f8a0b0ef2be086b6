import pytest

from movierec.datasets.titles import TitleIndex, natural, simplify, year_of

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
    "Seventh Seal, The (Sjunde inseglet, Det) (1957)",
]


@pytest.fixture(scope="module")
def index() -> TitleIndex:
    return TitleIndex([natural(title) for title in TITLES], [9] * len(TITLES))


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
        ("Misérables, Les (2012)", "Misérables, Les (2012)"),
        ("sjunde inseglet, det", "Seventh Seal, The (Sjunde inseglet, Det) (1957)"),
        ("Det sjunde inseglet", "Seventh Seal, The (Sjunde inseglet, Det) (1957)"),
        ("Hamlet", "Hamlet"),
        ("hamlet (2000)", "Hamlet (2000)"),
    ],
)
def test_a_title_is_found_however_people_write_it(index: TitleIndex, typed: str, title: str) -> None:
    assert [TITLES[row] for row in index.find(typed)] == [title]
    assert index.find(natural(typed)) == index.find(typed)


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


def test_a_title_of_another_year_suggests_films_of_that_title_alone(index: TitleIndex) -> None:
    assert [TITLES[row] for row in index.suggest("The Matrix (2021)")] == ["Matrix, The (1999)"]


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


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("Shawshank Redemption, The (1994)", "The Shawshank Redemption (1994)"),
        ("Beautiful Mind, A (2001)", "A Beautiful Mind (2001)"),
        ("American Werewolf in London, An (1981)", "An American Werewolf in London (1981)"),
        ("Femme Nikita, La (1990)", "La Femme Nikita (1990)"),
        ("Boot, Das (Boat, The) (1981)", "Das Boot (The Boat) (1981)"),
        ("Avventura, L' (Adventure, The) (1960)", "L'Avventura (The Adventure) (1960)"),
        ("Mondays in the Sun (Lunes al sol, Los) (2002)", "Mondays in the Sun (Los Lunes al sol) (2002)"),
        ("Seven Samurai, The (Shichinin no samurai) (1954)", "The Seven Samurai (Shichinin no samurai) (1954)"),
        ("Macbeth (a.k.a. Tragedy of Macbeth, The) (1971)", "Macbeth (a.k.a. The Tragedy of Macbeth) (1971)"),
        ("Big Boss, The (Fists of Fury) (Tang shan da xiong) (1971)",
         "The Big Boss (Fists of Fury) (Tang shan da xiong) (1971)"),
        ("Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)",
         "The Good, the Bad and the Ugly (Il Buono, il brutto, il cattivo) (1966)"),
        ("Crow, The: Wicked Prayer (2005)", "The Crow: Wicked Prayer (2005)"),
        ("Matrix, The", "The Matrix"),
        ("Me, Myself & Irene (2000)", "Me, Myself & Irene (2000)"),
        ("Paris, Texas (1984)", "Paris, Texas (1984)"),
        ("I, Robot (2004)", "I, Robot (2004)"),
        ("The Matrix (1999)", "The Matrix (1999)"),
    ],
)  # fmt: skip
def test_articles_come_first_as_people_write_them(stored: str, shown: str) -> None:
    assert natural(stored) == natural(shown) == shown


def test_a_year_beside_a_title_tells_films_apart_and_may_not_contradict_the_one_in_it(index: TitleIndex) -> None:
    assert [TITLES[row] for row in index.find("Les Misérables", 2012)] == ["Misérables, Les (2012)"]
    assert index.find("Les Misérables", 2019) == []
    assert index.find("Les Misérables (2012)", 1995) == []


@pytest.mark.parametrize(
    ("numbers", "chosen"), [([50, 10, 0], 0), ([10, 50, 0], 1), ([49, 10, 9], None), ([5, 0, 99], 0)]
)
def test_of_films_of_one_title_and_year_that_of_five_times_the_ratings_is_chosen(
    numbers: list[int], chosen: int | None
) -> None:
    index = TitleIndex(["Emma (1996)", "Emma (1996)", "Emma (2020)"], numbers)
    assert index.choose(index.find("Emma (1996)")) == chosen
    assert index.choose(index.find("Emma")) is None
    assert index.choose([]) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("star wars", [2, 1]),  # the most rated first
        ("wars empire", [2]),
        ("god", [0]),
        ("godfathr", [0]),
        ("amelie", [3]),
        ("AMÉLIE 2001", [3]),
        ("matrix", [4, 5]),
        ("matrix 2003", [5]),
        ("1917", [6]),
        ("七人", [7]),
        ("no such thing", []),
        ("...", []),
    ],
)
def test_films_are_searched_by_parts_of_their_titles(text: str, found: list[int]) -> None:
    titles = [
        "The Godfather (1972)",
        "Star Wars: A New Hope (1977)",
        "Star Wars: The Empire Strikes Back (1980)",
        "Amélie (Le fabuleux destin d'Amélie Poulain) (2001)",
        "The Matrix (1999)",
        "The Matrix Reloaded (2003)",
        "1917 (2019)",
        "七人の侍 (1954)",
    ]
    assert TitleIndex(titles, [50, 40, 45, 30, 60, 20, 10, 10]).search(text, 5) == found
