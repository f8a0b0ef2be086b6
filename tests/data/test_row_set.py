import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec.data import row_set
from movierec.data.row_set import add_up, fingerprint, in_digits, mix, without

ids = st.integers(0, 2**53)


def rows(values: object) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_the_hash_is_splitmix64() -> None:
    # The first three numbers of the generator of seed 0, as its authors' code prints them.
    step = 0x9E3779B97F4A7C15
    states = np.array([0, step, 2 * step % 2**64], dtype=np.uint64)
    assert mix(states).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@given(st.sets(ids), st.sets(ids))
def test_two_sets_have_the_same_fingerprint_only_if_they_are_the_same(one: set[int], other: set[int]) -> None:
    assert (fingerprint(rows(list(one))) == fingerprint(rows(list(other)))) is (one == other)


@given(st.lists(ids, unique=True), st.data())
def test_fingerprints_of_parts_add_up_in_any_order(values: list[int], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(values))
    cut = data.draw(st.integers(0, len(values)))
    whole, first, second = (fingerprint(rows(part)) for part in (values, shuffled[:cut], shuffled[cut:]))
    assert whole == add_up([second, first])
    assert without(whole, first) == second


def test_a_pair_is_not_its_mirror_and_not_two_rows() -> None:
    assert fingerprint(rows([1]), rows([2])) != fingerprint(rows([2]), rows([1]))
    assert fingerprint(rows([1, 3]), rows([2, 4])) != fingerprint(rows([1, 3]), rows([4, 2]))


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    values = rows(range(1000))
    before = fingerprint(values, values + 1)
    monkeypatch.setattr(row_set, "CHUNK", 7)
    assert fingerprint(values, values + 1) == before


def test_a_fingerprint_is_written_in_sixteen_digits() -> None:
    assert (in_digits(255), in_digits(2**64 - 1)) == ("00000000000000ff", "f" * 16)
