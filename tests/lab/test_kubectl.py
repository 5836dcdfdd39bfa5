"""The real kubectl against a whole lab: what it changes in the API happens to processes and slices."""

import http.client
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from tests.lab.conftest import BIN, Lab, running_lab

pytestmark = pytest.mark.lab

WAIT_S = 60.0
CATALOG = ("-n", "catalog")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three catalog pods, one a zone."""
    yield from running_lab(tmp_path_factory.mktemp("kubectl"), "--catalog", "3")


def kubectl(lab: Lab, *arguments: str) -> str:
    done = lab.tool("kubectl", *CATALOG, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def listed(lab: Lab, kind: str, *arguments: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(kubectl(lab, "get", kind, "-o", "json", *arguments))["items"]
    return items


def endpoints(lab: Lab) -> list[dict[str, Any]]:
    """The ready ones of the catalog Service."""
    return [
        endpoint
        for one in listed(lab, "endpointslices")
        for endpoint in one.get("endpoints", [])
        if endpoint["conditions"].get("ready")
    ]


def standing(lab: Lab) -> list[str]:
    """Names of the catalog's pods, once there are three and none of them is going away."""
    await_(lambda: ["deletionTimestamp" in pod["metadata"] for pod in listed(lab, "pods")], [False] * 3)
    return [pod["metadata"]["name"] for pod in listed(lab, "pods")]


def await_(look: Callable[[], object], expected: object) -> None:
    """Look until it is as *expected*."""
    until = time.monotonic() + WAIT_S
    while (seen := look()) != expected:
        assert time.monotonic() < until, f"{seen} is not {expected}"
        time.sleep(0.1)


@contextmanager
def forwarded(lab: Lab, what: str) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """``kubectl port-forward`` to port 8080, and the local port it listens on."""
    command = [str(BIN / "kubectl"), *CATALOG, "port-forward", what, ":8080", "--address", "127.0.0.1"]
    process = subprocess.Popen(command, env=lab.environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found is not None
        yield int(found[1]), process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_scaling_starts_and_ends_processes(small: Lab) -> None:
    """Up by one, which the Service's slices learn, and down again."""
    kubectl(small, "scale", "deploy/catalog", "--replicas=4")
    assert "successfully rolled out" in kubectl(small, "rollout", "status", "deploy/catalog", "--timeout=50s")
    await_(lambda: len(endpoints(small)), 4)
    kubectl(small, "scale", "deploy/catalog", "--replicas=3")
    kubectl(small, "wait", "deploy/catalog", "--for=jsonpath={.status.replicas}=3", "--timeout=50s")

    await_(lambda: len(listed(small, "pods")), 3)
    assert len(endpoints(small)) == 3


def test_a_restart_replaces_every_pod(small: Lab) -> None:
    """By a new ReplicaSet, which the history counts; undone, the old one is back."""
    before = set(standing(small))
    kubectl(small, "rollout", "restart", "deploy/catalog")
    kubectl(small, "rollout", "status", "deploy/catalog", "--timeout=50s")
    after = set(standing(small))
    history = kubectl(small, "rollout", "history", "deploy/catalog")
    kubectl(small, "rollout", "undo", "deploy/catalog")
    kubectl(small, "rollout", "status", "deploy/catalog", "--timeout=50s")

    assert not before & after
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["1", "2"]


def test_a_deleted_pod_ends_and_is_replaced(small: Lab) -> None:
    """Kubectl waits until its kubelet has finished it."""
    gone = standing(small)[0]
    kubectl(small, "delete", "pod", gone, "--timeout=50s")

    await_(lambda: len(endpoints(small)), 3)
    assert gone not in {pod["metadata"]["name"] for pod in listed(small, "pods")}


def test_a_port_forward_reaches_the_process(small: Lab) -> None:
    """Through the Service to one of its pods."""
    with forwarded(small, "svc/catalog") as (port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/health")
        status = connection.getresponse().status
        connection.close()

    assert status == 200


def test_a_port_forward_ends_with_its_pod(small: Lab) -> None:
    """Kubectl says that it lost the pod, and ends."""
    pod = standing(small)[0]
    with forwarded(small, f"pod/{pod}") as (_, process):
        kubectl(small, "delete", "pod", pod, "--timeout=50s")
        assert process.wait(timeout=WAIT_S) != 0
    await_(lambda: len(endpoints(small)), 3)


def test_applied_routing_becomes_hints(small: Lab) -> None:
    """Server-side, set and given up again, as a GitOps tool does it."""
    file = small.folder / "service.yaml"
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "catalog", "namespace": "catalog"},
        "spec": {"trafficDistribution": "PreferSameZone"},
    }

    def apply() -> None:
        file.write_text(yaml.safe_dump(service))
        kubectl(small, "apply", "--server-side", "--field-manager=gitops", "-f", str(file))

    apply()
    await_(lambda: ["hints" in endpoint for endpoint in endpoints(small)], [True] * 3)
    del service["spec"]
    apply()
    await_(lambda: ["hints" in endpoint for endpoint in endpoints(small)], [False] * 3)
