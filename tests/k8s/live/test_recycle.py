"""Restarting pooling clients: who pools, what is patched, what is waited for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from k8s.errors import InvalidRunError, UsageError
from k8s.live import recycle
from k8s.topology import Recycled, ServiceKey

UI = ServiceKey(namespace="ui", name="ui")
SELECTOR = (("app", "ui"),)
STORE = "public.ecr.aws/aws-containers/retail-store-sample-ui"


def deployment(
    image: str, *, env: tuple[tuple[str, str], ...] = (), name: str = "ui", **labels: str
) -> dict[str, Any]:
    variables = [{"name": key, "value": value} for key, value in env]
    return {
        "metadata": {"name": name, "namespace": "ui", "generation": 1},
        "spec": {
            "replicas": 2,
            "template": {
                "metadata": {"labels": labels or {"app": "ui", "version": "1"}},
                "spec": {"containers": [{"name": "ui", "image": image, "env": variables}]},
            },
        },
        "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
    }


@dataclass
class FakeWorkloads:
    """A Deployment that rolls out on a fake clock: surge, then old pods that end slowly."""

    raw: dict[str, Any]
    rolls_for_s: float = 4.0
    ends_for_s: float = 7.0
    now_s: float = 1_760_000_000.0
    restarted_s: float | None = None
    patches: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def patch(self, path: str, patch: Mapping[str, Any], *, what: str) -> Mapping[str, Any]:
        assert "ui/ui" in what
        self.patches.append((path, patch))
        self.raw["metadata"]["generation"] += 1
        self.restarted_s = self.now_s
        return self.raw

    def raw_items(self, path: str, query: Mapping[str, str] | None = None) -> Sequence[Mapping[str, Any]]:
        since_s = 1e9 if self.restarted_s is None else self.now_s - self.restarted_s
        if path.endswith("/deployments"):
            if since_s >= 1:
                self.raw["status"]["observedGeneration"] = self.raw["metadata"]["generation"]
            self.raw["status"]["replicas"] = 2 if since_s >= self.rolls_for_s else 3
            return [self.raw]
        assert path == "/api/v1/namespaces/ui/pods"
        assert query == {"labelSelector": "app=ui,version=1"}
        leaving = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if since_s < self.ends_for_s else {}
        return [{"metadata": {"name": "ui-1", **leaving}}]


@pytest.mark.parametrize(
    ("image", "env", "pools", "reason"),
    [
        (f"{STORE}:1.6.2", (), True, "no switch"),
        (f"{STORE}:0.8.5", (), True, "unless ENDPOINTS_HTTP_KEEPALIVE=false"),
        (f"{STORE}:0.8.5", (("ENDPOINTS_HTTP_KEEPALIVE", "false"),), False, "ENDPOINTS_HTTP_KEEPALIVE=false"),
        (f"{STORE}:0.8.5", (("ENDPOINTS_HTTP_KEEPALIVE", "true"),), True, "ENDPOINTS_HTTP_KEEPALIVE=true"),
        ("example.org/shop:2", (), True, "example.org/shop:2 may keep connections"),
    ],
)
def test_who_pools(image: str, env: tuple[tuple[str, str], ...], pools: bool, reason: str):
    """The store's ui from 1.0 on always, before it by its variable; an unknown image is taken to pool."""
    (found,) = recycle.clients(FakeWorkloads(deployment(image, env=env)), UI, SELECTOR)
    assert (pools, 2, "ui/ui") == (found.pools, found.pods, str(found))
    assert reason in found.reason


def test_only_deployments_behind_the_service_count():
    """Labels of the pod template have to satisfy the selector; with none the user is told what to do."""
    with pytest.raises(
        UsageError, match=r"Service ui/ui: none of namespace ui has its labels.*--recycle never"
    ):
        recycle.clients(FakeWorkloads(deployment("x", app="other")), UI, SELECTOR)


def test_a_restart_is_over_when_the_last_old_pod_is_gone():
    """The template's annotation as kubectl sets it; new pods ready is not enough, old ones must be gone."""
    workloads = FakeWorkloads(deployment(f"{STORE}:1.6.2"))
    found = recycle.clients(workloads, UI, SELECTOR)
    done = recycle.restart(
        workloads,
        found,
        clock=workloads.clock,
        monotonic=workloads.clock,
        sleep=workloads.sleep,
        timeout_s=60,
    )
    annotations = {"kubectl.kubernetes.io/restartedAt": "2025-10-09T08:53:20Z"}
    wanted = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    assert workloads.patches == [("/apis/apps/v1/namespaces/ui/deployments/ui", wanted)]
    assert done == Recycled(deployments=("ui/ui",), pods=2, reason=found[0].reason, seconds=7.0)


def test_a_restart_that_takes_too_long_is_no_fresh_start():
    """The message names the Deployment and how to look at it."""
    workloads = FakeWorkloads(deployment("x"), rolls_for_s=1e6)
    found = recycle.clients(workloads, UI, SELECTOR)
    with pytest.raises(InvalidRunError, match=r"Deployment ui/ui.*within 5 s.*kubectl -n ui rollout status"):
        recycle.restart(
            workloads,
            found,
            clock=workloads.clock,
            monotonic=workloads.clock,
            sleep=workloads.sleep,
            timeout_s=5,
        )
