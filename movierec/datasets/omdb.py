"""Fetch films from OMDb, which shows the details of IMDb. https://www.omdbapi.com."""

from collections.abc import Mapping
from typing import Any

from movierec.datasets.field import text
from movierec.datasets.service import Judgement, Question, Service, Verdict, judge_film

UNKNOWN = "N/A"
NOT_FOUND = {"incorrect imdb id.", "error getting data.", "movie not found!"}


class OMDb(Service):
    """The Open Movie Database."""

    name = "omdb"
    title = "OMDb"
    base_url = "https://www.omdbapi.com"
    variables = ("OMDB_API_KEY",)
    key_page = "https://www.omdbapi.com/apikey.aspx"
    rate = 10.0
    daily = 1_000
    max_age = None
    terms = (
        "OMDb's data (https://www.omdbapi.com) are licensed under CC BY-NC 4.0.\n"
        "Name OMDb as their source, and do not use them commercially: https://creativecommons.org/licenses/by-nc/4.0/"
    )
    must_accept = False
    link = "imdb_id"
    columns = (
        "imdbID", "Title", "Year", "Rated", "Released", "Runtime", "Genre", "Director", "Writer", "Actors", "Plot",
        "Language", "Country", "Awards", "Metascore", "imdbRating", "imdbVotes", "Type", "BoxOffice",
    )  # fmt: skip

    def question(self, film_id: int, key: str) -> Question:
        """Build the request for a film with its full plot, which costs no more than the short one."""
        return Question("/", {"apikey": key, "i": imdb_name(film_id), "plot": "full"})

    def judge(self, film_id: int, status: int, answer: Mapping[str, Any]) -> Judgement:
        """Judge an answer by its `Error`: a used-up and an invalid key have the same HTTP status."""
        error = text(answer.get("Error"))
        if answer.get("Response") == "False" or error:
            return Judgement(verdict_of(error), error)
        digits = text(answer.get("imdbID")).removeprefix("tt")
        return judge_film(film_id, status, int(digits) if digits.isdecimal() else None)

    def row(self, film_id: int, answer: Mapping[str, Any]) -> dict[str, str]:
        """Turn a film's answer into a row, in OMDb's own strings."""
        return {name: text(answer.get(name)) or UNKNOWN for name in self.columns} | {"imdbID": imdb_name(film_id)}


def imdb_name(film_id: int) -> str:
    """Write 114709 as `tt0114709`."""
    return f"tt{film_id:07d}"


def verdict_of(error: str) -> Verdict:
    """Translate an error of OMDb into a verdict."""
    error = error.casefold()
    if "limit reached" in error:
        return Verdict.USED_UP
    if "api key" in error:
        return Verdict.REFUSED
    return Verdict.MISSING if error in NOT_FOUND else Verdict.FAILED
