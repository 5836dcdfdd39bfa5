"""Error rates in worlds that are not as the textbook has them, through what ``compare`` and a trial run.

A few repetitions each, with seeds, so bounds are wide; ``worlds_table.py`` beside it makes the whole table.
"""

from collections.abc import Callable

import numpy as np
import pytest

from analysis.verdict.judged import Decision
from tests.analysis.verdict import judged_crowds
from tests.analysis.verdict.crowds import WORLDS, Crowd
from tests.analysis.verdict.judged_crowds import Ended

pytestmark = pytest.mark.simulation

DRIFTS = {name for name, crowd in WORLDS.items() if crowd.moves}


def many(
    judge: Callable[..., Ended], crowd: Crowd, count: int, *, seed: int = 71, shift: float = 0.0
) -> list[Ended]:
    rng = np.random.default_rng(seed)
    return [judge(crowd, rng, shift=shift) for _ in range(count)]


@pytest.mark.parametrize("world", [name for name in WORLDS if name not in DRIFTS])
def test_a_single_pair_of_equal_arms_is_rarely_called_changed(world):
    """At most 7 % (of 120: 13), whatever clients do with connections; what is open says what to do."""
    found = many(judged_crowds.pair, WORLDS[world], 120)

    assert sum(one.changed for one in found) <= 13
    assert sum(one.share_covered for one in found) >= 107
    assert all(one.advised for one in found)


@pytest.mark.parametrize("world", sorted(DRIFTS))
def test_what_moves_between_windows_is_named(world):
    """A single pair cannot see it and says so; most instruments do not get their certificate."""
    found = many(judged_crowds.pair, WORLDS[world], 60)

    assert all("single-pair" in one.caveats for one in found)
    assert sum(one.certified for one in found) <= 0.5 * len(found)


@pytest.mark.parametrize(
    "world",
    [
        "fresh connections",
        "one zone tripled, endpoints 6/2/1, 12 kept",
        "share moves +-8 pp, fresh",
        "reconnects stick, 90 %",
        "affinity, 12 clients",
    ],
)
def test_a_trial_of_equal_arms_is_rarely_called_changed(world):
    """Blocks see what drifts, pods what sticks: at most 7 % (of 24: 5)."""
    found = many(judged_crowds.trial, WORLDS[world], 24)

    assert sum(one.changed for one in found) <= 5
    assert all(one.advised for one in found)


def test_two_client_mixes_with_equal_routing_are_no_change():
    """One zone's load tripled in the candidate: the arms differ in their clients, not in routing."""
    found = many(judged_crowds.pair, WORLDS["one zone tripled, endpoints 6/2/1, fresh"], 200)

    assert sum(one.changed for one in found) <= 18
    assert all("zones-differ" in one.caveats for one in found)


def test_a_shift_of_five_points_is_still_found():
    """Eight blocks of 2000 fresh calls an arm: all the checks cost no power worth the name."""
    found = many(judged_crowds.trial, WORLDS["fresh connections"], 20, shift=0.05)

    assert sum(one.changed for one in found) >= 19
    assert all(one.gain_covered or one.changed for one in found)


def test_a_pool_that_is_renewed_slowly_is_cut_or_invalid():
    """A third of a window passes until clients have given up what they had: never a plain verdict."""
    slow = Crowd(carries=0.3, calls=4000)

    found = many(judged_crowds.trial, slow, 12, shift=0.5)

    assert all("carry-over" in one.caveats or one.decision is Decision.INVALID for one in found)


def test_clients_that_restart_carry_nothing_over():
    """The same shift without the old pool: nothing is cut, no trial is invalid for it."""
    found = many(judged_crowds.trial, Crowd(calls=4000), 12, shift=0.5)

    assert not any("carry-over" in one.caveats or one.decision is Decision.INVALID for one in found)
