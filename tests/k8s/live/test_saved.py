"""Files that kubectl saved: what is read of them, and every way in which they can be wrong."""

import copy
import gzip
import io
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.doctor.examination import examine
from k8s.errors import UsageError
from k8s.live import live_scene, saved
from k8s.live.cluster import connect
from k8s.predict.clients import by_cpu, of_pods, pods_of
from k8s.predict.prediction import predict
from k8s.predict.starting_point import starting_point
from k8s.routing.modes import RoutingMode
from k8s.topology import NodeName, ServiceKey
from tests.k8s.raw import EVENT, NODE, POD, SERVICE, SLICE, without
from tests.lab.conftest import Lab, running_lab

KEY = ServiceKey(namespace="catalog", name="catalog")
KINDS = {"Node": NODE, "Pod": POD, "Service": SERVICE, "EndpointSlice": SLICE, "Event": EVENT}
ABOUT = {"kind": "Service", "namespace": "catalog", "name": "catalog"}


def item(kind: str, raw: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """An object as it stands in a List."""
    version = "discovery.k8s.io/v1" if kind == "EndpointSlice" else "v1"
    return {"apiVersion": version, "kind": kind} | copy.deepcopy(raw or KINDS[kind]) | changes


def listed(*items: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}


ALL = [item("Node"), item("Pod"), item("Service"), item("EndpointSlice")]


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "all.json", listed(*ALL))


def test_one_list(file: Path) -> None:
    """One List of mixed kinds; what is not in it is a gap, and the time is the file's."""
    scene = saved.read([file])

    found = scene.snapshot
    assert [node.name for node in found.nodes] == ["ip-10-0-1-7"]
    assert [str(one.key) for one in found.services] == ["catalog/catalog"]
    assert (len(found.pods), len(found.slices)) == (1, 1)
    assert found.taken_at_s == file.stat().st_mtime
    assert (scene.source, scene.events, scene.gaps) == (str(file), None, ("events: none saved",))


def test_several_files(tmp_path: Path) -> None:
    """A file each, as typed lists whose items do not say their kind, a single object, YAML, and a version."""
    paths = [
        write(tmp_path / "nodes.json", {"kind": "NodeList", "apiVersion": "v1", "items": [NODE]}),
        write(tmp_path / "pods.yaml", yaml.safe_dump(listed(item("Pod")))),
        write(tmp_path / "service.json", item("Service")),
        write(
            tmp_path / "slices.json",
            {"kind": "EndpointSliceList", "apiVersion": "discovery.k8s.io/v1", "items": [SLICE]},
        ),
        write(tmp_path / "events.json", {"kind": "EventList", "apiVersion": "v1", "items": []}),
        write(tmp_path / "version.json", {"serverVersion": {"gitVersion": "v1.35.2-eks-1"}}),
    ]

    scene = saved.read(paths)

    found = scene.snapshot
    assert (len(found.nodes), len(found.pods), len(found.services), len(found.slices)) == (1, 1, 1, 1)
    assert (scene.events, scene.gaps, scene.server_minor) == ((), (), 35)


def test_events_of_services_only(tmp_path: Path) -> None:
    """Events on Services are kept with the Service they are about, others are passed over."""
    about_pod = {"kind": "Pod", "namespace": "catalog", "name": "p"}
    events = (
        item("Event", involvedObject=ABOUT),
        item("Event", EVENT | {"metadata": {"name": "e2", "namespace": "catalog"}}, involvedObject=about_pod),
    )

    scene = saved.read([write(tmp_path / "all.json", listed(*ALL, *events))])

    assert scene.events is not None
    assert [(one.service, one.event.reason) for one in scene.events] == [(KEY, "TopologyAwareHintsDisabled")]


def test_last_file_wins(tmp_path: Path, file: Path) -> None:
    """An object that is in two files counts once, as the later has it."""
    newer = write(tmp_path / "new.json", item("Service", without(SERVICE, "spec", "trafficDistribution")))

    scene = saved.read([file, newer])

    assert [one.traffic_distribution for one in scene.snapshot.services] == [None]


def test_other_kinds_are_passed_over(tmp_path: Path) -> None:
    """Deployments, DaemonSets and a Service of another API do no harm."""
    others = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}},
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "d"}},
        {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "catalog"}},
    ]

    scene = saved.read([write(tmp_path / "all.json", listed(*others, *ALL))])

    assert len(scene.snapshot.services) == 1


def test_encoding_of_windows(tmp_path: Path) -> None:
    """PowerShell's redirection writes UTF-16; it is read."""
    path = tmp_path / "all.json"
    path.write_bytes(json.dumps(listed(*ALL)).encode("utf-16"))

    assert len(saved.read([path]).snapshot.nodes) == 1


def test_data_plane(tmp_path: Path) -> None:
    """kube-proxy pods are agents, and their tag is the node's version."""
    containers = [{"image": "registry.k8s.io/kube-proxy:v1.33.4"}]
    proxy = item(
        "Pod",
        {
            "metadata": {"name": "kube-proxy-x", "namespace": "kube-system"},
            "spec": {"nodeName": "ip-10-0-1-7", "containers": containers},
            "status": {},
        },
    )

    scene = saved.read([write(tmp_path / "all.json", listed(*ALL, proxy))])

    assert [one.name for one in scene.agents] == ["kube-proxy-x"]
    assert scene.proxy_minors == ((NodeName("ip-10-0-1-7"), 33),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty; save it with: kubectl get nodes,pods,services,endpointslices -A -o json"),
        ("NAME  STATUS\nn1  Ready\n", "not what kubectl prints with -o json or yaml, but plain text"),
        ('{"kind": "List", "items": [', "not JSON: Expecting value: line 1 column 28"),
        ("[" * 100_000, "not JSON: maximum recursion depth"),
        ("\x00\x01", "neither JSON nor YAML as kubectl prints it: not YAML"),
        ([1], "cannot read the file: it is [1], expected an object with kind, as kubectl prints it"),
        ({"a": 1}, "cannot read the file: kind is missing, expected a text"),
        ({"kind": "List"}, "cannot read the file: items is missing, expected a list"),
        ({"kind": "List", "items": {"a": 1}}, "items is {'a': 1}, expected a list"),
        (listed(7), "items[0] is 7, expected an object"),
        (listed({"kind": "Pod"}), "items[0].metadata.name is missing, expected a text"),
        (listed({"metadata": {}}), "items[0].kind is missing"),
        (listed(), "no nodes, pods, Services or slices in it; save them with: kubectl get"),
        (listed({"kind": "ConfigMap", "metadata": {"name": "c"}}), "no nodes, pods, Services or slices"),
        (listed(item("Node", status=None)), "cannot read Node ip-10-0-1-7: status is missing; save what"),
        (listed(item("Pod", status="Running")), "cannot read Pod catalog-6d5f7c9b8-x7k2p: status is missing"),
        (
            listed(item("Node", without(NODE, "status", "allocatable", "cpu", value="2 cores"))),
            "cannot read Node ip-10-0-1-7: status.allocatable.cpu is '2 cores', expected a CPU quantity",
        ),
        (
            listed(item("EndpointSlice", without(SLICE, "endpoints", value={}))),
            "cannot read EndpointSlice catalog/catalog-abcde: endpoints is {}, expected a list",
        ),
        (
            listed(item("Event", involvedObject={"kind": "Service"})),
            "cannot read an Event: involvedObject.name is missing",
        ),
    ],
)
def test_bad_files(tmp_path: Path, content: Any, message: str) -> None:
    """One line that names the file and what is wrong with it."""
    path = write(tmp_path / "bad.json", content)

    with pytest.raises(UsageError) as caught:
        saved.read([path])

    text = str(caught.value)
    assert text.startswith(f"reading {path}: ")
    assert message in text
    assert len(text.splitlines()) == 1


def test_bad_yaml(tmp_path: Path) -> None:
    """YAML that is none is told in one line, too."""
    path = write(tmp_path / "bad.yaml", "a: [1\nb: }")

    with pytest.raises(UsageError, match="not YAML: while parsing") as caught:
        saved.read([path])

    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "message"), [("gone.json", "No such file"), (".", "no .json or .yaml file in this folder")]
)
def test_unreadable(tmp_path: Path, name: str, message: str) -> None:
    """A file that cannot be opened is told, with the command that makes one."""
    with pytest.raises(UsageError, match=f"{message}.*; save it with: kubectl get"):
        saved.read([tmp_path / name])


def endpoint(number: int, zone: str, address: str) -> dict[str, Any]:
    return {
        "addresses": [address.format(number)],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "zone": zone,
        "nodeName": f"node-{zone}",
    }


def slice_of(name: str, family: str, *endpoints: dict[str, Any]) -> dict[str, Any]:
    metadata = SLICE["metadata"] | {"name": name}
    return item("EndpointSlice", SLICE, metadata=metadata, addressType=family, endpoints=list(endpoints))


def node(zone: str) -> dict[str, Any]:
    metadata = {"name": f"node-{zone}", "labels": {"topology.kubernetes.io/zone": zone}}
    return item("Node", NODE, metadata=metadata)


def test_150_endpoints_over_two_slices(tmp_path: Path) -> None:
    """Two slices are one Service: 90 + 60 endpoints, hints even over three zones."""
    ends = [endpoint(number, "aaabbc"[number % 6], "10.0.0.{}") for number in range(150)]
    slices = slice_of("one", "IPv4", *ends[:100]), slice_of("two", "IPv4", *ends[100:])
    path = write(tmp_path / "all.json", listed(*map(node, "abc"), item("Service"), *slices))
    scene = saved.read([path])

    found = predict(starting_point(scene, KEY, by_cpu(scene.snapshot.nodes)), RoutingMode.TAR)

    assert [one.hinted for one in found.outcomes] == [(("a", 50), ("b", 50), ("c", 50))]
    assert found.share == (Fraction(125, 150), Fraction(125, 150))


def test_both_families(tmp_path: Path) -> None:
    """IPv6 slices beside IPv4 ones are told of and do not count twice; alone they are predicted."""
    four = slice_of("four", "IPv4", endpoint(1, "a", "10.0.0.{}"), endpoint(2, "b", "10.0.0.{}"))
    six = slice_of("six", "IPv6", endpoint(1, "a", "fd00::{}"), endpoint(2, "a", "fd00::{}"))
    path = write(tmp_path / "all.json", listed(node("a"), node("b"), item("Service"), four, six))
    scene = saved.read([path])
    clients = by_cpu(scene.snapshot.nodes)

    both, only = starting_point(scene, KEY, clients), starting_point(scene, KEY, clients, family="IPv6")

    assert ([one.name for one in both.slices], [one.name for one in only.slices]) == (["four"], ["six"])
    assert both.notes == ("IPv4 is predicted; catalog/catalog has slices of IPv6 too",)
    assert predict(only, RoutingMode.OFF).share == (Fraction(1, 2), Fraction(1, 2))


@pytest.fixture(scope="module")
def uneven_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from running_lab(tmp_path_factory.mktemp("saved"), "--catalog", "5,2,2")


@pytest.mark.lab
def test_what_kubectl_saves(uneven_lab: Lab, tmp_path: Path) -> None:
    """Kubectl's own output is the same scene as the live cluster, and predicts the same."""
    done = uneven_lab.tool("kubectl", *saved.SAVE.split()[1:])
    kubeconfig = Path(uneven_lab.environment["KUBECONFIG"])

    scene = saved.read([write(tmp_path / "all.json", done.stdout)])
    live = live_scene.read(connect(kubeconfig, None), taken_at_s=scene.snapshot.taken_at_s)

    assert {**vars_of(live), "pods": None} == {**vars_of(scene), "pods": None}
    assert live.server_minor == 35
    assert scene.proxy_minors == live.proxy_minors == ()
    clients = of_pods(
        pods_of(scene.snapshot, ServiceKey(namespace="ui", name="ui")), scene.snapshot.nodes, "ui/ui"
    )
    found = predict(starting_point(scene, KEY, clients), RoutingMode.TAR)
    assert found.share == (Fraction(7, 9), Fraction(7, 9))
    assert found.load == (Fraction(1), Fraction(1))


def vars_of(scene: Any) -> dict[str, Any]:
    """The parts of a snapshot, each sorted: kubectl lists in another order than we do."""
    found = scene.snapshot
    return {name: sorted(getattr(found, name), key=repr) for name in ("nodes", "services", "slices", "pods")}


ONE_A_LINE = "\n".join(json.dumps(one) for one in ALL)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lines.jsonl", ONE_A_LINE.encode()),
        ("pretty.json", "\n".join(json.dumps(one, indent=2) for one in ALL).encode()),
        ("commas.json", ONE_A_LINE.replace("\n", ",\n").encode()),
        ("whole.json.gz", gzip.compress(json.dumps(listed(*ALL)).encode())),
        ("misnamed.json", gzip.compress(json.dumps(listed(*ALL)).encode())),
        ("yaml.txt", yaml.safe_dump(listed(*ALL)).encode()),
        ("yaml", b"---\n" + yaml.safe_dump_all(ALL).encode()),
        ("json.yaml", json.dumps(listed(*ALL)).encode()),
        ("bom.json", b"\xef\xbb\xbf" + json.dumps(listed(*ALL)).encode()),
        ("wide.yaml", yaml.safe_dump(listed(*ALL)).encode("utf-16")),
    ],
)  # fmt: skip
def test_ways_of_saving(tmp_path: Path, name: str, content: bytes) -> None:
    """However kubectl, jq, gzip or PowerShell left it, it is the same place."""
    path = tmp_path / name
    path.write_bytes(content)

    found = saved.read([path]).snapshot

    assert (len(found.nodes), len(found.pods), len(found.services), len(found.slices)) == (1, 1, 1, 1)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash is what another program writes."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(listed(*ALL)).encode())))

    assert len(saved.read([Path("-")]).snapshot.nodes) == 1


def test_a_folder(tmp_path: Path) -> None:
    """A must-gather, a cluster-info dump: whatever holds objects is read, logs are passed over."""
    for number, one in enumerate(ALL):
        write(tmp_path / f"namespaces/x/{number}.yaml", yaml.safe_dump(one))
    write(tmp_path / "kube-system/pod/logs.txt", "==== START logs ====\n")
    write(tmp_path / "kube-system/broken.yaml", "not: [an object")
    write(tmp_path / "kube-system/pods.json", {"kind": "PodList", "apiVersion": "v1", "items": None})

    scene = saved.read([tmp_path])

    assert len(scene.snapshot.slices) == 1
    assert f"1 files that hold no objects, e.g. {tmp_path / 'kube-system/broken.yaml'}" in scene.gaps


def test_items_null(tmp_path: Path) -> None:
    """A typed empty list, as a nil slice of Go is written, is an empty list and no gap."""
    events = write(tmp_path / "events.json", {"kind": "EventList", "apiVersion": "v1", "items": None})

    scene = saved.read([write(tmp_path / "all.json", listed(*ALL)), events])

    assert (scene.events, scene.gaps) == ((), ())


def test_a_watch(tmp_path: Path) -> None:
    """Of watch events the last state counts, and what was deleted is not there."""
    lines = [{"type": "ADDED", "object": one} for one in ALL]
    gone = {"type": "DELETED", "object": ALL[1]}

    scene = saved.read([write(tmp_path / "w.json", "\n".join(map(json.dumps, [*lines, gone])))])

    assert (len(scene.snapshot.nodes), len(scene.snapshot.pods)) == (1, 0)


def test_times_and_words_without_quotes(tmp_path: Path) -> None:
    """YAML of other tools: a time, a label that YAML 1.1 takes for a truth value, a number of a CPU."""
    text = yaml.safe_dump(listed(*ALL, item("Event", involvedObject=ABOUT)))
    text = text.replace("'2026-", "2026-").replace("Z'", "Z")
    path = write(tmp_path / "all.yaml", text.replace("labels:", "labels:\n      enabled: on", 1))

    scene = saved.read([path])

    assert scene.events is not None
    assert len(scene.events) == 1
    assert any(("enabled", "on") in one.labels for one in (*scene.snapshot.nodes, *scene.snapshot.pods))


def test_old_slices(tmp_path: Path) -> None:
    """v1beta1 had node and zone among the topology of an endpoint."""
    old = copy.deepcopy(SLICE) | {"apiVersion": "discovery.k8s.io/v1beta1", "kind": "EndpointSlice"}
    for each in old["endpoints"]:
        each["topology"] = {
            "kubernetes.io/hostname": each.pop("nodeName", "n"),
            "topology.kubernetes.io/zone": each.pop("zone", "z"),
        }

    found = saved.read([write(tmp_path / "all.json", listed(*ALL[:3], old))]).snapshot.slices[0]

    assert (found.endpoints[0].zone, found.endpoints[0].node) == ("eu-west-1a", "ip-10-0-1-7")


@pytest.mark.parametrize("endpoint", [None, 7, {"topology": 7}])
def test_old_slices_with_a_wrong_endpoint(tmp_path: Path, endpoint: Any) -> None:
    """One line, as for those of v1."""
    old = copy.deepcopy(SLICE) | {"apiVersion": "discovery.k8s.io/v1beta1", "kind": "EndpointSlice"}

    with pytest.raises(
        UsageError, match=r"cannot read an EndpointSlice of v1beta1: endpoints\[0\].* expected"
    ):
        saved.read([write(tmp_path / "all.json", listed(*ALL[:3], old | {"endpoints": [endpoint]}))])


def test_events_of_the_new_api(tmp_path: Path) -> None:
    """events.k8s.io says regarding and note."""
    new = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "catalog"},
        "regarding": ABOUT,
        "note": "x",
        "reason": "R",
        "deprecatedLastTimestamp": "2026-01-01T00:00:00Z",
        "deprecatedCount": 3,
    }

    scene = saved.read([write(tmp_path / "all.json", listed(*ALL, new))])

    assert scene.events is not None
    assert [(one.event.message, one.event.count) for one in scene.events] == [("x", 3)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x1f\x8b\x08\x00broken", "not a whole gzip file"),
        (b"- " * 5000, "more than 200 levels of nesting"),
        (b"a: *gone", "alias 'gone' stands before its anchor"),
        (b"? [a, b]\n: 1", "a key is not a text"),
    ],
)
def test_what_is_no_saved_file(tmp_path: Path, content: bytes, message: str) -> None:
    """One line, however it is broken, and no overrun stack."""
    path = tmp_path / "bad"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=message) as caught:
        saved.read([path])

    assert len(str(caught.value).splitlines()) == 1


def test_a_large_yaml(tmp_path: Path) -> None:
    """8 MB are read as JSON would be, and whoever waits is told how far it is.

    The time is not asserted: it depends on the machine. Here it took 1.5 s of one core.
    """
    pods = [
        item("Pod", POD | {"metadata": {"name": f"p-{n}", "namespace": "shop", "labels": {"app": "shop"}}})
        for n in range(9000)
    ]
    path = write(tmp_path / "all.yaml", yaml.dump(listed(*ALL, *pods), Dumper=yaml.CSafeDumper))
    told: list[float] = []

    scene = saved.read([path], progress=lambda _name, share: told.append(share))

    assert path.stat().st_size > 3_000_000
    assert len(scene.snapshot.pods) == 9001
    assert told == sorted(told)
    assert (len(told) > 20, told[-1]) == (True, 1.0)


def test_other_kinds_only(tmp_path: Path) -> None:
    """What was found instead is named."""
    path = write(tmp_path / "all.json", listed(*({"kind": "Deployment", "metadata": {"name": "d"}},) * 3))

    with pytest.raises(UsageError, match=r"no nodes, pods, Services or slices in it \(but 3 Deployment\)"):
        saved.read([path])


def test_one_bad_document_of_a_folder(tmp_path: Path) -> None:
    """The rest of its file is read, and what it may have been is a gap of that kind, not an empty file."""
    bad = {"kind": "Pod", "apiVersion": "v1", "metadata": {}}
    path = write(tmp_path / "all.yaml", yaml.safe_dump_all([ALL[0], bad, *ALL[1:]]))

    scene = saved.read([tmp_path])

    assert (len(scene.snapshot.pods), len(scene.snapshot.services), len(scene.snapshot.slices)) == (1, 1, 1)
    assert scene.gaps == (
        "events: none saved",
        (
            f"pods: read in part, e.g. not all of {path} "
            "(cannot read the file: metadata.name is missing, expected a text)"
        ),
    )


def test_one_bad_item_of_a_folder(tmp_path: Path) -> None:
    """Likewise in a list."""
    write(tmp_path / "all.json", listed(ALL[0], {"kind": "Node", "metadata": {}}, *ALL[1:]))

    scene = saved.read([tmp_path])

    assert len(scene.snapshot.slices) == 1
    assert [gap.partition(",")[0] for gap in scene.gaps] == ["events: none saved", "nodes: read in part"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_cut_off(tmp_path: Path, *, packed: bool) -> None:
    """What is left tells of which kinds there may have been more: the doctor does not call it whole."""
    pods = [item("Pod", POD | {"metadata": {"name": f"pod-{n}"}}) for n in range(999)]
    content = json.dumps(listed(*ALL[3:], *pods)).encode()
    half = gzip.compress(content)[:-100] if packed else content[:-100]
    (tmp_path / f"cut.json{'.gz' * packed}").write_bytes(half)
    write(tmp_path / "whole.json", listed(*ALL))

    scene = saved.read([tmp_path])
    found = examine(scene, KEY, wanted=RoutingMode.TAR)

    assert len(scene.snapshot.slices) == 1
    assert [gap.partition(",")[0] for gap in scene.gaps] == [
        "events: none saved",
        "endpointslices: read in part",
        "pods: read in part",
    ]
    assert "the endpoint slices are not all known" in next(one for one in found if one.code == "D15").meaning


def test_files_of_a_folder_that_are_no_use(tmp_path: Path) -> None:
    """Packed logs are passed over, and what cannot be opened is a gap by what its name tells."""
    write(tmp_path / "all.json", listed(*ALL))
    (tmp_path / "x.log.gz").write_bytes(gzip.compress(b"log" * 9)[:-4])
    (tmp_path / "x.json.gz").write_bytes(b"\x1f\x8b\x08\x00broken")

    scene = saved.read([tmp_path])

    assert scene.gaps == (
        "events: none saved",
        (
            f"1 files read in part or not at all, e.g. {tmp_path / 'x.json.gz'} (not a whole gzip file: "
            "Compressed file ended before the end-of-stream marker was reached)"
        ),
    )


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="there is no file that refuses everybody")
def test_unreadable_file_of_a_folder(tmp_path: Path) -> None:
    """A file that may not be read stands for what its name tells."""
    write(tmp_path / "all.json", listed(*ALL))
    (tmp_path / "nodes.json").symlink_to("/proc/self/mem")

    assert (
        f"nodes: read in part, e.g. not all of {tmp_path / 'nodes.json'} (Input/output error)"
        in saved.read([tmp_path]).gaps
    )
