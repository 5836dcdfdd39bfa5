"""Several Services switched by hand: all of them, or none."""

import pytest

from k8s.effects import Patience
from k8s.errors import InvalidRunError, UnreachableError
from k8s.live.several import each_of, switch_services
from k8s.live.switching import HintsRefusedError, RoutingSession, restore
from k8s.routing.modes import RoutingMode
from k8s.topology import Service, ServiceKey
from tests.k8s.fakes import KEY, MemoryRecords, holds
from tests.loadtest.fakes import PAYMENTS, PLAIN, FakePlaceCluster, FakeTwoServices

BOTH_OFF = (RoutingMode.OFF, RoutingMode.OFF)


def stage(cluster: FakeTwoServices, records: MemoryRecords) -> tuple[RoutingSession, Patience]:
    patience = Patience(timeout_s=5, clock=cluster.clock, monotonic=cluster.monotonic, sleep=cluster.sleep)
    return RoutingSession(cluster=cluster, holds=holds(cluster, records)), patience


def test_all_are_switched_and_each_is_put_back():
    """Each with a record of its own, so that each can be restored for itself."""
    cluster, records = FakeTwoServices(), MemoryRecords()
    session, patience = stage(cluster, records)

    done = switch_services(session, (KEY, PAYMENTS), RoutingMode.TAR, patience)

    assert [(key, one.converged) for key, one in done.items()] == [(KEY, True), (PAYMENTS, True)]
    assert cluster.modes == (RoutingMode.TAR, RoutingMode.TAR)
    restore(session, PAYMENTS)
    assert cluster.modes == (RoutingMode.TAR, RoutingMode.OFF)
    restore(session, KEY)
    assert (cluster.modes, records.kept, cluster.objects) == (BOTH_OFF, {}, {})


class NeverHinted(FakePlaceCluster):
    """Its controller says nothing."""

    def slices(self, key: ServiceKey):
        del key
        return (PLAIN,)


def test_where_one_is_refused_none_is_left_switched():
    """The line names the one."""
    cluster = FakeTwoServices(second=NeverHinted(current=Service(namespace="shop", name="payments")))
    records = MemoryRecords()
    session, patience = stage(cluster, records)

    with pytest.raises(HintsRefusedError, match=r"Service shop/payments.*every Service has again"):
        switch_services(session, (KEY, PAYMENTS), RoutingMode.TAR, patience)

    assert cluster.patches
    assert (cluster.modes, records.kept, cluster.objects) == (BOTH_OFF, {}, {})


def test_each_is_tried_and_what_several_raise_is_one_line():
    """One error is raised as it is; of several nothing is lost; Ctrl-C comes after the others were tried."""
    tried: list[str] = []

    def fail(key: ServiceKey) -> None:
        tried.append(key.name)
        raise InvalidRunError(f"no {key.name}")

    with pytest.raises(UnreachableError, match="no catalog; no payments"):
        each_of((KEY, PAYMENTS), fail)
    with pytest.raises(InvalidRunError, match="no catalog"):
        each_of((KEY,), fail)

    def interrupt(key: ServiceKey) -> None:
        tried.append(key.name)
        if key == KEY:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        each_of((KEY, PAYMENTS), interrupt)
    assert tried == ["catalog", "payments", "catalog", "catalog", "payments"]
