"""The benchmark sends what it says it sends, and notices a graph that is wrong."""

from collections import Counter

import pytest

from k8s.bench.bench_xray import BATCH, Pair, WrongGraphError, batches, compare
from k8s.lab.xray import otlp
from tests.k8s.lab.xray.builders import T0, Clock, stand_in

_CALLS = 2_000


def test_batches_hold_the_calls() -> None:
    """Batches are full, and their graph counts every call once; a count that differs ends the benchmark."""
    target = stand_in(Clock(T0 + 4 * 3600.0))
    sent: Counter[Pair] = Counter()
    for body in batches(_CALLS, float(T0), sent, pods=5):
        message = otlp.decode(body, otlp.PROTOBUF)
        assert len(message.resource_spans[0].scope_spans[0].spans) == BATCH
        target.take_otlp(message, body)
    services = target.call("/ServiceGraph", {"StartTime": T0 - 1, "EndTime": T0 + 3601})["Services"]

    assert (sum(sent.values()), len(sent)) == (_CALLS, 25)
    compare(services, sent)
    sent[0, 0] += 1
    with pytest.raises(WrongGraphError, match="edges are not what was sent"):
        compare(services, sent)
