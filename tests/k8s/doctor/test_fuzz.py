"""Saved files that something has damaged: one line and an exit code, never a traceback.

``python -m tests.k8s.doctor.test_fuzz 100000 7 FOLDER`` does so many with that seed, in that folder.
"""

import copy
import io
import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.cli import add
from k8s.console import Io, Parser
from k8s.errors import SamezoneError

ALLOWED = {0, 2, 4}
ODD: tuple[Any, ...] = (
    None, "", "x", " ", "\u0000", "é" * 40, "9" * 5000, 0, -1, 1, 2**63, 10**30, 1.5, 1e308, float("nan"),
    True, False, [], {}, [[]], [{}], {"a": 1}, {"name": None}, "2026-13-40T00:00:00Z", "1Ki", "-5m", "Auto",
    "PreferClose", "endpointslice-controller.k8s.io", "IPv6", "FQDN", "None",
)  # fmt: skip
COMMANDS = (
    ("doctor", "shop/shop"),
    ("doctor", "shop/shop", "--client", "front/front"),
    ("doctor", "--all"),
    ("doctor", "--all", "--json"),
    ("doctor", "shop/shop", "--mode", "tar", "--json"),
    ("predict", "shop/shop"),
    ("predict", "shop/shop", "--client", "front/front", "--json"),
    ("predict", "shop/shop", "--shift", "b"),
)


def healthy() -> dict[str, Any]:
    """A small place of every kind that is read."""
    items: list[dict[str, Any]] = []
    for letter in "abc":
        items += [node(letter), pod("kube-system", f"kube-proxy-{letter}", letter, PROXY)]
        items += [pod("front", f"front-5f6d7c8b9-aaaa{letter}", letter, "example.com/front:1", app="front")]
        items += [pod("shop", f"shop-6d5f7c9b8-{n}000{letter}", letter, "example.com/shop:1") for n in "123"]
    items += [service(), *(piece(family) for family in ("IPv4", "IPv6")), event(), settings()]
    return {"apiVersion": "v1", "kind": "List", "items": items}


PROXY = "registry.k8s.io/kube-proxy:v1.35.1"


def node(letter: str) -> dict[str, Any]:
    labels = {"topology.kubernetes.io/zone": letter, "kubernetes.io/os": "linux"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"node-{letter}", "labels": labels},
        "spec": {"providerID": f"aws:///{letter}/i-0"},
        "status": {
            "allocatable": {"cpu": "3920m"},
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.35.1", "operatingSystem": "linux"},
        },
    }


def pod(namespace: str, name: str, letter: str, image: str, app: str = "shop") -> dict[str, Any]:
    owner = {"kind": "ReplicaSet", "name": "shop-6d5f7c9b8", "controller": True}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app": app, "pod-template-hash": "6d5f7c9b8"},
            "annotations": {"ambient.istio.io/redirection": "disabled"},
            "ownerReferences": [owner],
        },
        "spec": {
            "nodeName": f"node-{letter}",
            "containers": [{"name": "main", "image": image, "args": ["-v"]}],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"restartCount": 0}],
        },
    }


def service() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "shop",
            "namespace": "shop",
            "labels": {"app": "shop"},
            "annotations": {"service.kubernetes.io/topology-mode": "Auto"},
        },
        "spec": {
            "type": "LoadBalancer",
            "clusterIP": "10.1.1.1",
            "ipFamilies": ["IPv4", "IPv6"],
            "selector": {"app": "shop"},
            "externalTrafficPolicy": "Cluster",
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}, {"name": "m", "port": 90}],
        },
    }


def piece(family: str) -> dict[str, Any]:
    ends = [
        {
            "addresses": [f"{family}-{letter}{number}"],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "nodeName": f"node-{letter}",
            "zone": letter,
            "hints": {"forZones": [{"name": letter}], "forNodes": [{"name": f"node-{letter}"}]},
            "targetRef": {"kind": "Pod", "name": f"shop-6d5f7c9b8-{number}000{letter}"},
        }
        for letter in "abc"
        for number in "123"
    ]
    labels = {
        "kubernetes.io/service-name": "shop",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"shop-{family.lower()}", "namespace": "shop", "labels": labels},
        "addressType": family,
        "endpoints": ends,
        "ports": [{"name": "http", "port": 8080}, {"name": "m", "port": 90}],
    }


def event() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "shop.1", "namespace": "shop"},
        "involvedObject": {"kind": "Service", "namespace": "shop", "name": "shop"},
        "type": "Warning",
        "reason": "TopologyAwareHintsDisabled",
        "message": "Insufficient number of endpoints (2 endpoints, 3 zones), addressType: IPv4",
        "lastTimestamp": "2026-11-20T10:00:00Z",
        "count": 2,
    }


def settings() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "cilium-config", "namespace": "kube-system"},
        "data": {"enable-service-topology": "true", "kube-proxy-replacement": "true"},
    }


def damaged(rng: random.Random, whole: Any) -> Any:
    """Some values of the tree, anywhere in it, are gone, odd, doubled or somebody else's."""
    tree = copy.deepcopy(whole)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        below = tree
        parent, key = None, None
        while isinstance(below, dict | list) and below and (parent is None or rng.random() < 0.85):
            key = rng.choice(list(below) if isinstance(below, dict) else range(len(below)))
            parent, below = below, below[key]
        if parent is None:
            continue
        match rng.randrange(5):
            case 0:
                del parent[key]
            case 1 if isinstance(parent, list):
                parent.append(copy.deepcopy(below))
            case 2 if isinstance(parent, dict):
                parent[str(rng.choice(ODD))] = below
            case _:
                parent[key] = copy.deepcopy(rng.choice(ODD))
    return tree


def written(rng: random.Random, whole: Any) -> bytes:
    """As a file, which may itself be cut or scratched."""
    if rng.random() < 0.15:
        text = yaml.dump(damaged(rng, whole), Dumper=yaml.CSafeDumper).encode("utf-8", "surrogatepass")
    else:
        text = json.dumps(damaged(rng, whole)).encode()
    if rng.random() < 0.1:
        text = text[: rng.randrange(len(text))]
    if rng.random() < 0.1:
        at = rng.randrange(max(1, len(text)))
        text = text[:at] + bytes([rng.randrange(256)]) + text[at + 1 :]
    return text


def outcomes(count: int, seed: int, folder: Path) -> Counter[int]:
    """How often each exit code came; whatever is no complaint of ours comes through."""
    rng = random.Random(seed)
    whole, path, codes = healthy(), folder / "saved.json", Counter[int]()
    for _ in range(count):
        path.write_bytes(written(rng, whole))
        words = rng.choice(COMMANDS)
        try:
            codes[run(["routing", *words, "--from", str(path)])] += 1
        except Exception:
            (folder / "culprit.json").write_bytes(path.read_bytes())
            print(f"{words} on {folder / 'culprit.json'}", file=sys.stderr)
            raise
    return codes


def parser() -> Parser:
    made = Parser(prog="samezone")
    add(made.add_subparsers(required=True, parser_class=Parser))
    return made


def run(words: list[str]) -> int:
    """The exit code, as the command line makes it of what is raised."""
    out = io.StringIO()
    try:
        args = PARSER.parse_args(words)
        return int(args.command(args, Io(out=out, err=out)))
    except SamezoneError as error:
        if len(str(error).splitlines()) != 1:
            raise AssertionError(str(error)) from error
        return int(error.exit_code)


PARSER = parser()


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files(seed: int, tmp_path: Path) -> None:
    """Healthy, unhealthy or unreadable: nothing else comes of a damaged file."""
    codes = outcomes(150, seed, tmp_path)

    assert set(codes) <= ALLOWED
    assert set(codes) == ALLOWED, "every kind of answer has to come, or the damage is too small or too great"


def test_undamaged(tmp_path: Path) -> None:
    """The place itself is understood by every command."""
    path = tmp_path / "saved.json"
    path.write_text(json.dumps(healthy()))

    codes = {run(["routing", *words, "--from", str(path)]) for words in COMMANDS}

    assert codes <= {0, 4}


if __name__ == "__main__":
    print(dict(outcomes(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))))
