"""A Lease as the API server has it: what is written is read back, and names are names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.errors import ConflictError, UsageError
from k8s.live import leases
from k8s.live.leases import Holder, Lease
from k8s.routing.modes import RoutingSettings
from k8s.routing.restoring import Original
from k8s.topology import ServiceKey
from tests.k8s.fakes import KEY, FakeCluster

PATH = "/apis/coordination.k8s.io/v1/namespaces/catalog/leases/samezone.catalog"
HELD = Lease(
    service=KEY,
    holder=Holder(identity="ann@laptop/1/a", process="m|1|2"),
    run="run 1-tar",
    acquired_s=1700000000.0,
    renewed_s=1700000005.125,
    duration_s=20,
    transitions=1,
    original=Original(had=RoutingSettings(traffic_distribution="PreferClose"), run="run 1-tar", since_s=3.5),
)
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def test_a_lease_is_written_in_kubernetes_own_fields():
    """Holder, times, duration and transitions in the spec; what is ours alone in annotations."""
    cluster = FakeCluster()

    made = leases.create(cluster, HELD)

    assert cluster.objects[PATH]["spec"] == {
        "holderIdentity": "ann@laptop/1/a",
        "acquireTime": "2023-11-14T22:13:20.000000Z",
        "renewTime": "2023-11-14T22:13:25.125000Z",
        "leaseDurationSeconds": 20,
        "leaseTransitions": 1,
    }
    assert leases.read(cluster, KEY) == made
    assert made.original == HELD.original
    assert made.holder == HELD.holder


def test_a_released_lease_is_a_record_only():
    """Nobody holds it; what the Service had is still in it."""
    cluster = FakeCluster()
    free = leases.write(cluster, leases.released(leases.create(cluster, HELD), at_s=9.0))

    assert (free.holder, free.run, free.original) == (None, "", HELD.original)
    assert "holderIdentity" not in cluster.objects[PATH]["spec"]


def test_who_comes_second_is_refused():
    """Creating twice, writing and deleting over a newer version; deleting what is gone is fine."""
    cluster = FakeCluster()
    made = leases.create(cluster, HELD)
    newer = leases.write(cluster, made)

    for late in (
        lambda: leases.create(cluster, HELD),
        lambda: leases.write(cluster, made),
        lambda: leases.delete(cluster, made),
    ):
        with pytest.raises(ConflictError):
            late()
    leases.delete(cluster, newer)
    leases.delete(cluster, newer)
    assert leases.read(cluster, KEY) is None


@given(name=st.text(max_size=300), other=st.text(max_size=300))
def test_every_service_has_a_lease_name_of_its_own(name: str, other: str):
    """A DNS subdomain, whatever the Service is called."""
    found = [leases.name_of(ServiceKey(namespace="n", name=one)) for one in (name, other)]

    assert all(len(one) <= 253 and SUBDOMAIN.fullmatch(one) for one in found)
    assert (found[0] == found[1]) is (name == other)
    assert leases.name_of(KEY) == "samezone.catalog"


@pytest.mark.parametrize(
    "damage",
    [
        {"spec": {"renewTime": "yesterday"}},
        {"metadata": {"resourceVersion": "1", "annotations": {leases.ORIGINAL: "{"}}},
        {"metadata": {}},
        {"spec": {"leaseDurationSeconds": "x"}},
    ],
)
def test_a_lease_that_somebody_edited_is_one_line(damage: dict):
    """With the command that shows it."""
    cluster = FakeCluster()
    leases.create(cluster, HELD)
    cluster.objects[PATH] |= damage

    with pytest.raises(UsageError, match=r"reading Lease catalog/samezone.catalog: .*kubectl -n catalog get"):
        leases.read(cluster, KEY)
