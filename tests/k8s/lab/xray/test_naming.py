"""What a document is called and where it stands: name, namespace, origin."""

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from k8s.lab.xray.otel_resources import Indexing, resource_of
from k8s.lab.xray.spans import span_of
from k8s.lab.xray.translate import documents_of
from tests.k8s.lab.xray.builders import CLIENT, CONSUMER, EKS, INTERNAL, PRODUCER, SERVER, Json, pod, span


def only(message: Span, resource: Json | None = None) -> Json:
    """The one document of a span."""
    described = resource_of(pod("pod-1") if resource is None else resource)
    (document,) = documents_of(span_of(message), described, Indexing())
    return document


_NAMES: list[tuple[int, Json, str]] = [
    (SERVER, {"aws.local.service": "a", "peer.service": "b"}, "a"),
    (CLIENT, {"aws.remote.service": "a", "peer.service": "b"}, "a"),
    (PRODUCER, {"aws.remote.service": "a", "peer.service": "b"}, "a"),
    (CONSUMER, {"aws.remote.service": "a", "peer.service": "b"}, "a"),
    (CLIENT, {"aws.remote.service": "AWS::S3", "rpc.system": "aws-api"}, "S3"),
    (CLIENT, {"aws.remote.service": "AWS.SDK.S3", "rpc.system": "aws-api"}, "S3"),
    (CLIENT, {"aws.remote.service": "AWS::S3"}, "AWS::S3"),
    (CLIENT, {"peer.service": "b", "aws.service": "c"}, "b"),
    (CLIENT, {"aws.service": "c", "db.name": "d"}, "c"),
    (CLIENT, {"db.name": "d", "rpc.service": "e"}, "d"),
    (CLIENT, {"db.name": "d", "db.connection_string": "jdbc:mysql://u@db.host:3306/d"}, "d@db.host"),
    (CLIENT, {"db.name": "d", "db.connection_string": "localhost"}, "d"),
    (SERVER, {"db.name": "d"}, "d"),
    (SERVER, {"rpc.service": "e"}, "pod-1"),
    (INTERNAL, {}, "GET /a"),
    (CLIENT, {"rpc.service": "e", "http.host": "f"}, "e"),
    (CLIENT, {"http.host": "f", "net.peer.name": "g"}, "f"),
    (CLIENT, {"net.peer.name": "g"}, "g"),
    (CLIENT, {"server.address": "h", "url.full": "http://h/", "network.peer.address": "10.0.0.1"}, "GET /a"),
    (INTERNAL, {"aws.remote.service": "a", "aws.local.service": "a"}, "GET /a"),
    (CLIENT, {"peer.service": 7}, "GET /a"),
]


@pytest.mark.parametrize(("kind", "attributes", "expected"), _NAMES)
def test_name(kind: int, attributes: Json, expected: str) -> None:
    """The first of the naming attributes that is a string wins; the resource names SERVER spans only."""
    assert expected == only(span("GET /a", kind, 1, parent=9, **attributes))["name"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("with spaces & / % = + - @ # _ . :", "with spaces & / % = + - @ # _ . :"),
        (r"a\b,c;d(e)", "abcde"),
        ("größe", "größe"),
        ("(){}", "span"),
        ("", "span"),
        ("x" * 300, "x" * 200),
        ("ä" * 150, "ä" * 100),
    ],
)
def test_span_name_is_cleaned(name: str, expected: str) -> None:
    """A span's name loses what X-Ray refuses and is cut at 200 bytes; nothing left becomes ``span``."""
    assert expected == only(span(name, INTERNAL, 1))["name"]


def test_server_without_service_name() -> None:
    """A SERVER span of a nameless resource is named by the next rule."""
    assert only(span("GET", SERVER, 1), resource={})["name"] == "GET"


@pytest.mark.parametrize(
    ("kind", "attributes", "expected"),
    [
        (CLIENT, {}, "remote"),
        (PRODUCER, {}, "remote"),
        (INTERNAL, {}, None),
        (SERVER, {}, None),
        (CONSUMER, {}, None),
        (CLIENT, {"rpc.system": "aws-api"}, "aws"),
        (INTERNAL, {"aws.service": "S3"}, "aws"),
        (CLIENT, {"rpc.system": "grpc"}, "remote"),
    ],
)
def test_namespace(kind: int, attributes: Json, expected: str | None) -> None:
    """AWS calls have namespace aws, other outgoing spans remote, even as a root segment."""
    for parent in (0, 9):
        assert expected == only(span("x", kind, 1, parent=parent, **attributes)).get("namespace")


@pytest.mark.parametrize(
    ("cloud", "expected"),
    [
        ({"cloud.provider": "aws", "cloud.platform": "aws_eks"}, EKS),
        ({"cloud.platform": "aws_eks"}, EKS),
        ({"cloud.platform": "aws_ec2"}, "AWS::EC2::Instance"),
        ({"cloud.platform": "aws_ecs"}, "AWS::ECS::Container"),
        ({"cloud.platform": "aws_ecs", "aws.ecs.launchtype": "ec2"}, "AWS::ECS::EC2"),
        ({"cloud.platform": "aws_ecs", "aws.ecs.launchtype": "fargate"}, "AWS::ECS::Fargate"),
        ({"cloud.platform": "aws_elastic_beanstalk"}, "AWS::ElasticBeanstalk::Environment"),
        ({"cloud.platform": "aws_app_runner"}, "AWS::AppRunner::Service"),
        ({"cloud.platform": "gcp_kubernetes_engine"}, None),
        ({"cloud.provider": "gcp", "cloud.platform": "aws_eks"}, None),
        ({}, None),
    ],
)
def test_origin(cloud: Json, expected: str | None) -> None:
    """The platform gives the origin, unless the provider is not AWS."""
    assert expected == only(span("x", SERVER, 1), resource=cloud).get("origin")
