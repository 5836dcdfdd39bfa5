"""The benchmark makes what it says it makes, and notices pairs that are wrong."""

import pytest

from analysis.source.spans import bench_pairing
from analysis.source.spans.bench_pairing import WrongPairsError, measure


def test_rows_are_those_of_the_pairs_however_many_spans() -> None:
    """One row a pair, and three a pod: its kinds with and without a parent."""
    few, many = measure(3_000, pods=4), measure(90_000, pods=4)
    assert (few.spans, many.spans) == (3_000, 90_000)
    assert few.rows == many.rows == (4 * 4 - 1) + 3 * 4


def test_wrong_pairs_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call more or less is noticed."""
    made = bench_pairing._made
    monkeypatch.setattr(bench_pairing, "_made", lambda calls, pods, length_s: made(calls - 1, pods, length_s))
    with pytest.raises(WrongPairsError, match="999 calls of 15 pairs"):
        measure(3_000, pods=4)
