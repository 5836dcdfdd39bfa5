"""Who has an address."""

from dataclasses import replace

from tests.k8s.lab.relay.mesh import PEER, STRANGER_IP, UI_IP, A, B, pod, shop, zone_of

IN_A = replace(PEER, region="eu-west-1", zone=A)


def test_a_pod_is_its_deployment_in_its_nodes_zone() -> None:
    """The ReplicaSet in between is named after it."""
    assert shop(pod(UI_IP, "ui")).peer(UI_IP) == IN_A


def test_a_controller_that_is_no_replica_set_is_the_workload_itself() -> None:
    """E.g. a StatefulSet."""
    found = shop(pod(UI_IP, "db-7d9f", kind="StatefulSet")).peer(UI_IP)
    assert found == replace(IN_A, workload="db-7d9f", app="db-7d9f")


def test_a_pod_of_nobody_is_its_own_workload() -> None:
    """As the load generator's are."""
    found = shop(pod(UI_IP, "", name="locust-worker-x", kind="")).peer(UI_IP)
    assert found == replace(IN_A, workload="locust-worker-x", app="locust-worker-x")


def test_labels_name_the_app_and_its_version() -> None:
    """Istio's own before the recommended ones."""
    labels = {"app": "no", "app.kubernetes.io_name": "front", "app.kubernetes.io_version": "v7"}
    assert shop(pod(UI_IP, "ui", **labels)).peer(UI_IP) == replace(IN_A, app="front", revision="v7")


def test_an_address_of_no_pod_is_nobodys() -> None:
    """Nor is one of a pod that has none yet."""
    unplaced = pod(UI_IP, "ui")
    unplaced["status"] = {}
    assert (shop(unplaced).peer(UI_IP), shop().peer(STRANGER_IP)) == (None, None)


def test_only_the_first_pod_at_an_address_is_news_and_the_last_one_has_it() -> None:
    """A pod that is deleted keeps its address until another comes: its last bytes are still its own."""
    peers = shop(pod(UI_IP, "ui"))
    assert peers.learn(pod("127.77.1.2", "job")) == "127.77.1.2"
    assert peers.learn(pod(UI_IP, "job")) is None
    found = peers.peer(UI_IP)
    assert found is not None
    assert found.workload == "job"


def test_a_node_of_no_known_zone_leaves_the_zone_open() -> None:
    """Unknown is not a zone."""
    assert shop(pod("127.77.9.1", "ui")).peer("127.77.9.1") == PEER


def test_zones_are_asked_for_again_when_the_wires_change() -> None:
    """A machine that joins brings its zone after its first pod, as far as a relay can tell."""
    zones = {UI_IP: zone_of(UI_IP)}
    peers = shop(pod(UI_IP, "ui"))
    peers._zone_of = zones.get
    assert peers.peer(UI_IP) == IN_A
    zones[UI_IP] = B
    assert peers.peer(UI_IP) == IN_A
    peers.replace_zones()
    assert peers.peer(UI_IP) == replace(IN_A, zone=B)
