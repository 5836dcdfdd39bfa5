"""The calls under test over the time of their window."""

from dataclasses import replace

import pytest

from analysis.arm import course
from analysis.placement import Timeline
from analysis.source.interface import SampledCall
from analysis.statistics.clusters import Unit
from k8s.topology import ServiceKey, Zone
from tests.analysis.graphs import snapshot

TIMELINE = Timeline(
    [snapshot({"ui-1": "node-a", "catalog-1": "node-a", "catalog-2": "node-b", "catalog-3": None})]
)


def sent(at_s: float, server: str, connection: int | None = None, *, is_fault: bool = False) -> tuple:
    """A call of ui-1, with the moment that it was sent at."""
    call = SampledCall(
        client="ui-1", server=server, connection=connection, duration_s=0.002, start_s=at_s, is_fault=is_fault
    )
    return at_s, call


def test_calls_are_counted_where_they_were_sent():
    """20 s become stretches of 2 s; one without calls is there, with nothing in it."""
    found = list(
        course.stretches(
            [
                sent(100.0, "catalog-1", 1),
                sent(101.9, "catalog-2", 2, is_fault=True),
                sent(102.0, "catalog-3", 3),
                sent(120.5, "catalog-1", 4),
            ],
            TIMELINE,
            Unit.CONNECTION,
        )
    )

    assert [one.start_s for one in found] == [100.0 + 2 * place for place in range(11)]
    first, second, third = found[:3]
    assert (first.same_zone, first.cross_zone, first.unknown, first.failed) == (1, 1, 0, 1)
    assert first.share is not None
    assert (first.share.estimate, first.share.n) == (0.5, 2)
    assert (second.unknown, second.share, second.mean_s) == (1, None, pytest.approx(0.002))
    assert (third.calls, third.share, third.mean_s) == (0, None, None)
    assert sum(one.calls for one in found) == 4


@pytest.mark.parametrize(
    ("unit", "connection", "worth"),
    [
        (Unit.CONNECTION, None, 2),
        (Unit.CONNECTION, 7, 2),
        (Unit.PAIR, 1, 2),
        (Unit.CLIENT_POD, 1, 1),
    ],
)
def test_calls_that_share_a_choice_count_once(unit, connection, worth):
    """Eight calls on two connections, or of two pod pairs, are worth two choices; of one client pod one."""
    calls = [sent(10.0, f"catalog-{1 + place % 2}", connection) for place in range(8)]
    (found,) = course.stretches(calls, TIMELINE, unit)

    assert found.share is not None
    assert (found.calls, found.share.n, found.share.estimate) == (8, worth, 0.5)


def test_never_more_stretches_than_a_phone_shows():
    """Whatever the length of the window, and also where it is a single moment."""
    for span in (0.0, 0.5, 40.0, 61.0, 599.0, 86_400.0, 40 * 86_400.0):
        calls = [sent(0.0, "catalog-1"), sent(span, "catalog-1")]
        assert len(list(course.stretches(calls, TIMELINE, Unit.PAIR))) <= course.MOST + 1


def test_changes_of_the_endpoints_are_told():
    """Where a snapshot shows others than the one before: hints that went, a pod that is not ready."""
    whole = snapshot({"catalog-1": "node-a"})
    one = next(found for found in whole.slices if found.service == "catalog")
    hinted = tuple(replace(end, ready=True, zone_hints=(Zone("a"),)) for end in one.endpoints)
    with_hints = replace(whole, taken_at_s=1.0, slices=(replace(one, endpoints=hinted),))
    without = tuple(replace(end, zone_hints=()) for end in hinted)
    shown = [with_hints, replace(with_hints, taken_at_s=2.0), replace(with_hints, taken_at_s=3.0)]
    shown[2] = replace(shown[2], slices=(replace(one, endpoints=without),))

    (found,) = course.endpoint_changes(shown, ServiceKey(namespace=one.namespace, name=one.service))
    count = len(hinted)
    assert found.at_s == 3.0
    assert found.text == f"{count} endpoints ready, 0 of them hinted; {count} and {count} before."
