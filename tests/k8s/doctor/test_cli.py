"""``samezone routing doctor``: text, table, JSON, exit code."""

import argparse
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from k8s.console import Io, Parser
from k8s.doctor import cli
from k8s.doctor.doctor_text import as_data, as_text, table
from k8s.doctor.examination import diagnose
from k8s.doctor.place import place_of
from k8s.doctor.survey import survey
from k8s.errors import SamezoneError, UsageError
from k8s.live.cluster import LiveCluster
from k8s.model.scene import Scene
from k8s.topology import ServiceKey
from tests.k8s.cases import OFF
from tests.k8s.doctor.doctor_cases import CASES, GOOD, KEY, scene

ZONES = "abc"


def node(letter: str) -> dict[str, Any]:
    return {
        "kind": "Node",
        "metadata": {"name": f"node-{letter}", "labels": {"topology.kubernetes.io/zone": letter}},
        "status": {"allocatable": {"cpu": "2"}, "conditions": [{"type": "Ready", "status": "True"}]},
    }


def endpoint(number: int, letter: str, *, hinted: bool) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "addresses": [f"10.0.0.{number}"],
        "conditions": {"ready": True},
        "zone": letter,
        "nodeName": f"node-{letter}",
    }
    return raw | ({"hints": {"forZones": [{"name": letter}]}} if hinted else {})


def items(zones: str, *, hinted: bool, name: str = "catalog") -> list[dict[str, Any]]:
    return [
        {
            "kind": "Service",
            "metadata": {
                "name": name,
                "namespace": "catalog",
                "annotations": {"service.kubernetes.io/topology-mode": "Auto"},
            },
            "spec": {"selector": {"app": name}, "ports": [{"port": 80}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{name}-1",
                "namespace": "catalog",
                "labels": {
                    "kubernetes.io/service-name": name,
                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                },
            },
            "addressType": "IPv4",
            "endpoints": [endpoint(number, letter, hinted=hinted) for number, letter in enumerate(zones)],
            "ports": [],
        },
    ]


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    def write(*objects: dict[str, Any]) -> Path:
        path = tmp_path / "place.json"
        every = [*map(node, ZONES), *objects]
        path.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": every}))
        return path

    return write


def run(*words: str) -> tuple[int, str]:
    """The exit code and what was written."""
    parser = Parser(prog="samezone")
    verbs = parser.add_subparsers(required=True, parser_class=Parser)
    cli.add(verbs, add_place=add_place, open_cluster=no_cluster)
    args = parser.parse_args(["doctor", *words])
    out = io.StringIO()
    return args.command(args, Io(out=out, err=io.StringIO())), out.getvalue()


def add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--service", type=lambda text: cli.key_of("--service", text), default="catalog/catalog"
    )


def no_cluster(_args: argparse.Namespace, _io: Io) -> LiveCluster:
    raise UsageError("no cluster in this test")


def test_healthy(saved: Callable[..., Path]) -> None:
    """Nothing wrong: exit code 0, and what is in force."""
    code, text = run("--from", str(saved(*items("abc", hinted=True))))

    assert code == 0
    assert text.startswith("Service catalog/catalog in ")
    assert text.splitlines()[0].endswith(": healthy, mode tar")
    assert "\nD00  note     In force: topology-mode: Auto" in text


def test_problem(saved: Callable[..., Path]) -> None:
    """A problem: exit code 4, with code, meaning, evidence and fix."""
    code, text = run("catalog/catalog", "--from", str(saved(*items("aabc", hinted=False))))

    assert code == 4
    lines = text.splitlines()
    assert lines[0].endswith(": not healthy, mode tar")
    assert (
        "D21  problem  To overload no endpoint by more than 20 % the 3 zones need at least 6 endpoints and "
        "there are 4, so the controller refuses hints, wherever the pods are." in lines
    )
    assert "     seen     zone a: CPU share; minimum/desired/maximum = 33.3\u00a0%; 2/2.00/-" in lines
    assert (
        "     seen     Service catalog/catalog: ready endpoints = "
        "4; nearest numbers that get hints: 3 below, 6 above" in lines
    )
    # Nothing tells what owns the pods, so the fix is the setting that does not count them.
    fix = next(line for line in lines if line.startswith("     fix      "))
    assert fix.startswith("     fix      kubectl -n catalog patch service catalog --type merge -p ")
    assert '"trafficDistribution":"PreferSameZone"' in fix


def test_json(saved: Callable[..., Path]) -> None:
    """The same as data, with a schema number."""
    code, text = run("--json", "--from", str(saved(*items("aabc", hinted=False))))

    data = json.loads(text)
    assert code == 4
    assert set(data) == {"schema", "source", "gaps", "service", "mode", "healthy", "findings"}
    assert (data["schema"], data["service"], data["mode"], data["healthy"]) == (
        1,
        "catalog/catalog",
        "tar",
        False,
    )
    first = data["findings"][0]
    assert set(first) == {"code", "severity", "meaning", "evidence", "fix", "blocks_hints"}
    assert (first["code"], first["severity"], first["blocks_hints"]) == ("D21", "problem", True)
    assert all(set(one) == {"object", "field", "value"} for one in first["evidence"])


def test_all(saved: Callable[..., Path]) -> None:
    """One table over all Services; exit code 4 if any has a problem."""
    path = saved(*items("abc", hinted=True), *items("aabc", hinted=False, name="cart"))

    code, text = run("--all", "--from", str(path))

    assert code == 4
    heading, columns, cart, catalog = text.splitlines()[0], *text.splitlines()[-3:]
    assert heading.startswith("2 Services with endpoints in ")
    assert heading.endswith(
        "1 with a problem; clients: one a ready worker node, weighted by its allocatable CPU"
    )
    assert columns.split() == [
        "SERVICE",
        "MODE",
        "HINTED",
        "NOW",
        "OFF",
        "TAR",
        "PREFER-SAME-ZONE",
        "FINDING",
        "AUTO",
    ]
    assert cart.replace("\u00a0", "").split()[:8] == [
        "catalog/cart",
        "tar",
        "0/4",
        "33.3%",
        "33.3%",
        "33.3%",
        "100.0%",
        "D21",
    ]
    assert catalog.replace("\u00a0", "").split() == [
        "catalog/catalog", "tar", "3/3", "100.0%", "33.3%", "100.0%", "100.0%", "-", "possible"
    ]  # fmt: skip


@pytest.mark.parametrize("missing", ["Node", "EndpointSlice"])
def test_all_without_what_decides(tmp_path: Path, missing: str) -> None:
    """A table that nothing stands behind is no clean bill: exit code 4, and what was not read."""
    every = [*map(node, ZONES), *items("abc", hinted=True)]
    path = tmp_path / "place.json"
    kept = [one for one in every if one["kind"] != missing]
    path.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": kept}))

    code, text = run("--all", "--from", str(path))

    assert code == 4
    assert f"not read: {'nodes' if missing == 'Node' else 'endpointslices'}: none saved" in text


def test_all_sorted_by_what_matters(saved: Callable[..., Path]) -> None:
    """Problems come first, and of one namespace only where one is named."""
    well, ill = items("abc", hinted=True, name="a-well"), items("aabc", hinted=False, name="z-ill")

    lines = run("--all", "--from", str(saved(*well, *ill)))[1].splitlines()

    assert [line.split()[0] for line in lines[-2:]] == ["catalog/z-ill", "catalog/a-well"]
    assert run("--all", "-n", "elsewhere", "--from", str(saved(*well)))[1].startswith("0 Services")


def test_all_as_json(saved: Callable[..., Path]) -> None:
    """The table as data."""
    code, text = run("--all", "--json", "--from", str(saved(*items("abc", hinted=True))))

    data = json.loads(text)
    assert code == 0
    assert set(data) == {"schema", "source", "gaps", "basis", "services"}
    (row,) = data["services"]
    assert row == {
        "service": "catalog/catalog",
        "mode": "tar",
        "endpoints": 3,
        "hinted": 3,
        "auto_refusal": None,
        "same_zone_now": pytest.approx(1.0),
        "same_zone": {
            mode: {"least": pytest.approx(share), "greatest": pytest.approx(share)}
            for mode, share in {
                "off": 1 / 3,
                "tar": 1.0,
                "prefer-close": 1.0,
                "prefer-same-zone": 1.0,
                "prefer-same-node": 1.0,
            }.items()
        },
        "finding": None,
        "healthy": True,
    }


def test_no_services() -> None:
    """A place without Services is an empty table, not an error."""
    empty = Scene(source="nowhere", snapshot=GOOD.snapshot, gaps=("events: forbidden",))
    lines = list(table((), source=empty.source, gaps=empty.gaps))

    assert lines == [
        (
            "0 Services with endpoints in nowhere, 0 with a problem; clients: one a ready worker node, "
            "weighted by "
            "its allocatable CPU"
        ),
        "not read: events: forbidden",
    ]


def test_range_in_the_table() -> None:
    """A share that chance decides is printed as a range."""
    (line,) = list(table(survey(scene("2:1:1:1", "4/0/1/4", of=OFF)), source="a test"))[2:]

    assert "70.0\u00a0% to 80.0\u00a0%" in line


def test_gaps_are_said() -> None:
    """What could not be read stands under the verdict, in both forms."""
    found = diagnose(place_of(GOOD), KEY, store_pools=False)

    assert "not read: events: forbidden" in list(as_text(found, source="x", gaps=["events: forbidden"]))
    assert as_data(found, source="x", gaps=["events: forbidden"])["gaps"] == ["events: forbidden"]


@pytest.mark.parametrize("code", CASES)
def test_all_fits_into_json_and_lines(code: str) -> None:
    """Every finding is one line for each thing it says, and survives JSON."""
    case = CASES[code]
    found = diagnose(place_of(case.sick), KEY, case.client, store_pools=case.pools)

    lines = list(as_text(found, source="a test"))

    assert not any("\n" in line for line in lines)
    assert (
        json.loads(json.dumps(as_data(found, source="a test")))["findings"][0]["code"]
        == found.findings[0].code
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["catalog"], "routing doctor: SERVICE 'catalog' is not NAMESPACE/NAME, e.g. catalog/catalog"),
        (
            ["--client", "a/b/c"],
            ("routing doctor: --client 'a/b/c' is not NAMESPACE/NAME, e.g. catalog/catalog"),
        ),
        (["--all", "--client", "ui/ui"], "routing doctor: --all takes no SERVICE, --service, --client or"),
        (["--all", "--service", "catalog/catalog"], "--all takes no SERVICE, --service, --client or --mode"),
        (["catalog/catalog", "-n", "other"], "catalog/catalog is not in the namespace of -n other"),
        (["a/b", "--service", "catalog/catalog"], "SERVICE a/b and --service catalog/catalog differ"),
        (["shop/catalog"], "not in"),
        (["--client", "ui/ui"], "examining for client ui/ui: no pod or workload of that name"),
    ],
)
def test_bad_arguments(saved: Callable[..., Path], words: list[str], said: str) -> None:
    """What cannot be meant is a usage error in one line."""
    path = saved(*items("abc", hinted=True))

    with pytest.raises(UsageError) as caught:
        run(*words, "--from", str(path))

    assert said in str(caught.value)


def test_options(saved: Callable[..., Path]) -> None:
    """``--mode`` examines a mode that is not set; ``--pools`` and ``--client`` reach the diagnoses."""
    fine = str(saved(*items("abc", hinted=True)))
    assert "D50  risk" in run("--pools", "yes", "--from", fine)[1]
    assert "D50" not in run("--pools", "no", "--from", fine)[1]
    path = saved(*items("aabc", hinted=False))
    assert run("--mode", "prefer-same-zone", "--from", str(path))[0] == 0
    assert run("--service", "catalog/catalog", "--from", str(path))[0] == 4


def test_without_files_the_cluster_is_read() -> None:
    """Without ``--from`` the cluster is asked."""
    with pytest.raises(SamezoneError, match="no cluster in this test"):
        run()


def test_key_of() -> None:
    """A key is two names and a slash."""
    assert cli.key_of("SERVICE", "shop/cart") == ServiceKey(namespace="shop", name="cart")
