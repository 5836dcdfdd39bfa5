"""What a load is aimed at, and what is refused."""

from dataclasses import replace

import pytest

from k8s.errors import UsageError
from k8s.model.entries import Entries, service_entry
from k8s.topology import Service, ServiceKey, ServicePort
from loadtest.record import Asked
from loadtest.swarm.targets import Aim, aim, default_url
from loadtest.worker.plan import LoadPlan
from loadtest.worker.target import Target
from tests.k8s.routing.test_leads import CLIENT, SERVICES

ORDERS = ServiceKey(namespace="shop", name="orders")


def aimed(target: Target, *, unchecked: bool = False) -> Aim:
    asked = Asked(mode="tar", service=ORDERS, client=CLIENT, plan=LoadPlan(target=target))
    entries = Entries(services=tuple(map(service_entry, SERVICES)))
    return aim(asked, "the client as it is", lambda _: entries, unchecked=unchecked)


def test_the_client_itself_is_told():
    """Nothing has to be found out; only what was asked for is a caveat."""
    assert aimed(Target()) == Aim(line="target   the client as it is")
    (caveat,) = aimed(Target(insecure=True)).caveats
    assert caveat.code == "target-insecure"


def test_a_target_that_leads_to_the_client_is_told_with_what_it_is():
    """Announced before the load."""
    assert aimed(Target(url="http://frontend.shop/x")).line == (
        "target   http://frontend.shop/x (Service shop/frontend)"
    )


@pytest.mark.parametrize("unchecked", [False, True])
def test_a_target_that_leads_elsewhere_is_refused(unchecked: bool):
    """Also for who says that it is fine: one line with what it is."""
    with pytest.raises(UsageError, match=r"than to .* shop/frontend: Service shop/orders; nothing") as no:
        aimed(Target(url="http://orders.shop"), unchecked=unchecked)
    assert "\n" not in str(no.value)


def test_a_target_that_nobody_can_tell_of_is_refused_unless_somebody_knows():
    """Then the record says that it was not checked."""
    with pytest.raises(UsageError, match="give --target-unchecked"):
        aimed(Target(url="https://shop.example"))
    (caveat,) = aimed(Target(url="https://shop.example"), unchecked=True).caveats
    assert (caveat.code, "was not checked" in caveat.text) == ("target-unchecked", True)


@pytest.mark.parametrize(
    ("ports", "url"),
    [
        (((8443, "https"), (9090, "metrics"), (3000, "http")), "http://frontend.shop.svc.cluster.local:3000"),
        (((9090, ""), (8080, ""), (80, "")), "http://frontend.shop.svc.cluster.local:80"),
        (((9090, ""), (443, "")), "http://frontend.shop.svc.cluster.local:9090"),
        (((443, ""),), "https://frontend.shop.svc.cluster.local:443"),
        (((7000, "grpc"), (8080, "web")), "http://frontend.shop.svc.cluster.local:8080"),
    ],
)
def test_a_client_is_called_at_its_http_port(ports: tuple[tuple[int, str], ...], url: str):
    """By the port's name, then by the usual numbers; https only where there is nothing else."""
    found = tuple(ServicePort(name=name, port=port, target_port=str(port)) for port, name in ports)
    client = Service(namespace="shop", name="frontend", ports=found)
    assert default_url(client) == url
    with pytest.raises(UsageError, match="shop/frontend has no port"):
        default_url(replace(client, ports=()))
