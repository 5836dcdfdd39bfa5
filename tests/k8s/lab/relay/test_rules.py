"""From Services and slices to the rules of one node."""

from k8s.lab.design.addresses import Addresses
from k8s.lab.relay.rules import Proxied, RuleKey, rules_for, zone_label
from k8s.routing.proxy import ProxyMode
from k8s.topology import Endpoint, EndpointSlice, Node, NodeName, Service, ServiceKey, ServicePort, Zone

NODE_A = Proxied(node=NodeName("node-a-1"), number=1, addresses=Addresses(octet=100), zone=Zone("eu-west-1a"))
CATALOG = ServiceKey(namespace="catalog", name="catalog")
SERVICE = Service(
    namespace="catalog",
    name="catalog",
    cluster_ip="127.100.200.1",
    ports=(
        ServicePort(name="http", port=8080, target_port="8080"),
        ServicePort(name="admin", port=9090, target_port="admin"),
    ),
)
HTTP = RuleKey(service=CATALOG, address="127.100.201.1", port=8080)
ADMIN = RuleKey(service=CATALOG, address="127.100.201.1", port=9090)


def endpoint(ip: str, zone: str, hint: str = "") -> Endpoint:
    return Endpoint(addresses=(ip,), zone=Zone(zone), ready=True, zone_hints=(Zone(hint),) if hint else ())


def a_slice(name: str, *endpoints: Endpoint, ports: tuple[tuple[str, int], ...]) -> EndpointSlice:
    return EndpointSlice(namespace="catalog", name=name, service="catalog", endpoints=endpoints, ports=ports)


def test_a_service_port_answers_at_the_nodes_own_address() -> None:
    """The third octet is 200 + the node's number, the last one the ClusterIP's."""
    on_node_3 = Proxied(node=NodeName("node-c-1"), number=3, addresses=Addresses(octet=100))
    assert {"127.100.203.1"} == {key.address for key in rules_for(on_node_3, [SERVICE], [])}


def test_a_service_with_a_foreign_address_has_no_rule() -> None:
    """Headless Services and addresses outside the lab are not proxied."""
    foreign = [
        Service(namespace="x", name=ip, cluster_ip=ip, ports=SERVICE.ports) for ip in ("None", "10.0.0.7")
    ]
    assert rules_for(NODE_A, foreign, []) == {}


def test_targets_have_the_port_number_of_their_own_slice() -> None:
    """A named port may have another number in each slice, and may be missing from one."""
    slices = [
        a_slice("one", endpoint("127.100.1.1", "eu-west-1a"), ports=(("http", 8080), ("admin", 9901))),
        a_slice("two", endpoint("127.100.2.1", "eu-west-1b"), ports=(("http", 8081),)),
    ]
    rules = rules_for(NODE_A, [SERVICE], slices)
    assert rules[HTTP].targets == (("127.100.1.1", 8080), ("127.100.2.1", 8081))
    assert rules[ADMIN].targets == (("127.100.1.1", 9901),)


def test_hints_for_the_nodes_zone_choose_its_endpoints() -> None:
    """With a hint on every ready endpoint the rule says so, and has the zone's endpoints only."""
    hinted = a_slice(
        "one",
        endpoint("127.100.1.1", "eu-west-1a", hint="eu-west-1a"),
        endpoint("127.100.2.1", "eu-west-1b", hint="eu-west-1b"),
        ports=(("http", 8080),),
    )
    rule = rules_for(NODE_A, [SERVICE], [hinted])[HTTP]
    assert (rule.usable.mode, rule.targets, rule.reason) == (
        ProxyMode.SAME_ZONE,
        (("127.100.1.1", 8080),),
        "",
    )


def test_a_missing_hint_is_the_reason_why_all_are_used() -> None:
    """The rule tells why hints that are there were passed over."""
    half_hinted = a_slice(
        "one",
        endpoint("127.100.1.1", "eu-west-1a", hint="eu-west-1a"),
        endpoint("127.100.2.1", "eu-west-1b"),
        ports=(("http", 8080),),
    )
    rule = rules_for(NODE_A, [SERVICE], [half_hinted])[HTTP]
    assert (len(rule.targets), rule.reason) == (2, "a ready endpoint has no hint for a zone")


def test_slices_of_another_namespace_do_not_count() -> None:
    """A Service is its namespace and its name."""
    other = EndpointSlice(
        namespace="other",
        name="one",
        service="catalog",
        endpoints=(endpoint("127.100.1.1", "eu-west-1a"),),
        ports=(("http", 8080),),
    )
    assert rules_for(NODE_A, [SERVICE], [other])[HTTP].targets == ()


def test_the_zone_label_is_the_nodes_own() -> None:
    """A node that is not there has none."""
    nodes = [Node(name=NodeName("node-a-1"), zone=Zone("eu-west-1a"), ready=True, cpu_allocatable_milli=1)]
    assert (zone_label(nodes, NodeName("node-a-1")), zone_label(nodes, NodeName("b"))) == ("eu-west-1a", None)
