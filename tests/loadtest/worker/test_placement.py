"""A worker's identity in its environment."""

import pytest

from k8s.errors import UsageError
from loadtest.worker.placement import WorkerPlacement, from_environment, to_environment

PLACEMENT = WorkerPlacement(
    pod="locust-worker-x",
    zone="eu-west-1a",
    node="node-a-1",
    ui_url="http://127.0.0.1:1",
    otlp_url="http://127.0.0.1:2",
    region="eu-west-1",
    cluster="lab",
    ip="127.77.0.1",
    tracing=False,
)


def test_the_environment_carries_everything():
    """What goes in comes out."""
    assert from_environment(to_environment(PLACEMENT)) == PLACEMENT


def test_missing_variables_are_named():
    """All at once, so that one look is enough."""
    environment = to_environment(PLACEMENT)
    del environment["SAMEZONE_ZONE"], environment["SAMEZONE_HOST"]

    with pytest.raises(UsageError, match="SAMEZONE_ZONE, SAMEZONE_HOST"):
        from_environment(environment)


@pytest.mark.parametrize("url", ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces"])
def test_the_traces_path_is_added_once(url: str):
    """Both forms of an OTLP endpoint are in use."""
    placement = WorkerPlacement(
        pod="p", zone="z", node="n", ui_url="http://u", otlp_url=url, region="r", cluster="c"
    )

    assert placement.traces_url == "http://c:4318/v1/traces"


def test_https_is_refused():
    """The traffic between pods is plain HTTP; anything else would be measured differently."""
    with pytest.raises(UsageError, match="ui_url"):
        WorkerPlacement(
            pod="p", zone="z", node="n", ui_url="https://u", otlp_url="http://c", region="r", cluster="c"
        )
