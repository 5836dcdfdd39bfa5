"""Call trees of known shape through a bad network: what is lost, late or doubled is where it must be.

The expected graph is worked out from the tree itself, call by call, not from documents.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s.lab.xray.standin import StandIn
from tests.k8s.lab.xray.builders import Json, call, put, segment, services, stand_in
from tests.k8s.lab.xray.builders import trace_id as id_of

_ACCOUNTS = ["111111111111", "222222222222", ""]

Node = tuple[str, str, str]
"""Name, type, account."""


@dataclass(slots=True)
class Tree:
    """Documents that survived, and what the graph must count for them."""

    documents: list[Json] = field(default_factory=list)
    nodes: Counter[Node] = field(default_factory=Counter)
    edges: Counter[tuple[Node, Node]] = field(default_factory=Counter)


def grow(rng: random.Random, tree: Tree, size: int, *, loss: float, names: int, trace: str) -> None:
    """Add a trace of some segments: each is called by one before it, unless it is the first."""
    seen: list[tuple[int, Node, bool]] = []
    for number in range(size):
        me: Node = (f"s{rng.randrange(names)}", "", rng.choice(_ACCOUNTS))
        own_id, call_id = 2 * number + 1, 2 * number + 2
        alive = rng.random() >= loss
        parent = 0
        if seen:
            above, caller, caller_alive = rng.choice(seen)
            parent = call_id
            called = rng.random() >= loss
            if called:
                document = call("GET", call_id, above, trace_id=trace, took=0.25)
                tree.documents.append(document)
            _count_call(tree, caller if caller_alive else None, me if alive else None, called=called)
        elif alive:
            _count_root(tree, me)
        if alive:
            aws = {"account_id": me[2]} if me[2] else None
            tree.documents.append(segment(me[0], own_id, parent=parent, trace_id=trace, aws=aws))
            tree.nodes[me] += 1
        seen.append((own_id, me, alive))


def _count_root(tree: Tree, me: Node) -> None:
    tree.edges[(me[0], "client", me[2]), me] += 1


def _count_call(tree: Tree, caller: Node | None, callee: Node | None, *, called: bool) -> None:
    """*caller* and *callee*: None where their segments are lost; *called*: the call itself arrived."""
    if called and caller is not None:
        target = callee or ("GET", "remote", "")
        tree.edges[caller, target] += 1
        if callee is None:
            tree.nodes[target] += 1
    elif callee is not None:
        _count_root(tree, callee)


def deliver(rng: random.Random, target: StandIn, documents: list[Json], *, asking: bool) -> None:
    """Send documents in any order, some of them twice, 50 a call; ask for graphs in between."""
    sent = documents + [document for document in documents if rng.random() < 0.15]
    rng.shuffle(sent)
    for start in range(0, len(sent), 50):
        assert put(target, *sent[start : start + 50]) == {"UnprocessedTraceSegments": []}
        if asking and rng.random() < 0.1:
            services(target)


def seen_in(found: list[Json]) -> tuple[Counter[Node], Counter[tuple[Node, Node]]]:
    """What a graph counts; the sums of the API's figures must fit, too."""
    names = {
        item["ReferenceId"]: (item["Name"], item.get("Type", ""), item.get("AccountId", "")) for item in found
    }
    nodes: Counter[Node] = Counter()
    edges: Counter[tuple[Node, Node]] = Counter()
    for item in found:
        if "SummaryStatistics" in item:
            nodes[names[item["ReferenceId"]]] = total_of(item)
        for edge in item["Edges"]:
            edges[names[item["ReferenceId"]], names[edge["ReferenceId"]]] = total_of(edge)
    return nodes, edges


def total_of(item: Json) -> int:
    """TotalCount, once its parts and its histogram agree."""
    statistics: dict[str, Any] = item["SummaryStatistics"]
    errors, faults = statistics["ErrorStatistics"], statistics["FaultStatistics"]
    total: int = statistics["TotalCount"]
    assert statistics["OkCount"] + errors["TotalCount"] + faults["TotalCount"] == total
    assert errors["ThrottleCount"] + errors["OtherCount"] == errors["TotalCount"]
    assert sum(entry["Count"] for entry in item["ResponseTimeHistogram"]) == total
    return total


@given(
    st.randoms(use_true_random=False), st.integers(1, 4), st.integers(1, 40), st.sampled_from([0, 0.1, 0.5])
)
@settings(max_examples=60)
def test_losses_are_where_they_must_be(rng: random.Random, traces: int, size: int, loss: float) -> None:
    """Lost callees are remote nodes, lost calls and callers leave clients, in every account."""
    tree = Tree()
    for number in range(traces):
        grow(rng, tree, size, loss=loss, names=4, trace=id_of(number + 1))
    target = stand_in(accounts=True)
    deliver(rng, target, tree.documents, asking=True)

    assert seen_in(services(target, StartTime=-10)) == (tree.nodes, tree.edges)


@pytest.mark.parametrize("loss", [0.0, 0.1])
def test_one_trace_of_five_thousand_segments(loss: float) -> None:
    """A single trace of 5,000 segments and their calls is as exact as a small one, in graph and documents."""
    rng = random.Random(5)
    tree = Tree()
    trace = id_of(1)
    grow(rng, tree, 5_000, loss=loss, names=30, trace=trace)
    target = stand_in(accounts=True)
    deliver(rng, target, tree.documents, asking=False)

    found = seen_in(services(target, StartTime=-10))
    assert found == (tree.nodes, tree.edges)
    (told,) = target.call("/Traces", {"TraceIds": [trace]})["Traces"]
    assert told["LimitExceeded"] is True
    assert {document["id"] for document in tree.documents} <= {
        one["id"] for each in told["Segments"] for one in flat(json.loads(each["Document"]))
    }


def flat(document: Json) -> list[Json]:
    """A document with all that is embedded in it."""
    found = [document]
    for one in found:
        found += one.get("subsegments", ())
    return found
