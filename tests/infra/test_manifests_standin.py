"""The overlays that are not the usual ones: without AWS, and with the store as it was."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml

from k8s.live import recycle
from k8s.topology import ServiceKey
from tests.infra.rendered import (
    MANIFESTS,
    TARGETS,
    WITH_OPERATOR,
    Raw,
    collector,
    containers,
    deployments,
    objects,
    pods,
)

pytestmark = pytest.mark.infra

NO_AWS = "overlays/no-aws"
CLASSIC = "overlays/classic"
CONFIG = MANIFESTS / "standin" / "config.yaml"
HEADER = (
    "# spec.config of ../base/collector/collector.yaml, where the reasons stand. Do not edit: change\n"
    "# that file, then SAMEZONE_UPDATE_GOLDEN=1 pytest tests/infra/test_manifests_standin.py\n"
)


def container(target: str, name: str) -> Raw:
    """The only container of that name."""
    (found,) = (one for one in containers(target) if one["name"] == name)
    return found


def test_both_collectors_have_one_configuration():
    """The plain collector's file is generated from the operator's object."""
    wanted = HEADER + yaml.safe_dump(collector("base"), sort_keys=False)
    if os.environ.get("SAMEZONE_UPDATE_GOLDEN") == "1":
        CONFIG.write_text(wanted)
    assert CONFIG.read_text() == wanted
    assert all(collector(target) == collector("base") for target in TARGETS)


def test_the_plain_collector_differs_in_where_it_sends():
    """Its file is the mounted one, and one setting on top names the stand-in's Service and port."""
    found = container(NO_AWS, "collector")
    file, setting = found["args"]
    volumes = {one["name"]: one for pod in pods(NO_AWS) for one in pod.spec.get("volumes", ())}
    (mount,) = found["volumeMounts"]
    assert file == f"--config=file:{mount['mountPath']}/collector.yaml"
    assert volumes[mount["name"]]["configMap"]["name"].startswith("xray-collector-")
    (service,) = (one for one in objects(NO_AWS, "Service") if one["metadata"]["name"] == "xray-standin")
    host = f"xray-standin.{service['metadata']['namespace']}.svc.cluster.local"
    port = service["spec"]["ports"][0]["port"]
    assert setting == f"--set=exporters.awsxray.endpoint=http://{host}:{port}"


def test_the_plain_collector_is_the_image_that_the_operator_runs():
    """The same version, so the same translation."""
    operated = {pod.containers[0]["image"] for pod in pods("base") if pod.owner == "xray-collector"}
    assert operated == {container(NO_AWS, "collector")["image"]}


def test_the_collectors_service_is_the_one_the_pods_send_to():
    """The operator would make Service xray-collector; here it is written, with the ports of the receivers."""
    (service,) = (one for one in objects(NO_AWS, "Service") if one["metadata"]["name"] == "xray-collector")
    ports = {one["port"]: one["targetPort"] for one in service["spec"]["ports"]}
    assert ports == {4317: "otlp-grpc", 4318: "otlp-http"}
    listening = {one["name"]: one["containerPort"] for one in container(NO_AWS, "collector")["ports"]}
    protocols = collector(NO_AWS)["receivers"]["otlp"]["protocols"]
    assert protocols["grpc"]["endpoint"] == f"0.0.0.0:{listening['otlp-grpc']}"
    assert protocols["http"]["endpoint"] == f"0.0.0.0:{listening['otlp-http']}"
    assert collector(NO_AWS)["extensions"]["health_check"]["endpoint"] == f"0.0.0.0:{listening['health']}"


def test_no_overlay_but_that_one_has_the_standin():
    """Where AWS is, X-Ray is AWS's."""
    for target in WITH_OPERATOR:
        assert "xray-standin" not in deployments(target)
        assert not any(
            one["name"] == "AWS_ACCESS_KEY_ID" for c in containers(target) for one in c.get("env", ())
        )


@pytest.mark.parametrize("target", TARGETS)
def test_variables_are_made_before_they_are_used(target: str):
    """Kubernetes expands $(NAME) only from variables that stand above; merging patches changes the order."""
    for found in containers(target):
        above: set[str] = set()
        for one in found.get("env", ()):
            assert set(re.findall(r"\$\((\w+)\)", one.get("value", ""))) <= above, one["name"]
            above.add(one["name"])


class RenderedWorkloads:
    """The API's collections as an overlay would fill them."""

    def __init__(self, target: str) -> None:
        self._target = target

    def raw_items(self, path: str, query: Mapping[str, str] | None = None) -> Sequence[Raw]:
        del query
        namespace = path.split("/")[5]
        found = deployments(self._target).values()
        return [one for one in found if one["metadata"]["namespace"] == namespace]

    def patch(self, path: str, patch: Mapping[str, Any], *, what: str) -> Raw:
        raise AssertionError(f"{path} {patch} {what}")


@pytest.mark.parametrize(("target", "pools"), [("overlays/simple", True), (CLASSIC, False)])
def test_the_classic_ui_opens_a_connection_for_every_call(target: str, pools: bool):
    """What our own look at a Deployment says: it keeps connections, or it was told not to."""
    key = ServiceKey(namespace="ui", name="ui")
    (found,) = recycle.clients(RenderedWorkloads(target), key, [("app.kubernetes.io/name", "ui")])
    assert found.pools is pools


def test_the_classic_store_is_of_one_version_and_has_its_database_beside_it():
    """Version 0.8.5 of both; MySQL is a sidecar that listens on 127.0.0.1 only."""
    store = {one["image"] for one in containers(CLASSIC) if "retail-store" in one["image"]}
    assert {image.rpartition(":")[2] for image in store} == {"0.8.5"}
    mysql = container(CLASSIC, "mysql")
    assert mysql["restartPolicy"] == "Always"
    assert "--bind-address=127.0.0.1" in mysql["args"]
    env = {one["name"]: one.get("value") for one in container(CLASSIC, "catalog")["env"]}
    assert env["DB_ENDPOINT"] == "127.0.0.1:3306"
    assert not {name for name in env if name.startswith("RETAIL_")}


def test_spans_of_every_store_go_to_a_port_of_the_collector():
    """Version 1.6 sends over HTTP, 0.8.5 over gRPC: scheme, port and protocol fit together."""
    ports = {"http/protobuf": 4318, "grpc": 4317}
    for target in TARGETS:
        for found in containers(target):
            env = {one["name"]: one.get("value") for one in found.get("env", ())}
            if "OTEL_EXPORTER_OTLP_ENDPOINT" in env:
                port = ports[env["OTEL_EXPORTER_OTLP_PROTOCOL"]]
                assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://xray-collector.observability:{port}"
