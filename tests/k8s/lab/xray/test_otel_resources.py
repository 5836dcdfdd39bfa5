"""What a resource gives to documents: the aws and service blocks."""

from typing import Any

import pytest

from k8s.lab.xray.otel_resources import resource_of
from tests.k8s.lab.xray.builders import Json

_BEANSTALK = {
    "cloud.platform": "aws_elastic_beanstalk",
    "service.instance.id": "406",
    "service.namespace": "dev",
    "service.version": "v1",
}


def aws(attributes: Json) -> Any:
    """The aws block without the SDK's part."""
    block = resource_of(attributes).aws
    return None if block is None else {key: item for key, item in block.items() if key != "xray"}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, {}),
        ({"cloud.provider": "gcp", "host.id": "h"}, None),
        ({"cloud.provider": "", "cloud.account.id": "42"}, {"account_id": "42"}),
        ({"cloud.availability_zone": "a"}, {}),
        ({"cloud.platform": "aws_ec2"}, {"ec2": [None, None, None, None]}),
        (
            {"host.id": "h", "cloud.availability_zone": "a", "host.type": "m5", "host.image.id": "ami"},
            {"ec2": ["h", "a", "m5", "ami"]},
        ),
        ({"cloud.platform": "aws_eks"}, {"eks": [None, None, None]}),
        (
            {"k8s.cluster.name": "c", "k8s.pod.name": "p", "container.id": "i", "k8s.pod.uid": "u"},
            {"eks": ["c", "p", "i"]},
        ),
    ],
)
def test_place(attributes: Json, expected: Json | None) -> None:
    """EC2 needs the platform or a host id, EKS the platform or a cluster name; missing fields are null."""
    found = aws(attributes)
    fields = {
        "ec2": ("instance_id", "availability_zone", "instance_size", "ami_id"),
        "eks": ("cluster_name", "pod", "container_id"),
    }

    assert expected == (
        None
        if found is None
        else {
            key: [item[field] for field in fields[key]] if key in fields else item
            for key, item in found.items()
        }
    )


def test_ecs() -> None:
    """The ECS block holds what is there."""
    attributes = {"cloud.platform": "aws_ecs", "container.name": "c", "aws.ecs.task.family": "f"}

    assert aws(attributes) == {"ecs": {"container": "c", "task_family": "f"}}


@pytest.mark.parametrize(("deployment", "number"), [("406", 406), ("blue", 0)])
def test_beanstalk(deployment: str, number: int) -> None:
    """Beanstalk's deployment is a number, 0 where it is none."""
    block = {"environment_name": "dev", "version_label": "v1", "deployment_id": number}

    assert aws(_BEANSTALK | {"service.instance.id": deployment}) == {"elastic_beanstalk": block}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"aws.log.group.names": "a&b"}, [{"log_group": "a"}, {"log_group": "b"}]),
        ({"aws.log.group.names": ["a"]}, [{"log_group": "a"}]),
        (
            {"aws.log.group.arns": ["arn:aws:logs:r:1:log-group:g:*"], "aws.log.group.names": ["a"]},
            [{"log_group": "g", "arn": "arn:aws:logs:r:1:log-group:g:*"}],
        ),
        ({"aws.log.group.arns": "odd"}, [{"log_group": "odd", "arn": "odd"}]),
        ({"aws.log.group.names": 5}, None),
    ],
)
def test_log_groups(attributes: Json, expected: list[Json] | None) -> None:
    """Log groups come from ARNs, else from names, in lists or joined by ampersands."""
    assert expected == aws(attributes).get("cloudwatch_logs")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, {"auto_instrumentation": False}),
        ({"telemetry.sdk.name": "o"}, {"sdk": "o", "auto_instrumentation": False}),
        (
            {"telemetry.sdk.name": "o", "telemetry.sdk.language": "go", "telemetry.sdk.version": "1"},
            {"sdk": "o for go", "sdk_version": "1", "auto_instrumentation": False},
        ),
        ({"telemetry.auto.version": "1"}, {"auto_instrumentation": True}),
        ({"telemetry.distro.version": "1"}, {"auto_instrumentation": True}),
    ],
)
def test_sdk(attributes: Json, expected: Json) -> None:
    """The SDK, its version, and whether an agent or a distribution put it there."""
    block = resource_of(attributes).aws

    assert block is not None
    assert expected == block["xray"]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, None),
        ({"service.version": "1", "container.image.tags": ["2"]}, {"version": "1"}),
        ({"container.image.tags": ["2", "3"], "container.image.tag": "4"}, {"version": "2"}),
        ({"container.image.tag": "4"}, {"version": "4"}),
        ({"service.version": ""}, {}),
    ],
)
def test_version(attributes: Json, expected: Json | None) -> None:
    """The version is the service's, else the first image tag of a list, else the old single tag."""
    assert expected == resource_of(attributes).service
