"""What is told of live traffic."""

from k8s.topology import ServiceKey
from loadtest.swarm.platforms import LIVE, live_lines
from tests.k8s.doctor.doctor_cases import CLIENT, client_on, scene


def test_a_client_without_pods_is_told_before_its_window_is_lost():
    """By the name of its pods, as a job has no Service; it is told and no error."""
    snapshot = scene(clients=[client_on("node-a")]).snapshot
    nobody = ServiceKey(namespace=CLIENT.namespace, name="nobody")

    for name in ("ui-1", "ui"):
        assert live_lines(snapshot, ServiceKey(namespace=CLIENT.namespace, name=name)) == (LIVE,)
    assert live_lines(snapshot, nobody) == (
        LIVE,
        f"client   {nobody}: no pod of it is there now, so nobody may call; is the name right?",
    )
