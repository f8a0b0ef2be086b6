"""Fetch films from TMDb, with credits and keywords. https://developer.themoviedb.org/reference/movie-details."""

import re

from movierec.datasets.field import get, items, load_object, names, number, text
from movierec.datasets.service import Judgement, Key, Question, Service, Verdict, judge_film

NUM_CAST = 10
# https://developer.themoviedb.org/docs/errors
INVALID_KEY = {3, 7, 10, 14, 35}
NOT_FOUND = {6, 34}
READ_TOKEN = "TMDB_READ_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_START = "eyJ"  # noqa: S105 - of each JSON web token: {" in base64


class TMDb(Service):
    """The Movie Database."""

    name = "tmdb"
    title = "TMDb"
    base_url = "https://api.themoviedb.org/3"
    variables = (READ_TOKEN, "TMDB_API_KEY")
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

    def question(self, film_id: int, key: Key) -> Question:
        """Build the request for a film: a read token goes into a header, an older key into the parameters."""
        params = {"append_to_response": "credits,keywords"}
        if key.variable == READ_TOKEN or key.value.startswith(TOKEN_START):
            return Question(f"/movie/{film_id}", params, {"Authorization": f"Bearer {key.value}"})
        return Question(f"/movie/{film_id}", params | {"api_key": key.value})

    def judge(self, film_id: int, status: int, body: bytes) -> Judgement:
        """Judge an answer by TMDb's own status codes, because a proxy can answer 401 or 404."""
        answer = load_object(body)
        code, message = get(answer, "status_code"), text(get(answer, "status_message"))
        if isinstance(code, int):
            verdict = (
                Verdict.REFUSED if code in INVALID_KEY else Verdict.MISSING if code in NOT_FOUND else Verdict.FAILED
            )
            return Judgement(verdict, f"status code {code}: {message}")
        return judge_film(film_id, status, get(answer, "id"), is_object=answer is not None)

    def row(self, film_id: int, body: bytes) -> dict[str, str]:
        """Turn a film's answer into a row."""
        answer = load_object(body) or {}
        texts = ("title", "release_date", "original_language", "overview")
        numbers = ("vote_average", "vote_count", "budget", "revenue", "runtime", "popularity")
        credit = get(answer, "credits")
        directors = [person for person in items(get(credit, "crew")) if get(person, "job") == "Director"]
        return {
            "tmdbId": str(film_id),
            **{name: text(get(answer, name)) for name in texts},
            **{name: number(get(answer, name)) for name in numbers},
            "origin_country": ", ".join(filter(None, map(text, items(get(answer, "origin_country"))))),
            "genres": names(get(answer, "genres")),
            "keywords": names(get(get(answer, "keywords"), "keywords")),
            "cast": names(get(credit, "cast"), NUM_CAST),
            "directors": names(directors),
        }

    def film_id(self, text: str) -> int | None:
        """Read `862`."""
        return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None
