"""The web application: routes, and errors as JSON."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import Body, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException

from movierec import __version__
from movierec.errors import MovierecError, UnknownIdError
from movierec.serve.films import FilmService
from movierec.serve.guard import Guard
from movierec.serve.schemas import (
    About,
    Films,
    Imported,
    MovieId,
    PredictRequest,
    Problem,
    RecommendRequest,
    ScoredFilms,
)

FILES = Path(__file__).parent / "static"
THREADS = 2  # that answer; more wait for Python's lock, and all requests take longer
Top = Annotated[int, Query(ge=1, le=100)]


def create_app(service: FilmService, about: About) -> FastAPI:
    """Make the application.

    Args:
        service: What answers.
        about: What is served.
    """
    problems: dict[int | str, dict[str, Any]] = {code: {"model": Problem} for code in (403, 404, 413, 422)}
    app = FastAPI(
        title="movierec",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        responses=problems,
        lifespan=limit_threads,
    )
    app.add_middleware(Guard)
    app.add_exception_handler(HTTPException, refuse)
    app.add_exception_handler(RequestValidationError, refuse_fields)
    app.add_exception_handler(MovierecError, refuse_data)
    add_pages(app, about)

    @app.post("/api/recommend")
    def recommend(request: RecommendRequest) -> ScoredFilms:
        """List the films that somebody will like most; without ratings, those that most people like."""
        return service.recommend(request)

    @app.post("/api/predict")
    def predict(request: PredictRequest) -> ScoredFilms:
        """Predict the stars that somebody will give films."""
        return service.predict(request)

    @app.get("/api/similar/{movie_id}")
    def similar(movie_id: MovieId, top: Top = 10) -> Films:
        """List films like one."""
        return Films(films=service.similar(movie_id, top))

    @app.get("/api/films")
    def films(search: Annotated[str, Query(max_length=200)], top: Top = 10) -> Films:
        """Find films by words of their titles; typing errors are forgiven, accents ignored."""
        return Films(films=service.search(search, top))

    @app.get("/api/questions")
    def questions() -> Films:
        """List films to ask a new person about: well known, dividing, and unlike each other."""
        return Films(films=service.questions)

    @app.post("/api/import")
    def read(content: Annotated[bytes, Body(media_type="application/octet-stream")]) -> Imported:
        """Read a file of ratings, sent as it is: of Letterboxd (zip or csv), IMDb or MovieLens."""
        return service.read(content)

    @app.get("/api/model")
    def model() -> About:
        """Say which models are served, on which data, and how good they are."""
        return about

    return app


@asynccontextmanager
async def limit_threads(_: FastAPI) -> AsyncIterator[None]:
    """Answer in few threads at once."""
    current_default_thread_limiter().total_tokens = THREADS
    yield


def add_pages(app: FastAPI, about: About) -> None:
    """Add the page, what it loads, and the documentation of the API."""
    templates = Environment(
        loader=PackageLoader("movierec.serve", "static"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )

    @app.get("/", include_in_schema=False)
    def page() -> HTMLResponse:
        return HTMLResponse(templates.get_template("page.html").render(about=about))

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        schema = app.openapi()
        return HTMLResponse(templates.get_template("docs.html").render(schema=schema))

    for name in ("page.css", "page.js"):
        app.add_api_route(f"/{name}", lambda name=name: FileResponse(FILES / name), include_in_schema=False)


def refuse(_: Request, error: Exception) -> JSONResponse:
    """Answer what there is not, or may not be asked so."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail))


def refuse_fields(_: Request, error: Exception) -> JSONResponse:
    """Answer a request that the schema refuses, with the first wrong field."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return problem(422, first["msg"], ".".join(str(part) for part in first["loc"][1:]) or None)


def refuse_data(_: Request, error: Exception) -> JSONResponse:
    """Answer what a person can mend."""
    return problem(404 if isinstance(error, UnknownIdError) else 422, str(error))


def problem(status: int, message: str, field: str | None = None) -> JSONResponse:
    """Write an error."""
    return JSONResponse(Problem(message=message, field=field).model_dump(), status_code=status)
