"""Pods of namespaces that nobody named."""

from dataclasses import replace

from k8s.live.cluster import ForbiddenError
from k8s.topology import EndpointSlice, NodeName, Pod, PodName, Service, Snapshot
from loadtest.window.elsewhere import MOST_PODS, with_elsewhere
from loadtest.window.topology_log import TopologyLog
from tests.k8s.fakes import FakeCluster


def pod(namespace: str, name: str, app: str | None = None) -> Pod:
    return Pod(
        namespace=namespace,
        name=PodName(name),
        ip="127.0.0.1",
        node=NodeName("node-a"),
        labels=(("app", app or name.partition("-")[0]),),
    )


EVERYTHING = Snapshot(
    taken_at_s=1.0,
    pods=(
        pod("shop", "orders-1"),
        pod("shop", "web-0", "web"),
        pod("finance", "ledger-1"),
        pod("staging", "orders-2"),
        pod("cms", "web-0", "cms"),
    ),
    services=(Service(namespace="shop", name="orders"), Service(namespace="finance", name="ledger")),
    slices=(
        EndpointSlice(namespace="shop", name="orders-a", service="orders", endpoints=()),
        EndpointSlice(namespace="finance", name="ledger-a", service="ledger", endpoints=()),
    ),
)


def test_pods_elsewhere_are_there_unless_they_would_be_taken_for_those_under_study():
    """Another workload's pods are; not those of a second copy of the app, nor one of the same name."""
    found = with_elsewhere(EVERYTHING, ("shop", "locust"))

    assert [(one.namespace, one.name) for one in found.pods] == [
        ("shop", "orders-1"),
        ("shop", "web-0"),
        ("finance", "ledger-1"),
    ]
    assert [one.name for one in found.services] == ["orders"]
    assert [one.service for one in found.slices] == ["orders"]


def test_a_huge_place_makes_no_huge_file():
    """Beyond the limit the named namespaces are all that is kept."""
    many = tuple(pod("other", f"job-{number}") for number in range(MOST_PODS + 1))

    found = with_elsewhere(replace(EVERYTHING, pods=(*EVERYTHING.pods[:1], *many)), ("shop",))

    assert [one.name for one in found.pods] == ["orders-1"]


class Place(FakeCluster):
    """Shows everything, or forbids it."""

    may_list_all = True

    def snapshot(self, namespaces):
        if namespaces is None:
            if not self.may_list_all:
                raise ForbiddenError("asking for /api/v1/pods: 403 forbidden")
            return EVERYTHING
        return replace(EVERYTHING, pods=tuple(one for one in EVERYTHING.pods if one.namespace in namespaces))


def test_the_log_shows_the_other_namespaces_at_its_start_and_at_its_end():
    """They are not watched: it is zones that are wanted of them."""
    log = TopologyLog(Place(), ("shop",))

    log.start()
    seen = log.stop()

    assert [[one.name for one in snapshot.pods][-1] for snapshot in seen] == ["ledger-1", "ledger-1"]
    assert log.unseen == ""


def test_who_may_not_list_them_is_told_so():
    """The named ones are read as before."""
    place = Place()
    place.may_list_all = False
    log = TopologyLog(place, ("shop",))

    log.start()
    seen = log.stop()

    assert {one.namespace for snapshot in seen for one in snapshot.pods} == {"shop"}
    assert log.unseen.startswith("Pods outside of namespaces shop may not be listed (asking for /api/v1/pods")
