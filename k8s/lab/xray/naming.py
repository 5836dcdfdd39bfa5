"""What decides a document's place in the graph: name, namespace, origin, outcome, inferred node.

Both the full translation and the quick look at a span that only the graph needs use these functions, so
that they cannot disagree. Source: awsxrayexporter v0.156.0, ``internal/translator/segment.go`` and
``cause.go``; X-Ray developer guide, "segment documents", for inferred segments.
"""

from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from k8s.lab.xray.spans import (
    CLIENT,
    CONSUMER,
    INTERNAL,
    PRODUCER,
    SERVER,
    STATUS_ERROR,
    Attributes,
    integer,
    text,
)

NAME_BYTES: Final = 200
LOCAL_ROOT: Final = "LOCAL_ROOT"
REMOTE: Final = "remote"
_CALLS_OUT: Final = frozenset({CLIENT, PRODUCER, CONSUMER})
_SYMBOLS: Final = frozenset(" 0123456789_.:/%&#=+-@")
_SQL_SYSTEMS: Final = frozenset(
    [
        "db2",
        "derby",
        "hive",
        "mariadb",
        "mssql",
        "mysql",
        "oracle",
        "postgresql",
        "sqlite",
        "teradata",
        "other_sql",
    ]
)
_ORIGINS: Final = {
    "aws_app_runner": "AWS::AppRunner::Service",
    "aws_eks": "AWS::EKS::Container",
    "aws_elastic_beanstalk": "AWS::ElasticBeanstalk::Environment",
    "aws_ecs": "AWS::ECS::Container",
    "aws_ec2": "AWS::EC2::Instance",
}
_ECS_ORIGINS: Final = {"ec2": "AWS::ECS::EC2", "fargate": "AWS::ECS::Fargate"}
_AWS_TYPES: Final = {
    "DynamoDB": "AWS::DynamoDB::Table",
    "DynamoDb": "AWS::DynamoDB::Table",
    "SQS": "AWS::SQS::Queue",
    "Sqs": "AWS::SQS::Queue",
    "Lambda": "AWS::Lambda",
    "S3": "AWS::S3",
    "SNS": "AWS::SNS",
    "Sns": "AWS::SNS",
}

GRAPH_KEYS: Final = frozenset(
    [
        "aws.span.kind",
        "aws.local.service",
        "aws.remote.service",
        "peer.service",
        "aws.service",
        "db.name",
        "db.connection_string",
        "db.system",
        "rpc.system",
        "rpc.service",
        "http.host",
        "net.peer.name",
        "http.status_code",
        "http.response.status_code",
    ]
)
"""The span attributes that decide about the graph."""


class Outcome(IntEnum):
    """How a request ended; where several flags are set, the highest decides."""

    OK = 0
    ERROR = 1
    THROTTLE = 2
    FAULT = 3


def is_local_root(attributes: Attributes) -> bool:
    """Whether the span is marked as the first of its service (``aws.span.kind``)."""
    return attributes.get("aws.span.kind") == LOCAL_ROOT


def is_segment(kind: int, *, has_parent: bool) -> bool:
    """Whether a span becomes a segment (and stores its resource) rather than an independent subsegment."""
    return kind in {SERVER, CONSUMER} or not has_parent


def is_sql(attributes: Attributes) -> bool:
    """Whether the document gets an ``sql`` block."""
    return text(attributes, "db.system") in _SQL_SYSTEMS


def is_aws_call(attributes: Attributes) -> bool:
    """Whether the span is an AWS SDK call."""
    return attributes.get("rpc.system") == "aws-api"


def name_and_namespace(
    kind: int, attributes: Attributes, service_name: str, span_name: str
) -> tuple[str, str]:
    """The document's name and its namespace (empty where it has none).

    *service_name* is the resource's ``service.name``; only SERVER spans take it.
    """
    namespace = "aws" if is_aws_call(attributes) else ""
    name = _aws_name(kind, attributes) or text(attributes, "peer.service")
    if not name and "aws.service" in attributes:
        name = text(attributes, "aws.service")
        namespace = "aws"
    if not name and "db.name" in attributes:
        name = _database_name(attributes)
    if not name and kind == SERVER:
        name = service_name
    name = (
        name
        or text(attributes, "rpc.service")
        or text(attributes, "http.host")
        or text(attributes, "net.peer.name")
        or legal_name(span_name)
    )
    if not namespace and kind in {CLIENT, PRODUCER}:
        namespace = REMOTE
    return name, namespace


def remote_name(attributes: Attributes) -> str:
    """``aws.remote.service``, without its prefix for AWS SDK calls."""
    name = text(attributes, "aws.remote.service")
    if is_aws_call(attributes):
        for prefix in ("AWS.SDK.", "AWS::"):
            if name.startswith(prefix):
                return name.removeprefix(prefix)
    return name


@lru_cache(maxsize=4096)
def legal_name(name: str) -> str:
    """A span name without the characters that X-Ray refuses, cut to 200 bytes; ``span`` if none is left."""
    kept = "".join(char for char in name if char in _SYMBOLS or char.isalpha())
    return kept.encode()[:NAME_BYTES].decode(errors="replace") or "span"


def origin_of(resource: Attributes) -> str:
    """The ``origin`` for a resource, e.g. ``AWS::EKS::Container``; empty where it has none."""
    if resource.get("cloud.provider", "aws") != "aws":
        return ""
    platform = text(resource, "cloud.platform")
    if platform == "aws_ecs":
        return _ECS_ORIGINS.get(text(resource, "aws.ecs.launchtype"), _ORIGINS[platform])
    return _ORIGINS.get(platform, "")


def outcome_of(attributes: Attributes, status_code: int) -> Outcome:
    """How the span ended: by its HTTP status where that is 400 to 599, otherwise by the span status."""
    code = integer(attributes.get("http.status_code", attributes.get("http.response.status_code")))
    if 400 <= code <= 499:  # noqa: PLR2004  # the HTTP classes
        return Outcome.THROTTLE if code == 429 else Outcome.ERROR  # noqa: PLR2004  # Too Many Requests
    if 500 <= code <= 599:  # noqa: PLR2004  # the HTTP classes
        return Outcome.FAULT
    return Outcome.FAULT if status_code == STATUS_ERROR else Outcome.OK


def outcome_of_flags(document: Mapping[str, Any]) -> Outcome:
    """How a segment document says that its request ended."""
    if document.get("fault"):
        return Outcome.FAULT
    if document.get("throttle"):
        return Outcome.THROTTLE
    return Outcome.ERROR if document.get("error") else Outcome.OK


def inferred_node(document: Mapping[str, Any]) -> tuple[str, str]:
    """Name and type of the node that stands for the callee of a subsegment whose segment never came.

    AWS resources go by table name or queue URL; everything else by the subsegment's name, e.g. ``SNS``.
    """
    if document.get("namespace") == "aws":
        aws = document.get("aws") or {}
        name = aws.get("table_name") or aws.get("queue_url") or document["name"]
        return str(name), aws_type(document["name"])
    if "sql" in document:
        return document["name"], "Database::SQL"
    return document["name"], REMOTE


def aws_type(service: str) -> str:
    """The node type of an AWS service as the SDKs name it."""
    return _AWS_TYPES.get(service, f"AWS::{service}")


def _aws_name(kind: int, attributes: Attributes) -> str:
    if kind in _CALLS_OUT:
        return remote_name(attributes)
    if kind == SERVER or (kind == INTERNAL and is_local_root(attributes)):
        return text(attributes, "aws.local.service")
    return ""


def _database_name(attributes: Attributes) -> str:
    name = text(attributes, "db.name")
    try:
        place = urlsplit(text(attributes, "db.connection_string").removeprefix("jdbc:")).netloc
    except ValueError:
        return name
    host = place.rpartition("@")[2]
    host = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    return f"{name}@{host}" if host else name
