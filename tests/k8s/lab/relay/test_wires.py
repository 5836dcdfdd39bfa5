"""Which wire a connection goes over."""

import pytest

from k8s.lab.design.addresses import Addresses
from k8s.lab.relay.node_proxy import RelaySettings
from k8s.lab.relay.wires import rewired
from k8s.topology import NodeName, Zone

A, B, C = Zone("eu-west-1a"), Zone("eu-west-1b"), Zone("eu-west-1c")
SETTINGS = RelaySettings(
    node=NodeName("node-a-1"),
    number=1,
    zone=A,
    addresses=Addresses(octet=100),
    api_url="http://127.0.0.1:1",
    token="",
    zones=(A, A, B, C),
    delays_s=((B, 0.0006), (C, 0.002)),
)


@pytest.mark.parametrize(
    ("endpoint", "delay_s"),
    [
        ("127.100.1.1", 0.0),
        ("127.100.2.1", 0.0),
        ("127.100.3.7", 0.0006),
        ("127.100.4.1", 0.002),
        ("127.100.9.1", 0.0),
        ("127.101.3.1", 0.0),
    ],
    ids=["same node", "same zone", "zone b", "zone c", "no such node", "another lab"],
)
def test_the_delay_is_that_of_the_endpoints_physical_zone(endpoint: str, delay_s: float) -> None:
    """It follows from the address alone, whatever the API's labels say of zones."""
    assert delay_s == SETTINGS.wires.delay_to_s(endpoint)


def node(name: str, number: int, **annotations: str) -> dict[str, object]:
    marks = {f"samezone.dev/{key}": value for key, value in annotations.items()}
    address = {"type": "InternalIP", "address": f"127.100.0.{number}"}
    return {"metadata": {"name": name, "annotations": marks}, "status": {"addresses": [address]}}


def test_a_delay_set_at_run_time_is_that_of_the_own_node() -> None:
    """The others' do not count, and what is not set stays."""
    nodes = [
        node("node-a-1", 1, zone=A, delays='{"eu-west-1b": 0.05}'),
        node("node-b-1", 3, zone=B, delays='{"eu-west-1c": 9}'),
    ]
    found = rewired(SETTINGS.wires, SETTINGS.node, nodes)
    assert (found.delay_to_s("127.100.3.1"), found.delay_to_s("127.100.4.1")) == (0.05, 0.002)


def test_a_node_that_came_later_has_its_zones_delay() -> None:
    """Its annotation says where it is; its label may say anything."""
    found = rewired(SETTINGS.wires, SETTINGS.node, [node("node-c-2", 9, zone=C)])
    assert found.delay_to_s("127.100.9.1") == 0.002


@pytest.mark.parametrize("text", ["{", "[]", '{"eu-west-1b": "far"}', "null"])
def test_an_unreadable_delay_changes_nothing(text: str) -> None:
    """The wires stay as they were set up."""
    found = rewired(SETTINGS.wires, SETTINGS.node, [node("node-a-1", 1, zone=A, delays=text)])
    assert SETTINGS.wires == found
