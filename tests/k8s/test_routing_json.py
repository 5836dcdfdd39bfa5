"""``samezone routing set``, ``show`` and ``restore`` with ``--json``: one document on standard output."""

import json
from pathlib import Path
from typing import Any

import pytest

from k8s.live import opening
from tests.analysis.test_cli import Terminal
from tests.k8s.live.test_switching import NamedFake

SERVICE = ("--platform", "cluster", "--service", "catalog/catalog")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> NamedFake:
    """What every verb finds, in place of the one that a kubeconfig names."""
    made = NamedFake(hints_at_s=0.0)
    monkeypatch.setattr(opening, "open_cluster", lambda *_, **__: made)
    return made


def answer(folder: Path, *argv: str, code: int = 0) -> dict[str, Any]:
    ended, out, err = Terminal(folder=folder).run("routing", *argv, *SERVICE, "--json")
    assert ended == code, err
    found: dict[str, Any] = json.loads(out)
    assert found["context"] == "eks"
    (service,) = found["services"]
    assert service.pop("service") == "catalog/catalog"
    return dict(service)


def test_set_show_and_restore_answer_a_program(cluster: NamedFake, tmp_path: Path):
    """The mode, what was waited for, and what a Service has afterwards."""
    done = answer(tmp_path, "set", "tar", "--yes")
    during = answer(tmp_path, "show")
    after = answer(tmp_path, "restore")

    assert done["mode"] == during["mode"] == "tar"
    assert done["hints"]["hinted"] == during["seen"]["hints"]["hinted"] == 2
    assert done["waited_s"] >= 0
    assert after == {"mode": "off", "restored": True, "changed_since": [], "still_on": []}
    assert cluster.current.annotations == ()


def test_what_somebody_else_set_is_told_to_a_program(cluster: NamedFake, tmp_path: Path):
    """Exit 4: what is left as it is, and what keeps zone routing on."""
    answer(tmp_path, "set", "tar", "--yes")
    cluster.apply({"metadata": {"annotations": {"service.kubernetes.io/topology-mode": "auto"}}})

    after = answer(tmp_path, "restore", code=4)

    assert (after["mode"], after["restored"]) == ("tar", False)
    assert "service.kubernetes.io/topology-mode" in after["changed_since"][0]
    assert after["still_on"][0]["value"] == "auto"
    assert "kubectl" in after["still_on"][0]["command"]
