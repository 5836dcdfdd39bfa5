"""Whole graphs: AWS's own example, and the shop's trace, complete and with parts missing."""

import json

import pytest

from k8s.lab.xray.archive import Resources, spans_of
from k8s.lab.xray.behaviour import Settings
from k8s.lab.xray.spans import span_of
from k8s.lab.xray.translate import documents_of
from tests.k8s.lab.xray.builders import (
    EKS,
    Json,
    by_name,
    call,
    counts,
    put,
    segment,
    services,
    shop,
    stand_in,
    take,
    without,
)

_SITE = "xray-sample.elasticbeanstalk.com"
_TABLE = "awseb-e-dixzws4s9p-stack-StartupSignupsTable-4IMSMHAYX2BA"
_EC2 = "AWS::EC2::Instance"
_LOCUST, _UI = ("locust-a", EKS), ("ui-1", EKS)
_CATALOG = [("catalog-1", EKS), ("catalog-2", EKS)]


def test_example_of_the_developer_guide() -> None:
    """The graph of 4 nodes in the X-Ray developer guide comes out of segments that explain it."""
    documents: list[Json] = []
    for number, took in enumerate([0.005, 0.015, 0.157, 0.096]):
        root = segment(_SITE, 1 + number, took=took, origin=_EC2, error=True if took == 0.015 else None)
        documents.append(root | {"trace_id": _trace(number)})
    for number, table_s, topic_s in ((2, 0.076, 0.049), (3, 0.044, 0.076)):
        aws = {"namespace": "aws", "trace_id": _trace(number)}
        table = {"operation": "PutItem", "table_name": _TABLE}
        topic = {"operation": "Publish", "topic_arn": "arn:aws:sns:us-east-1:1:topic"}
        documents.append(call("DynamoDB", 10 + number, 1 + number, took=table_s, aws=table) | aws)
        documents.append(call("SNS", 20 + number, 1 + number, took=topic_s, aws=topic) | aws)
    target = stand_in()
    put(target, *documents)

    found = services(target)

    client, table_node = by_name(found, _SITE, "client"), by_name(found, _TABLE, "AWS::DynamoDB::Table")
    site, topic_node = by_name(found, _SITE, _EC2), by_name(found, "SNS", "AWS::SNS")
    assert len(found) == 4
    assert [item["State"] for item in (client, table_node, site, topic_node)] == [
        *("unknown", "unknown", "active", "unknown")
    ]
    assert [item.get("Root") for item in (client, table_node, site, topic_node)] == [None, None, True, None]
    all_four = [(0.005, 1), (0.015, 1), (0.096, 1), (0.157, 1)]
    assert figures(site) == (3, 1, 0, 4, 0.273, all_four)
    assert figures(table_node) == (2, 0, 0, 2, 0.12, [(0.044, 1), (0.076, 1)])
    assert figures(topic_node) == (2, 0, 0, 2, 0.125, [(0.049, 1), (0.076, 1)])
    assert {edge["ReferenceId"]: figures(edge) for edge in [*client["Edges"], *site["Edges"]]} == {
        site["ReferenceId"]: figures(site),
        table_node["ReferenceId"]: figures(table_node),
        topic_node["ReferenceId"]: figures(topic_node),
    }


def test_shop_over_otlp() -> None:
    """Locust, ui and two catalog pods: a client in front, every node and edge counted once."""
    target = stand_in()
    take(target, shop())

    assert counts(services(target)) == (
        {("locust-a", "client"): None, _LOCUST: 1, _UI: 1, _CATALOG[0]: 1, _CATALOG[1]: 1},
        {
            (("locust-a", "client"), _LOCUST): 1,
            (_LOCUST, _UI): 1,
            (_UI, _CATALOG[0]): 1,
            (_UI, _CATALOG[1]): 1,
        },
    )


@pytest.mark.parametrize("lost", [(), (1,), (2,), (3,), (4,), (6,), (4, 6), (2, 7)])
def test_documents_and_spans_agree(lost: tuple[int, ...]) -> None:
    """OTLP, and the exporter's documents sent by PutTraceSegments, give the same graph to the last digit."""
    request = without(shop(), *lost)
    over_otlp, over_documents = stand_in(), stand_in()
    take(over_otlp, request)
    documents = [
        json.loads(json.dumps(document))
        for message, resource in spans_of(request, Resources())
        for document in documents_of(span_of(message), resource, Settings().indexing, delivery=1)
    ]
    put(over_documents, *documents)

    assert services(over_otlp) == services(over_documents)
    assert over_otlp.dump(10)["traces"] == over_documents.dump(10)["traces"]


def test_lost_callee() -> None:
    """Without the first catalog span, its call leads to the remote node GET."""
    target = stand_in()
    take(target, without(shop(), 6))
    nodes, edges = counts(services(target))

    assert nodes["GET", "remote"] == 1
    assert edges[_UI, ("GET", "remote")] == 1
    assert _CATALOG[0] not in nodes


def test_lost_call() -> None:
    """Without the first call's span, the catalog pod stands under a client node of its own."""
    target = stand_in()
    take(target, without(shop(), 4))
    found = services(target)
    _, edges = counts(found)

    assert edges[("catalog-1", "client"), _CATALOG[0]] == 1
    assert (_UI, _CATALOG[0]) not in edges
    assert by_name(found, "catalog-1", EKS)["Root"] is True


def test_mixed_platform() -> None:
    """A pod whose spans say aws_ec2 in one trace and aws_eks in the next is two nodes."""
    target = stand_in()
    take(target, shop())
    other = shop(**{"cloud.platform": "aws_ec2"})
    for resource_spans in other.resource_spans:
        for span in resource_spans.scope_spans[0].spans:
            span.trace_id = bytes(range(16))
    take(target, other)

    nodes, _ = counts(services(target))

    assert (nodes["catalog-1", EKS], nodes["catalog-1", _EC2], nodes["ui-1", EKS]) == (1, 1, 2)


def figures(item: Json) -> tuple[int, int, int, int, float, list[tuple[float, int]]]:
    """Ok, errors, faults, total, seconds and histogram of a node or an edge."""
    statistics = item["SummaryStatistics"]
    return (
        statistics["OkCount"],
        statistics["ErrorStatistics"]["OtherCount"],
        statistics["FaultStatistics"]["TotalCount"],
        statistics["TotalCount"],
        statistics["TotalResponseTime"],
        sorted((entry["Value"], entry["Count"]) for entry in item["ResponseTimeHistogram"]),
    )


def _trace(number: int) -> str:
    return f"1-6a0f3c00-{number:024x}"
