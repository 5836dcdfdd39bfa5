"""Where connections are counted, the share's interval holds the truth as often as it says."""

import numpy as np
import pytest

from analysis.statistics import shares
from tests.analysis import meshes
from tests.analysis.meshes import call

TIMES = 2000
LEAST, MOST = 0.935, 0.975
"""Of 95 %: Wilson's interval is close to its level on average, not for each share; and 2,000 draws."""


def drawn(rng: np.random.Generator, opened: dict[str, int], home: dict[str, float]):
    """A mesh's counts: in each zone every connection stays with its zone's probability, else goes to z."""
    calls = []
    for zone, count in opened.items():
        same = int(rng.binomial(count, home[zone]))
        calls += [call(f"ui@{zone}>catalog@{zone}", same), call(f"ui@{zone}>catalog@z", count - same)]
    return meshes.pair([one for one in calls if one.count])


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("opened", "home"),
    [
        ({"a": 40, "b": 40, "c": 40}, {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}),
        ({"a": 300, "b": 100, "c": 20}, {"a": 0.4, "b": 0.2, "c": 0.9}),
        ({"a": 2000, "b": 2000}, {"a": 0.02, "b": 0.05}),
    ],
)
def test_the_interval_holds_the_share(opened: dict[str, int], home: dict[str, float]):
    """By the very functions that make a report's."""
    rng = np.random.default_rng(15)
    truth = sum(count * home[zone] for zone, count in opened.items()) / sum(opened.values())

    found = [meshes.interval(drawn(rng, opened, home)) for _ in range(TIMES)]

    held = sum(one.low <= truth <= one.high for one in found) / TIMES
    assert LEAST <= held <= MOST


@pytest.mark.simulation
def test_equal_arms_are_called_changed_as_seldom_as_stated():
    """Five in a hundred, of pairs of arms with the same shares."""
    rng = np.random.default_rng(16)
    opened, home = {"a": 90, "b": 60, "c": 30}, {"a": 0.3, "b": 0.5, "c": 0.2}
    called = 0
    for _ in range(TIMES):
        arms = [meshes.chance(drawn(rng, opened, home)) for _ in range(2)]
        gain = shares.difference(arms[0].by_connection, arms[1].by_connection).interval
        called += not gain.low <= 0 <= gain.high

    assert called / TIMES <= 0.065
