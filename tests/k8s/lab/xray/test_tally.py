"""The table of counts: what leaves it takes its cells along, what stays adds up as before."""

from k8s.lab.xray.graph import OWN, Contribution
from k8s.lab.xray.tally import EVERYTHING, Ledger, Selection, Total


def of(node: int, *, start_s: float = 0.0, response_s: float = 0.25) -> Contribution:
    return Contribution(OWN, node, start_s, response_s, response_s, 0)


def by_node(totals: list[Total]) -> dict[int, int]:
    return {total.node: sum(total.by_outcome) for total in totals}


def test_compaction_moves_rows_and_forgets_cells() -> None:
    """After compaction the sums are the same, new rows fit in, and dropped places are the new ones."""
    ledger = Ledger()
    places = [ledger.add([of(1 + number % 100)], groups=0) for number in range(20_000)]
    gone = [place for number, place in enumerate(places) if number % 100 >= 10]
    for place in gone:
        ledger.drop(place)
    kept = [place for number, place in enumerate(places) if number % 100 < 10]
    before = ledger.totals(EVERYTHING)
    wanted = ledger.wants_compaction()
    moved = list(ledger.compact(kept))
    after = ledger.totals(EVERYTHING)
    ledger.drop(moved[0])
    ledger.add([of(50)], groups=0)

    assert wanted
    assert len(kept) == 2_000
    assert by_node(before) == by_node(after) == dict.fromkeys(range(1, 11), 200)
    assert by_node(ledger.totals(EVERYTHING)) == {**dict.fromkeys(range(1, 11), 200), 1: 199, 50: 1}
    assert not ledger.wants_compaction()


def test_histograms_are_scattered_and_complete() -> None:
    """Each millisecond is there once with its count, in an order that is not the order of size."""
    ledger = Ledger()
    ledger.add([of(1, response_s=number / 1000) for number in range(50) for _ in range(2)], groups=0)
    (total,) = ledger.totals(EVERYTHING)

    assert sorted(total.responses) == [(number, 2) for number in range(50)]
    assert list(total.responses) != sorted(total.responses)
    assert total.durations == total.responses


def test_selection_by_group() -> None:
    """A group's bit selects the rows that carry it."""
    ledger = Ledger()
    ledger.add([of(1)], groups=0b10)
    ledger.add([of(2)], groups=0b01)

    chosen = Selection(start_s=0.0, end_s=1.0, group_bit=1)
    assert by_node(ledger.totals(chosen)) == {1: 1}
