"""What a fetch is to get: which films, and which options make no sense."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from movierec.datasets.omdb import OMDb
from movierec.datasets.plan import Plan, find_releases, wanted_films
from movierec.datasets.tmdb import TMDb
from movierec.errors import ConfigError, MissingDataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root with two releases: of five films of the first, two share their ids and one has none."""
    small, other = tmp_path / "ml-latest-small", tmp_path / "ml-1m"
    small.mkdir()
    other.mkdir()
    movies = [f"{n},Film,Drama\n" for n in range(1, 6)]
    (small / "movies.csv").write_text("".join(["movieId,title,genres\n", *movies]), encoding="utf-8")
    links = "movieId,imdbId,tmdbId\n1,0000101,11\n2,0000102,12\n3,0000103,13\n4,0000103,13\n5,,\n"
    (small / "links.csv").write_text(links, encoding="utf-8")
    (other / "movies.dat").write_text("2::Film::Drama\n", encoding="latin-1")
    return tmp_path


def plan_of(root: Path, **options: Any) -> Plan:
    return Plan(**{"service": TMDb(), "root": root, "max_age": None, "rate": 40.0, "base_url": "http://a"} | options)


@pytest.mark.parametrize(
    ("options", "films"),
    [
        ({}, [11, 12, 13]),
        ({"service": OMDb()}, [101, 102, 103]),
        ({"releases": ("ml-1m",)}, [12]),
        ({"releases": ("ml-1m", "ml-latest-small")}, [12, 11, 13]),
    ],
)
def test_each_film_of_the_releases_is_wanted_once(root: Path, options: dict[str, Any], films: list[int]) -> None:
    plan = plan_of(root, **options)
    assert wanted_films(plan, find_releases(plan)) == films


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"releases": ("ml-100k",)}, "ml-100k has no links to other databases"),
        ({"releases": ("ml-2m",)}, "ml-2m is none"),
        ({"rate": 0.0}, r"Expected --rate above 0, got 0\.0"),
        ({"rate": float("nan")}, "Expected --rate above 0, got nan"),
        ({"limit": 0}, "Expected --limit of 1 or more, got 0"),
        ({"max_age": -1.0}, r"Expected --max_age of 0 or more, got -1\.0"),
    ],
)
def test_options_that_make_no_sense_are_refused(root: Path, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        plan_of(root, **options)


def test_a_release_that_is_not_there_is_an_error_that_names_its_file(root: Path) -> None:
    plan = plan_of(root, releases=("ml-20m",))
    with pytest.raises(MissingDataError, match="ml-20m"):
        wanted_films(plan, find_releases(plan))


def test_without_a_release_the_message_says_how_to_get_one(tmp_path: Path) -> None:
    command = f"python -m movierec data download ml-latest-small --root {shlex.quote(str(tmp_path))}"
    with pytest.raises(MissingDataError) as caught:
        find_releases(plan_of(tmp_path))
    assert "Expected a MovieLens release with links" in str(caught.value)
    assert command in str(caught.value)


def test_invented_films_are_asked_for_nowhere(root: Path) -> None:
    (root / "sample.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds the generated sample, whose films are invented"):
        plan_of(root, base_url="http://mirror")
