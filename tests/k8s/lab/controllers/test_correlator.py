"""Which events are written: counted, combined, held back."""

from k8s.lab.controllers.correlator import Correlator, Observed
from k8s.routing.hints import HintsEvent

CATALOG = ("shop", "catalog", "uid-1")


def tell(
    correlator: Correlator, message: str, now_s: float, about: tuple[str, str, str] = CATALOG
) -> Observed | None:
    return correlator.observe(about, HintsEvent(type="Warning", reason="Refused", message=message), now_s)


def test_an_identical_event_raises_the_count_of_the_first() -> None:
    """Its name and its first time stay."""
    correlator = Correlator()
    first, second = tell(correlator, "no", 100.0), tell(correlator, "no", 160.0)

    assert first is not None
    assert second is not None
    assert (first.name, first.count, first.first_s) == ("catalog.174876e800", 1, 100.0)
    assert (second.name, second.count, second.first_s, second.last_s) == (first.name, 2, 100.0, 160.0)


def test_events_of_another_object_are_others() -> None:
    """Also of one that has the name of an earlier one."""
    correlator = Correlator()
    tell(correlator, "no", 100.0)
    again = tell(correlator, "no", 101.0, about=("shop", "catalog", "uid-2"))

    assert again is not None
    assert again.count == 1


def test_the_tenth_similar_event_begins_one_that_stands_for_all_further_ones() -> None:
    """Nine messages have an event each; the combined one says the last message and counts."""
    correlator = Correlator()
    told = [tell(correlator, f"{number} endpoints", 100.0 + number) for number in range(12)]

    written = [(one.event.message, one.count) for one in told if one is not None]
    assert written[8:] == [
        ("8 endpoints", 1),
        ("(combined from similar events): 9 endpoints", 1),
        ("(combined from similar events): 10 endpoints", 2),
        ("(combined from similar events): 11 endpoints", 3),
    ]
    assert len({one.name for one in told[9:] if one is not None}) == 1


def test_after_ten_quiet_minutes_events_are_not_similar_any_more() -> None:
    """The eleventh message comes late enough to stand for itself."""
    correlator = Correlator()
    for number in range(10):
        tell(correlator, f"{number} endpoints", 100.0)
    late, later = tell(correlator, "x", 700.0), tell(correlator, "y", 1301.0)

    assert late is not None
    assert later is not None
    assert (late.event.message, later.event.message) == ("(combined from similar events): x", "y")


def test_more_than_a_burst_about_one_object_is_held_back_and_counted() -> None:
    """Twenty-five writes, then one every five minutes, which tells the count so far."""
    correlator = Correlator()
    told = [tell(correlator, "no", 100.0) for _ in range(40)]

    assert [one.count for one in told if one is not None] == list(range(1, 26))
    assert tell(correlator, "no", 399.0) is None
    late = tell(correlator, "no", 401.0)
    assert late is not None
    assert late.count == 42
    other = tell(correlator, "no", 401.0, about=("shop", "ui", "uid-3"))
    assert other is not None
