"""Sampled tracing: the intervals of an observation hold."""

import pytest

from analysis.source.interface import Received
from tests.analysis.graphs import trace
from tests.analysis.observe.looks import WINDOW, seen
from tests.analysis.observe.test_reading import pair_of
from tests.analysis.traced_shop import Shop

ROUNDS = 120


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("rate", "kept", "by_pod"),
    [(0.2, 0, True), (0.2, 8, True), (0.2, 0, False), (0.5, 8, False)],
    ids=["fresh, pods", "pooled, pods", "fresh, services", "pooled, services"],
)
def test_intervals_hold_where_a_part_is_traced(rate: float, kept: int, by_pod: bool):
    """Of worlds whose clients choose anew each time, at most 5 % miss the routing's share, chance aside.

    What is traced is drawn by whole traces; the observation is not told at which rate. With pools each world
    draws its connections anew, so that the routing's share is what all worlds have in common.
    """
    missed = 0
    for seed in range(ROUNDS):
        shop = Shop(seed=seed, requests=600, kept=kept, by_pod=by_pod)
        there = shop.traced(rate)
        rows = tuple(trace(*shop.documents(one)) for one in there)
        received = Received(answers=(shop.graph(there).pages(),), rows=rows, window=WINDOW)
        share = pair_of(seen(shop, received=received), "ui", "catalog").result.share
        assert share is not None
        missed += not share.low <= shop.routed() <= share.high

    # Of 120 worlds at 5 %: 6 on average, 13 or more in one of two hundred series.
    assert missed <= 12
