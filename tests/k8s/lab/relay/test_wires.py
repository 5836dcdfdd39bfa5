"""Which wire a connection goes over."""

import pytest

from k8s.lab.addresses import Addresses
from k8s.lab.relay.app import RelaySettings
from k8s.topology import NodeName, Zone

A, B, C = Zone("eu-west-1a"), Zone("eu-west-1b"), Zone("eu-west-1c")
SETTINGS = RelaySettings(
    node=NodeName("node-a-1"),
    number=1,
    zone=A,
    addresses=Addresses(octet=100),
    api_url="http://127.0.0.1:1",
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
    """It follows from the address alone, whatever the API says of zones."""
    assert delay_s == SETTINGS.delay_to_s(endpoint)
