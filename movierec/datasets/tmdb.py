"""Fetch films from TMDb, with credits and keywords. https://developer.themoviedb.org/reference/movie-details."""

from collections.abc import Mapping
from typing import Any

from movierec.datasets.field import names, number, text
from movierec.datasets.service import Judgement, Question, Service, Verdict, judge_film

NUM_CAST = 10
# https://developer.themoviedb.org/docs/errors
INVALID_KEY = {3, 7, 10, 14, 35}
NOT_FOUND = {6, 34}
TEXTS = ("title", "release_date", "original_language", "overview")
NUMBERS = ("vote_average", "vote_count", "budget", "revenue", "runtime", "popularity")
TOKEN_START = "eyJ"  # noqa: S105 - of each JSON web token: {" in base64


class TMDb(Service):
    """The Movie Database."""

    name = "tmdb"
    title = "TMDb"
    base_url = "https://api.themoviedb.org/3"
    variables = ("TMDB_READ_TOKEN", "TMDB_API_KEY")
    key_page = "https://www.themoviedb.org/settings/api"
    rate = 40.0
    daily = None
    max_age = 180.0  # its terms forbid to keep answers for more than six months
    terms = (
        "This product uses the TMDB API but is not endorsed or certified by TMDB.\n"
        "TMDb's terms (https://www.themoviedb.org/api-terms-of-use) ask for this attribution wherever its data are\n"
        "shown, forbid to keep its answers for more than six months, and forbid to train machine learning models on\n"
        "its data without its consent. movierec trains such models: whether you may is between you and TMDb."
    )
    must_accept = True
    link = "tmdb_id"
    columns = (
        "tmdbId", "title", "vote_average", "vote_count", "release_date", "original_language", "origin_country",
        "budget", "revenue", "runtime", "popularity", "genres", "overview", "keywords", "cast", "directors",
    )  # fmt: skip

    def question(self, film_id: int, key: str) -> Question:
        """Build the request for a film: a read token goes into a header, an older key into the parameters."""
        params = {"append_to_response": "credits,keywords"}
        if key.startswith(TOKEN_START):
            return Question(f"/movie/{film_id}", params, {"Authorization": f"Bearer {key}"})
        return Question(f"/movie/{film_id}", params | {"api_key": key})

    def judge(self, film_id: int, status: int, answer: Mapping[str, Any]) -> Judgement:
        """Judge an answer by TMDb's own status codes, because a proxy can answer 401 or 404."""
        code = answer.get("status_code")
        if isinstance(code, int):
            kinds = dict.fromkeys(INVALID_KEY, Verdict.REFUSED) | dict.fromkeys(NOT_FOUND, Verdict.MISSING)
            reason = f"status code {code}: {text(answer.get('status_message'))}"
            return Judgement(kinds.get(code, Verdict.FAILED), reason)
        return judge_film(film_id, status, answer.get("id"))

    def row(self, film_id: int, answer: Mapping[str, Any]) -> dict[str, str]:
        """Turn a film's answer into a row."""
        credit, keywords = answer.get("credits") or {}, answer.get("keywords") or {}
        return {
            "tmdbId": str(film_id),
            **{name: text(answer.get(name)) for name in TEXTS},
            **{name: number(answer.get(name)) for name in NUMBERS},
            "origin_country": ", ".join(answer.get("origin_country") or ()),
            "genres": names(answer.get("genres")),
            "keywords": names(keywords.get("keywords")),
            "cast": names(credit.get("cast"), NUM_CAST),
            "directors": names([person for person in credit.get("crew") or () if person.get("job") == "Director"]),
        }
