"""Hints that are possible and absent: lost for good, a restarted controller, or only just asked for."""

from dataclasses import replace

import pytest

from k8s.doctor.examination import examine
from k8s.doctor.finding import Severity
from k8s.model.scene import Scene
from k8s.topology import Event
from tests.k8s.cases import slice_of, zoneless
from tests.k8s.doctor.doctor_cases import (
    ENABLED,
    KEY,
    NODE_INFO,
    RACE,
    SWITCHED_OFF,
    ZONELESS,
    event,
    finding,
    scene,
    serious,
)


@pytest.mark.parametrize(
    ("events", "severity", "said"),
    [
        ([NODE_INFO, ENABLED], Severity.PROBLEM, "refused for a reason that no longer holds"),
        ([SWITCHED_OFF, ENABLED], Severity.PROBLEM, "last word is that Auto was switched off"),
        ([ENABLED], Severity.PROBLEM, "gone without a word"),
        ([], Severity.PROBLEM, "just asked for and not yet looked at, or lost so long ago"),
        (None, Severity.PROBLEM, "the events that would tell were not read"),
        ([replace(NODE_INFO, last_seen_s=9_995.0)], Severity.RISK, "look again before doing anything"),
        ([replace(SWITCHED_OFF, last_seen_s=9_995.0)], Severity.RISK, "look again before doing anything"),
    ],
    ids=["sticky", "not synced", "taken", "expired", "no events", "just refused", "just switched"],
)
def test_kinds_of_absence(events: list[Event] | None, severity: Severity, said: str) -> None:
    """The controller's newest word tells loss from not yet; without events that is said."""
    found = finding(scene(events=events), "D30")

    assert found.severity is severity
    assert said in found.meaning
    assert "samezone/touched=" in found.fix
    assert not found.blocks_hints


@pytest.mark.parametrize("order", [[NODE_INFO, ENABLED], [ENABLED, NODE_INFO]])
def test_newest_event_counts(order: list[Event]) -> None:
    """Events are taken by time, not by their order."""
    newer = replace(order[0], last_seen_s=9_900.0)

    found = finding(scene(events=[newer, order[1]]), "D30")

    assert found.evidence[1].value == f"{newer.message} (x1, 100 s ago)"


@pytest.mark.parametrize(
    ("place", "codes"),
    [
        (scene(pods="2/1/1", events=[NODE_INFO]), ["D21"]),
        (scene(more=[ZONELESS], events=[NODE_INFO]), ["D10"]),
        (scene(slices=[zoneless(slice_of("3/3/3"))], events=[NODE_INFO]), ["D23"]),
        (scene("1", "3", events=[RACE]), ["D12"]),
        (scene(events=[RACE]), ["D13"]),
    ],
    ids=["number", "node", "endpoint", "one zone", "restart"],
)
def test_what_is_impossible_is_not_lost(place: Scene, codes: list[str]) -> None:
    """What cannot be had now is not called lost, whatever was said before."""
    assert serious(examine(place, KEY)) == codes


def test_other_events_say_nothing() -> None:
    """Events of another family, or about something else, are not the controller's word."""
    other = event("Nodes only ready in one zone", family="IPv6")
    foreign = replace(RACE, reason="FailedToListPods")

    found = finding(scene(events=[other, foreign]), "D30")

    assert found.evidence[1].value == "none"


def test_half_hinted_is_not_lost() -> None:
    """Where some endpoints have hints it is not a loss but a missing hint."""
    one = slice_of("3/3/3", "3/3/3")
    half = replace(one, endpoints=(replace(one.endpoints[0], zone_hints=()), *one.endpoints[1:]))

    found = examine(scene(slices=[half]), KEY)

    assert serious(found) == ["D40"]
    assert "although the controller should have given it one" in found[0].meaning
    assert found[0].fix.startswith("kubectl -n catalog annotate service catalog samezone/touched=")
