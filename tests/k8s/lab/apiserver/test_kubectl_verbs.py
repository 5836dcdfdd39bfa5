"""More of the real kubectl: what people do to workloads, pods and nodes, as they type it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.lab.apiserver.access import RESTRICTED
from tests.k8s.lab.apiserver import samples, wire
from tests.k8s.lab.apiserver.conftest import Kubectl

pytestmark = pytest.mark.programs

Add = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def shop(namespace: str, add: Add) -> str:
    """A namespace with a Deployment and its Service."""
    add(samples.deployment(namespace))
    add(samples.service(namespace))
    return namespace


def field(kubectl: Kubectl, namespace: str, what: str, path: str) -> str:
    return kubectl.run("-n", namespace, "get", what, "-o", f"jsonpath={{{path}}}")


def test_scale_restart_and_history(kubectl: Kubectl, shop: str) -> None:
    """The objects of a rollout: replicas, the template's annotation, and the generation behind both."""
    assert kubectl.run("-n", shop, "scale", "deploy/catalog", "--replicas=5") == (
        "deployment.apps/catalog scaled\n"
    )
    kubectl.run("-n", shop, "scale", "deploy/catalog", "--replicas=2", "--current-replicas=5")
    kubectl.run("-n", shop, "scale", "deploy/catalog", "--replicas=9", "--current-replicas=5", code=1)
    assert "restarted" in kubectl.run("-n", shop, "rollout", "restart", "deploy/catalog")
    kubectl.run("-n", shop, "set", "image", "deploy/catalog", "catalog=catalog:2.0")

    assert field(kubectl, shop, "deploy/catalog", ".spec.replicas") == "2"
    assert field(kubectl, shop, "deploy/catalog", ".metadata.generation") == "5"
    assert field(kubectl, shop, "deploy/catalog", ".spec.template.spec.containers[0].image") == "catalog:2.0"
    template = json.loads(field(kubectl, shop, "deploy/catalog", ".spec.template.metadata.annotations"))
    assert list(template) == ["kubectl.kubernetes.io/restartedAt"]
    assert "No rollout history found" in kubectl.run("-n", shop, "rollout", "history", "deploy/catalog")


def test_rollout_status_waits_for_the_controller(kubectl: Kubectl, url: str, shop: str) -> None:
    """For the generation to be observed, then for the replicas."""
    path = f"{url}/apis/apps/v1/namespaces/{shop}/deployments/catalog"
    status = ("-n", shop, "rollout", "status", "deploy/catalog")

    waiting = kubectl.run(*status, "--timeout=1s", code=1)
    assert "Waiting for deployment spec update to be observed" in waiting
    full = {
        "observedGeneration": 1,
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
    }
    wire.patch(f"{path}/status", {"status": full})
    assert 'deployment "catalog" successfully rolled out' in kubectl.run(*status, "--timeout=50s")


def test_a_pod_is_deleted_with_grace_or_at_once(kubectl: Kubectl, shop: str, add: Add) -> None:
    """``--now`` and ``--force`` mean what they say."""
    add(samples.pod("p", shop))
    kubectl.run("-n", shop, "delete", "pod", "p", "--wait=false")
    assert field(kubectl, shop, "pod/p", ".metadata.deletionGracePeriodSeconds") == "30"
    assert "Terminating" in kubectl.run("-n", shop, "get", "pods")
    kubectl.run("-n", shop, "delete", "pod", "p", "--now", "--wait=false")
    assert field(kubectl, shop, "pod/p", ".metadata.deletionGracePeriodSeconds") == "1"

    kubectl.run("-n", shop, "delete", "pod", "p", "--force")

    assert 'pods "p" not found' in kubectl.run("-n", shop, "get", "pod", "p", code=1)


def test_typed_commands_speak_protobuf(kubectl: Kubectl, shop: str) -> None:
    """``create``, of a namespace and a Service, and ``drain``."""
    name = f"{shop}-{kubectl.path.parent.name.strip('.')}"
    assert kubectl.run("create", "namespace", name) == f"namespace/{name} created\n"
    kubectl.run("-n", name, "create", "deployment", "web", "--image=web:1", "--replicas=0", "--port=80")
    kubectl.run("-n", name, "create", "service", "clusterip", "web", "--tcp=80:http")

    assert field(kubectl, name, "deploy/web", ".spec.replicas") == "0"
    assert field(kubectl, name, "svc/web", ".spec.ports[0].targetPort") == "http"
    kubectl.run("delete", "namespace", name)


def test_drain_evicts(kubectl: Kubectl, shop: str, add: Add) -> None:
    """What is on the node, and cordons it."""
    name = f"{shop}-{kubectl.path.parent.name.strip('.')}"
    add(samples.node(name))
    pod = samples.pod("p", shop, on=name)
    pod["metadata"]["annotations"] = {"samezone.dev/external": "true"}
    add(pod)

    printed = kubectl.run("drain", name, "--force", "--timeout=10s")

    assert f"evicting pod {shop}/p" in printed
    assert f"node/{name} drained" in printed
    assert 'pods "p" not found' in kubectl.run("-n", shop, "get", "pod", "p", code=1)


def test_server_side_apply(kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    """A field and an annotation, changed, clashing, forced and given up; the diff first."""
    file = tmp_path / "service.yaml"
    service = samples.service(namespace)
    apply = ("apply", "--server-side", "-f", str(file))

    def write(**spec: str) -> None:
        file.write_text(yaml.safe_dump(service | {"spec": {**service["spec"], **spec}}))

    service["metadata"]["annotations"] = {"note": "x"}
    write(trafficDistribution="PreferSameZone")
    assert kubectl.run(*apply) == "service/catalog serverside-applied\n"
    write(trafficDistribution="PreferSameNode")
    assert "+  trafficDistribution: PreferSameNode" in kubectl.run(
        "diff", "--server-side", "-f", str(file), code=1
    )
    kubectl.run(*apply)
    patch = '{"spec":{"trafficDistribution":"PreferSameZone"}}'
    kubectl.run("-n", namespace, "patch", "svc", "catalog", "-p", patch)
    refused = kubectl.run(*apply, code=1)
    kubectl.run(*apply, "--force-conflicts")
    assert field(kubectl, namespace, "svc/catalog", ".spec.trafficDistribution") == "PreferSameNode"
    del service["metadata"]["annotations"]
    write()
    kubectl.run(*apply)

    conflict = (
        'Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: .spec.trafficDistribution'
    )
    assert conflict in refused
    assert field(kubectl, namespace, "svc/catalog", ".spec.trafficDistribution") == ""
    assert field(kubectl, namespace, "svc/catalog", ".metadata.annotations") == ""


def test_from_client_side_to_server_side_apply(kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    """Kubectl takes over the fields it applied from its own side, without a conflict."""
    file = tmp_path / "service.yaml"
    service = samples.service(namespace)
    service["spec"]["trafficDistribution"] = "PreferSameZone"
    file.write_text(yaml.safe_dump(service))
    kubectl.run("apply", "-f", str(file))
    service["spec"]["trafficDistribution"] = "PreferSameNode"
    file.write_text(yaml.safe_dump(service))
    kubectl.run("apply", "--server-side", "-f", str(file))
    del service["spec"]["trafficDistribution"]
    file.write_text(yaml.safe_dump(service))
    kubectl.run("apply", "--server-side", "-f", str(file))

    assert field(kubectl, namespace, "svc/catalog", ".spec.trafficDistribution") == ""


def test_who_may_do_what(kubectl: Kubectl) -> None:
    """``auth can-i`` and ``whoami``; a user that may not list nodes is told so."""
    assert kubectl.run("auth", "can-i", "delete", "pods").endswith("yes\n")
    assert "no" in kubectl.run("auth", "can-i", "list", "nodes", "--as", "deny:list:nodes", code=1)
    assert "services" in kubectl.run("auth", "can-i", "--list", "--as", "deny:list:nodes")
    assert RESTRICTED in kubectl.run("auth", "whoami", "--as", "deny:list:nodes")
    refused = kubectl.run("get", "nodes", "--as", "deny:list:nodes", code=1)
    assert refused == (
        f'Error from server (Forbidden): nodes is forbidden: User "{RESTRICTED}" cannot list resource '
        '"nodes" in API group "" at the cluster scope\n'
    )


def test_what_a_lab_has_not_is_said_so(kubectl: Kubectl, shop: str, add: Add) -> None:
    """Logs and exec; a kind that is not served."""
    add(samples.pod("p", shop))

    assert "the lab keeps its pods' logs in files" in kubectl.run("-n", shop, "logs", "p", code=1)
    assert "nothing can be run in them" in kubectl.run("-n", shop, "exec", "p", "--", "ls", code=1)
    missing = kubectl.run("-n", shop, "create", "configmap", "x", code=1)
    assert "the server could not find the requested resource" in missing


def test_health_in_detail(kubectl: Kubectl) -> None:
    """Each of the three, and one check of it."""
    for path in ("/healthz", "/livez", "/readyz"):
        assert f"{path[1:]} check passed" in kubectl.run("get", "--raw", f"{path}?verbose")
        assert kubectl.run("get", "--raw", f"{path}/ping") == "ok"
    kubectl.run("get", "--raw", "/readyz/nothing", code=1)
