"""Each diagnosis: where it holds, where it does not, in which order, and what is said when all is well."""

from dataclasses import replace

import pytest

from k8s.doctor.examination import CHECKS, diagnose, examine
from k8s.doctor.finding import Severity
from k8s.doctor.place import place_of
from k8s.errors import UsageError
from k8s.model.scene import Scene
from k8s.routing.modes import RoutingMode
from k8s.topology import NodeName, ServiceKey
from tests.k8s.cases import AUTO, OFF, nodes_of, slice_of, zoneless
from tests.k8s.doctor.doctor_cases import (
    CASES,
    CLIENT,
    CLOSE,
    GOOD,
    KEY,
    MISSPELT,
    SAME_NODE,
    SAME_ZONE,
    ZONELESS,
    client_on,
    event,
    finding,
    node,
    node_hinted,
    scene,
    serious,
    two_families,
    without_nodes,
)

NODE_A_WITHOUT_ZONE = (node("node-a", None), *nodes_of("0:1:1"))


def test_every_code_has_a_case() -> None:
    """No diagnosis is without a place that has it."""
    assert list(dict.fromkeys(code for code, _ in CHECKS)) == list(CASES)


@pytest.mark.parametrize("code", CASES)
def test_sick_and_healthy(code: str) -> None:
    """The sick place has exactly this problem or risk; its nearest healthy neighbour has none."""
    case = CASES[code]

    sick = examine(case.sick, KEY, case.client, store_pools=case.pools)
    healthy = examine(case.healthy, KEY, case.client, store_pools=False)

    assert serious(sick) == [code]
    assert serious(healthy) == []
    found = next(one for one in sick if one.code == code)
    assert (found.severity, found.blocks_hints) == (case.severity, case.blocks)
    assert found.evidence
    assert found.fix
    assert found.meaning.endswith(".")


@pytest.mark.parametrize("code", CASES)
def test_healthy_where_nothing_is_a_problem(code: str) -> None:
    """D00 comes first where there is no problem, and not at all where there is one."""
    case = CASES[code]

    found = diagnose(place_of(case.sick), KEY, case.client, store_pools=case.pools)

    assert found.healthy is (case.severity is not Severity.PROBLEM)
    assert (found.findings[0].code == "D00") is found.healthy
    assert any(one.blocks_hints for one in found.findings) is case.blocks


def test_order() -> None:
    """Several things wrong at once are reported in the order of the codes, causes before effects."""
    wrong = replace(
        MISSPELT,
        session_affinity="ClientIP",
        internal_traffic_policy="Local",
        traffic_distribution="PreferClose",
    )
    place = scene(
        of=replace(wrong, traffic_distribution=None), more=[ZONELESS], slices=[zoneless(slice_of("2/1/1"))]
    )

    codes = [one.code for one in examine(place, KEY, store_pools=True)]

    assert codes == ["D01", "D10", "D23", "D43", "D51"]


def test_endpoints_of_a_node_without_zone() -> None:
    """Where endpoints lack a zone because their node does, the node is the cause and the only finding."""
    bare = replace(CASES["D10"].sick, snapshot=replace(CASES["D10"].sick.snapshot, nodes=NODE_A_WITHOUT_ZONE))

    slices = tuple(zoneless(one) for one in bare.snapshot.slices)
    found = examine(replace(bare, snapshot=replace(bare.snapshot, slices=slices)), KEY)

    assert serious(found) == ["D10"]


def test_zone_that_came_late() -> None:
    """The zone was missing when the endpoint was written, the node has it by now: one look is enough."""
    found = finding(CASES["D23"].sick, "D23")

    assert found.meaning == (
        "1 ready endpoint has no zone: Auto refuses hints for all; its node has one by now."
    )
    assert found.fix.startswith("kubectl -n catalog annotate service catalog samezone/touched=")
    assert not found.blocks_hints


def test_endpoint_of_a_node_that_is_gone() -> None:
    """Without its node an endpoint's zone can only be written by hand."""
    gone = slice_of("3/3/3")
    away = replace(gone.endpoints[0], zone=None, node=NodeName("gone"))

    found = finding(scene(slices=[replace(gone, endpoints=(away, *gone.endpoints[1:]))]), "D23")

    assert found.blocks_hints
    assert "patch endpointslice catalog-1" in found.fix


def test_several_causes_of_one_message() -> None:
    """A zoneless and a CPU-less node give the same message; both are named."""
    place = scene(more=[ZONELESS, *CASES["D11"].sick.snapshot.nodes[-1:]])

    assert serious(examine(place, KEY)) == ["D10", "D11"]


def test_families_apart() -> None:
    """IPv4 fine, IPv6 refused: the finding names the family and its number."""
    place = scene(slices=two_families())

    found = examine(place, KEY, store_pools=False)

    assert serious(found) == ["D21"]
    assert found[0].evidence[0].object == "Service catalog/catalog (IPv6)"
    assert found[0].evidence[0].value == "5; nearest numbers that get hints: 3 below, 6 above"


def test_as_asked_tar() -> None:
    """Nothing wrong: one note that says what is in force and what it does."""
    (found,) = examine(GOOD, KEY, store_pools=False)

    assert (found.code, found.severity, found.fix, found.blocks_hints) == ("D00", Severity.NOTE, "", False)
    assert found.meaning == (
        "In force: topology-mode: Auto hints endpoints to zones in proportion to the nodes' CPU, "
        "100.0\u00a0% of new connections (clients weighted by CPU) stay in their zone."
    )
    assert [(one.field, one.value) for one in found.evidence] == [
        ("mode", "tar"),
        ("ready endpoints; with hints; by zone hinted to", "9; 9; a 3, b 3, c 3"),
        ("connections carried by", "kube-proxy 1.35 (3 nodes)"),
    ]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (
            scene(of=OFF),
            (
                "Nothing is asked for: connections go to any endpoint, 33.3\u00a0% of new connections "
                "(clients weighted by CPU) stay in their zone; topology-mode: Auto could be asked for."
            ),
        ),
        (
            scene(of=OFF, pods="2/1/1"),
            (
                "Nothing is asked for: connections go to any endpoint, 33.3\u00a0% of new connections "
                "(clients weighted by CPU) stay in their zone; Auto would be refused: Unable to allocate "
                "minimum required endpoints to each zone without exceeding overload threshold (4 endpoints, "
                "3 zones)."
            ),
        ),
        (
            scene(of=OFF, hints="3/3/3"),
            (
                "Nothing is asked for, but there are hints, which kube-proxy heeds since 1.31, 100.0\u00a0% "
                "of new connections (clients weighted by CPU) stay in their zone now, 33.3\u00a0% after the "
                "controller's next look; topology-mode: Auto could be asked for."
            ),
        ),
    ],
)
def test_nothing_asked_for(place: Scene, said: str) -> None:
    """Without annotation and field a Service is healthy, and it is told whether Auto would work."""
    (found,) = examine(place, KEY, store_pools=False)

    assert found.meaning == said


def test_wanted_before_it_is_set() -> None:
    """Examined as if Auto were asked for, a Service with nothing set shows what would refuse it."""
    place = scene(of=OFF, pods="2/1/1")

    assert serious(examine(place, KEY)) == []
    assert serious(examine(place, KEY, wanted=RoutingMode.TAR)) == ["D21"]
    assert serious(examine(scene(of=OFF, minor=33), KEY, wanted=RoutingMode.PREFER_SAME_ZONE)) == ["D44"]
    assert serious(examine(scene(of=OFF), KEY, wanted=RoutingMode.TAR)) == []


def test_hints_that_are_there_still() -> None:
    """While the hints are there what must take them is a risk, and says so."""
    found = examine(scene(hints="3/3/3", more=[ZONELESS]), KEY, store_pools=False)

    assert serious(found) == ["D10"]
    risk = next(one for one in found if one.code == "D10")
    assert risk.severity is Severity.RISK
    assert "they are still there" in risk.meaning


@pytest.mark.parametrize(
    ("place", "codes"),
    [
        (scene("1:1:1", "5/0/0", "5/0/0", of=SAME_ZONE), ["D42"]),
        (scene(pods="4/4/3", hints="4/4/3", of=CLOSE), ["D52"]),
        (scene(pods="5/4/5", hints="5/4/5", of=CLOSE), []),
        (scene(pods="5/4/5", hints="5/4/5", of=CLOSE, more=[ZONELESS]), ["D41"]),
        (scene(pods="3/3/3", of=SAME_ZONE), ["D40"]),
        (scene(hints="3/3/3", of=SAME_NODE, proxies=33), ["D44"]),
        (scene(hints="3/3/3", of=SAME_ZONE, minor=33), ["D44"]),
        (scene(of=SAME_ZONE, slices=[zoneless(slice_of("3/3/3"))]), ["D23", "D40"]),
        (scene(of=SAME_NODE, slices=[node_hinted(zoneless(slice_of("3/3/3", "3/3/3")))]), ["D23"]),
    ],
    ids=[
        "zone without pods",
        "uneven",
        "fewer than zones want",
        "zoneless node",
        "not hinted",
        "old proxy",
        "old server",
        "no zone",
        "no zone but node",
    ],
)
def test_field_knows_no_counts(place: Scene, codes: list[str]) -> None:
    """TrafficDistribution looks at neither CPU nor numbers, but it has weaknesses of its own."""
    assert serious(examine(place, KEY, store_pools=False)) == codes


def test_no_such_service() -> None:
    """A Service that is not there is a usage error that names one of that name elsewhere."""
    with pytest.raises(
        UsageError, match=r"^examining Service shop/catalog: not in a test; there is catalog/catalog$"
    ):
        examine(GOOD, ServiceKey(namespace="shop", name="catalog"))


def test_no_such_client() -> None:
    """So is a client."""
    with pytest.raises(UsageError, match=r"^examining for client ui/ui-1: no pod or workload of that name"):
        examine(GOOD, KEY, CLIENT)


def test_client_as_workload() -> None:
    """A client may be named by its workload."""
    place = scene(
        pods="3/3", hints="3/3", of=SAME_ZONE, clients=[client_on("node-c", ("app", "shop-window"))]
    )

    assert serious(examine(place, KEY, ServiceKey(namespace="ui", name="shop-window"))) == ["D42"]


def test_no_endpoints_at_all() -> None:
    """Auto without any endpoint is D20; without a wish it is healthy and says that nothing is ready."""
    empty = slice_of("0")

    assert serious(examine(scene(slices=[empty]), KEY)) == ["D20"]
    (found,) = examine(scene(of=OFF, slices=[empty]), KEY)
    assert "there is no ready endpoint; Auto would be refused: no endpoints" in found.meaning


def test_not_known_is_said() -> None:
    """Missing versions, agents and pools are notes, not problems, and not silence."""
    found = examine(scene(hints="3/3/3", of=SAME_ZONE, minor=None, proxies=None), KEY)

    assert [(one.code, one.severity) for one in found] == [
        ("D00", Severity.NOTE),
        ("D44", Severity.NOTE),
        ("D45", Severity.NOTE),
        ("D50", Severity.NOTE),
    ]
    assert [one.value for one in found[1].evidence] == ["not known", "not known (node-a, node-b, node-c)"]
    assert "not known" in found[2].meaning
    assert "not known" in found[3].meaning


def test_nodes_not_read() -> None:
    """Without nodes nothing can be said, and that is no clean bill."""
    found = next(one for one in examine(without_nodes(GOOD), KEY) if one.code == "D15")

    assert (found.severity, found.blocks_hints) == (Severity.PROBLEM, False)
    assert [(one.field, one.value) for one in found.evidence] == [("not read", "nodes: forbidden")]


def test_old_refusals_do_not_matter_while_hints_are_there() -> None:
    """An event of the past is no finding where the hints are there."""
    place = scene(hints="3/3/3", events=[event("Insufficient number of endpoints (2 endpoints, 3 zones)")])

    assert serious(examine(place, KEY, store_pools=False)) == []
    assert serious(examine(replace(place, events=None), KEY, store_pools=False)) == []


def test_donated_endpoints_are_healthy() -> None:
    """Hints to another zone than the endpoint's are what Auto does on purpose."""
    assert serious(examine(scene(pods="6/0/3", hints="3/3/3", of=AUTO), KEY, store_pools=False)) == []
