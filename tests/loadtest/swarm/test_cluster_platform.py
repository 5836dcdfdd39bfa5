"""What a run on a cluster records of it."""

import pytest

from k8s.errors import UsageError
from loadtest.swarm.cluster_platform import data_plane, require_workers
from loadtest.swarm.cluster_swarm import WorkerPod
from tests.k8s.doctor.doctor_cases import client_on, scene

SIDECAR = ("security.istio.io/tlsMode", "istio")


def test_the_data_plane_names_every_carrier():
    """Proxies by node and version, sidecars by pod; what is not known is said as not known."""
    assert data_plane(scene()) == ("kube-proxy 1.35 on 3 nodes",)
    assert data_plane(scene(proxies=None)) == ("not known on 3 nodes",)
    assert data_plane(scene(clients=[client_on("node-a", SIDECAR), client_on("node-b")])) == (
        "kube-proxy 1.35 on 3 nodes",
        "Istio in 1 pod",
    )


def workers(**counts: int) -> list[WorkerPod]:
    """So many in each zone."""
    return [
        WorkerPod(pod=f"locust-worker-{zone}-{number}", node=f"node-{zone}", zone=zone)
        for zone, count in counts.items()
        for number in range(count)
    ]


def test_as_many_workers_a_zone_as_are_asked_for_or_none_is_used():
    """Which zones are off, and how many replicas the Deployment wants."""
    require_workers(workers(a=2, b=2, c=2), 2)

    with pytest.raises(UsageError, match=r"2 Locust workers a zone: there are 1 in b, 3 in c; .* 6 replicas"):
        require_workers(workers(a=2, b=1, c=3), 2)
