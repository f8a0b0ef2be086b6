"""Interface of a film service: how to request a film, and how to judge the answer."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar, NamedTuple

from movierec.errors import ConfigError


class Verdict(Enum):
    """The kind of an answer."""

    FILM = "film"
    MISSING = "missing"  # the service knows no such film, or IMDb has merged its id with another
    USED_UP = "used up"  # the key has had its requests of the day
    REFUSED = "refused"  # the key is not valid
    FAILED = "failed"  # anything else, too many requests among it; worth another attempt


class Judgement(NamedTuple):
    """The kind of an answer, and the reason if it is not a film."""

    verdict: Verdict
    reason: str = ""


class Question(NamedTuple):
    """A request for a film: the path below the service's address, the parameters, and the headers."""

    path: str
    params: dict[str, str]
    headers: dict[str, str] = {}  # noqa: RUF012 - nobody changes it


class Service(ABC):
    """A film service.

    Attributes:
        name: Its name on the command line and of its csv file.
        title: Its name in a sentence.
        base_url: Its address.
        variables: The environment variables that may hold keys.
        key_page: Where to get a key.
        rate: Requests a second that it allows, or that are polite.
        daily: Films a day that a free key allows; None for no limit.
        max_age: Days after which an answer is fetched again; None for never.
        terms: Terms of use of its data.
        must_accept: Whether the user must have accepted the terms before the first request.
        link: The column of the links that holds its film ids.
        columns: Columns of its csv file; the first one is the film's id.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    base_url: ClassVar[str]
    variables: ClassVar[tuple[str, ...]]
    key_page: ClassVar[str]
    rate: ClassVar[float]
    daily: ClassVar[int | None]
    max_age: ClassVar[float | None]
    terms: ClassVar[str]
    must_accept: ClassVar[bool]
    link: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    @abstractmethod
    def question(self, film_id: int, key: str) -> Question:
        """Build the request for a film."""

    @abstractmethod
    def judge(self, film_id: int, status: int, answer: Mapping[str, Any]) -> Judgement:
        """Judge the JSON object of an answer to the request for a film; empty if it is none."""

    @abstractmethod
    def row(self, film_id: int, answer: Mapping[str, Any]) -> dict[str, str]:
        """Turn a film's answer into a row of the csv file."""


def judge_film(film_id: int, status: int, found: Any) -> Judgement:
    """Judge an answer without an error message, by the id of the film that it is about."""
    if status != 200 or not isinstance(found, int):  # noqa: PLR2004 - OK
        return Judgement(Verdict.FAILED, f"HTTP status {status} without a film")
    return Judgement(Verdict.FILM if found == film_id else Verdict.MISSING)


def read_keys(service: Service, environment: Mapping[str, str]) -> dict[str, str]:
    """Read a service's keys, separated by commas.

    Returns:
        The keys by what to call them in messages, such as "key 1 of OMDB_API_KEY".

    Raises:
        ConfigError: There is none, or one holds characters that no key has.
    """
    keys = {
        f"key {number} of {variable}": value.strip()
        for variable in service.variables
        for number, value in enumerate(filter(str.strip, environment.get(variable, "").split(",")), start=1)
    }
    if not keys:
        names = " or ".join(service.variables)
        raise ConfigError(
            f"Expected a key of {service.title} in the environment variable {names}, found none. "
            f"Get one at {service.key_page} and set the variable; several keys are separated by commas."
        )
    for name, key in keys.items():
        if not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", key):
            raise ConfigError(
                f"Expected letters, digits and ._~+/=- in {name}, found other characters. Copy it again from "
                f"{service.key_page}."
            )
    return keys
