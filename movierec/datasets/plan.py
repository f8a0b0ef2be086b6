"""What a fetch is to get: from whom, how fast, and of which films."""

from dataclasses import dataclass
from pathlib import Path

from movierec.datasets.catalog import RELEASES, Release
from movierec.datasets.movielens import NO_ID, read_links, read_movies
from movierec.datasets.root import is_sample, way_to
from movierec.datasets.service import Service
from movierec.errors import ConfigError, MissingDataError


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to fetch, and how.

    Attributes:
        service: Whom to ask.
        root: The data root.
        releases: The releases whose films are fetched; none for all that are below the root.
        max_age: Days after which an answer is asked for again; None for never.
        rate: Requests a second, at most.
        missing_only: Whether films that the csv file has are left as they are.
        limit: Films to ask for now, at most; None for all.
        base_url: The service's address, or that of a mirror.
        accept_terms: Whether the user accepts the service's terms.
        attempts: Requests for a film before it is left.
        backoff: Seconds before the second attempt, and as many by chance; doubled for each further one.
        timeout: Seconds that a whole answer may take.
    """

    service: Service
    root: Path
    releases: tuple[str, ...] = ()
    max_age: float | None
    rate: float
    missing_only: bool = False
    limit: int | None = None
    base_url: str
    accept_terms: bool = False
    attempts: int = 5
    backoff: float = 1.0
    timeout: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what cannot be done.

        Raises:
            ConfigError: A number is too small, a release is unknown or has no links, or the films are invented.
        """
        for option, value, is_good in (
            ("--rate above 0", self.rate, 0 < self.rate < float("inf")),
            ("--max_age of 0 or more", self.max_age, self.max_age is None or self.max_age >= 0),
            ("--limit of 1 or more", self.limit, self.limit is None or self.limit >= 1),
        ):
            if not is_good:
                raise ConfigError(f"Expected {option}, got {value}.")
        linked = [release.name for release in RELEASES.values() if release.links]
        if unknown := [name for name in self.releases if name not in linked]:
            why = "has no links to other databases" if unknown[0] in RELEASES else "is none"
            raise ConfigError(f"Expected releases among {', '.join(linked)}; {unknown[0]} {why}.")
        if is_sample(self.root):
            raise ConfigError(
                f"{self.root} holds the generated sample, whose films are invented: {self.service.title} knows others "
                "by their ids. Name a folder with a MovieLens release as --root."
            )


def find_releases(plan: Plan) -> list[Release]:
    """List the releases that are asked for, or those that are below the data root.

    Raises:
        MissingDataError: There is none.
    """
    if plan.releases:
        return [RELEASES[name] for name in plan.releases]
    found = [release for release in RELEASES.values() if release.links and (plan.root / release.movies).is_file()]
    if not found:
        raise MissingDataError(
            f"Expected a MovieLens release with links in {plan.root.absolute()}, found none. Get one with "
            f"`{way_to(plan.root, 'download ml-latest-small')}`, or name its folder as --root."
        )
    return found


def wanted_films(plan: Plan, releases: list[Release]) -> list[int]:
    """List the ids that the releases' films have at the service, each once, in the order of the files.

    Raises:
        MissingDataError: A file is not there.
        DataFormatError: A file is damaged.
    """
    wanted: dict[int, None] = {}
    for release in releases:
        links = read_links(plan.root, release)
        links = links[links["movie_id"].isin(read_movies(plan.root, release)["movie_id"])]  # other releases' films
        wanted |= dict.fromkeys(links[plan.service.link].tolist())
    wanted.pop(NO_ID, None)
    return list(wanted)
