"""Pods that no snapshot shows belong to their workload, and lower its coverage alone."""

from dataclasses import replace

import pytest

from analysis.arm.result import AssumedBytes, arm_result
from analysis.model import Unplaced
from analysis.placement import Timeline
from k8s.topology import Snapshot
from tests.analysis.graphs import snapshot
from tests.analysis.verdict import worlds
from tests.analysis.verdict.test_compare import PODS

SEEN = {
    "catalog-f52jrqw4d-b5p2b": "node-a",
    "catalog-f52jrqw4d-rjjhq": "node-b",
    "ui-h96flzz8p-5xlt6": "node-a",
    "orders-0": "node-a",
    "agent-x7vdk": "node-c",
}


@pytest.mark.parametrize(
    ("name", "workload"),
    [
        ("catalog-f52jrqw4d-kb5tw", "catalog"),
        ("catalog-59c7d84b6f-kb5tw", "catalog"),
        ("orders-12", "orders"),
        ("agent-2b5xc", "agent"),
        ("catalog", None),
        ("catalog-db", None),
        ("catalog-api-5xlt6", None),
        ("orders-x7vdk", None),
        ("agent-1", None),
        ("GET", None),
        ("payment-f52jrqw4d-b5p2b", None),
        ("127.0.0.1:8080", None),
    ],
)
def test_a_name_formed_like_its_siblings_is_their_workloads(name: str, workload: str | None):
    """A new template's pods too; a name of another form, or of another kind, stands for itself."""
    timeline = Timeline([snapshot(SEEN)])

    assert timeline.is_stray(name) == (workload is not None)
    assert timeline.workload(name) == (workload or name)
    assert isinstance(timeline.place(name), Unplaced)


def without(seen: Snapshot, *names: str) -> Snapshot:
    """Its slices still name these pods."""
    return replace(seen, pods=tuple(pod for pod in seen.pods if pod.name not in names))


def test_an_endpoint_that_no_snapshot_shows_is_its_services():
    """Of most pods behind the same Service; where none of them is there, of the Service's name."""
    whole = snapshot({"catalog-1": "node-a", "catalog-2": "node-b", "ui-1": "node-a"})

    assert Timeline([without(whole, "catalog-2")]).workload("catalog-2") == "catalog"
    assert Timeline([without(whole, "catalog-1", "catalog-2")]).workload("catalog-2") == "catalog"


@pytest.mark.parametrize("gone", [["catalog-2"], ["ui-2"], ["catalog-1", "catalog-2"], ["ui-1", "ui-2"]])
def test_a_pod_that_is_missing_lowers_the_coverage_of_its_own_pair(gone: list[str]):
    """No call goes to a pair of its own, with a sample of every call and without any."""
    whole = worlds.inputs(600, 1200)
    kept = (without(whole.topology[0], *gone),)
    for traces in (worlds.traces_of(600, 1200), worlds.traces_of(600, 1200)[::20], ()):
        inputs = worlds.inputs(600, 1200, topology=kept, traces=traces)

        pairs = arm_result(inputs, assumed=AssumedBytes()).pairs

        assert {(pair.client, pair.server) for pair in pairs} == {("ui", "catalog"), ("locust", "ui")}
        assert pairs[0].calls == 3600
        assert pairs[0].coverage == pytest.approx(0.0 if len(gone) > 1 else 0.5)
        assert inputs.strays == tuple(gone)


def test_the_shop_knows_all_of_its_pods():
    """The world of these tests is whole."""
    assert not worlds.inputs(600, 1200).strays
    assert {str(pod.name) for pod in worlds.inputs(600, 1200).topology[0].pods} == set(PODS)
