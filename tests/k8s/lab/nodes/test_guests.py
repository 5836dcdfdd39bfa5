"""Pods of processes outside the lab go with them, over an API server in memory."""

import pytest

from k8s.lab.design import marks
from k8s.lab.design.seeds import EXTERNAL
from k8s.lab.nodes.guests import Guests
from k8s.lab.processes import ProcessId
from tests.k8s.lab.cast import Cast

ALIVE = ProcessId(pid=7, started="70")


def guest(name: str, **annotations: str) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "locust", "annotations": annotations},
        "spec": {"nodeName": "node-a-1"},
        "status": {"phase": "Running"},
    }


@pytest.mark.parametrize(
    ("annotations", "stays"),
    [
        ({EXTERNAL: "true", marks.OWNER: "7 70"}, True),
        ({EXTERNAL: "true", marks.OWNER: "7 71"}, False),
        ({EXTERNAL: "true", marks.OWNER: "8 70"}, False),
        ({EXTERNAL: "true"}, True),
        ({EXTERNAL: "true", marks.OWNER: "seven"}, True),
        ({marks.OWNER: "8 70"}, True),
    ],
)
def test_a_pod_whose_process_has_ended_goes(annotations: dict[str, str], stays: bool):
    """That very process, not another one of its number; whoever does not say whose it is, stays."""
    api = Cast()
    api.create(guest("one", **annotations))
    guests = Guests(api=api, pods=api.feeds.pods, is_running=lambda one: one == ALIVE)

    assert guests.sync() is not stays

    assert list(api.feeds.pods.objects) == ([("locust", "one")] if stays else [])
    assert guests.sync() is False
