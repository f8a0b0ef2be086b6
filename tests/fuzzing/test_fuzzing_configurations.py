"""Configurations, through the command line, which prints what it has understood."""

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml

from movierec.cli import main
from tests.fuzzing import mutation
from tests.fuzzing.contract import assert_one_error

VALID = b"""\
# A small network, trained for a moment.
seed_everything: 7
name: small
model:
  network:
    class_path: MLP
    init_args:
      hidden: [16, 8]
      dropout: 0.25
      activation: gelu
      lr: 0.005
trainer:
  max_epochs: 3
data:
  class_path: TMDbDataModule
  init_args:
    fractions: [0.8, 0.1, 0.1]
    batch_size: 64
    columns: [userId, genres]
checkpoint:
  monitor: val/rmse
"""
REFUSED = {
    "a list": b"- 1\n- 2\n", "a text": b"hello\n", "a number": b"5\n", "two documents": b"a: 1\n---\nb: 2\n",
    "an unknown option": b"nonsense: 1\n", "an unknown option of the model": b"model: {hiden: [1]}\n",
    "a negative width": b"model: {hidden: [-1]}\n", "a width of no layer": b"model: {hidden: [0]}\n",
    "a text for a number": b"model: {lr: fast}\n", "a dropout above 1": b"model: {dropout: 1.5}\n",
    "a rate that is NaN": b"model: {lr: .nan}\n",
    "a rate of 0": b"model: {lr: 0}\n", "an unknown activation": b"model: {activation: sine}\n",
    "no epochs": b"trainer: {max_epochs: many}\n",
    "an unknown class": b"data: {class_path: os.system, init_args: {command: 'true'}}\n",
    "a class of another kind": b"data: {class_path: pathlib.Path}\n", "a tag": b"!!python/object/apply:os.getcwd []\n",
    "a tag in an option": b"name: !!python/name:os.system\n", "a date that is none": b"name: 2024-99-99\n",
    "an anchor that is not there": b"name: *there\n", "an unclosed list": b"model: {hidden: [1, 2}\n",
    "a tab": b"model:\n\tlr: 1\n", "a NUL": b"name: a\0b\n", "an escape": b"name: \x1b[31m\n",
    "a key that is a list": b"? [1, 2]\n: 3\n",
    "lists in lists": b"name: " + b"[" * 5000 + b"]" * 5000 + b"\n",
    "maps in maps": b"{a: " * 3000 + b"1" + b"}" * 3000,
    "fractions of one": b"data: {class_path: TMDbDataModule, init_args: {fractions: [1.0]}}\n",
    "a negative batch": b"data: {class_path: TMDbDataModule, init_args: {batch_size: -4}}\n",

}  # fmt: skip
WHOLE_FILES = REFUSED | {f"noise {n}": mutation.noise(n) for n in range(3)}
EITHER = {
    "byte order mark": mutation.BOM + VALID, "CRLF": VALID.replace(b"\n", b"\r\n"),
    "lone CR": VALID.replace(b"\n", b"\r"), "utf-16": VALID.decode().encode("utf-16"),
} | {f"{change} {n}": mutation.damage(VALID, change, n) for change in mutation.CHANGES for n in range(6)}  # fmt: skip


def holds(found: Any, wanted: Any) -> bool:
    """Say whether what was understood is what the file says; numbers may have been written as texts, as 1e-3 is."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(holds(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(holds, found, wanted))
    if isinstance(found, str) and isinstance(wanted, str):
        return found == wanted or found.endswith(f".{wanted}")  # a class by its whole name
    return bool(found == wanted) or (wanted is not None and float(found) == float(wanted))


def run(folder: Path, content: bytes) -> tuple[int, str, str]:
    """Run a command with a configuration."""
    path = folder / "mine.yaml"
    path.write_bytes(content)
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        status = exit_status(["fit", "--config", str(path), "--print_config"])
    return status, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("name", [*WHOLE_FILES, *mutation.NOT_UTF_8])
def test_what_is_no_configuration_is_refused(tmp_path: Path, name: str) -> None:
    status, _, err = run(tmp_path, (WHOLE_FILES | dict(mutation.not_utf_8(VALID)))[name])
    assert_one_error(status, err)


@pytest.mark.parametrize("name", EITHER)
def test_a_damaged_configuration_is_refused_or_understood_as_it_says(tmp_path: Path, name: str) -> None:
    status, out, err = run(tmp_path, EITHER[name])
    if status:
        assert_one_error(status, err)
    else:
        assert holds(yaml.safe_load(out), yaml.safe_load(EITHER[name]) or {})


def exit_status(arguments: list[str]) -> int:
    """Run a command; wrong usage ends the process."""
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
