"""Chunks of whole records, and fields counted without a parser, against the csv module."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from movierec.datasets import chunk
from movierec.datasets.chunk import count_fields, count_lines, first_line, has_equal_lines, read_chunks

ALPHABET = ',,,\n\n\n\rab \t\x0b\x1c\x85\xa0\u2028\ufeff\u00e9\u5343""""'
deterministic = settings(derandomize=True, deadline=None, max_examples=600, database=None)


def csv_records(text: str) -> list[list[str]]:
    lines = csv.reader(io.StringIO(text, newline=""))
    return [fields for fields in lines if len(fields) > 1 or "".join(fields).strip()]


@deterministic
@given(st.text(alphabet=ALPHABET), st.integers(1, 4), st.integers(1, 9))
@example("a,b\r\nc,d", 2, 4)
@example("a,b\n  \nc,d\n", 2, 1)
@example("a\n \n", 1, 1)
@example("\ufeff\na,b\n", 2, 1)
@example('a,"b\n""c,""\n"\nd,e', 2, 1)
@example('a,6" disk\nb,"7""\n"\n', 2, 1)
@example('"a"\n"b', 1, 1)
def test_chunks_hold_the_records_of_the_file_and_are_of_equal_lines_only_when_the_csv_module_says_so(
    tmp_path_factory: pytest.TempPathFactory, text: str, num_fields: int, chunk_bytes: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "chunks.csv"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk, "CHUNK_BYTES", chunk_bytes)
        chunks = list(read_chunks(path, quoted=True))
        lines = [first_line(path, part) for part in chunks]
    records = [csv_records(part.text.decode()) for part in chunks]
    assert [record for part in records for record in part] == csv_records(text.removeprefix("\ufeff"))
    assert lines == [1 + count_lines(text.encode()[: part.start]) for part in chunks]
    for part, fields in zip(chunks, records, strict=True):
        if has_equal_lines(part.text, num_fields):
            assert {len(record) for record in fields} <= {num_fields}


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        (b"a,b\n\nc\r\n,,\r\r \n", [2, 1, 3, 1]),
        (b'a,"b,c"\n"d\n,",e\r\n"","""",f\n', [2, 2, 3]),
        (b"", []),
    ],
)
def test_fields_are_counted_line_by_line(text: bytes, counts: list[int]) -> None:
    assert count_fields(text).tolist() == counts
    assert all(has_equal_lines(text, n) is (set(counts) <= {n}) for n in (1, 2, 3))


@pytest.mark.parametrize("text", [b'a,6" disk\n', b'"a"b,c\n', b'a,"b\n', b'a, "b"\n'])
def test_quotes_that_no_program_writes_are_left_to_a_parser(text: bytes) -> None:
    assert not has_equal_lines(text, 2)


def test_a_chunk_ends_with_a_line_and_not_within_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk, "CHUNK_BYTES", 4)
    (tmp_path / "f").write_bytes(b'\xef\xbb\xbfid,a\n1,"x\n\ny"\n2,"z"\n')
    assert [tuple(part) for part in read_chunks(tmp_path / "f", quoted=True)] == [
        (0, b"id,a\n"), (8, b'1,"x\n\ny"\n'), (17, b'2,"z"\n')
    ]  # fmt: skip
    assert [part.text for part in read_chunks(tmp_path / "f", quoted=False)] == [
        b"id,a\n", b'1,"x\n', b'\ny"\n2,"z"\n'
    ]  # fmt: skip
