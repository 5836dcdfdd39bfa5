"""The addressing scheme of the lab."""

import pytest

from k8s.lab.design.addresses import MAX_OWN_PODS, WORKER_PODS_FROM, Addresses

LAB = Addresses(octet=101)


def test_everything_has_an_address_in_the_labs_own_octet() -> None:
    """Nodes, pods, ClusterIPs and a Service as seen from a node."""
    assert (
        LAB.node(2),
        LAB.pod(2, 5),
        LAB.cluster_ip(1),
        LAB.service(2, 1),
    ) == ("127.101.0.2", "127.101.2.5", "127.101.200.1", "127.101.202.1")


@pytest.mark.parametrize(
    ("address", "node"),
    [
        ("127.101.3.9", 3),
        ("127.101.57.1", 3),
        ("127.101.162.254", 54),
        ("127.101.163.1", None),
        ("127.101.0.3", None),
        ("127.101.201.1", None),
        ("127.100.3.9", None),
        ("?", None),
    ],
    ids=["pod", "later pod", "last pod", "too far", "node", "service", "other lab", "no address"],
)
def test_a_pods_address_tells_its_node(address: str, node: int | None) -> None:
    """Only addresses of pods of this lab have a node."""
    assert node == LAB.node_of(address)


@pytest.mark.parametrize(
    ("cluster_ip", "address"),
    [("127.101.200.7", "127.101.202.7"), ("127.101.200.0", None), ("None", None), ("10.96.0.1", None)],
)
def test_a_cluster_ip_tells_where_the_service_answers_a_node(cluster_ip: str, address: str | None) -> None:
    """Headless Services and foreign addresses answer nowhere."""
    assert address == LAB.service_at(2, cluster_ip)


def test_a_node_has_addresses_for_many_pods() -> None:
    """All different, all its own, none among those that other programs use."""
    ips = [LAB.own_pod(54, count) for count in range(1, MAX_OWN_PODS + 1)]
    assert ips[98:101] == ["127.101.54.99", "127.101.108.1", "127.101.108.2"]
    assert len(set(ips)) == MAX_OWN_PODS == 607
    assert {LAB.node_of(ip) for ip in ips} == {54}
    assert not set(ips) & {LAB.pod(54, number) for number in range(WORKER_PODS_FROM, 255)}


@pytest.mark.parametrize(("ip", "node"), [("127.101.0.7", 7), ("127.101.1.7", None), ("127.100.0.7", None)])
def test_a_nodes_address_tells_its_number(ip: str, node: int | None) -> None:
    """Only that of a node of this lab."""
    assert node == LAB.node_at(ip)
