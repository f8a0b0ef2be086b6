"""Fetching the metadata of films from TMDb or OMDb, and going on where the last fetch has stopped."""

import asyncio
import math
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from movierec.console import asks_yes, is_attended
from movierec.datasets.client import CONNECTIONS, AttemptError, Client, QuotaError
from movierec.datasets.meter import Meter
from movierec.datasets.omdb import OMDb
from movierec.datasets.plan import Plan, find_releases, wanted_films
from movierec.datasets.rows import Rows, read_rows, write_rows
from movierec.datasets.service import Key, Service, Verdict, read_keys
from movierec.datasets.store import AnswerStore
from movierec.datasets.tmdb import TMDb
from movierec.errors import ConfigError, FetchError

SERVICES: dict[str, Service] = {service.name: service for service in (TMDb(), OMDb())}
DAY = 86_400.0  # seconds
MAX_FAILURES = 10  # films in a row without an answer in all their attempts; then the service is down


@dataclass
class Tally:
    """How many films were found, are not known to the service or known as another, or got no answer."""

    found: int = 0
    missing: int = 0
    other: int = 0
    failed: int = 0
    failed_in_a_row: int = 0
    reason: str = ""

    def count(self, verdict: Verdict) -> None:
        """Count an answer."""
        self.found += verdict is Verdict.FILM
        self.missing += verdict is Verdict.MISSING
        self.other += verdict is Verdict.OTHER
        self.failed_in_a_row = 0

    def fail(self, reason: str) -> None:
        """Count a film that got no answer.

        Raises:
            FetchError: It is one of many in a row.
        """
        self.failed += 1
        self.failed_in_a_row += 1
        self.reason = reason
        if self.failed_in_a_row == MAX_FAILURES:
            raise FetchError(
                f"{MAX_FAILURES} films in a row got no answer, the last because of: {reason}. See that you are online."
            )

    @property
    def answered(self) -> int:
        """How many will not be asked for again."""
        return self.found + self.missing + self.other

    def __str__(self) -> str:
        """List the numbers that are not 0."""
        counts = {
            "not found": self.missing,
            "answered with another film": self.other,
            "without an answer": self.failed,
        }
        found = f"{self.found:,} fetched" if self.found else "Nothing fetched"
        return ", ".join([found, *(f"{n:,} {what}" for what, n in counts.items() if n)])


def fetch(plan: Plan) -> None:
    """Fetch the films that have no answer yet, and write all there are into the service's csv file.

    Raises:
        ConfigError: There is no key, or the terms are not accepted.
        MissingDataError: There is no release, or its links are not there.
        DataFormatError: The links or an earlier csv file are damaged.
        FetchError: The service does not answer, refuses the key, or the keys are used up.
        StoreError: The answers cannot be kept, or another fetch is at work.
        KeyboardInterrupt: After Ctrl-C, when what was fetched is written.
    """
    releases = find_releases(plan)
    wanted = wanted_films(plan, releases)
    path = plan.root / "metadata" / f"{plan.service.name}.csv"
    with AnswerStore(plan.root, plan.service.name) as store:
        earlier = read_rows(path, plan.service)
        num_films = write_rows(path, plan.service, earlier, store.films())  # what a fetch that was killed has kept
        known = store.known(since=0.0 if plan.max_age is None else time.time() - plan.max_age * DAY)
        left = [film_id for film_id in wanted if film_id not in known]
        print(
            f"{plan.service.title}: {len(wanted):,} films of {', '.join(release.name for release in releases)}, "
            f"{len(wanted) - len(left):,} of them answered before."
        )
        if plan.missing_only:
            left = [film_id for film_id in left if film_id not in earlier]
        announce(plan, left[: plan.limit], path, earlier)
        tally = Tally()
        stop = run(plan, store, left[: plan.limit], tally)
        if tally.found:
            num_films = write_rows(path, plan.service, earlier, store.films())
    print(f"{tally}. {path} {f'has {num_films:,} films' if num_films else 'is not written'}.")
    num_left = len(left) - tally.answered
    if stop or tally.failed:
        raise explain(stop, plan, tally, num_left) from None
    if num_left:
        print(f"{are_left(num_left)}. Run the same command again to go on.")


def announce(plan: Plan, film_ids: list[int], path: Path, earlier: Rows) -> None:
    """Say what is asked for although the csv file has it, and how long all of it takes."""
    if repeated := sum(film_id in earlier for film_id in film_ids):
        print(f"{are_left(repeated, f'asked for although in {path} already')}; --missing_only leaves those out.")
    daily = plan.service.daily
    if daily is not None and len(film_ids) > daily:
        days = math.ceil(len(film_ids) / daily)
        duration = f"{days} days with one free key, which is good for {daily:,} films a day"
    else:
        duration = f"{timedelta(seconds=math.ceil(len(film_ids) / plan.rate))} at {plan.rate:g} a second"
    if film_ids:
        print(f"Asking for {len(film_ids):,} takes about {duration}.", flush=True)  # before the meter's lines in a log


def run(plan: Plan, store: AnswerStore, film_ids: list[int], tally: Tally) -> FetchError | KeyboardInterrupt | None:
    """Ask for films until all are answered, or return what has put an end to it."""
    if not film_ids:
        return None
    keys = read_keys(plan.service, os.environ)
    agree(plan, store)
    try:
        asyncio.run(ask_all(plan, keys, store, film_ids, tally))
    except (FetchError, KeyboardInterrupt) as stop:
        return stop
    return None


async def ask_all(plan: Plan, keys: list[Key], store: AnswerStore, film_ids: list[int], tally: Tally) -> None:
    """Ask for films, many at once, and keep each answer as soon as it comes."""
    remaining = iter(film_ids)

    async def work() -> None:
        for film_id in remaining:
            try:
                answer = await client.ask(film_id)
            except AttemptError as failure:
                tally.fail(str(failure))
            else:
                store.put(film_id, answer.verdict, answer.status, answer.body)
                tally.count(answer.verdict)
            meter.advance(f"{tally.failed:,} without an answer ({tally.reason})" if tally.failed else "")

    client = Client(
        plan.service, keys, rate=plan.rate, base_url=plan.base_url,
        attempts=plan.attempts, backoff=plan.backoff, timeout=plan.timeout,
    )  # fmt: skip
    try:
        with Meter(plan.service.title, len(film_ids)) as meter:
            async with client, asyncio.TaskGroup() as tasks:
                for _ in range(CONNECTIONS):
                    tasks.create_task(work())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


def agree(plan: Plan, store: AnswerStore) -> None:
    """Show the service's terms before the first request, and let the user decide.

    Raises:
        ConfigError: The user does not accept them, or cannot be asked.
    """
    service = plan.service
    if store.has_accepted(service.terms):
        print(service.terms.splitlines()[0], flush=True)
        return
    print(service.terms, flush=True)
    if service.must_accept and not plan.accept_terms:
        if not is_attended():
            raise ConfigError(f"Expected --accept_terms, since {service.title}'s terms (above) must be accepted first.")
        if not asks_yes("Do you accept these terms?"):
            raise ConfigError(f"Nothing fetched: {service.title}'s terms are not accepted.")
    store.accept(service.terms)


def explain(
    stop: FetchError | KeyboardInterrupt | None, plan: Plan, tally: Tally, num_left: int
) -> FetchError | KeyboardInterrupt:
    """Say why films are left, and what to do."""
    left = are_left(num_left)
    again = "Run the same command again to go on: what has been fetched is kept."
    if isinstance(stop, KeyboardInterrupt):
        return KeyboardInterrupt(f"interrupted; {left}. {again}")
    if isinstance(stop, QuotaError):
        return FetchError(
            f"The day's requests of all keys in {' and '.join(plan.service.variables)} are used up; {left}. Run the "
            "same command again tomorrow, or with further keys, separated by commas; what has been fetched is kept."
        )
    if stop:
        return FetchError(f"{stop} {left}. {again}")
    return FetchError(
        f"{are_left(tally.failed, 'without an answer')}, the last because of: {tally.reason}; {left}. {again}"
    )


def are_left(num_films: int, what: str = "left") -> str:
    """Write "1 film is left"."""
    return f"{num_films:,} film{' is' if num_films == 1 else 's are'} {what}"
