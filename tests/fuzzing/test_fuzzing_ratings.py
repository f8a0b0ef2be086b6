"""Ratings, in the three formats of MovieLens."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from movierec.datasets.catalog import RELEASES, Release
from movierec.datasets.movielens import read_ratings
from tests.fuzzing import mutation, reference
from tests.fuzzing.contract import assert_read_or_refused
from tests.fuzzing.mutation import Variant
from tests.fuzzing.values import IDS, STARS

CSV, DOUBLE_COLON, TAB = RELEASES["ml-latest-small"], RELEASES["ml-1m"], RELEASES["ml-100k"]
HEADER = b"userId,movieId,rating,timestamp\n"
ROWS = b"""\
1,1,4.0,964982703
1,3,4.5,964981247
1,50,5.0,964982931
2,1,0.5,1445714835
2,318,3.0,1445714835
3,31,0.5,1306463578
15,527,4.0,1306463999
15,9007199254740992,2.5,1510577970
9007199254740992,1,1.0,1510577970
"""
VALID = HEADER + ROWS
WHOLE = ROWS.replace(b".0", b"").replace(b"0.5", b"1").replace(b".5", b"")
COLONS, TABS = WHOLE.replace(b",", b"::"), WHOLE.replace(b",", b"\t")


FIELDS = {"user": (0, IDS), "film": (1, IDS), "rating": (2, STARS), "time": (3, IDS)}


def in_csv() -> Iterator[Variant]:
    yield from mutation.damaged(VALID, times=8)
    yield from mutation.reencoded(VALID)
    yield from mutation.empty(HEADER)
    yield from mutation.foreign(VALID)
    yield from mutation.not_utf_8(VALID, b"\n2,3")
    yield from mutation.tabular(VALID)
    for name, (column, texts) in FIELDS.items():
        yield from mutation.with_values(VALID, column, texts, name=name, row=4)


def in_lines(valid: bytes, mark: bytes) -> Iterator[Variant]:
    yield from mutation.damaged(valid)
    yield from mutation.reencoded(valid)
    yield from mutation.empty()
    yield from mutation.foreign(valid)
    yield from mutation.not_utf_8(valid, b"\n2")
    yield from mutation.lines_of_fields(valid, mark)
    for name in "film", "rating":
        column, texts = FIELDS[name]
        yield from mutation.with_values(valid, column, texts, name=name, row=3, mark=mark)


def read(root: Path, release: Release) -> list[tuple[int, int, float, int]]:
    frame = read_ratings(root, release)
    return list(zip(*(frame[name].tolist() for name in frame), strict=True))


def place(root: Path, release: Release) -> Path:
    path = root / release.ratings
    path.parent.mkdir()
    return path


@pytest.mark.parametrize("variant", mutation.params(in_csv()))
def test_ratings_in_csv(tmp_path: Path, variant: Variant) -> None:
    path = place(tmp_path, CSV)
    assert_read_or_refused(variant, path, lambda: read(tmp_path, CSV), reference.csv_ratings, VALID)


@pytest.mark.parametrize("variant", mutation.params(in_lines(COLONS, b"::")))
def test_ratings_between_double_colons(tmp_path: Path, variant: Variant) -> None:
    path = place(tmp_path, DOUBLE_COLON)
    expected = partial(reference.line_ratings, mark="::")
    assert_read_or_refused(variant, path, lambda: read(tmp_path, DOUBLE_COLON), expected, COLONS)


@pytest.mark.parametrize("variant", mutation.params(in_lines(TABS, b"\t")))
def test_ratings_between_tabs(tmp_path: Path, variant: Variant) -> None:
    path = place(tmp_path, TAB)
    expected = partial(reference.line_ratings, mark="\t")
    assert_read_or_refused(variant, path, lambda: read(tmp_path, TAB), expected, TABS)
