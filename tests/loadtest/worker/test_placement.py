"""A worker's identity in its environment."""

from dataclasses import replace

import pytest

from k8s.errors import UsageError
from loadtest.worker.placement import WorkerPlacement, from_environment, target_of, to_environment
from loadtest.worker.target import Target

PLACEMENT = WorkerPlacement(
    pod="locust-worker-x",
    zone="eu-west-1a",
    node="node-a-1",
    target_url="http://127.0.0.1:1",
    otlp_url="http://127.0.0.1:2",
    region="eu-west-1",
    cluster="lab",
    ip="127.77.0.1",
    tracing=False,
    service="frontend",
    ca="-----BEGIN CERTIFICATE-----\nx\n",
    hosts=(("frontend.shop", "127.77.201.1:8080"), ("orders.shop", "127.77.201.2:8080")),
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
        pod="p", zone="z", node="n", target_url="http://u", otlp_url=url, region="r", cluster="c"
    )

    assert placement.traces_url == "http://c:4318/v1/traces"


def test_spans_go_over_plain_http():
    """The collector is inside the cluster; the sink speaks nothing else."""
    with pytest.raises(UsageError, match="otlp_url"):
        replace(PLACEMENT, otlp_url="https://c")


def test_what_the_load_leaves_open_is_the_places():
    """A load's own target, CA and Service win; how requests tell of their trace is the load's alone."""
    place = replace(PLACEMENT, target_url="https://u/", ca="place's", service="frontend")

    assert target_of(place, Target(propagate="xray")) == Target(
        url="https://u", ca="place's", service="frontend", propagate="xray"
    )
    asked = Target(url="http://other:81/x", ca="load's", service="orders")
    assert target_of(place, asked) == asked


def test_a_hosts_entry_without_an_address_is_refused():
    """It is named with the form that it should have."""
    with pytest.raises(UsageError, match=r"NAME\.NAMESPACE=ADDRESS:PORT"):
        from_environment(to_environment(PLACEMENT) | {"SAMEZONE_HOSTS": "a.b=1.2.3.4"})
