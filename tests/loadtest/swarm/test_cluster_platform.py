"""What a run on a cluster records of it."""

from loadtest.swarm.cluster_platform import data_plane
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
