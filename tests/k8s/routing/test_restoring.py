"""What is put back: everything of ours, nothing of anybody else's."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.routing.modes import RoutingMode, RoutingSettings, mode_in, settings_for
from k8s.routing.restoring import (
    ChangedKnob,
    Knob,
    Original,
    clearing,
    noted,
    possible,
    restoration,
    still_on,
    taken_up,
)
from tests.k8s.fakes import KEY

VALUES = st.none() | st.sampled_from(["Auto", "auto", "Disabled", "", "PreferClose", "PreferSameZone", "x"])
SETTINGS = st.builds(
    RoutingSettings, topology_mode=VALUES, topology_aware_hints=VALUES, traffic_distribution=VALUES
)
MODES = st.lists(st.sampled_from(RoutingMode), min_size=1, max_size=4)
OURS = RoutingSettings(topology_mode="Auto")


def switched(had: RoutingSettings, modes: list[RoutingMode]) -> tuple[Original, RoutingSettings]:
    """The record and the knobs after one mode on top of the other."""
    original, current = Original(had=had), had
    for mode in modes:
        wanted = settings_for(mode, current)
        original = noted(taken_up(original, current), current, wanted)
        current = wanted
    return original, current


@given(had=SETTINGS, modes=MODES, cut_short=st.booleans())
def test_what_nobody_else_changed_is_put_back(
    had: RoutingSettings, modes: list[RoutingMode], cut_short: bool
):
    """Whatever modes were set, and also where the newest was written down but not set yet."""
    original, current = switched(had, modes)
    found = original.ours[0] if cut_short else current

    assert original.had == had
    assert restoration(found, target=original.had, ours=original.ours).wanted == had


@given(had=SETTINGS, modes=MODES, knob=st.sampled_from(Knob), value=VALUES)
def test_what_somebody_else_set_stays_and_is_told(
    had: RoutingSettings, modes: list[RoutingMode], knob: Knob, value: str | None
):
    """Only that knob; with force it is put back, too, and a second decision changes nothing more."""
    original, current = switched(had, modes)
    found = replace(current, **{knob.value: value})
    decided = restoration(found, target=original.had, ours=original.ours)
    again = restoration(decided.wanted, target=original.had, ours=original.ours)
    forced = restoration(found, target=original.had, ours=original.ours, force=True)

    theirs = value not in {knob.of(one) for one in (had, *original.ours)}
    assert decided.wanted == (replace(had, **{knob.value: value}) if theirs else had)
    assert decided.changed == ((ChangedKnob(knob=knob, found=value, had=knob.of(had)),) if theirs else ())
    assert again == decided
    assert (forced.wanted, forced.changed) == (had, ())


@given(
    had=SETTINGS,
    modes=MODES,
    knob=st.sampled_from(Knob),
    value=VALUES,
    next_mode=st.sampled_from(RoutingMode),
)
def test_a_next_change_takes_over_what_somebody_else_set(
    had: RoutingSettings, modes: list[RoutingMode], knob: Knob, value: str | None, next_mode: RoutingMode
):
    """Theirs is what that knob gets back in the end; of the others the first original wins."""
    original, current = switched(had, modes)
    found = replace(current, **{knob.value: value})
    wanted = settings_for(next_mode, found)
    later = noted(taken_up(original, found), found, wanted)

    theirs = value not in {knob.of(one) for one in (had, *original.ours)}
    expected = replace(had, **{knob.value: value}) if theirs else had
    assert restoration(wanted, target=later.had, ours=later.ours).wanted == expected


@given(had=SETTINGS, modes=st.lists(st.sampled_from(RoutingMode), min_size=1, max_size=2))
def test_a_record_that_does_not_say_what_was_set_still_knows_what_can_have_been(
    had: RoutingSettings, modes: list[RoutingMode]
):
    """Of one mode, or one on top of another."""
    _, current = switched(had, modes)

    assert restoration(current, target=had, ours=possible(had)).wanted == had


@given(settings=SETTINGS)
def test_the_knobs_that_keep_zone_routing_on(settings: RoutingSettings):
    """None where it is off; with them cleared it is off."""
    knobs = still_on(settings)
    cleared = replace(settings, **{knob.value: None for knob in knobs})

    assert (knobs == ()) is (mode_in(settings) is RoutingMode.OFF)
    assert mode_in(cleared) is RoutingMode.OFF


def test_a_changed_knob_in_words():
    """Its name on the object, what it is, what it had."""
    (mode,) = restoration(
        replace(OURS, topology_mode="Disabled"), target=RoutingSettings(), ours=[OURS]
    ).changed
    field = ChangedKnob(knob=Knob.TRAFFIC_DISTRIBUTION, found=None, had="PreferClose")

    assert str(mode) == "annotation service.kubernetes.io/topology-mode is 'Disabled' (before: absent)"
    assert str(field) == "spec.trafficDistribution is absent (before: 'PreferClose')"


@pytest.mark.parametrize(
    ("knob", "command"),
    [
        (Knob.TOPOLOGY_MODE, "annotate service catalog service.kubernetes.io/topology-mode-"),
        (Knob.TOPOLOGY_AWARE_HINTS, "annotate service catalog service.kubernetes.io/topology-aware-hints-"),
        (
            Knob.TRAFFIC_DISTRIBUTION,
            """patch service catalog --type merge -p '{"spec":{"trafficDistribution":null}}'""",
        ),
    ],
)
def test_the_command_that_clears_a_knob(knob: Knob, command: str):
    """Kubectl's own, in the right context and namespace."""
    assert clearing(knob, KEY, context="a b") == f"kubectl --context 'a b' -n catalog {command}"
