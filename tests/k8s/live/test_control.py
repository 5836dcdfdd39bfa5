"""Setting a mode, waiting for hints, putting it back: over a fake cluster and a fake clock."""

from dataclasses import replace

import pytest

from k8s.effects import Patience
from k8s.errors import ConflictError
from k8s.live import control
from k8s.routing.modes import RoutingMode, RoutingSettings
from k8s.topology import TOPOLOGY_MODE_ANNOTATION, Endpoint, Event, Service
from tests.k8s.fakes import KEY, FakeCluster, endpoint, one_slice

REFUSED = "Insufficient number of endpoints (2 endpoints, 3 zones), addressType: IPv4"


def wait(cluster: FakeCluster, mode: RoutingMode, timeout_s: float = 10.0) -> control.HintsOutcome:
    patience = patience_of(cluster, timeout_s)
    return control.await_hints(cluster, KEY, mode, events_before=cluster.events_before, patience=patience)


def patience_of(cluster: FakeCluster, timeout_s: float = 10.0) -> Patience:
    return Patience(
        timeout_s=timeout_s, clock=cluster.clock, monotonic=cluster.monotonic, sleep=cluster.sleep
    )


def test_set_then_restore_leaves_the_service_as_it_was():
    """What was absent becomes absent again, foreign annotations stay."""
    cluster = FakeCluster(current=Service(namespace="catalog", name="catalog", annotations=(("team", "x"),)))

    applied = control.set_mode(cluster, KEY, RoutingMode.TAR, patience_of(cluster))
    during = cluster.current
    control.change(cluster, KEY, lambda _: applied.original)

    assert dict(during.annotations) == {"team": "x", TOPOLOGY_MODE_ANNOTATION: "Auto"}
    assert cluster.current == applied.service_before
    assert applied.original == RoutingSettings()


def test_node_hints_are_cleared_before_tar():
    """From PreferSameNode to Auto the way leads through off, and the field ends as it was."""
    node_hinted = (one_slice(endpoint("a", "a", nodes=("node-a",))),)
    cluster = FakeCluster(
        current=Service(namespace="catalog", name="catalog", traffic_distribution="PreferSameNode"),
        before=node_hinted,
        after=(one_slice(endpoint("a")),),
    )

    applied = control.set_mode(cluster, KEY, RoutingMode.TAR, patience_of(cluster))

    assert [patch.get("spec") for patch in cluster.patches] == [
        {"trafficDistribution": None},
        {"trafficDistribution": "PreferSameNode"},
    ]
    assert dict(applied.service.annotations) == {TOPOLOGY_MODE_ANNOTATION: "Auto"}
    assert applied.service.traffic_distribution == "PreferSameNode"


def test_restoring_twice_patches_once():
    """A Service that is back already is left alone."""
    cluster = FakeCluster()
    applied = control.set_mode(cluster, KEY, RoutingMode.PREFER_SAME_ZONE, patience_of(cluster))

    control.change(cluster, KEY, lambda _: applied.original)
    control.change(cluster, KEY, lambda _: applied.original)

    assert len(cluster.patches) == 2


def test_a_change_that_comes_in_between_is_not_overwritten():
    """The patch names the version that was read; it is thought over on the newer one, and noted before."""
    cluster = FakeCluster(meanwhile=[{"spec": {"trafficDistribution": "PreferClose"}}])
    noted = []

    changed = control.change(
        cluster,
        KEY,
        lambda now: replace(now, topology_mode="Auto"),
        note=lambda now, aim: noted.append((now.traffic_distribution, aim.topology_mode)),
    )

    assert dict(changed.annotations) == {TOPOLOGY_MODE_ANNOTATION: "Auto"}
    assert changed.traffic_distribution == "PreferClose"
    assert noted == [(None, "Auto"), ("PreferClose", "Auto")]


def test_a_service_that_never_rests_is_left_alone():
    """After ten tries it is said."""
    restless = [{"spec": {"trafficDistribution": f"x{number}"}} for number in range(20)]
    cluster = FakeCluster(meanwhile=restless)

    with pytest.raises(
        ConflictError, match=r"tried 10 times: something else changes this Service all the time"
    ):
        control.change(cluster, KEY, lambda now: replace(now, topology_mode="Auto"))

    assert cluster.current.annotations == ()


def test_waits_until_every_slice_is_hinted():
    """Convergence is seen when the last slice has its hints, not before."""
    cluster = FakeCluster()

    outcome = wait(cluster, RoutingMode.TAR)

    assert outcome.converged
    assert outcome.waited_s == pytest.approx(1.0, abs=0.11)
    assert (outcome.hints.hinted, outcome.hints.own_zone) == (2, 2)


def test_the_controllers_refusal_ends_the_wait():
    """A fresh Disabled event is the answer; there is no point in waiting for the time limit."""
    refusal = Event(type="Warning", reason="TopologyAwareHintsDisabled", message=REFUSED, last_seen_s=101.0)
    cluster = FakeCluster(after=(one_slice(endpoint("a"), endpoint("b")),), events_after=(refusal,))

    outcome = wait(cluster, RoutingMode.TAR)

    assert not outcome.converged
    assert outcome.refusal == REFUSED
    assert outcome.waited_s < 2


def test_an_old_refusal_is_not_taken_for_an_answer():
    """Yesterday's event says nothing about today's annotation."""
    old = Event(type="Warning", reason="TopologyAwareHintsDisabled", message=REFUSED, last_seen_s=50.0)
    cluster = FakeCluster(events_before=(old,), events_after=(old,))

    outcome = wait(cluster, RoutingMode.TAR)

    assert outcome.converged
    assert outcome.refusal is None


def test_a_repeated_refusal_is_news():
    """The controller repeats its event at every failing sync: the count rises."""
    old = Event(type="Warning", reason="TopologyAwareHintsDisabled", message=REFUSED, last_seen_s=50.0)

    assert control.new_events((old,), (replace(old, count=2, last_seen_s=60.0),)) == (
        replace(old, count=2, last_seen_s=60.0),
    )


def test_time_limit_without_a_word():
    """Nothing happens: not converged, no refusal, the time is said."""
    cluster = FakeCluster(hints_at_s=1e9)

    outcome = wait(cluster, RoutingMode.TAR, timeout_s=3.0)

    assert (outcome.converged, outcome.refusal) == (False, None)
    assert outcome.waited_s == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize(
    ("mode", "endpoints", "expected"),
    [
        (RoutingMode.OFF, [endpoint("a"), endpoint("b")], True),
        (RoutingMode.OFF, [endpoint("a", "a"), endpoint("b")], False),
        (RoutingMode.TAR, [endpoint("a", "b"), endpoint("b", "b")], True),
        (RoutingMode.TAR, [endpoint("a", "a"), endpoint("b")], False),
        (RoutingMode.TAR, [endpoint("a", "a"), endpoint("b", ready=False)], True),
        (RoutingMode.TAR, [endpoint("a", "a", nodes=("node-a",))], False),
        (RoutingMode.PREFER_CLOSE, [endpoint("a", "a"), endpoint("b", "b")], True),
        (RoutingMode.PREFER_SAME_ZONE, [endpoint("a", "b"), endpoint("b", "b")], False),
        (RoutingMode.PREFER_SAME_NODE, [endpoint("a", "a", nodes=("node-a",))], True),
        (RoutingMode.PREFER_SAME_NODE, [endpoint("a", "a")], False),
        (RoutingMode.OFF, [], False),
        (RoutingMode.TAR, [endpoint("a", ready=False)], False),
    ],
)
def test_convergence_per_mode(mode: RoutingMode, endpoints: list[Endpoint], expected: bool):
    """Each mode has its own sign on the ready endpoints; none of them is true of a Service without any."""
    assert expected is control.has_converged(mode, (one_slice(*endpoints),))


def test_hints_are_counted_by_hinted_zone():
    """The hinted zone is counted, own-zone hints apart."""
    seen = control.hints_seen(
        (one_slice(endpoint("a", "b"), endpoint("b", "b"), endpoint("c", ready=False)),), at_s=7.0
    )

    assert (seen.endpoints, seen.hinted, seen.own_zone, seen.by_zone) == (2, 2, 1, (("b", 2),))
