"""What holds for every file: it is read with the right numbers, or refused with one clear line."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from movierec.errors import MovierecError
from tests.fuzzing.mutation import Variant

Read = TypeVar("Read")


def assert_read_or_refused(
    variant: Variant, path: Path, read: Callable[[], Read], expected: Callable[[bytes], Read], valid: bytes
) -> None:
    """Write a variant, read it, and compare with what the reference reads of it.

    Args:
        variant: What to write.
        path: Where to.
        read: The reader.
        expected: The reference; a `ValueError` means that nothing can be read.
        valid: The file that the variant was made of.
    """
    path.write_bytes(variant.content)
    try:
        found = read()
    except MovierecError as error:
        assert variant.outcome != "read"
        assert_clear(str(error), path, variant.line)
        return
    assert variant.outcome != "refused"
    assert found == expected(variant.content if variant.outcome == "either" else valid)


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
