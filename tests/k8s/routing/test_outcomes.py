"""The set of outcomes against every sequence of choices, and what always holds."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s.routing.allocation import allocate
from k8s.routing.hints import (
    CONTROLLER,
    HintsCache,
    SliceLists,
    count_ready,
    own_zone_counts,
    reconcile,
)
from k8s.routing.outcomes import HintOutcome, outcomes
from k8s.topology import Endpoint, EndpointSlice, Zone
from tests.k8s.cases import AUTO, counted, cpu_of, every_choice, slice_of

ZONES = "abcd"


def reached(cpu: str, lists: SliceLists) -> set[HintOutcome]:
    """The outcomes over every sequence of answers to every question."""
    return {
        HintOutcome(hinted=done.hinted, own=own_zone_counts(done.slices.every) if done.hinted else ())
        for done in every_choice(
            lambda choose: reconcile(AUTO, cpu_of(cpu), lists, HintsCache(), choose=choose)
        )
    }


@pytest.mark.parametrize(
    ("cpu", "pods", "expected"),
    [
        ("1:1:1", "3/3/3", ["3/3/3"]),
        ("2:1:1", "3/3/3", ["4/2/3", "4/3/2"]),
        ("1:1:1", "2/1/1", []),
        ("1:1:1", "3/0/0", ["1/1/1"]),
        ("1:1:1", "6/0/0", ["2/2/2"]),
        ("1:1:1:1", "5/2/1/1", ["3/2/2/2"]),
        ("1:1:1:1", "14", ["4/3/3/4", "4/3/4/3", "4/4/3/3"]),
        ("1:1:1:1:1:1", "60", ["10/10/10/10/10/10"]),
        ("1:1:1:1:1:1", "62", ["12/10/10/10/10/10"]),
    ],
)
def test_known_outcomes(cpu: str, pods: str, expected: list[str]) -> None:
    """What can come out when Auto is switched on."""
    found = outcomes(cpu_of(cpu), SliceLists(update=(slice_of(pods),)))

    assert [one.hinted for one in found] == ([counted(one) for one in expected] or [()])


def test_own_counts() -> None:
    """Each outcome tells how many of a zone's hinted endpoints are really in it."""
    found = outcomes(cpu_of("2:1:1"), SliceLists(update=(slice_of("3/3/3"),)))

    assert [one.own for one in found] == [counted("3/2/3"), counted("3/3/2")]


@pytest.mark.parametrize(
    ("cpu", "written", "kept", "expected"),
    [
        ("1:1:1", "0/5/1", "4", ["4/3/3", "4/4/2"]),
        ("1:1:1:1", "1/4/4/3", "6", ["6/4/4/4", "6/4/5/3", "6/5/4/3"]),
    ],
)
def test_plan_that_cannot_be_carried_out(cpu: str, written: str, kept: str, expected: list[str]) -> None:
    """Where a kept slice holds back what should be moved, chance decides who gives, or who goes short."""
    lists = SliceLists(
        update=(slice_of(written, name="new"),), unchanged=(slice_of(kept, kept, name="kept"),)
    )

    found = outcomes(cpu_of(cpu), lists)

    assert [one.hinted for one in found] == [counted(one) for one in expected]
    assert set(found) == reached(cpu, lists)


@st.composite
def places(draw: st.DrawFn, most: int) -> tuple[str, SliceLists]:
    """CPU per zone and up to *most* endpoints in up to four slices, with or without hints."""
    letters = ZONES[: draw(st.integers(min_value=1, max_value=4))]
    cpu = ":".join(str(draw(st.sampled_from([1, 1, 2, 3]))) for _ in letters)
    homes = st.sampled_from([*letters, *letters, ZONES[len(letters) % 4]])
    total = draw(st.integers(min_value=0, max_value=most))
    endpoints = [draw(endpoint(number, homes)) for number in range(total)]
    return cpu, draw(parted(endpoints))


@st.composite
def endpoint(draw: st.DrawFn, number: int, homes: st.SearchStrategy[str]) -> Endpoint:
    home = draw(homes)
    hint = draw(st.sampled_from([home, home, home, draw(homes), ""]))
    return Endpoint(
        addresses=(str(number),),
        zone=Zone(home) if draw(st.integers(0, 40)) else None,
        ready=draw(st.sampled_from([True] * 8 + [False, None])),
        zone_hints=(Zone(hint),) if hint else (),
    )


@st.composite
def parted(draw: st.DrawFn, endpoints: Sequence[Endpoint]) -> SliceLists:
    groups: dict[str, list[Endpoint]] = {name: [] for name in ("create", "update", "keep", "kept")}
    for one in endpoints:
        groups[draw(st.sampled_from(sorted(groups)))].append(one)
    made = {
        name: (
            EndpointSlice(
                namespace="n", name=name, service="s", endpoints=tuple(group), managed_by=CONTROLLER
            ),
        )
        if group
        else ()
        for name, group in groups.items()
    }
    plain = tuple(
        replace(one, endpoints=tuple(replace(each, zone_hints=()) for each in one.endpoints))
        for one in made["create"]
    )
    return SliceLists(create=plain, update=made["update"], unchanged=made["keep"] + made["kept"])


@settings(max_examples=400)
@given(places(most=8))
def test_outcomes_are_exactly_what_choices_reach(place: tuple[str, SliceLists]) -> None:
    """Every outcome is reached by some choices, and no choices reach another one."""
    cpu, lists = place

    found = outcomes(cpu_of(cpu), lists)

    assert len(set(found)) == len(found)
    assert set(found) == reached(cpu, lists)


@settings(max_examples=300)
@given(place=places(most=40), seed=st.randoms(use_true_random=False))
def test_a_pass_keeps_its_promises(place: tuple[str, SliceLists], seed: object) -> None:
    """Hinted or refused, whole or not at all; each ready endpoint has exactly one zone hint."""
    cpu, lists = place

    done = reconcile(AUTO, cpu_of(cpu), lists, HintsCache(), choose=seed.choice)  # type: ignore[attr-defined]

    ready = [one for each in done.slices.every for one in each.endpoints if one.ready is True]
    assert len(ready) == count_ready(lists.every)
    assert done.allocation is not None
    if done.refusal is None:
        assert all(len(one.zone_hints) == 1 for one in ready)
        assert sum(one.minimum for one in done.allocation.zones) <= len(ready)
        assert sum(count for _, count in done.hinted) == len(ready)
        assert done.cache == HintsCache(populated=True, have=(("IPv4", done.hinted),))
        assert done.hinted in [one.hinted for one in outcomes(cpu_of(cpu), lists)]
    else:
        assert not any(one.zone_hints for each in done.slices.every for one in each.endpoints)
        assert done.cache == HintsCache()


@settings(max_examples=200)
@given(place=places(most=30))
def test_a_second_pass_says_the_same(place: tuple[str, SliceLists]) -> None:
    """A refusal is repeated at the next pass, a success is not announced twice."""
    cpu, lists = place
    first = reconcile(AUTO, cpu_of(cpu), lists, HintsCache())

    second = reconcile(AUTO, cpu_of(cpu), SliceLists(unchanged=first.slices.every), first.cache)

    assert second.refusal is first.refusal
    assert second.event == (None if first.refusal is None else first.event)


@settings(max_examples=200)
@given(
    cpu=st.lists(st.integers(1, 9), min_size=2, max_size=4).map(lambda parts: ":".join(map(str, parts))),
    lists=places(most=30).map(lambda place: place[1]),
)
def test_refusal_depends_on_count_and_ratios_alone(cpu: str, lists: SliceLists) -> None:
    """Neither placement nor present hints matter for yes or no, as long as every endpoint has a zone."""
    zoned = SliceLists(
        update=tuple(map(with_zones, lists.update)), unchanged=tuple(map(with_zones, lists.unchanged))
    )

    done = reconcile(AUTO, cpu_of(cpu), zoned, HintsCache())

    assert done.refusal is allocate(cpu_of(cpu), count_ready(zoned.every)).refusal


def with_zones(one: EndpointSlice) -> EndpointSlice:
    return replace(one, endpoints=tuple(replace(each, zone=each.zone or Zone("a")) for each in one.endpoints))
