"""The arm before in a window: seen where it is, cut where that helps, told where it does not."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.statistics import carry_over
from analysis.statistics.carry_over import TimedCall
from analysis.statistics.clusters import Unit


def window(rng: np.random.Generator, shares: tuple[float, ...], calls: int = 900) -> list[TimedCall]:
    """Fresh connections of six clients; the share goes through *shares*, each for as long."""
    found = []
    for number, at in enumerate(np.sort(rng.random(calls)).tolist()):
        client = number % 6
        same = bool(rng.random() < shares[int(at * len(shares))])
        server = f"s{client % 3}" if same else f"s{(client + 1) % 3}"
        found.append(
            TimedCall(
                client=f"c{client}",
                server=server,
                zone=f"z{client % 3}",
                same_zone=same,
                connection=number,
                at=at,
            )
        )
    return found


def test_parts_that_agree_are_left_alone():
    """One share all along: both halves agree, and nothing is cut."""
    rng = np.random.default_rng(51)

    found = carry_over.settled([window(rng, (1.0 / 3,)) for _ in range(4)], Unit.CONNECTION)

    assert found is not None
    assert found.agrees
    assert found.cut == 0


@pytest.mark.parametrize(("shares", "cut"), [((0.3, 0.8, 0.8, 0.8), 0.25), ((0.3, 0.4, 0.8, 0.8), 0.5)])
def test_a_beginning_that_follows_the_arm_before_is_cut(shares, cut):
    """As little as makes the rest agree: a quarter, or half."""
    rng = np.random.default_rng(52)

    found = carry_over.settled([window(rng, shares) for _ in range(4)], Unit.CONNECTION)

    assert found is not None
    assert found.agrees
    assert found.cut == cut


def test_a_window_that_never_settles_is_told():
    """The share still moves in the last quarter: nothing to cut, the parts and their shares are kept."""
    rng = np.random.default_rng(53)

    found = carry_over.settled(
        [window(rng, tuple(np.linspace(0.1, 0.9, 16))) for _ in range(4)], Unit.CONNECTION
    )

    assert found is not None
    assert not found.agrees
    assert found.cut == 0
    assert found.first < 0.4
    assert found.later > 0.6


def test_calls_whose_connections_are_not_known_are_a_pod_pair():
    """No call names a connection: the unit says so, and no connection is claimed to have been seen."""
    calls = [replace(one, connection=None) for one in window(np.random.default_rng(55), (1.0 / 3,))]

    found = carry_over.after(calls, 0.0, affinity=False)

    assert found is not None
    assert found.by_connection.unit is Unit.PAIR
    assert [one.code for one in found.by_connection.caveats] == ["connections-unknown"]


def test_calls_without_times_say_nothing():
    """No sample, no check."""
    assert carry_over.settled([[], []], Unit.CONNECTION) is None


def test_equal_halves_raise_no_alarm():
    """Of two hundred arms without carry-over at most three are called other than settled from the start."""
    rng = np.random.default_rng(54)

    found = [
        carry_over.check([window(rng, (1.0 / 3,), 300) for _ in range(4)], Unit.CONNECTION)
        for _ in range(200)
    ]

    assert sum(one is not None and not one.agrees for one in found) <= 3
