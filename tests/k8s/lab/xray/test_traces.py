"""Processed documents: nesting, inferred segments, what is left out; and summaries of whole traces."""

from k8s.lab.xray.summaries import summary_of
from k8s.lab.xray.traces import Trace, assemble, processed
from tests.k8s.lab.xray.builders import (
    EKS,
    T0,
    TRACE,
    Json,
    call,
    embedded,
    segment,
    shop,
    stand_in,
    subsegment,
    take,
)


def trace(*documents: Json) -> Trace:
    """A trace of documents."""
    return assemble(TRACE, documents)


def test_subsegments_are_nested() -> None:
    """Independent subsegments stand inside their parents, without what only independent ones need."""
    (document,) = processed(trace(subsegment("b", 3, 2), subsegment("a", 2, 1, origin=EKS), segment("ui", 1)))

    inner = {"id": f"{3:016x}", "name": "b", "start_time": T0, "end_time": T0 + 1.0}
    outer = {"id": f"{2:016x}", "name": "a", "start_time": T0, "end_time": T0 + 1.0, "subsegments": [inner]}
    assert document == {
        "id": f"{1:016x}",
        "name": "ui",
        "start_time": T0,
        "end_time": T0 + 1.0,
        "trace_id": TRACE,
        "subsegments": [outer],
    }


def test_flags_only_where_true() -> None:
    """False flags and nulls are dropped, an empty service block stays."""
    aws = {"ec2": {"availability_zone": "a", "ami_id": None}}
    (document,) = processed(trace(segment("ui", 1, fault=False, error=True, aws=aws, service={})))

    assert ("fault" in document, document["error"], document["service"]) == (False, True, {})
    assert document["aws"] == {"ec2": {"availability_zone": "a"}}


def test_fields_that_x_ray_does_not_know() -> None:
    """Fields outside the schema are removed."""
    (document,) = processed(trace(segment("ui", 1, color="red")))

    assert "color" not in document


def test_inferred_segment() -> None:
    """A call whose callee is missing gets a segment made up from it, with the resource's type as origin."""
    aws = {"table_name": "users", "operation": "UpdateItem"}
    called = call("DynamoDB", 2, 1, namespace="aws", aws=aws, http={"response": {"status": 200}})
    root, inferred = processed(trace(segment("api", 1), called))

    assert root["subsegments"][0]["id"] == inferred["parent_id"] == f"{2:016x}"
    assert inferred | {"id": None} == {
        "id": None,
        "name": "DynamoDB",
        "start_time": T0,
        "end_time": T0 + 1.0,
        "parent_id": f"{2:016x}",
        "inferred": True,
        "http": {"response": {"status": 200}},
        "aws": aws,
        "trace_id": TRACE,
        "origin": "AWS::DynamoDB::Table",
    }


def test_inferred_remote_has_no_origin() -> None:
    """An inferred remote service has no origin."""
    _, inferred = processed(trace(segment("ui", 1), call("GET", 2, 1)))

    assert "origin" not in inferred


def test_no_inferred_segment_for_the_answered() -> None:
    """A call whose callee reported, an announced one, and one under way get no inferred segment."""
    traced = {"request": {"traced": True}}
    found = trace(
        segment("ui", 1),
        call("a", 2, 1),
        segment("b", 3, parent=2),
        call("c", 4, 1, http=traced),
        call("d", 5, 1, end_time=None, in_progress=True),
    )

    assert found.inferred == ()
    assert len(processed(found)) == 2


def test_lost_segment() -> None:
    """Subsegments whose segment never came stand by themselves, as subsegments."""
    (document,) = processed(trace(subsegment("inner", 3, 2), call("GET", 2, 1)))

    assert (document["name"], document["type"], document["parent_id"]) == ("GET", "subsegment", f"{1:016x}")
    assert [child["name"] for child in document["subsegments"]] == ["inner"]


def test_later_document_replaces() -> None:
    """Of two documents with one id the later stands, with its own embedded subsegments."""
    first = segment("ui", 1, end_time=None, in_progress=True, subsegments=[embedded(call("old", 2, 0))])
    second = segment("ui", 1, subsegments=[embedded(call("new", 3, 0))])

    assert trace(first).in_progress
    (root, _) = processed(trace(first, second))
    assert "in_progress" not in root
    assert [child["name"] for child in root["subsegments"]] == ["new"]


def test_partial() -> None:
    """A trace is partial while a part is in progress or an announced callee is missing."""
    announced = call("GET", 2, 1, http={"request": {"traced": True}})

    assert [
        trace(*documents).in_progress
        for documents in (
            [segment("ui", 1)],
            [segment("ui", 1, end_time=None, in_progress=True)],
            [segment("ui", 1), announced],
            [segment("ui", 1), announced, segment("b", 3, parent=2)],
        )
    ] == [False, True, True, False]


def test_summary_of_the_shop() -> None:
    """Zones, instances, services and annotations are unions over the trace; the rest is the root's."""
    target = stand_in()
    take(target, shop())
    (listed,) = target.call(
        "/TraceSummaries", {"StartTime": T0, "EndTime": T0 + 1, "TimeRangeType": "Event"}
    )["TraceSummaries"]

    service = {"Name": "locust-a", "Names": ["locust-a"], "Type": EKS}
    assert listed["EntryPoint"] == service
    assert [zone["Name"] for zone in listed["AvailabilityZones"]] == [
        "eu-west-1a",
        "eu-west-1b",
        "eu-west-1c",
    ]
    assert [item["Id"] for item in listed["InstanceIds"]] == ["node-a-1", "node-b-1", "node-c-1"]
    assert [item["Name"] for item in listed["ServiceIds"]] == ["locust-a", "ui-1", "catalog-1", "catalog-2"]
    assert listed["Annotations"]["run_id"] == [
        {"AnnotationValue": {"StringValue": "R1"}, "ServiceIds": [service]}
    ]
    zones = listed["Annotations"]["otel.resource.cloud.availability_zone"]
    assert [[item["Name"] for item in zone["ServiceIds"]] for zone in zones] == [
        ["locust-a", "ui-1"],
        ["catalog-1"],
        ["catalog-2"],
    ]
    assert (listed["StartTime"], listed["Duration"], listed["ResponseTime"]) == (T0, 0.02, 0.02)
    assert not any(listed[flag] for flag in ("HasFault", "HasError", "HasThrottle", "IsPartial"))


def test_summary_tells_the_roots_errors() -> None:
    """Errors and faults are the root's, throttles any document's, http is the root's."""
    http = {
        "request": {"url": "u", "method": "GET", "user_agent": "a", "client_ip": "i"},
        "response": {"status": 404},
    }
    summary = summary_of(
        trace(
            segment("ui", 1, error=True, http=http, user="ann", resource_arn="arn:x"),
            call("GET", 2, 1, fault=True),
            segment("b", 3, parent=2, fault=True, throttle=True, annotations={"n": 1.5, "flag": False}),
        ),
        revision=3,
    )

    assert (summary["HasError"], summary["HasFault"], summary["HasThrottle"]) == (True, False, True)
    assert summary["Http"] == {
        "HttpURL": "u",
        "HttpStatus": 404,
        "HttpMethod": "GET",
        "UserAgent": "a",
        "ClientIp": "i",
    }
    assert summary["Users"] == [{"UserName": "ann", "ServiceIds": [{"Name": "ui", "Names": ["ui"]}]}]
    assert summary["ResourceARNs"] == [{"ARN": "arn:x"}]
    assert summary["Revision"] == 3
    values = {key: entry[0]["AnnotationValue"] for key, entry in summary["Annotations"].items()}
    assert values == {"n": {"NumberValue": 1.5}, "flag": {"BooleanValue": False}}


def test_root_of_orphans() -> None:
    """Without a parentless segment, the earliest orphan is the entry point."""
    found = trace(
        segment("late", 3, parent=8, start=1.0), segment("early", 4, parent=9), segment("b", 5, parent=4)
    )

    assert found.root is not None
    assert found.root.document["name"] == "early"
