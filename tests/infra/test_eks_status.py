"""What runs in a cluster, by zone, and taking it away again; kubectl is a stand-in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from k8s.effects import Talk
from k8s.eks import lifecycle
from k8s.eks.kubectl import Kubectl, KubectlContext
from k8s.eks.programs import Done
from k8s.errors import UsageError

pytestmark = pytest.mark.infra

ZONE = "topology.kubernetes.io/zone"


def pod(name: str, node: str | None, *, ready: bool = True) -> dict[str, Any]:
    status = {"phase": "Pending", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    return {"metadata": {"namespace": "ui", "name": name}, "spec": {"nodeName": node}, "status": status}


@dataclass
class FakePrograms:
    """Answers kubectl's lists, and remembers every command."""

    items: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def run(self, name: str, *arguments: str, stdin: str = "") -> Done:
        assert not stdin
        self.ran.append(" ".join((name, *arguments)))
        found = self.items.get(arguments[3], []) if arguments[2] == "get" else []
        return Done(code=0, out=json.dumps({"items": found}), err="")


def test_pods_by_zone():
    """Zone, namespace and name, readiness; a pod without node, or whose node has no zone, shows a dash."""
    nodes = [{"metadata": {"name": "n1", "labels": {ZONE: "eu-west-1b"}}}, {"metadata": {"name": "n2"}}]
    pods = [pod("ui-1", "n1"), pod("ui-2", "n2", ready=False), pod("ui-3", None, ready=False)]
    found = Kubectl(FakePrograms({"nodes": nodes, "pods": pods}), "eks").pods_by_zone()
    assert found == (
        "-               ui/ui-2  pending",
        "-               ui/ui-3  pending",
        "eu-west-1b      ui/ui-1  ready",
    )


def test_an_empty_cluster_says_what_to_do():
    """There is nothing to show before a deploy."""
    assert Kubectl(FakePrograms(), "eks").pods_by_zone() == ("no pod of ours; run: make deploy",)


@pytest.mark.parametrize("agreed", [True, False])
def test_undeploy_asks_and_removes_what_is_ours(agreed: bool):
    """Context and server are shown; without a yes no command is run."""
    programs, shown = FakePrograms(), []

    def agree(lines: tuple[str, ...]) -> None:
        shown.extend(lines)
        if not agreed:
            raise UsageError("not agreed, so nothing was changed")

    target = KubectlContext(context="eks", server="https://x", credentials=None)
    talk = Talk(say=shown.append, agree=agree)
    if agreed:
        lifecycle.undeploy(target, programs, talk)
        assert any("delete namespaces,clusterroles" in line for line in programs.ran)
    else:
        with pytest.raises(UsageError):
            lifecycle.undeploy(target, programs, talk)
        assert programs.ran == []
    assert shown[:2] == ["context   eks", "cluster   https://x"]
