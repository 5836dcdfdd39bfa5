"""Pods as the API has them, and tallies between them, for tests of what the relays expose."""

import re
from typing import Any

from k8s.lab.relay.counters import Counters
from k8s.lab.relay.peers import Peer, Peers
from k8s.topology import ServiceKey, Zone

CATALOG = ServiceKey(namespace="shop", name="catalog")
A, B = Zone("eu-west-1a"), Zone("eu-west-1b")
UI_IP, CATALOG_IP, OTHER_CATALOG_IP, STRANGER_IP = "127.77.1.1", "127.77.2.1", "127.77.2.2", "127.0.0.1"
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_SERIES = re.compile(r"(\w+)\{(.*)\} (\d+)")


def pod(ip: str, workload: str, *, name: str = "", kind: str = "ReplicaSet", **labels: str) -> dict[str, Any]:
    """A running pod of a Deployment in the namespace *front*, or of another controller."""
    owner = {
        "kind": kind,
        "name": f"{workload}-7d9f" if kind == "ReplicaSet" else workload,
        "controller": True,
    }
    return {
        "metadata": {
            "name": name or f"{workload}-7d9f-{ip.replace('.', '-')}",
            "namespace": "front",
            "labels": {
                "pod-template-hash": "7d9f",
                **{key.replace("_", "/"): one for key, one in labels.items()},
            },
            "ownerReferences": [owner] if kind else [],
        },
        "spec": {},
        "status": {"podIP": ip},
    }


def zone_of(ip: str) -> Zone | None:
    """By the third octet."""
    return {"1": A, "2": B}.get(ip.split(".")[2])


def shop(*pods: dict[str, Any]) -> Peers:
    """One ui pod in zone a and two of catalog in zone b, unless others are given."""
    found = Peers(zone_of)
    for one in pods or (pod(UI_IP, "ui"), pod(CATALOG_IP, "catalog"), pod(OTHER_CATALOG_IP, "catalog")):
        found.learn(one)
    return found


def counted(counters: Counters, client_ip: str, server_ip: str, connections: int = 1, **more: int) -> None:
    """So many connections more, with 10 bytes asked and 100 answered each; all closed unless *active*."""
    tally = counters.tally(CATALOG, client_ip, server_ip)
    tally.connections += connections
    tally.request_bytes += 10 * connections
    tally.response_bytes += 100 * connections
    tally.active += more.get("active", 0)
    tally.failed += more.get("failed", 0)


def series(text: bytes) -> list[tuple[str, dict[str, str], int]]:
    """(metric, labels, value) of each sample."""
    found = [_SERIES.fullmatch(line) for line in text.decode().splitlines() if not line.startswith("#")]
    assert None not in found
    return [(one[1], dict(_LABEL.findall(one[2])), int(one[3])) for one in found if one]


PEER = Peer(namespace="front", workload="ui", app="ui", revision="latest", account="default")
