"""What a resource contributes to its spans' documents, worked out once per resource.

Source: awsxrayexporter v0.156.0, ``internal/translator/aws.go``, ``service.go`` and ``segment.go``.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from k8s.lab.xray.naming import origin_of
from k8s.lab.xray.spans import Attributes, Value, as_json, text

RESOURCE_PREFIX: Final = "otel.resource."
_NOT_IN_KEYS: Final = re.compile(r"[^0-9A-Za-z.]")
_ARN_GROUP_FIELD: Final = 6
"""Where a log group's ARN holds its name, counted from 0 between the colons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexing:
    """Which attributes become annotations; the fields are the exporter's settings of the same name."""

    indexed_attributes: tuple[str, ...] = ()
    """Span attributes by name, resource attributes as ``otel.resource.<name>``."""
    index_all_attributes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OtelResource:
    """A resource, ready to be put into documents. Nobody changes the dictionaries in here."""

    attributes: Attributes
    service_name: str
    origin: str
    language: str
    account_id: str
    aws: dict[str, Any] | None
    """The ``aws`` block without what spans add; None where the cloud is not AWS."""
    service: dict[str, Any] | None
    """The ``service`` block."""


def resource_of(attributes: Attributes) -> OtelResource:
    """Work out what documents take from a resource."""
    account_id = text(attributes, "cloud.account.id")
    foreign = text(attributes, "cloud.provider") not in {"", "aws"}
    return OtelResource(
        attributes=attributes,
        service_name=text(attributes, "service.name"),
        origin=origin_of(attributes),
        language=text(attributes, "telemetry.sdk.language"),
        account_id=account_id,
        aws=None if foreign else _aws(attributes),
        service=_service(attributes),
    )


def annotation_key(key: str) -> str:
    """A key as the exporter writes it: anything but letters, digits and dots becomes an underscore."""
    return _NOT_IN_KEYS.sub("_", key)


def annotation_value(value: Value) -> str | bool | int | float | None:
    """The value if it can be an annotation (arrays, maps and bytes cannot), otherwise None."""
    return value if isinstance(value, str | bool | int | float) else None


def _aws(attributes: Attributes) -> dict[str, Any]:
    def field(key: str) -> str | None:
        return text(attributes, key) or None

    platform = text(attributes, "cloud.platform")
    block: dict[str, Any] = {}
    if platform == "aws_elastic_beanstalk" and field("service.instance.id"):
        deployment = text(attributes, "service.instance.id")
        block["elastic_beanstalk"] = {
            "environment_name": field("service.namespace"),
            "version_label": field("service.version"),
            "deployment_id": int(deployment) if re.fullmatch(r"[+-]?\d{1,18}", deployment) else 0,
        }
    if groups := _log_groups(attributes):
        block["cloudwatch_logs"] = groups
    if platform == "aws_ecs":
        block["ecs"] = _ecs(attributes)
    if platform == "aws_ec2" or field("host.id"):
        block["ec2"] = {
            "instance_id": field("host.id"),
            "availability_zone": field("cloud.availability_zone"),
            "instance_size": field("host.type"),
            "ami_id": field("host.image.id"),
        }
    if platform == "aws_eks" or field("k8s.cluster.name"):
        block["eks"] = {
            "cluster_name": field("k8s.cluster.name"),
            "pod": field("k8s.pod.name"),
            "container_id": field("container.id"),
        }
    block["xray"] = _sdk(attributes)
    if account_id := field("cloud.account.id"):
        block["account_id"] = account_id
    return block


def _ecs(attributes: Attributes) -> dict[str, str]:
    fields = {
        "container": "container.name",
        "container_id": "container.id",
        "task_arn": "aws.ecs.task.arn",
        "task_family": "aws.ecs.task.family",
        "cluster_arn": "aws.ecs.cluster.arn",
        "container_arn": "aws.ecs.container.arn",
        "availability_zone": "cloud.availability_zone",
        "launch_type": "aws.ecs.launchtype",
    }
    return {field: value for field, key in fields.items() if (value := text(attributes, key))}


def _sdk(attributes: Attributes) -> dict[str, Any]:
    name = text(attributes, "telemetry.sdk.name")
    language = text(attributes, "telemetry.sdk.language")
    version = text(attributes, "telemetry.sdk.version")
    block: dict[str, Any] = {}
    if name:
        block["sdk"] = f"{name} for {language}" if language else name
    if version:
        block["sdk_version"] = version
    automatic = text(attributes, "telemetry.auto.version") or text(attributes, "telemetry.distro.version")
    block["auto_instrumentation"] = bool(automatic)
    return block


def _log_groups(attributes: Attributes) -> list[dict[str, str | None]]:
    arns = _names(attributes.get("aws.log.group.arns"))
    if arns:
        return [{"log_group": _group_in(arn), "arn": arn} for arn in arns]
    return [{"log_group": name} for name in _names(attributes.get("aws.log.group.names"))]


def _names(value: Value) -> list[str]:
    # OTEL_RESOURCE_ATTRIBUTES knows no lists: there, several names are joined by "&".
    if isinstance(value, str):
        return [name for name in value.split("&") if name]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _group_in(arn: str) -> str:
    fields = arn.split(":")
    return fields[_ARN_GROUP_FIELD] if len(fields) > _ARN_GROUP_FIELD else arn


def _service(attributes: Attributes) -> dict[str, Any] | None:
    if "service.version" in attributes:
        return _versioned(text(attributes, "service.version"))
    tags = attributes.get("container.image.tags")
    if isinstance(tags, list) and tags:
        return _versioned(tags[0] if isinstance(tags[0], str) else "")
    if "container.image.tag" in attributes:
        return _versioned(text(attributes, "container.image.tag"))
    return None


def _versioned(version: str) -> dict[str, Any]:
    return {"version": version} if version else {}


def resource_fields(
    resource: OtelResource, indexed: frozenset[str] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Annotations and default metadata that a segment takes from its resource; *indexed* None means all."""
    annotations: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    for name, value in resource.attributes.items():
        key = RESOURCE_PREFIX + name
        scalar = annotation_value(value)
        if scalar is not None and (indexed is None or key in indexed):
            annotations[annotation_key(key)] = scalar
        elif value is not None:
            metadata[key] = as_json(value)
    return annotations, metadata
