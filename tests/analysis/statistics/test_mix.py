"""Whether two arms had the same clients: what differs is found, what does not is left alone."""

import numpy as np
import pytest

from analysis.statistics import mix
from analysis.statistics.mix import Mix, MixCheck, MixOf

EVEN = {("a", "ui-1"): 600.0, ("a", "ui-2"): 610.0, ("b", "ui-3"): 1190.0}


def checked(left: Mix, right: Mix) -> dict[MixOf, MixCheck]:
    return {one.of: one for one in mix.checks([left], [right])}


def test_a_zone_with_three_times_the_load_is_found():
    """Zones and pods differ, with the part that moved most and its shares in both arms."""
    tripled = {key: 3 * calls if key[0] == "b" else calls for key, calls in EVEN.items()}

    found = checked(Mix(pods=EVEN, pages={}), Mix(pods=tripled, pages={}))

    assert found[MixOf.ZONES].differs
    assert found[MixOf.PODS].differs
    assert (found[MixOf.ZONES].part, found[MixOf.ZONES].before) == ("b", pytest.approx(1190 / 2400))
    assert MixOf.PAGES not in found


def test_pages_are_looked_at_too():
    """The same clients, but other pages: times may differ for that alone."""
    left, right = {"home": 900.0, "cart": 100.0}, {"home": 700.0, "cart": 300.0}

    found = checked(Mix(pods=EVEN, pages=left), Mix(pods=EVEN, pages=right))

    assert [of for of, one in found.items() if one.differs] == [MixOf.PAGES]


def test_restarted_pods_are_told_by_their_place():
    """Other names, the same spread within each zone: no difference; one pod with all the load: one."""
    renamed = {("a", "ui-x"): 605.0, ("a", "ui-y"): 600.0, ("b", "ui-z"): 1200.0}
    lopsided = {("a", "ui-x"): 1150.0, ("a", "ui-y"): 55.0, ("b", "ui-z"): 1200.0}

    assert not checked(Mix(pods=EVEN, pages={}), Mix(pods=renamed, pages={}))[MixOf.PODS].differs
    assert checked(Mix(pods=EVEN, pages={}), Mix(pods=lopsided, pages={}))[MixOf.PODS].differs


def test_calls_that_come_together_count_once():
    """Two clients' kept connections brought all calls: another split of them is chance."""
    left, right = {("a", "1"): 1000.0, ("b", "2"): 1400.0}, {("a", "1"): 1300.0, ("b", "2"): 1100.0}

    assert checked(Mix(pods=left, pages={}), Mix(pods=right, pages={}))[MixOf.ZONES].differs
    kept = [Mix(pods=pods, pages={}, together=200.0) for pods in (left, right)]
    assert not checked(*kept)[MixOf.ZONES].differs


def test_equal_mixes_raise_no_alarm():
    """Multinomial draws of one mix: fewer than one alarm in two hundred."""
    rng = np.random.default_rng(42)
    alarms = 0
    for _ in range(400):
        arms = [
            Mix(pods={(zone, zone): float(count) for zone, count in zip("abc", draw, strict=True)}, pages={})
            for draw in rng.multinomial(2000, [0.5, 0.3, 0.2], size=2)
        ]
        alarms += any(one.differs for one in mix.checks(arms[:1], arms[1:]))

    assert alarms <= 2
