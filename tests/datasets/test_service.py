"""The keys of a service, from the environment."""

import pytest

from movierec.datasets.omdb import OMDb
from movierec.datasets.service import Key, read_keys
from movierec.datasets.tmdb import TMDb
from movierec.errors import ConfigError


def test_keys_come_from_the_environment_separated_by_commas() -> None:
    keys = read_keys(OMDb(), {"OMDB_API_KEY": " one, two,,three"})
    assert [(str(key), key.value) for key in keys] == [
        ("key 1 of OMDB_API_KEY", "one"),
        ("key 2 of OMDB_API_KEY", "two"),
        ("key 3 of OMDB_API_KEY", "three"),
    ]
    both = read_keys(TMDb(), {"TMDB_API_KEY": "older", "TMDB_READ_TOKEN": "token"})
    assert [key.value for key in both] == ["token", "older"]


@pytest.mark.parametrize("value", ["", " ", ",", ", ,"])
def test_without_a_key_the_message_says_where_to_get_one(value: str) -> None:
    with pytest.raises(ConfigError, match=r"OMDB_API_KEY, found none\. Get one at https://www\.omdbapi\.com"):
        read_keys(OMDb(), {"OMDB_API_KEY": value})


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "schlüssel", '"quoted"'])
def test_a_key_with_characters_that_no_key_has_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(ConfigError, match="found other characters") as stop:
        read_keys(OMDb(), {"OMDB_API_KEY": value})
    assert value not in str(stop.value)
    assert value not in repr(Key("OMDB_API_KEY", 1, value))
