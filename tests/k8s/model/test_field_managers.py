"""Who set a knob, as the object tells."""

from typing import Any

import pytest

from k8s.model.field_managers import FieldManager, manager_of
from k8s.routing.restoring import Knob

MODE = {"f:metadata": {"f:annotations": {".": {}, "f:service.kubernetes.io/topology-mode": {}}}}


def managed(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"managedFields": list(entries)}}


def test_the_newest_of_those_who_own_a_field():
    """Of two that own it the later; others of the object do not count."""
    raw = managed(
        {"manager": "helm", "time": "2026-01-01T00:00:00Z", "fieldsV1": MODE},
        {"manager": "kubectl-annotate", "time": "2026-02-01T00:00:00Z", "fieldsV1": MODE},
        {
            "manager": "x",
            "time": "2026-03-01T00:00:00Z",
            "fieldsV1": {"f:spec": {"f:trafficDistribution": {}}},
        },
    )
    found = manager_of(raw, Knob.TOPOLOGY_MODE.path)

    assert found == FieldManager(name="kubectl-annotate", at="2026-02-01T00:00:00Z")
    assert str(found) == "kubectl-annotate at 2026-02-01T00:00:00Z"
    assert str(manager_of(raw, Knob.TRAFFIC_DISTRIBUTION.path)).startswith("x at")
    assert manager_of(raw, Knob.TOPOLOGY_AWARE_HINTS.path) is None


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"metadata": None},
        managed(),
        {"metadata": {"managedFields": ["x", None]}},
        managed({"fieldsV1": []}),
    ],
)
def test_an_object_that_does_not_tell(raw: dict[str, Any]):
    """No name is made up."""
    assert manager_of(raw, Knob.TOPOLOGY_MODE.path) is None
