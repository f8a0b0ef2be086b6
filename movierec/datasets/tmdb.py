"""TMDb: a film's details with its credits and keywords. https://developer.themoviedb.org/reference/movie-details."""

import re
from typing import Any, ClassVar

from movierec.datasets.field import get, items, load_object, names, number, text
from movierec.datasets.service import Judgement, Key, Question, Service, Verdict

NUM_CAST = 10
# https://developer.themoviedb.org/docs/errors
INVALID_KEY = {3, 7, 10, 14, 35}
NOT_FOUND = {6, 34}
OVER_LIMIT = 25
TOO_MANY_REQUESTS = 429
READ_TOKEN = "TMDB_READ_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_START = "eyJ"  # noqa: S105 - of each JSON web token: {" in base64


class TMDb(Service):
    """The Movie Database."""

    name: ClassVar[str] = "tmdb"
    title: ClassVar[str] = "TMDb"
    base_url: ClassVar[str] = "https://api.themoviedb.org/3"
    variables: ClassVar[tuple[str, ...]] = (READ_TOKEN, "TMDB_API_KEY")
    key_page: ClassVar[str] = "https://www.themoviedb.org/settings/api"
    rate: ClassVar[float] = 40.0
    daily: ClassVar[int | None] = None
    max_age: ClassVar[float | None] = 180.0  # its terms forbid to keep answers for more than six months
    terms: ClassVar[str] = (
        "This product uses the TMDB API but is not endorsed or certified by TMDB.\n"
        "TMDb's terms (https://www.themoviedb.org/api-terms-of-use) ask for this attribution wherever its data are\n"
        "shown, forbid to keep its answers for more than six months, and forbid to train machine learning models on\n"
        "its data without its consent. movierec trains such models: whether you may is between you and TMDb."
    )
    must_accept: ClassVar[bool] = True
    link: ClassVar[str] = "tmdb_id"
    columns: ClassVar[tuple[str, ...]] = (
        "tmdbId", "title", "vote_average", "vote_count", "release_date", "original_language", "origin_country",
        "budget", "revenue", "runtime", "popularity", "genres", "overview", "keywords", "cast", "directors",
    )  # fmt: skip

    def question(self, film_id: int, key: Key) -> Question:
        """Ask for a film; a read token, whatever its variable, goes into a header, an older key into the parameters."""
        params = {"append_to_response": "credits,keywords"}
        if key.variable == READ_TOKEN or key.value.startswith(TOKEN_START):
            return Question(f"/movie/{film_id}", params, {"Authorization": f"Bearer {key.value}"})
        return Question(f"/movie/{film_id}", params | {"api_key": key.value})

    def judge(self, film_id: int, status: int, body: bytes) -> Judgement:
        """Say what an answer is: TMDb's own status codes count, since a stranger on the way can answer 401 or 404."""
        answer = load_object(body)
        code, message = get(answer, "status_code"), text(get(answer, "status_message"))
        if status == TOO_MANY_REQUESTS or code == OVER_LIMIT:
            return Judgement(Verdict.BUSY, "too many requests")
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


def judge_film(film_id: int, status: int, found: Any, *, is_object: bool) -> Judgement:
    """Judge an answer that is no error of the service's own: it must be whole, and the film that was asked for."""
    if status != 200 or not is_object:  # noqa: PLR2004 - OK
        what = "a JSON object" if is_object else "something that is no JSON object"
        return Judgement(Verdict.FAILED, f"HTTP status {status} with {what}")
    if not isinstance(found, int) or isinstance(found, bool):
        return Judgement(Verdict.FAILED, f"an answer that does not say that it is for film {film_id}")
    if found != film_id:
        return Judgement(Verdict.OTHER, f"an answer for another film than {film_id}")
    return Judgement(Verdict.FILM)
