"""The rules of the service graph, one by one, from documents to GetServiceGraph."""

from typing import Any

import pytest

from tests.k8s.lab.xray.builders import (
    EKS,
    Json,
    by_name,
    call,
    counts,
    embedded,
    put,
    segment,
    services,
    stand_in,
    subsegment,
)


def graph(*documents: Json, **settings: Any) -> list[Json]:
    """The services for some documents."""
    target = stand_in(**settings)
    answer = put(target, *documents)
    assert answer == {"UnprocessedTraceSegments": []}
    return services(target)


def test_root_has_a_client_in_front() -> None:
    """A segment without parent is a root, with a client node of its name and an edge of its figures."""
    found = graph(segment("ui", 1, took=0.25, error=True))
    root, client = by_name(found, "ui"), by_name(found, "ui", "client")

    assert (root["Root"], root["State"]) == (True, "active")
    assert client["State"] == "unknown"
    assert not {"Root", "SummaryStatistics", "ResponseTimeHistogram"} & client.keys()
    (edge,) = client["Edges"]
    assert root["SummaryStatistics"] == edge["SummaryStatistics"]
    assert root["ResponseTimeHistogram"] == edge["ResponseTimeHistogram"]


def test_edge_needs_both_sides() -> None:
    """The edge counts the caller's subsegment, the node the callee's segment."""
    found = graph(
        segment("ui", 1, took=1.0),
        call("GET", 2, 1, took=0.8, fault=True),
        segment("catalog", 3, parent=2, took=0.5),
    )
    (edge,) = by_name(found, "ui")["Edges"]
    catalog = by_name(found, "catalog")

    assert edge["ReferenceId"] == catalog["ReferenceId"]
    assert edge["SummaryStatistics"]["TotalResponseTime"] == 0.8
    assert edge["SummaryStatistics"]["FaultStatistics"]["TotalCount"] == 1
    assert catalog["SummaryStatistics"]["TotalResponseTime"] == 0.5
    assert catalog["SummaryStatistics"]["OkCount"] == 1
    assert "Root" not in catalog


def test_lost_callee_is_inferred() -> None:
    """A call whose callee sent nothing leads to a remote node with the call's name and figures."""
    found = graph(segment("ui", 1), call("GET", 2, 1, took=0.8))
    remote = by_name(found, "GET", "remote")

    assert (remote["State"], remote["Edges"]) == ("unknown", [])
    assert "Root" not in remote
    assert remote["SummaryStatistics"]["TotalResponseTime"] == 0.8
    assert counts(found)[1][("ui", None), ("GET", "remote")] == 1


def test_late_callee_replaces_the_inferred_node() -> None:
    """When the callee's segment arrives after all, the inferred node is gone."""
    target = stand_in()
    put(target, segment("ui", 1), call("GET", 2, 1))
    before = counts(services(target))
    put(target, segment("catalog", 3, parent=2))
    after = counts(services(target))

    assert before[0] == {("ui", "client"): None, ("ui", None): 1, ("GET", "remote"): 1}
    assert after == (
        {("ui", "client"): None, ("ui", None): 1, ("catalog", None): 1},
        {(("ui", "client"), ("ui", None)): 1, (("ui", None), ("catalog", None)): 1},
    )


def test_lost_call_leaves_the_callee_to_a_client() -> None:
    """A segment whose parent never came is counted under a client node, as a root."""
    nodes, edges = counts(graph(segment("ui", 1), segment("catalog", 3, parent=2)))

    assert edges == {(("ui", "client"), ("ui", None)): 1, (("catalog", "client"), ("catalog", None)): 1}
    assert nodes[("catalog", None)] == 1


def test_lost_caller_segment() -> None:
    """Where the caller's own segment is lost, its call draws nothing and the callee stands under a client."""
    found = graph(call("GET", 2, 1), segment("catalog", 3, parent=2))

    assert counts(found)[1] == {(("catalog", "client"), ("catalog", None)): 1}


def test_plain_subsegments_are_walked_through() -> None:
    """Subsegments without namespace draw nothing, and do not hide the segment above."""
    found = graph(
        segment("ui", 1),
        subsegment("render", 2, 1),
        subsegment("cache", 3, 2),
        call("GET", 4, 3),
        segment("catalog", 5, parent=4),
    )

    assert counts(found)[1] == {
        (("ui", "client"), ("ui", None)): 1,
        (("ui", None), ("catalog", None)): 1,
    }


def test_segment_below_a_plain_subsegment() -> None:
    """A segment below a subsegment that calls nobody is called by the segment above, with its own figures."""
    found = graph(segment("ui", 1), subsegment("render", 2, 1, took=0.9), segment("b", 3, parent=2, took=0.2))

    (edge,) = by_name(found, "ui")["Edges"]
    assert edge["SummaryStatistics"]["TotalResponseTime"] == 0.2


def test_segment_below_a_segment() -> None:
    """A segment whose parent is a segment gives an edge with the callee's figures, and is no root."""
    found = graph(segment("ui", 1, took=2.0), segment("catalog", 2, parent=1, took=0.2, throttle=True))

    (edge,) = by_name(found, "ui")["Edges"]
    assert edge["SummaryStatistics"]["ErrorStatistics"] == {
        "ThrottleCount": 1,
        "OtherCount": 0,
        "TotalCount": 1,
    }
    assert edge["SummaryStatistics"]["TotalResponseTime"] == 0.2
    assert "Root" not in by_name(found, "catalog")


def test_several_callees_of_one_call() -> None:
    """A call with several callees counts once for each distinct node."""
    found = graph(
        segment("ui", 1),
        call("GET", 2, 1),
        segment("a", 3, parent=2),
        segment("a", 4, parent=2),
        segment("b", 5, parent=2),
    )
    nodes, edges = counts(found)

    assert edges == {
        (("ui", "client"), ("ui", None)): 1,
        (("ui", None), ("a", None)): 1,
        (("ui", None), ("b", None)): 1,
    }
    assert (nodes[("a", None)], nodes[("b", None)]) == (2, 1)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"namespace": "aws", "name": "DynamoDB", "aws": {"table_name": "t"}}, ("t", "AWS::DynamoDB::Table")),
        ({"namespace": "aws", "name": "SQS", "aws": {"queue_url": "q"}}, ("q", "AWS::SQS::Queue")),
        ({"namespace": "aws", "name": "SNS", "aws": {"topic_arn": "arn:x:t"}}, ("SNS", "AWS::SNS")),
        ({"namespace": "aws", "name": "S3"}, ("S3", "AWS::S3")),
        ({"namespace": "aws", "name": "KMS"}, ("KMS", "AWS::KMS")),
        ({"namespace": "remote", "name": "db", "sql": {"url": "u"}}, ("db", "Database::SQL")),
        ({"namespace": None, "name": "db", "sql": {"url": "u"}}, ("db", "Database::SQL")),
        ({"namespace": "remote", "name": "api"}, ("api", "remote")),
    ],
)
def test_inferred_types(fields: Json, expected: tuple[str, str]) -> None:
    """Inferred nodes go by resource and AWS type, SQL databases and remote services by name."""
    nodes, _ = counts(graph(segment("ui", 1), call("x", 2, 1) | fields | {"name": fields["name"]}))

    assert nodes[expected] == 1


def test_announced_callee_is_not_inferred() -> None:
    """A call that says its callee is traced leads nowhere until the callee arrives."""
    request = {"request": {"traced": True}}
    nodes, _ = counts(graph(segment("ui", 1), call("GET", 2, 1, http=request)))

    assert nodes == {("ui", "client"): None, ("ui", None): 1}


def test_node_is_name_type_account() -> None:
    """One name with two types is two nodes, which share the client node of their name."""
    nodes, edges = counts(
        graph(segment("ui", 1, origin=EKS), segment("ui", 2, origin="AWS::EC2::Instance"), segment("ui", 3))
    )

    assert nodes == {
        ("ui", "client"): None,
        ("ui", EKS): 1,
        ("ui", "AWS::EC2::Instance"): 1,
        ("ui", None): 1,
    }
    assert len(edges) == 3


def test_accounts() -> None:
    """With account ids asked for, one name in two accounts is two nodes; without, nodes have none."""
    documents = [segment("ui", 1, aws={"account_id": "1"}), segment("ui", 2, aws={"account_id": "2"})]

    shown = graph(*documents, accounts=True)

    assert {"1", "2"} == {item["AccountId"] for item in shown if item.get("Type") != "client"}
    assert not any("AccountId" in item for item in graph(*documents))


def test_remote_root_is_a_node() -> None:
    """A root segment stays a node named after itself even with namespace remote."""
    assert counts(graph(segment("GET", 1, namespace="remote")))[0][("GET", None)] == 1


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, "ok"),
        ({"error": True}, "error"),
        ({"error": True, "throttle": True}, "throttle"),
        ({"throttle": True}, "throttle"),
        ({"error": True, "fault": True}, "fault"),
        ({"fault": True, "throttle": True}, "fault"),
    ],
)
def test_one_outcome_a_request(flags: Json, expected: str) -> None:
    """A request counts once: as fault, else throttle, else error, else ok; throttles are errors too."""
    statistics = by_name(graph(segment("ui", 1, **flags)), "ui")["SummaryStatistics"]

    assert {
        "OkCount": int(expected == "ok"),
        "ErrorStatistics": {
            "ThrottleCount": int(expected == "throttle"),
            "OtherCount": int(expected == "error"),
            "TotalCount": int(expected in {"error", "throttle"}),
        },
        "FaultStatistics": {
            "OtherCount": int(expected == "fault"),
            "TotalCount": int(expected == "fault"),
        },
        "TotalCount": 1,
        "TotalResponseTime": 1.0,
    } == statistics


def test_histogram_in_milliseconds() -> None:
    """Response times are rounded to 1 ms, and each value stands once."""
    found = graph(
        *(segment("ui", number, took=took) for number, took in enumerate([0.0101, 0.0102, 0.0118], 1))
    )
    histogram = by_name(found, "ui")["ResponseTimeHistogram"]

    assert {entry["Value"]: entry["Count"] for entry in histogram} == {0.010: 2, 0.012: 1}


def test_work_after_the_response() -> None:
    """Where a subsegment outlives its segment, the duration is longer than the response time."""
    found = by_name(graph(segment("ui", 1, took=1.0), subsegment("later", 2, 1, start=0.5, took=2.0)), "ui")

    assert found["ResponseTimeHistogram"] == [{"Value": 1.0, "Count": 1}]
    assert found["DurationHistogram"] == [{"Value": 2.5, "Count": 1}]


def test_later_document_overwrites() -> None:
    """A document in progress counts nothing; the complete one of the same id takes its place."""
    target = stand_in()
    put(target, segment("ui", 1, end_time=None, in_progress=True), call("GET", 2, 1))
    before = counts(services(target))
    put(target, segment("ui", 1, took=2.0))
    after = counts(services(target))

    assert before == (
        {("ui", None): 0, ("GET", "remote"): 1},
        {(("ui", None), ("GET", "remote")): 1},
    )
    assert after[0] == {("ui", "client"): None, ("ui", None): 1, ("GET", "remote"): 1}


def test_duplicates_count_once() -> None:
    """The same documents twice change nothing."""
    documents = [segment("ui", 1), call("GET", 2, 1), segment("catalog", 3, parent=2)]

    assert graph(*documents) == graph(*documents, *documents)


def test_embedded_subsegments() -> None:
    """Subsegments inside a document count as independent ones do, at any depth."""
    inner = embedded(call("GET", 3, 0))
    outer = embedded(subsegment("render", 2, 0)) | {"subsegments": [inner]}
    apart = [segment("ui", 1), subsegment("render", 2, 1), call("GET", 3, 2)]
    callee = segment("catalog", 4, parent=3)

    assert graph(*apart, callee) == graph(segment("ui", 1, subsegments=[outer]), callee)


def test_replaced_document_takes_its_subsegments_along() -> None:
    """What was embedded in a replaced document no longer stands, unless it came by itself later."""
    first = segment("ui", 1, subsegments=[embedded(call("old", 2, 0)), embedded(call("kept", 3, 0))])
    second = segment("ui", 1, subsegments=[embedded(call("new", 4, 0))])
    nodes, _ = counts(graph(first, call("kept", 3, 1), second))

    assert {node: count for node, count in nodes.items() if node[1] == "remote"} == {
        ("kept", "remote"): 1,
        ("new", "remote"): 1,
    }


def test_nameless_subsegments_are_ignored() -> None:
    """A subsegment without a name draws nothing, and neither does what hangs below it."""
    nameless = embedded(call("", 2, 0)) | {"subsegments": [embedded(call("GET", 3, 0))]}

    assert counts(graph(segment("ui", 1, subsegments=[nameless])))[1] == {(("ui", "client"), ("ui", None)): 1}


def test_circles_do_no_harm() -> None:
    """Subsegments that are each other's parents belong to nobody."""
    found = graph(call("a", 1, 2), call("b", 2, 1), segment("ui", 3, parent=1), segment("self", 4, parent=4))

    assert counts(found)[0] == {
        ("ui", "client"): None,
        ("ui", None): 1,
        ("self", None): 1,
    }


def test_window_by_own_start() -> None:
    """Each segment and each call is in the window that holds its own start; the end is outside."""
    target = stand_in()
    put(
        target,
        segment("ui", 1, start=9.5, took=3.0),
        call("GET", 2, 1, start=10.0, took=2.0),
        segment("catalog", 3, parent=2, start=11.0, took=0.5),
    )
    windows = [services(target, StartTime=start, EndTime=start + 1) for start in (8, 9, 10, 11, 12)]

    assert [counts(found) for found in windows] == [
        ({}, {}),
        ({("ui", "client"): None, ("ui", None): 1}, {(("ui", "client"), ("ui", None)): 1}),
        ({("ui", None): 0, ("catalog", None): 0}, {(("ui", None), ("catalog", None)): 1}),
        ({("catalog", None): 1}, {}),
        ({}, {}),
    ]


def test_times_of_nodes_and_edges() -> None:
    """Nodes and edges tell whole seconds around their first start and last end."""
    found = by_name(graph(segment("ui", 1, start=1.2, took=0.1), segment("ui", 2, start=3.9, took=0.3)), "ui")

    assert (found["StartTime"] % 60, found["EndTime"] % 60) == (1.0, 5.0)


def test_backward_times_count_as_zero() -> None:
    """A segment that ends before it starts took no time."""
    found = by_name(graph(segment("ui", 1, took=-0.5)), "ui")

    assert found["SummaryStatistics"]["TotalResponseTime"] == 0.0
    assert found["ResponseTimeHistogram"] == [{"Value": 0.0, "Count": 1}]
