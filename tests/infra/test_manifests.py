"""What is deployed to a real cluster, as Kubernetes takes it: schemas, images, permissions, secrets."""

import json
import re
from copy import deepcopy
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest

from k8s.routing import modes
from k8s.routing.modes import RoutingMode, RoutingSettings
from tests.infra.rendered import (
    MANIFESTS,
    REPO,
    TARGETS,
    WITH_OPERATOR,
    WITHOUT_OPERATOR,
    Raw,
    containers,
    everything,
    objects,
    pods,
    render,
)

pytestmark = pytest.mark.infra

KUBERNETES = ("1.33", "1.34", "1.35", "1.36", "1.37")
CUSTOM = {"OpenTelemetryCollector"}
TRAFFIC_DISTRIBUTIONS = {"PreferClose", "PreferSameZone", "PreferSameNode"}
"""What the API server takes (KEP-4444, KEP-3015); its schema says "string"."""
DUMMY = "dummy-not-a-credential"
_SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|-----BEGIN|ghp_\w{20}|xox[bp]-|kind: Secret\b|secretGenerator|secretKeyRef"
)
_SWITCHES = {"MYSQL_ALLOW_EMPTY_PASSWORD"}
"""No credentials: the database listens on 127.0.0.1 inside its pod."""
_SECRET_NAME = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|_KEY(_|$)|CREDENTIAL")


def invalid(one: Raw, version: str) -> str | None:
    """What Kubernetes' own schema, without unknown fields, says against an object."""
    try:
        kubernetes_validate.validate(one, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{one['kind']} {one['metadata']['name']}: {error.message}"
    return None


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_builtin_kind_fits_its_schema(version: str):
    """Kubernetes knows every field of every object but the collector's."""
    found = [one for one in everything() if one["kind"] not in CUSTOM]
    assert len(found) > 50
    assert [said for one in found if (said := invalid(one, version))] == []


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_schema_check_can_fail(version: str):
    """A field that is misspelt, or of another type, is found."""
    service = next(one for one in everything() if one["kind"] == "Service")
    for key, value in (("trafficDistributon", "PreferClose"), ("clusterIP", 7)):
        wrong = deepcopy(service)
        wrong["spec"][key] = value
        assert invalid(wrong, version) is not None


@pytest.mark.parametrize("target", TARGETS)
def test_the_collector_fits_the_fields_of_its_kind(target: str):
    """The custom resource has only fields of the operator's v1beta1 API; without operator there is none."""
    schema = json.loads((MANIFESTS / "schemas" / "opentelemetrycollector.json").read_text())
    found = objects(target, "OpenTelemetryCollector")
    assert len(found) == (0 if target in WITHOUT_OPERATOR else 1)
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.message for one in found for error in validator.iter_errors(one)] == []
    for one in found:
        assert not validator.is_valid(one | {"spec": one["spec"] | {"volumez": []}})


@pytest.mark.parametrize("target", TARGETS)
def test_services_begin_without_a_routing_mode(target: str):
    """The manifests are the baseline: no traffic distribution, no topology annotation."""
    for service in objects(target, "Service"):
        assert "trafficDistribution" not in service["spec"]
        assert "internalTrafficPolicy" not in service["spec"]
        assert not any("topology" in key for key in service["metadata"].get("annotations", {}))


def test_the_modes_set_values_that_the_api_server_takes():
    """What our own patches write into trafficDistribution is one of three words, and each is written."""
    settings = [modes.settings_for(mode, RoutingSettings()) for mode in RoutingMode]
    written = {one.traffic_distribution for one in settings}
    assert written - {None} == TRAFFIC_DISTRIBUTIONS


@pytest.mark.parametrize("target", TARGETS)
def test_images_are_pinned_and_needs_are_said(target: str):
    """A version tag, requests and a memory limit everywhere; a CPU limit nowhere, it would bend latencies."""
    for container in containers(target):
        assert re.fullmatch(r"[^:]+:v?\d+\.\d+\.\d+", container["image"]), container["image"]
        assert {"cpu", "memory"} == set(container["resources"]["requests"])
        assert {"memory"} == set(container["resources"]["limits"])


def test_no_file_names_the_latest_image():
    """Neither manifests nor Dockerfiles nor workflows say "latest", or an image without a tag."""
    for path in texts():
        text = path.read_text()
        assert ":latest" not in text, path
        for line in re.findall(r"^FROM (.+)$", text, re.MULTILINE):
            assert re.search(r":\d[\w.-]+( AS \w+)?$", line), f"{path}: {line}"


def texts() -> list[Path]:
    """Every file of the manifests and workflows."""
    roots = (MANIFESTS, REPO / ".github" / "workflows")
    return [path for root in roots for path in sorted(root.rglob("*")) if path.is_file()]


def test_the_tree_holds_no_secret():
    """No Secret, no generator of one, no key; what is named like a credential holds a dummy that says so."""
    found = [f"{path}: {match[0]}" for path in texts() if (match := _SECRET.search(path.read_text()))]
    assert found == []
    named = [
        (one["name"], one.get("value"))
        for target in TARGETS
        for container in containers(target)
        for one in container.get("env", ())
        if _SECRET_NAME.search(one["name"]) and one["name"] not in _SWITCHES
    ]
    assert {value for _, value in named} == {DUMMY}
    assert _SECRET.search("aws_access_key_id = AKIAIOSFODNN7EXAMPLE")
    assert _SECRET_NAME.search("MYSQL_ROOT_PASSWORD")


@pytest.mark.parametrize("target", TARGETS)
def test_only_the_collector_has_a_token(target: str):
    """No pod of ours gets an API token; the collector needs one and names its account."""
    for pod in pods(target):
        assert pod.spec.get("automountServiceAccountToken", True) is (pod.owner == "xray-collector")
    accounts = objects(target, "ServiceAccount")
    token = {one["metadata"]["name"]: one.get("automountServiceAccountToken", True) for one in accounts}
    expected = {"catalog": False, "ui": False, "locust": False, "collector": True}
    assert token == expected | ({"xray-standin": False} if target in WITHOUT_OPERATOR else {})


@pytest.mark.parametrize("target", TARGETS)
def test_everything_made_has_our_label(target: str):
    """By that label the samezone command finds what it may take away."""
    labels = [one["metadata"].get("labels", {}) for one in objects(target)]
    assert {one.get("app.kubernetes.io/part-of") for one in labels} == {"samezone"}


@pytest.mark.parametrize("target", TARGETS)
def test_the_harness_may_do_what_it_does_and_no_more(target: str):
    """Lists and watches everywhere; writes are patches of the one Service and of the ui's Deployments."""
    rules = [
        (one["kind"], one["metadata"].get("namespace"), resource, *map(tuple, (rule["verbs"], names)))
        for one in objects(target)
        if one["kind"] in ("Role", "ClusterRole") and one["metadata"]["name"] != "samezone-collector"
        for rule in one["rules"]
        for names in [rule.get("resourceNames", ())]
        for resource in rule["resources"]
    ]
    forwarded = ["locust", "observability"] if target in WITHOUT_OPERATOR else ["locust"]
    deployments = ("ui", "ui-1", "ui-2", "ui-3")
    assert set(rules) == {
        ("ClusterRole", None, "endpointslices", ("list", "watch"), ()),
        ("ClusterRole", None, "events", ("list",), ()),
        ("ClusterRole", None, "ingresses", ("list",), ()),
        ("ClusterRole", None, "nodes", ("list", "watch"), ()),
        ("ClusterRole", None, "pods", ("list", "watch"), ()),
        ("ClusterRole", None, "services", ("get", "list"), ()),
        ("Role", "catalog", "leases", ("create",), ()),
        ("Role", "catalog", "leases", ("get", "update", "delete"), ("samezone.catalog",)),
        ("Role", "catalog", "services", ("patch",), ("catalog",)),
        ("Role", "ui", "deployments", ("list",), ()),
        ("Role", "ui", "deployments", ("patch",), deployments),
        *(("Role", namespace, "pods", ("get",), ()) for namespace in forwarded),
        *(("Role", namespace, "pods/portforward", ("get", "create"), ()) for namespace in forwarded),
    }


def test_the_base_names_no_place():
    """Neither zone nor region: the base fits every cluster."""
    said = [str(one) for one in objects("base") if one["kind"] != "ConfigMap"]
    assert [one for one in said if re.search(r"\b[a-z]{2}-[a-z]+-\d[a-z]?\b", one)] == []
    assert len(WITH_OPERATOR) > 3
    assert "set-by-place" in render("base")
