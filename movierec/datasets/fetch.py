"""Fetch the metadata of films from TMDb or OMDb, and resume where the last fetch stopped."""

import asyncio
import math
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from movierec.console import asks_yes, is_attended
from movierec.datasets.catalog import RELEASES, Release
from movierec.datasets.client import CONNECTIONS, Client
from movierec.datasets.meter import Meter
from movierec.datasets.movielens import NO_ID, read_links, read_movies
from movierec.datasets.omdb import OMDb
from movierec.datasets.own_ratings import find_file, find_release, own_releases
from movierec.datasets.root import is_sample, way_to
from movierec.datasets.rows import read_rows, write_rows
from movierec.datasets.service import Service, Verdict, read_keys
from movierec.datasets.store import AnswerStore, open_store
from movierec.datasets.tmdb import TMDb
from movierec.datasets.transfer import AttemptError
from movierec.errors import ConfigError, FetchError, MissingDataError
from movierec.termination import Terminated

SERVICES: dict[str, Service] = {service.name: service for service in (TMDb(), OMDb())}
DAY = 86_400.0  # seconds
MAX_FAILURES = 10  # films in a row without an answer in all their attempts; then the service is down


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The options of a fetch.

    Attributes:
        service: The film service.
        root: The data root.
        releases: The releases whose films are fetched; empty for all below the root.
        max_age: Days after which an answer is fetched again; None for never.
        rate: Maximum requests a second.
        limit: Maximum number of films to fetch now; None for all.
        base_url: Address of the service or a mirror.
        accept_terms: Whether the user accepts the service's terms.

    Raises:
        ConfigError: A number is out of range.
    """

    service: Service
    root: Path
    releases: tuple[str, ...] = ()
    max_age: float | None
    rate: float
    limit: int | None = None
    base_url: str
    accept_terms: bool = False

    def __post_init__(self) -> None:
        for option, value, is_good in (
            ("--rate above 0", self.rate, 0 < self.rate < math.inf),
            ("--max_age of 0 or more", self.max_age, self.max_age is None or self.max_age >= 0),
            ("--limit of 1 or more", self.limit, self.limit is None or self.limit >= 1),
        ):
            if not is_good:
                raise ConfigError(f"Expected {option}, got {value}.")


@dataclass
class Tally:
    """Counts of the films by answer: found, unknown, or no answer with the last reason."""

    answers: Counter[Verdict] = field(default_factory=Counter)
    failed: int = 0
    reason: str = ""

    @property
    def failures(self) -> str:
        """Number of films without an answer, and the reason; empty for none."""
        return f"{self.failed:,} without an answer ({self.reason})" if self.failed else ""

    def __str__(self) -> str:
        """List the counts that are not 0."""
        found, missing = self.answers[Verdict.FILM], self.answers[Verdict.MISSING]
        parts = [f"{found:,} fetched" if found else "Nothing fetched", f"{missing:,} not found" if missing else ""]
        return ", ".join(filter(None, [*parts, self.failures]))


def fetch(plan: Plan) -> None:
    """Fetch the films without an answer, and write all answers to the service's csv file.

    Raises:
        ConfigError: There is no key, the terms are not accepted, or the data are a generated sample.
        MissingDataError: There is no release, or its links are missing.
        DataFormatError: The links or an earlier csv file are damaged.
        FetchError: The service does not answer, refuses the key, or the keys are used up.
        StoreError: The answers cannot be stored, or another fetch is running.
        KeyboardInterrupt: After Ctrl-C; the fetched films are written.
    """
    service, tally = plan.service, Tally()
    releases = find_releases(plan)
    wanted = wanted_films(plan, releases)
    path = plan.root / "metadata" / f"{service.name}.csv"
    with open_store(plan.root, service.name) as store:
        earlier = read_rows(path, service)
        known = store.known(since=0.0 if plan.max_age is None else time.time() - plan.max_age * DAY)
        known |= earlier.keys() - store.known()  # from elsewhere
        left = [film_id for film_id in wanted if film_id not in known]
        print(
            f"{service.title}: {len(wanted):,} films of {', '.join(release.name for release in releases)}, "
            f"{len(wanted) - len(left):,} of them answered before or in {path}."
        )
        try:
            if left:
                run(plan, store, left[: plan.limit], tally)
        except (FetchError, KeyboardInterrupt) as stop:
            raise explain(stop, len(left) - tally.answers.total()) from None
        finally:
            num_films = write_rows(path, service, earlier, store.films())
            print(f"{tally}. {path} {f'has {num_films:,} films' if num_films else 'is not written'}.")
    if num_left := len(left) - tally.answers.total():
        print(f"{are_left(num_left)}. Run the same command again to go on.")


def find_releases(plan: Plan) -> list[Release]:
    """List the chosen releases, or those below the data root."""
    if is_sample(plan.root):
        raise ConfigError(
            f"{plan.root} holds the generated sample, whose films are invented: their ids mean other films at "
            f"{plan.service.title}. Name a folder with a MovieLens release as --root."
        )
    if plan.releases:
        return [RELEASES[name] for name in plan.releases]
    own = [name for name in own_releases(plan.root) if find_file(plan.root, name, "links", "link")]
    releases = [*RELEASES.values(), *(find_release(plan.root, name) for name in own)]
    found = [release for release in releases if release.links and (plan.root / release.movies).is_file()]
    if not found:
        raise MissingDataError(
            f"Expected a MovieLens release with links in {plan.root.absolute()}, found none. Get one with "
            f"`{way_to(plan.root, 'download ml-latest-small')}`, or name its folder as --root."
        )
    return found


def wanted_films(plan: Plan, releases: list[Release]) -> list[int]:
    """List the service's ids of the releases' films, each once, in the order of the files."""
    wanted: dict[int, None] = {}
    for release in releases:
        links = read_links(plan.root, release)
        links = links[links["movie_id"].isin(read_movies(plan.root, release)["movie_id"])]  # other releases' films
        wanted |= dict.fromkeys(links[plan.service.link].tolist())
    wanted.pop(NO_ID, None)
    return list(wanted)


def run(plan: Plan, store: AnswerStore, film_ids: list[int], tally: Tally) -> None:
    """Fetch films until all are answered."""
    print(f"Fetching {len(film_ids):,} films takes about {estimate(plan, len(film_ids))}.", flush=True)
    keys = read_keys(plan.service, os.environ)
    agree(plan, store)
    client = Client(plan.service, keys, rate=plan.rate, base_url=plan.base_url)
    asyncio.run(ask_all(client, store, film_ids, tally))
    if tally.failed:
        raise FetchError(f"{tally.failures}.")


def estimate(plan: Plan, num_films: int) -> str:
    """Describe how long it takes to fetch some films."""
    daily = plan.service.daily
    if daily is not None and num_films > daily:
        return f"{math.ceil(num_films / daily)} days with one free key, which allows {daily:,} films a day"
    return f"{timedelta(seconds=math.ceil(num_films / plan.rate))} at {plan.rate:g} a second"


async def ask_all(client: Client, store: AnswerStore, film_ids: list[int], tally: Tally) -> None:
    """Fetch films, many at once, and store each answer as soon as it comes."""
    remaining, failed_in_a_row = iter(film_ids), 0

    async def work() -> None:
        nonlocal failed_in_a_row
        for film_id in remaining:
            try:
                answer = await client.ask(film_id)
            except AttemptError as failure:
                tally.failed, tally.reason, failed_in_a_row = tally.failed + 1, str(failure), failed_in_a_row + 1
                if failed_in_a_row == MAX_FAILURES:
                    raise FetchError(
                        f"{MAX_FAILURES} films in a row got no answer, the last because of: {failure}. See that you "
                        "are online."
                    ) from failure
            else:
                store.put(film_id, answer.verdict, answer.status, answer.body)
                tally.answers[answer.verdict] += 1
                failed_in_a_row = 0
            meter.show(tally.answers.total() + tally.failed, len(film_ids), tally.failures)

    # It would print a traceback of the SIGTERM that a task was stopped by.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    try:
        with Meter(client.service.title, "films") as meter:
            async with client.http, asyncio.TaskGroup() as tasks:
                for _ in range(CONNECTIONS):
                    tasks.create_task(work())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


def agree(plan: Plan, store: AnswerStore) -> None:
    """Show the service's terms before the first request, and ask the user to accept them."""
    service = plan.service
    if store.known():  # accepted before
        print(service.terms.splitlines()[0], flush=True)
        return
    print(service.terms, flush=True)
    if service.must_accept and not plan.accept_terms:
        if not is_attended():
            raise ConfigError(f"Expected --accept_terms, since {service.title}'s terms (above) must be accepted first.")
        if not asks_yes("Do you accept these terms?"):
            raise ConfigError(f"Nothing fetched: {service.title}'s terms are not accepted.")


def explain(stop: FetchError | KeyboardInterrupt, num_left: int) -> FetchError | KeyboardInterrupt:
    """Add to an error how many films are left, and what to do."""
    again = f"{are_left(num_left)}. Run the same command again to go on: what has been fetched is kept."
    if isinstance(stop, KeyboardInterrupt):
        return type(stop)(f"{'terminated' if isinstance(stop, Terminated) else 'interrupted'}; {again}")
    return FetchError(f"{stop} {again}")


def are_left(num_films: int) -> str:
    """Write "1 film is left"."""
    return f"{num_films:,} film{' is' if num_films == 1 else 's are'} left"
