"""The fixes: commands that a shell and kubectl understand, and after which the finding is gone."""

import json
from dataclasses import replace

import pytest

from k8s.doctor.examination import examine
from k8s.topology import OLD_HINTS_ANNOTATION, NodeName, ServiceKey
from tests.k8s.cases import slice_of
from tests.k8s.doctor.doctor_cases import (
    CASES,
    CLIENT,
    KEY,
    SAME_NODE,
    SAME_ZONE,
    ZONELESS,
    Case,
    annotated,
    client_on,
    control_plane,
    finding,
    node,
    scene,
    serious,
)
from tests.k8s.doctor.doctor_shell import applied, commands

VERBS = frozenset(
    {
        "annotate",
        "cordon",
        "delete",
        "describe",
        "drain",
        "expose",
        "get",
        "label",
        "patch",
        "rollout",
        "scale",
        "set",
    }
)
NOT_BY_ONE_COMMAND = {
    "D02": "a Service without selector can only stop asking",
    "D12": "somebody must look at the nodes",
    "D32": "somebody must look at the nodes",
    "D14": "somebody must read what the controller says",
    "D15": "somebody must save what is missing",
    "D16": "the cluster has no zones",
    "D42": "the pods must be placed anew",
    "D46": "the rollout must end",
    "D44": "kube-proxy must be upgraded",
    "D45": "the clients must call another Service",
    "D50": "the clients must be restarted",
    "D52": "the pods must be placed anew",
}


@pytest.mark.parametrize("code", CASES)
def test_is_a_command(code: str) -> None:
    """Every fix is made of kubectl commands with a known verb; every patch is JSON."""
    case = CASES[code]
    fix = finding(case.sick, code, case.client, pools=case.pools).fix

    for words in commands(fix):
        if words[0] == "sleep":
            continue
        assert words[3 if words[1] == "-n" else 1] in VERBS
        if "-p" in words:
            assert json.loads(words[words.index("-p") + 1])


@pytest.mark.parametrize("code", [code for code in CASES if code not in NOT_BY_ONE_COMMAND])
def test_takes_the_finding_away(code: str) -> None:
    """After the fix, and the controller's next look, neither this nor another problem or risk is left."""
    case = CASES[code]
    fix = finding(case.sick, code, case.client, pools=case.pools).fix

    after = applied(case.sick, fix)

    assert serious(examine(after, KEY, case.client, store_pools=False)) == []


def test_overloaded_from_the_start() -> None:
    """A fresh assignment may itself be under a minimum (no surplus of a half to move): that is not stale."""
    assert serious(examine(scene("4:1", "6/1", "6/1"), KEY, store_pools=False)) == []


def test_withdraw() -> None:
    """Nothing is asked for any more."""
    after = applied(CASES["D02"].sick, finding(CASES["D02"].sick, "D02").fix)

    assert serious(examine(after, KEY)) == []


@pytest.mark.parametrize(
    ("old", "new"), [("Disabled", "Auto"), ("Auto", "Disabled"), ("auto", "PreferZone"), ("AUTO", "Auto")]
)
def test_old_key(old: str, new: str) -> None:
    """Where the old key overrules the new one, the old one is to go."""
    case = Case(sick=scene(hints="3/3/3", of=annotated(old=old, new=new)), healthy=scene())
    found = finding(case.sick, "D01")

    assert f"{old!r}" in found.meaning
    assert OLD_HINTS_ANNOTATION in found.fix
    after = applied(case.sick, found.fix)
    assert serious(examine(after, KEY, store_pools=False)) in ([], ["D01"] if new == "PreferZone" else [])


def test_misspelt_beside_a_field() -> None:
    """An annotation that means nothing beside a field that does is a risk, and is to be removed."""
    place = scene(hints="3/3/3", of=replace(SAME_ZONE, annotations=annotated(new="PreferZone").annotations))
    found = finding(place, "D01")

    assert found.severity.value == "risk"
    assert serious(examine(applied(place, found.fix), KEY, store_pools=False)) == []


def test_unknown_field_value() -> None:
    """So does a field value that nobody knows."""
    place = scene(of=replace(SAME_ZONE, traffic_distribution="Nearest"))
    found = finding(place, "D01")

    assert "'Nearest' is none of" in found.meaning
    assert serious(examine(applied(place, found.fix), KEY, store_pools=False)) == []


@pytest.mark.parametrize(("minor", "field"), [(35, "PreferSameZone"), (32, "PreferClose")])
def test_field_value_that_the_control_plane_knows(minor: int, field: str) -> None:
    """In place of an unknown value the newest one that this version knows."""
    place = scene(of=replace(SAME_ZONE, traffic_distribution="Nearest"), minor=minor, proxies=minor)

    assert f'"trafficDistribution":"{field}"' in finding(place, "D01").fix


def test_zone_from_another_label() -> None:
    """A node whose CSI driver or old label tells its zone gets that one, not a word to replace."""
    told = node("new", None, labels={"topology.ebs.csi.aws.com/zone": "b"})

    fix = finding(scene(more=[told]), "D10").fix

    assert fix.startswith("kubectl label node new topology.kubernetes.io/zone=b --overwrite && ")


def test_no_node_has_a_zone() -> None:
    """Labels are what is missing: the field needs zones just as Auto does."""
    place = scene(nodes=[node("node-a", None), node("node-b", None)])

    fix = finding(place, "D10").fix

    assert fix.startswith("kubectl label node node-a topology.kubernetes.io/zone=ZONE --overwrite && ")
    assert "samezone/touched" in fix
    assert "trafficDistribution" not in fix


def test_zones_that_only_the_zoneless_tell() -> None:
    """The zones that other labels tell are tried for the nodes that tell none."""
    label = "topology.ebs.csi.aws.com/zone"
    told = [node(f"node-{zone}", None, labels={label: zone}) for zone in "abc"]

    fix = finding(scene(nodes=[*told, ZONELESS]), "D10").fix

    assert "kubectl label node node-a topology.kubernetes.io/zone=a" in fix
    assert "kubectl label node new topology.kubernetes.io/zone=ZONE" in fix


def test_many_nodes() -> None:
    """Ten nodes are named, of more the number."""
    many = [replace(ZONELESS, name=NodeName(f"new-{n:02}")) for n in range(25)]

    found = finding(scene(more=many), "D10")

    assert len(found.evidence) == 12
    assert found.evidence[10].value == "15 more"
    assert found.fix.count("kubectl label node") == 10
    assert found.meaning.startswith("25 ready worker nodes have no zone")


@pytest.mark.parametrize(
    ("workload", "fix"),
    [
        ("deployment", "kubectl -n catalog scale deployment/shop --replicas=6"),
        ("rollout", "kubectl -n catalog scale rollout/shop --replicas=6"),
        ("statefulset", "kubectl -n catalog scale statefulset/shop --replicas=6"),
        ("replicaset", "kubectl -n catalog scale replicaset/shop --replicas=6"),
        ("owned deployment", "kubectl -n catalog scale deployment/shop --replicas=6"),
    ],
)
def test_scale_the_owner_that_is_there(workload: str, fix: str) -> None:
    """What owns the pods is scaled, by its own name, and then the finding is gone."""
    place = scene(pods="2/1/1", workload=workload)

    found = finding(place, "D21")

    assert found.fix == fix
    assert serious(examine(applied(place, found.fix), KEY, store_pools=False)) == []


@pytest.mark.parametrize("workload", ["bare", "daemonset", "job", "", "elsewhere"])
def test_ask_by_the_field_where_nothing_can_be_scaled(workload: str) -> None:
    """Nobody known owns the pods, or what owns them has as many as there are nodes: the field counts none."""
    place = scene(pods="4/3/4", workload=workload)

    found = finding(place, "D21")

    assert "scale" not in found.fix
    # 4/3/4 pods: what is left is that the pods of one zone carry a little more.
    assert serious(examine(applied(place, found.fix), KEY, store_pools=False)) == ["D52"]


def test_get_pods_ready_first() -> None:
    """Where the pods that are not ready would do, look at them instead of starting more."""
    waiting = slice_of("0/1/1", name="catalog-2", ready=False)
    place = scene(slices=[slice_of("2/1/1"), waiting])

    found = finding(place, "D21")

    assert found.fix == "kubectl -n catalog describe pods -l app=catalog"
    assert ("endpoints not ready", "2") in {(one.field, one.value) for one in found.evidence}


@pytest.mark.parametrize(
    ("waiting", "fix"),
    [
        ("1/0/0", "kubectl -n catalog scale deployment/shop --replicas=6"),
        ("1/1/1", "kubectl -n catalog describe pods -l app=catalog"),
        ("2/1/1", "kubectl -n catalog describe pods -l app=catalog"),
    ],
)
def test_never_scales_down(waiting: str, fix: str) -> None:
    """Pods that are not ready are replicas all the same: of more than is wanted none is to be taken away."""
    place = scene(slices=[slice_of("2/1/1"), slice_of(waiting, name="catalog-2", ready=False)])

    assert finding(place, "D21").fix == fix


def test_scales_what_is_not_ready_yet() -> None:
    """Also where no pod is ready the owner is known."""
    place = scene(slices=[slice_of("1/0/0", ready=False)])

    assert finding(place, "D20").fix == "kubectl -n catalog scale deployment/shop --replicas=3"


def test_zone_by_hand() -> None:
    """An endpoint on no node gets its zone in the slice."""
    one = slice_of("3/3/3")
    nowhere = replace(one.endpoints[1], zone=None, node=None)
    place = scene(slices=[replace(one, endpoints=(one.endpoints[0], nowhere, *one.endpoints[2:]))])

    assert finding(place, "D23").fix == (
        "kubectl -n catalog patch endpointslice catalog-1 --type json "
        """-p '[{"op":"add","path":"/endpoints/1/zone","value":"ZONE"}]'"""
    )


@pytest.mark.parametrize(
    ("minor", "field"), [(35, "PreferSameZone"), (32, "PreferClose"), (None, "PreferSameZone")]
)
def test_control_plane_zones(minor: int | None, field: str) -> None:
    """Where other zones have only control-plane nodes, the field is the way: it does not count CPU."""
    found = finding(scene("1", "3", more=[control_plane("master", "b")], minor=minor), "D12")

    assert "control-plane nodes" in found.meaning
    assert f'"trafficDistribution":"{field}"' in found.fix


def test_one_zone_only() -> None:
    """In a cluster of one zone there is nothing to gain: stop asking."""
    found = finding(scene("1", "3"), "D12")

    assert "the whole cluster is in one" in found.meaning
    assert serious(examine(applied(scene("1", "3"), found.fix), KEY)) == []


def test_uncounted_zone_of_the_control_plane() -> None:
    """Pods on control-plane nodes are to be placed elsewhere."""
    place = scene("1:1", "2/2/2", "2/2/2", more=[control_plane("node-c", "c")])

    assert finding(place, "D32").fix == (
        "kubectl cordon node-c && kubectl -n catalog delete pod shop-6d5f7c9b8-10004 shop-6d5f7c9b8-10005"
    )


def test_image_of_a_fresh_node() -> None:
    """Where some nodes have a newer kube-proxy, its image is the one to take."""
    place = scene(hints="3/3/3", of=SAME_NODE, proxies=30)
    minors = (*place.proxy_minors[:2], (NodeName("node-c"), 35))
    fresh = replace(place.agents[0], node=NodeName("node-c"), image="registry/kube-proxy:v1.35.1")
    place = replace(place, proxy_minors=minors, agents=(*place.agents, fresh))

    found = finding(place, "D44")

    assert found.meaning.startswith("kube-proxy on 2 nodes is older than 1.31")
    assert found.fix.endswith("daemonset/kube-proxy kube-proxy=registry/kube-proxy:v1.35.1")


EVERY = "kubectl get deployments,statefulsets,daemonsets -A"


@pytest.mark.parametrize(
    ("client", "words"),
    [
        (CLIENT, "kubectl -n ui delete pod ui-1"),
        (replace(CLIENT, name="ui"), "kubectl -n ui rollout restart deployment/ui"),
        (None, f"{EVERY}  # restart those that call catalog/catalog, or name one by --client"),
    ],
)
def test_restart_the_client(client: ServiceKey | None, words: str) -> None:
    """Restarted clients open new connections."""
    place = scene(hints="3/3/3", clients=[client_on("node-a", ("app", "ui"))])

    assert finding(place, "D50", client, pools=True).fix == words
