"""The relays' counters as values."""

import json
from typing import Any

import pytest

from k8s.errors import InvalidRunError, UnreachableError
from k8s.lab.relay.counters import Counters
from k8s.lab.truth import TruthRow, TruthSnapshot, difference, merge, parse
from k8s.topology import ServiceKey

CATALOG = ServiceKey(namespace="catalog", name="catalog")
UI = ServiceKey(namespace="ui", name="ui")


def row(
    service: ServiceKey = CATALOG, client: str = "127.100.1.3", server: str = "127.100.2.1", **counts: int
) -> TruthRow:
    given: dict[str, Any] = {"connections": 0, "failed": 0, "request_bytes": 0, "response_bytes": 0} | counts
    return TruthRow(service=service, client_ip=client, server_ip=server, **given)


def test_a_relays_own_words_are_understood() -> None:
    """What the counters say is what the reader reads."""
    counters = Counters()
    tally = counters.tally(CATALOG, "127.100.1.3", "127.100.2.1")
    tally.connections, tally.failed, tally.request_bytes, tally.response_bytes = 3, 1, 100, 2000
    document = json.dumps({"node": "node-a-1", "rows": counters.snapshot()}).encode()
    assert (row(connections=3, failed=1, request_bytes=100, response_bytes=2000),) == parse(document)


def test_an_answer_that_is_not_counters_names_the_key() -> None:
    """A relay of another version, or no relay at all."""
    with pytest.raises(UnreachableError, match="missing required field `rows`"):
        parse(b"{}")


def test_rows_of_the_same_service_client_and_server_are_added() -> None:
    """Snapshots have one row each, sorted."""
    found = merge(5.0, [row(UI, connections=1), row(connections=2), row(connections=3)])
    assert TruthSnapshot(taken_at_s=5.0, rows=(row(connections=5), row(UI, connections=1))) == found


def test_the_difference_has_only_what_happened_in_between() -> None:
    """New rows are whole, old ones less what they were, unchanged ones absent."""
    before = merge(1.0, [row(connections=5, request_bytes=10), row(UI, connections=4)])
    after = merge(
        2.0,
        [row(connections=7, request_bytes=15), row(UI, connections=4), row(server="127.100.3.1", failed=1)],
    )
    assert TruthSnapshot(
        taken_at_s=2.0,
        rows=(row(connections=2, request_bytes=5), row(server="127.100.3.1", failed=1)),
    ) == difference(before, after)


@pytest.mark.parametrize("after", [[row(connections=3)], []], ids=["fewer", "none"])
def test_counts_that_went_down_are_an_invalid_run(after: list[TruthRow]) -> None:
    """The lab was started anew in between."""
    with pytest.raises(InvalidRunError, match="started anew"):
        difference(merge(1.0, [row(connections=5)]), merge(2.0, after))
