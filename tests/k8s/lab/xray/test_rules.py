"""The exporter's rules, one a row: a span and its resource, and what its documents must say.

Beside the recorded cases: rows that those do not have. Source: awsxrayexporter v0.156.0, internal/translator.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from k8s.lab.xray.otel_resources import Indexing, resource_of
from k8s.lab.xray.spans import span_of
from k8s.lab.xray.translate import documents_of
from tests.k8s.lab.xray.builders import CLIENT, CONSUMER, INTERNAL, PRODUCER, SERVER, UNSPECIFIED, Json, span

_LOCAL_ROOT = {"aws.span.kind": "LOCAL_ROOT", "aws.local.service": "here", "aws.remote.service": "there"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row."""

    fact: str
    kind: int = SERVER
    parent: int = 0
    status: int = 0
    attributes: Json = field(default_factory=dict)
    resource: Json = field(default_factory=lambda: {"service.name": "pod-1"})
    indexing: Indexing = field(default_factory=Indexing)
    document: int = 0
    """Which of the span's documents is looked at."""
    expected: Json
    """Values by dotted path; None: it is not there."""


def rule(fact: str, expected: Json, **more: Any) -> Rule:
    return Rule(fact=fact, expected=expected, **more)


_EKS = {"cloud.platform": "aws_eks"}
_RULES = [
    # Segment or subsegment
    rule("SERVER with a parent is a segment", {"type": None, "parent_id": f"{9:016x}"}, parent=9),
    rule("unspecified kind without a parent is one", {"type": None, "name": "GET /a"}, kind=UNSPECIFIED),
    rule("CONSUMER with a parent is one", {"type": None, "namespace": None}, kind=CONSUMER, parent=9),
    rule("a CLIENT root is one, and keeps its namespace", {"type": None, "namespace": "remote"}, kind=CLIENT),
    rule("a PRODUCER root is one, and keeps its namespace", {"namespace": "remote"}, kind=PRODUCER),
    rule("INTERNAL below is a subsegment that calls nobody", {"namespace": None}, kind=INTERNAL, parent=9),
    rule(
        "LOCAL_ROOT INTERNAL below a parent is a segment after all",
        {"type": None, "namespace": None, "name": "here", "parent_id": f"{9:016x}"},
        kind=INTERNAL,
        parent=9,
        attributes=_LOCAL_ROOT,
    ),
    rule(
        "of a LOCAL_ROOT pair the call keeps the span's id and hangs below the service",
        {"id": f"{1:016x}", "name": "there", "namespace": "remote", "type": "subsegment"},
        kind=CLIENT,
        attributes=_LOCAL_ROOT,
    ),
    rule(
        "and the service takes the span's parent, without type, namespace and http",
        {"name": "here", "parent_id": f"{9:016x}", "type": None, "namespace": None, "http": None},
        kind=CLIENT,
        parent=9,
        attributes=_LOCAL_ROOT | {"http.request.method": "GET", "url.full": "http://a/"},
        document=1,
    ),
    rule(
        "and the service loses what the call is about",
        {"aws.operation": None, "aws.region": None, "aws.table_name": None, "annotations.remote": None},
        kind=CLIENT,
        attributes=_LOCAL_ROOT | {"aws.operation": "Put", "aws.region": "eu", "aws.table_name": "t"},
        document=1,
    ),
    rule(
        "a LOCAL_ROOT call outside AWS has no aws block, and harms nobody",
        {"aws": None, "name": "here"},
        kind=CLIENT,
        attributes=_LOCAL_ROOT,
        resource={"cloud.provider": "gcp", "service.name": "x"},
        document=1,
    ),
    rule(
        "ordinary annotations stay on the call",
        {"annotations.run_id": "R1"},
        kind=CLIENT,
        attributes=_LOCAL_ROOT | {"run_id": "R1"},
        indexing=Indexing(indexed_attributes=("run_id",)),
    ),
    rule(
        "and on the service",
        {"annotations.run_id": "R1"},
        kind=CLIENT,
        attributes=_LOCAL_ROOT | {"run_id": "R1"},
        indexing=Indexing(indexed_attributes=("run_id",)),
        document=1,
    ),
    # Name
    rule(
        "SERVER without a service name goes by http.host",
        {"name": "h"},
        attributes={"http.host": "h"},
        resource={},
    ),
    rule(
        "aws.local.service names no INTERNAL",
        {"name": "GET /a"},
        kind=INTERNAL,
        attributes={"aws.local.service": "l"},
    ),
    rule(
        "new names alone make a CLIENT its span's name",
        {"name": "GET /a"},
        kind=CLIENT,
        parent=9,
        attributes={"server.address": "h", "url.full": "http://h/"},
    ),
    # Namespace
    rule(
        "rpc.system aws-api puts it into aws",
        {"namespace": "aws"},
        kind=CLIENT,
        parent=9,
        attributes={"rpc.system": "aws-api"},
    ),
    rule(
        "aws.service puts it into aws, too",
        {"namespace": "aws", "name": "S3"},
        kind=CLIENT,
        parent=9,
        attributes={"aws.service": "S3"},
    ),
    # Origin
    rule("EKS", {"origin": "AWS::EKS::Container"}, resource=_EKS),
    rule(
        "EKS of another cloud is none",
        {"origin": None, "aws": None},
        resource=_EKS | {"cloud.provider": "azure"},
    ),
    rule(
        "an empty provider is another cloud for the origin",
        {"origin": None},
        resource=_EKS | {"cloud.provider": ""},
    ),
    rule("App Runner", {"origin": "AWS::AppRunner::Service"}, resource={"cloud.platform": "aws_app_runner"}),
    rule(
        "ECS on Fargate",
        {"origin": "AWS::ECS::Fargate"},
        resource={"cloud.platform": "aws_ecs", "aws.ecs.launchtype": "fargate"},
    ),
    rule("Lambda is none", {"origin": None}, resource={"cloud.platform": "aws_lambda"}),
    rule("subsegments have one", {"origin": "AWS::EKS::Container"}, kind=CLIENT, parent=9, resource=_EKS),
    # The aws block
    rule(
        "zone needs the platform aws_ec2",
        {"aws.ec2.availability_zone": "eu-west-1a"},
        resource={"cloud.platform": "aws_ec2", "cloud.availability_zone": "eu-west-1a"},
    ),
    rule(
        "or a host id",
        {"aws.ec2.availability_zone": "eu-west-1a"},
        resource=_EKS | {"host.id": "n", "cloud.availability_zone": "eu-west-1a"},
    ),
    rule(
        "otherwise it is lost", {"aws.ec2": None}, resource=_EKS | {"cloud.availability_zone": "eu-west-1a"}
    ),
    rule(
        "an empty host id is none",
        {"aws.ec2": None},
        resource=_EKS | {"host.id": "", "cloud.availability_zone": "a"},
    ),
    rule("the eks block needs the platform", {"aws.eks.pod": "p"}, resource=_EKS | {"k8s.pod.name": "p"}),
    rule(
        "or a cluster name",
        {"aws.eks.pod": "p", "aws.eks.cluster_name": "c"},
        resource={"k8s.cluster.name": "c", "k8s.pod.name": "p"},
    ),
    rule("otherwise there is none", {"aws.eks": None}, resource={"k8s.pod.name": "p"}),
    rule(
        "subsegments have the block as well",
        {"aws.ec2.availability_zone": "z"},
        kind=CLIENT,
        parent=9,
        resource={"host.id": "n", "cloud.availability_zone": "z"},
    ),
    rule(
        "the span's account beats the resource's",
        {"aws.account_id": "2"},
        attributes={"aws.account_id": "2"},
        resource={"cloud.account.id": "1"},
    ),
    rule(
        "SDK and language",
        {"aws.xray.sdk": "opentelemetry for go", "aws.xray.auto_instrumentation": False},
        resource={"telemetry.sdk.name": "opentelemetry", "telemetry.sdk.language": "go"},
    ),
    rule(
        "a distribution counts as automatic",
        {"aws.xray.auto_instrumentation": True},
        resource={"telemetry.distro.version": "1"},
    ),
    rule(
        "node and namespace are metadata",
        {"metadata.default.otel\0resource\0k8s\0node\0name": "n"},
        resource={"k8s.node.name": "n"},
    ),
    # http
    rule(
        "status 429 is error and throttle",
        {"error": True, "throttle": True, "fault": False},
        attributes={"http.status_code": 429},
    ),
    rule(
        "status 404 is an error alone",
        {"error": True, "throttle": False, "fault": False},
        attributes={"http.status_code": 404},
    ),
    rule(
        "status 503 is a fault",
        {"error": False, "fault": True},
        attributes={"http.response.status_code": 503},
    ),
    rule(
        "a good HTTP status does not hide an error status",
        {"fault": True},
        attributes={"http.status_code": 200},
        status=2,
    ),
    rule(
        "HTTP 4xx beats the span's status",
        {"error": True, "fault": False},
        attributes={"http.status_code": 400},
        status=2,
    ),
    rule("600 is no HTTP failure", {"fault": False, "error": False}, attributes={"http.status_code": 600}),
    rule("a status as text counts as none", {"fault": False}, attributes={"http.status_code": "500"}),
    rule(
        "response size is always there, and 0",
        {"http.response.content_length": 0},
        attributes={"http.status_code": 200, "http.response.body.size": 99},
    ),
    rule(
        "a client behind somebody was forwarded",
        {"http.request.x_forwarded_for": True, "http.request.client_ip": "10.0.0.9"},
        attributes={"client.address": "10.0.0.9", "http.request.method": "GET"},
    ),
    rule(
        "a client that is no address is none",
        {"http.request.client_ip": None},
        attributes={"client.address": "somebody", "http.request.method": "GET"},
    ),
    rule(
        "the peer stands in for the client",
        {"http.request.client_ip": "10.0.0.8", "http.request.x_forwarded_for": None},
        attributes={"network.peer.address": "10.0.0.8", "http.request.method": "GET"},
    ),
    rule(
        "server.address helps a server's URL",
        {"http.request.url": "https://s:8443/a?b=1"},
        attributes={
            "url.scheme": "https",
            "server.address": "s",
            "server.port": 8443,
            "url.path": "/a",
            "url.query": "b=1",
        },
    ),
    rule(
        "and no client's",
        {"http.request.url": "http:///a"},
        kind=CLIENT,
        parent=9,
        attributes={"url.path": "/a", "server.address": "s"},
    ),
    rule(
        "the default port is left out",
        {"http.request.url": "http://s/"},
        attributes={"http.request.method": "GET", "server.address": "s", "server.port": 80},
    ),
    # Annotations and metadata
    rule(
        "resource attributes annotate segments",
        {"annotations.otel\0resource\0zone": "a"},
        resource={"zone": "a"},
        indexing=Indexing(indexed_attributes=("otel.resource.zone",)),
    ),
    rule(
        "but no subsegments",
        {"annotations": None, "metadata": None},
        kind=CLIENT,
        parent=9,
        resource={"zone": "a"},
        indexing=Indexing(indexed_attributes=("otel.resource.zone",)),
    ),
    rule(
        "lists annotate nothing, not even by wish",
        {"annotations": None},
        attributes={"http.request.header.a": ["x"]},
        indexing=Indexing(indexed_attributes=("http.request.header.a",)),
    ),
    rule(
        "strange letters in keys become underscores, dots stay",
        {"annotations.a_b\0c_d": 1.5},
        attributes={"a-b.c d": 1.5},
        indexing=Indexing(index_all_attributes=True),
        resource={},
    ),
    rule(
        "a span can ask for its own annotations",
        {"annotations.color": "red"},
        attributes={"color": "red", "aws.xray.annotations": ["color"]},
    ),
    rule(
        "enduser.id is the user",
        {"user": "ann", "metadata.default.enduser\0id": None},
        attributes={"enduser.id": "ann"},
    ),
]


@pytest.mark.parametrize("row", _RULES, ids=lambda row: row.fact)
def test_rule(row: Rule) -> None:
    """The document says what the row expects, and nothing where it expects nothing."""
    message = span("GET /a", row.kind, 1, parent=row.parent, status=row.status, **row.attributes)
    document = documents_of(span_of(message), resource_of(row.resource), row.indexing)[row.document]

    assert row.expected == {path: at(document, path) for path in row.expected}


def at(document: Json, path: str) -> Any:
    """The value at a dotted path, in which a zero character stands for a dot of a key."""
    value: Any = document
    for key in path.split("."):
        value = value.get(key.replace("\0", ".")) if isinstance(value, dict) else None
    return value
