"""``routing predict`` from saved files, as a user types it."""

import argparse
import io
import json
from pathlib import Path
from typing import Any, NoReturn

import pytest

from k8s.cli import add_place
from k8s.console import Io, Parser, group
from k8s.errors import UsageError
from k8s.predict import cli
from tests.k8s.raw import NODE, POD, SERVICE, SLICE


def cluster_away(_args: argparse.Namespace, _io: Io) -> NoReturn:
    raise AssertionError("no cluster is needed with --from")


def run(*argv: str) -> str:
    root = Parser(prog="samezone")
    verbs = root.add_subparsers(required=True, parser_class=Parser)
    cli.add(group(verbs, "routing", summary=""), add_place=add_place, open_cluster=cluster_away)
    args = root.parse_args(["routing", "predict", *argv])
    out = io.StringIO()
    assert args.command(args, Io(out=out, err=out, environment={})) == 0
    return out.getvalue()


def saved(folder: Path, pods: str, *, ui: str = "1/1/1", zoneless: bool = False) -> str:
    """Three nodes, ui pods and catalog endpoints as in "2/2/1"."""
    nodes = [
        {
            **NODE,
            "metadata": {
                "name": f"node-{at}",
                "labels": {} if zoneless and at == "c" else {"topology.kubernetes.io/zone": f"eu-west-1{at}"},
            },
        }
        for at in "abc"
    ]
    items = [{"kind": "Node", **node} for node in nodes]
    items += [
        {
            **POD,
            "kind": "Pod",
            "metadata": {"name": f"ui-{at}-{n}", "namespace": "ui", "labels": {"app": "ui"}},
            "spec": {"nodeName": f"node-{at}"},
        }
        for at, count in zip("abc", ui.split("/"), strict=True)
        for n in range(int(count))
    ]
    ends = [
        {
            "addresses": [f"10.0.{n}.{ord(at)}"],
            "conditions": {"ready": True},
            "nodeName": f"node-{at}",
            "zone": f"eu-west-1{at}",
        }
        for at, count in zip("abc", pods.split("/"), strict=True)
        for n in range(int(count))
    ]
    service = {**SERVICE, "metadata": {"name": "catalog", "namespace": "catalog"}}
    service["spec"] = {"selector": {"app": "catalog"}}
    items += [{"kind": "Service", **service}, {**SLICE, "endpoints": ends}]
    path = folder / "all.json"
    path.write_text(json.dumps({"kind": "List", "items": items}))
    return str(path)


def test_table(tmp_path: Path) -> None:
    """A row for each mode, why connections cross, and which replica counts work."""
    path = saved(tmp_path, "5/2/2")

    text = run("--from", path).replace(path, "all.json")

    assert text == (
        "service  catalog/catalog (all.json), mode off: 9 ready endpoints: eu-west-1a 5, eu-west-1b 2, "
        "eu-west-1c 2\n"
        "clients  3 ready pods of ui/ui: eu-west-1a 33.3\u00a0%, eu-west-1b 33.3\u00a0%, "
        "eu-west-1c 33.3\u00a0%\n"
        "\n"
        "mode              same-zone  endpoint load   falls back  hints in eu-west-1a/eu-west-1b/eu-west-1c\n"
        "off               33.3\u00a0%     1.00x to 1.00x  -           none\n"
        "tar               77.8\u00a0%     1.00x to 1.00x  -           3/3/3 (3/2/2 at home)\n"
        "prefer-close      100.0\u00a0%    0.60x to 1.50x  -           5/2/2\n"
        "prefer-same-zone  100.0\u00a0%    0.60x to 1.50x  -           5/2/2\n"
        "prefer-same-node  100.0\u00a0%    0.60x to 1.50x  -           5/2/2\n"
        "\n"
        "tar: 22.2\u00a0% cross from eu-west-1b, eu-west-1c: endpoints are hinted to another zone than "
        "theirs on purpose\n"
        "100.0\u00a0% of the connections: Which proxy carries Service traffic is not known, so neither is "
        "whether hints are heeded; the numbers suppose that it heeds them\n"
        "\n"
        "replicas: 9 ready endpoints get hints under tar; nearest others that do: 7 and 10\n"
        "replicas: within 3 of 9, tar refuses: 8, 11\n"
    )


def test_refusal(tmp_path: Path) -> None:
    """A refusal shows the controller's message, the arithmetic and the counts that work."""
    lines = run("--from", saved(tmp_path, "2/2/1")).splitlines()

    (tar,) = (line for line in lines if line.startswith("tar  "))
    assert tar == (
        "tar               33.3\u00a0%     1.00x to 1.00x  -           refused: Unable to allocate minimum "
        "required endpoints to each zone without exceeding overload threshold (5 endpoints, 3 zones), "
        "addressType: IPv4"
    )
    assert lines[-7:] == [
        "tar with 5 ready endpoints:",
        "zone        CPU share  least  fair  most",
        "eu-west-1a  33.3\u00a0%     2      2.00  2",
        "eu-west-1b  33.3\u00a0%     2      2.00  2",
        "eu-west-1c  33.3\u00a0%     2      2.00  2",
        "replicas: 5 ready endpoints get no hints under tar; nearest that do: 3 and 6",
        "replicas: within 3 of 5, tar refuses: 2, 4, 5, 8",
    ]


def test_nodes_first(tmp_path: Path) -> None:
    """Where a node has no zone no replica count helps, and the node is named."""
    text = run("--from", saved(tmp_path, "2/2/2", zoneless=True))

    assert "tar needs the nodes repaired first: a ready worker node has no zone label (node-c)" in text


def shares(text: str) -> dict[str, Any]:
    return {one["mode"]: one["same_zone_share"] for one in json.loads(text)["predictions"]}


def test_json_and_clients(tmp_path: Path) -> None:
    """Clients by name, by label and by weight, as data."""
    path = saved(tmp_path, "2/0/1", ui="1/1/0")

    named = run("--from", path, "--json", "--client", "ui/ui")
    weighed = run("--from", path, "--json", "--weights", "eu-west-1a=70%,eu-west-1c=30%")

    assert shares(named)["prefer-same-zone"] == {"least": 0.5, "greatest": 0.5}
    assert shares(weighed)["prefer-same-zone"] == {"least": 1.0, "greatest": 1.0}
    assert run("--from", path, "--json", "--client", "ui/app=ui").replace("ui/app=ui", "ui/ui") == named
    same_zone = json.loads(named)["predictions"][3]
    assert same_zone["fallback_zones"] == ["eu-west-1b"]
    assert same_zone["gap"] == [
        {
            "cause": "fallback",
            "share": 0.5,
            "reason": "no endpoint is hinted for this node's zone",
            "client_zones": ["eu-west-1b"],
        }
    ]
    tar = json.loads(named)["predictions"][1]
    assert tar["counts"] == {
        "around": 3,
        "accepted": [3, 6],
        "refused": [1, 2, 4, 5],
        "nearest": [6],
    }


def test_clients_by_cpu(tmp_path: Path) -> None:
    """Where the usual client does not run, CPU stands in and that is said."""
    assert "clients  assumed in proportion to the nodes' CPU" in run(
        "--from", saved(tmp_path, "2/2/2", ui="0/0/0")
    )


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--client", "ui"], "--client 'ui': give NAMESPACE/NAME"),
        (["--client", "ui/web"], "clients ui/web: no ready pod of that name"),
        (["--weights", "eu-west-1a"], "--weights: 'eu-west-1a': give each zone once"),
        (["--weights", "eu-west-1a=1,eu-west-1a=2"], "give each zone once"),
        (["--weights", "eu-west-1a=1e999999999"], "give each zone once, as ZONE=SHARE"),
        (["--weights", "eu-west-1a=70%,eu-west-1b=0.3"], "give all shares with a percent sign, or none"),
        (["--weights", "eu-west-1a=0"], "at least one above 0"),
        (["--weights", "mars=1"], "no ready node in zone 'mars'; zones are: eu-west-1a, eu-west-1b"),
        (["--service", "catalog/cat"], "predicting Service catalog/cat: not in "),
    ],
)
def test_bad_arguments(tmp_path: Path, argv: list[str], message: str) -> None:
    """Each is told in one line with what to write instead."""
    with pytest.raises(UsageError) as caught:
        run("--from", saved(tmp_path, "1/1/1"), *argv)

    assert message in str(caught.value)


def test_a_shift_of_one_family(tmp_path: Path) -> None:
    """A second family whose endpoints are all in the zone is a note, and the first is predicted."""
    path = Path(saved(tmp_path, "1/1/1"))
    place = json.loads(path.read_text())
    four = place["items"][-1]
    six = {
        **four,
        "metadata": {**four["metadata"], "name": "catalog-six"},
        "addressType": "IPv6",
        "endpoints": [{**four["endpoints"][0], "addresses": ["fd00::1"]}],
    }
    path.write_text(json.dumps({**place, "items": [*place["items"], six]}))

    text = run("--from", str(path), "--shift", "eu-west-1a")

    assert "IPv6: no endpoint outside eu-west-1a, so connections by it are refused then" in text
    assert "away from eu-west-1a" in text
    assert "\nIPv6:\n" not in text
    assert "\nIPv6:\n" in run("--from", str(path), "--shift", "eu-west-1b")


def test_a_folder_read_in_part(tmp_path: Path) -> None:
    """The numbers say which objects they lack."""
    path = Path(saved(tmp_path, "1/1/1"))
    assert "the numbers lack" not in run("--from", str(tmp_path))
    place = json.loads(path.read_text())
    path.write_text(json.dumps({**place, "items": [*place["items"], {"kind": "Pod", "metadata": {}}]}))

    assert f"the numbers lack what was not read: pods: read in part, e.g. not all of {path}" in run(
        "--from", str(tmp_path)
    )
