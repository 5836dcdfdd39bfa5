"""Random traces: a naive count agrees, the identities hold, order and repetition do not matter."""

import random
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.k8s.lab.xray.builders import TRACE, Json, canonical, counts, put, segment, services, stand_in

_NAMES = ["a", "b", "c"]
_FLAGS: list[Json] = [{}, {}, {"error": True}, {"error": True, "throttle": True}, {"fault": True}]


def random_documents(rng: random.Random, size: int) -> list[Json]:
    """Documents of one or two traces whose parents may be lost, wrong or of any kind."""
    documents: list[Json] = []
    traces = [TRACE, TRACE[:-1] + "8"]
    for number in range(1, size + 1):
        parent = rng.choice([0, *range(1, number), size + 5])
        shape = rng.choice(["segment", "segment", "call", "call", "plain"]) if parent else "segment"
        more: Json = {"trace_id": rng.choice(traces) if rng.random() < 0.3 else TRACE}
        if shape != "segment":
            more["type"] = "subsegment"
        if shape == "call":
            more["namespace"] = "remote"
        start, took = rng.random(), rng.choice([0.0, 0.0004, 0.0126, 1.5])
        name = rng.choice(_NAMES)
        documents.append(
            segment(name, number, parent=parent, start=start, took=took, **more, **rng.choice(_FLAGS))
        )
    return documents


def naive(documents: list[Json]) -> tuple[Counter[Any], Counter[Any]]:
    """Requests per node and edge, counted document by document as the rules are told."""
    nodes: Counter[Any] = Counter()
    edges: Counter[Any] = Counter()
    for document in documents:
        trace = {other["id"]: other for other in documents if other["trace_id"] == document["trace_id"]}
        parent = trace.get(document.get("parent_id", ""))
        owner = _owner(document, trace)
        if document.get("type") != "subsegment":
            me = (document["name"], None)
            nodes[me] += 1
            if parent is None or owner is None:
                edges[(document["name"], "client"), me] += 1
            elif "namespace" not in parent:
                edges[(owner["name"], None), me] += 1
        elif "namespace" in document and owner is not None:
            callees = {other["name"] for other in trace.values() if _is_called_by(other, document)}
            for callee in callees:
                edges[(owner["name"], None), (callee, None)] += 1
            if not callees:
                nodes[document["name"], "remote"] += 1
                edges[(owner["name"], None), (document["name"], "remote")] += 1
    return nodes, edges


def _owner(document: Json, trace: dict[str, Json]) -> Json | None:
    above = trace.get(document.get("parent_id", ""))
    while above is not None and above.get("type") == "subsegment":
        above = trace.get(above.get("parent_id", ""))
    return above


def _is_called_by(other: Json, document: Json) -> bool:
    return other.get("type") != "subsegment" and other.get("parent_id") == document["id"]


def graph(documents: list[Json]) -> list[Json]:
    """The services for documents, sent in calls of seven."""
    target = stand_in()
    for start in range(0, len(documents), 7):
        assert put(target, *documents[start : start + 7]) == {"UnprocessedTraceSegments": []}
    return services(target, StartTime=-10)


@given(st.randoms(use_true_random=False), st.integers(1, 24))
@settings(max_examples=150)
def test_naive_count_agrees(rng: random.Random, size: int) -> None:
    """Every node and every edge counts what a count document by document finds."""
    documents = random_documents(rng, size)
    nodes, edges = counts(graph(documents))

    expected = naive(documents)

    assert expected[1] == edges
    assert expected[0] == {node: count for node, count in nodes.items() if node[1] != "client"}


@given(st.randoms(use_true_random=False), st.integers(1, 24))
@settings(max_examples=100)
def test_identities(rng: random.Random, size: int) -> None:
    """Counts add up: outcomes to totals, histograms to totals, edges into nodes, references to nodes."""
    found = graph(random_documents(rng, size))
    references = {item["ReferenceId"] for item in found}

    assert len(found) == len(references)
    for item in [*found, *(edge for service in found for edge in service["Edges"])]:
        assert item["StartTime"] <= item["EndTime"]
        assert item["ReferenceId"] in references
        statistics = item.get("SummaryStatistics")
        if statistics is None:
            continue
        errors, faults = statistics["ErrorStatistics"], statistics["FaultStatistics"]
        total = statistics["OkCount"] + errors["TotalCount"] + faults["TotalCount"]
        histogram = item["ResponseTimeHistogram"]
        assert statistics["TotalCount"] == total
        assert errors["TotalCount"] == errors["ThrottleCount"] + errors["OtherCount"]
        assert total == sum(entry["Count"] for entry in histogram)
        assert len(histogram) == len({entry["Value"] for entry in histogram})
        spread = sum(entry["Value"] * entry["Count"] for entry in histogram)
        assert abs(statistics["TotalResponseTime"] - spread) <= 0.0005 * (total + 1)


@given(st.randoms(use_true_random=False), st.integers(1, 20))
@settings(max_examples=100)
def test_order_and_repetition_do_not_matter(rng: random.Random, size: int) -> None:
    """Any order of arrival, with any document delivered twice, gives the same graph."""
    documents = random_documents(rng, size)
    shuffled = documents + [document for document in documents if rng.random() < 0.5]
    rng.shuffle(shuffled)

    assert canonical(graph(documents)) == canonical(graph(shuffled))


@given(st.randoms(use_true_random=False), st.integers(2, 20))
@settings(max_examples=60)
def test_asking_early_changes_nothing(rng: random.Random, size: int) -> None:
    """A graph asked for between two deliveries leaves no trace in the graph asked for at the end."""
    documents = random_documents(rng, size)
    target = stand_in()
    for document in documents:
        put(target, document)
        if rng.random() < 0.5:
            services(target)

    assert canonical(graph(documents)) == canonical(services(target, StartTime=-10))
