"""What the API reads and answers."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

MovieId = Annotated[int, Field(ge=0, le=2**53)]
MOST = 20_000  # films in one request


class Request(BaseModel):
    """Base of what is sent; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class Rating(Request):
    """Stars that somebody gave a film."""

    movie_id: MovieId
    stars: FiniteFloat = Field(description="on the scale of /api/model; below it, they are raised to its least")


class RecommendRequest(Request):
    """Whom to recommend films, and which."""

    ratings: list[Rating] = Field(default=[], max_length=MOST)
    exclude: list[MovieId] = Field(default=[], max_length=MOST, description="films never to list: seen, or not wanted")
    top: int = Field(default=10, ge=1, le=100)
    novelty: float = Field(default=0, ge=0, le=1, description="0: any films; 1: films of few ratings first")
    genres: list[Annotated[str, Field(max_length=50)]] = Field(default=[], max_length=30, description="any of these")
    years: tuple[int, int] | None = Field(default=None, description="first and last year")
    languages: list[Annotated[str, Field(max_length=50)]] = Field(
        default=[], max_length=100, description="any of these, such as en; of /api/model"
    )
    minutes: tuple[int, int] | None = Field(default=None, description="least and most; films of unknown length are out")

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ratings": [{"movie_id": 1, "stars": 5}], "top": 10, "genres": ["Comedy"]}]},
    )


class PredictRequest(Request):
    """Whose stars to predict, and of which films."""

    ratings: list[Rating] = Field(min_length=1, max_length=MOST)
    movie_ids: list[MovieId] = Field(min_length=1, max_length=1000)

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ratings": [{"movie_id": 1, "stars": 5}], "movie_ids": [2, 3]}]},
    )


class Film(BaseModel):
    """A film; null is what is not known of it."""

    movie_id: int
    title: str
    year: int | None
    genres: list[str]
    language: str | None = Field(description="the original one, in two letters")
    minutes: int | None
    num_ratings: int
    imdb_url: str | None
    tmdb_url: str | None


class ScoredFilm(Film):
    """A film, and what somebody will think of it; null where no model knows it."""

    stars: float | None = Field(description="expected stars; without ratings, the film's damped mean")
    range: tuple[float, float] | None = Field(description="the stars expected in 8 of 10 such ratings")
    because: str | None = Field(description="the rated films that count most")


class Films(BaseModel):
    """Some films."""

    films: list[Film]


class ScoredFilms(BaseModel):
    """Films for somebody, and notes on what was left out."""

    films: list[ScoredFilm]
    notes: list[str]


class RatedFilm(Film):
    """A film of a file, and the stars it got there."""

    stars: float


class Imported(BaseModel):
    """What was found in a file of ratings. Nothing is kept on the server."""

    ratings: list[RatedFilm]
    seen: list[Film] = Field(description="seen, and not rated")
    unmatched: list[str]
    notes: list[str]


class Metric(BaseModel):
    """A number measured on test ratings, with its 95 % interval over users where that was computed."""

    value: float
    low: float | None
    high: float | None


class ServedModel(BaseModel):
    """A model that is served."""

    role: str = Field(description="`order` of the list, or `stars`")
    name: str
    class_path: str
    metrics: dict[str, Metric]
    card: str | None = Field(description="all that a test found, and terms: card.md; null before a test")


class About(BaseModel):
    """What is served."""

    models: list[ServedModel]
    data: str
    sample: bool = Field(description="whether films and ratings are invented")
    split: str
    licence: str
    ids: str = Field(description="whose ids the films have")
    films: int
    genres: list[str]
    languages: list[str] = Field(description="of most films first; empty if not known")
    has_minutes: bool
    years: tuple[int, int]
    scale: tuple[float, float]


class Problem(BaseModel):
    """An error: what was expected, what came, and in which field of the request."""

    message: str
    field: str | None
