"""What holds for every file: it is read with the right numbers, or refused with one clear line."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from movierec.errors import MovierecError
from tests.fuzzing.reference import LineError


def assert_read_or_refused(
    content: bytes, path: Path, read: Callable[[], Any], expected: Callable[[bytes], Any]
) -> None:
    """Write a file, and check that it is read as the reference reads it, or refused where the reference refuses it."""
    path.write_bytes(content)
    try:
        wanted = expected(content)
    except ValueError as refused:
        with pytest.raises(MovierecError) as caught:
            read()
        assert_clear(str(caught.value), path, refused.line if isinstance(refused, LineError) else None)
        return
    assert read() == wanted


def assert_clear(message: str, path: Path, line: int | None = None) -> None:
    """Check that a message is one line for people, which names the file, and the line where one is at fault."""
    assert message.isprintable()
    assert str(path) in message
    named = re.search(r"lines? (\d+)", message.replace(str(path), ""))
    if line is not None:
        assert named is not None, message
        assert int(named[1]) == line
    elif named is not None and path.is_file():
        assert 1 <= int(named[1]) <= len(re.findall(rb"\r\n|\r|\n", path.read_bytes())) + 1


def assert_one_error(status: int, err: str) -> None:
    """Check that a command ended with one error for people."""
    assert status in (1, 2)
    assert len(re.findall(r"^(?:python -m )?movierec[\w ]*: error: ", err, re.MULTILINE)) == 1, err
    assert "Traceback" not in err
    assert "error: unexpected" not in err
    assert all(line.isprintable() for line in err.splitlines()), err
