"""A mode switched, shown and put back without a command line: over a fake cluster and real records."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from k8s.effects import Patience, Talk
from k8s.errors import UsageError
from k8s.live import switching
from k8s.live.originals import Originals
from k8s.live.switching import HintsRefusedError, RoutingSession, SwitchRequest
from k8s.routing.modes import RoutingMode, RoutingSettings
from k8s.topology import Event, Node, NodeName, Snapshot, Zone
from tests.k8s.fakes import KEY, FakeCluster, endpoint, holds, one_slice

REFUSED = "Insufficient number of endpoints (2 endpoints, 3 zones), addressType: IPv4"
REFUSAL = Event(type="Warning", reason="TopologyAwareHintsDisabled", message=REFUSED, last_seen_s=101.0)


@dataclass
class NamedFake(FakeCluster):
    """A cluster of three zones with a name; interrupted at a given time if told so."""

    context: str = "eks"
    server: str = "https://eks.example"
    interrupted_at_s: float = 1e9

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.now_s >= self.interrupted_at_s:
            raise KeyboardInterrupt

    def snapshot(self, namespaces: Sequence[str]) -> Snapshot:
        del namespaces
        nodes = tuple(
            Node(name=NodeName(at), zone=Zone(at), ready=True, cpu_allocatable_milli=4000) for at in "abc"
        )
        return Snapshot(taken_at_s=self.now_s, nodes=nodes)


@dataclass
class Person:
    """Hears and answers."""

    agrees: bool = True
    heard: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def agree(self, lines: Sequence[str]) -> None:
        self.asked += lines
        if not self.agrees:
            raise UsageError("not agreed, so nothing was changed")


def session_of(cluster: NamedFake, folder: Path, person: Person | None = None) -> RoutingSession:
    person = person or Person()
    talk = Talk(say=person.heard.append, agree=person.agree)
    return RoutingSession(
        cluster=cluster, holds=holds(cluster, Originals(folder), said=person.heard), talk=talk
    )


def request_of(cluster: NamedFake, mode: RoutingMode) -> SwitchRequest:
    patience = Patience(timeout_s=5.0, clock=cluster.clock, monotonic=cluster.monotonic, sleep=cluster.sleep)
    return SwitchRequest(service=KEY, mode=mode, patience=patience)


def test_switch_then_restore(tmp_path: Path):
    """The hints are there on return; what the Service had is recorded, put back and forgotten."""
    cluster = NamedFake()
    person = Person()
    session = session_of(cluster, tmp_path, person)
    before = cluster.current

    outcome = switching.switch(session, request_of(cluster, RoutingMode.TAR))
    during = switching.show(cluster, KEY, clock=cluster.clock)
    first, again = switching.restore(session, KEY), switching.restore(session, KEY)

    assert (outcome.converged, outcome.hints.hinted) == (True, 2)
    assert (during.mode, during.hints.hinted, during.events) == (RoutingMode.TAR, 2, ())
    assert person.asked == [
        "this changes a cluster:",
        "context  eks (API server https://eks.example)",
        "Service  catalog/catalog: from off to tar",
    ]
    assert (first.mode, first.had_record) == (RoutingMode.OFF, True)
    assert (again.mode, again.had_record) == (RoutingMode.OFF, False)
    assert cluster.current == before


def test_a_second_switch_keeps_the_first_record(tmp_path: Path):
    """What is put back is what the user had, not our first mode; contradicting knobs are said."""
    cluster = NamedFake()
    person = Person()
    session = session_of(cluster, tmp_path, person)

    switching.switch(session, request_of(cluster, RoutingMode.PREFER_SAME_ZONE))
    switching.switch(session, request_of(cluster, RoutingMode.TAR))

    record = Originals(tmp_path).recall("eks", KEY)
    assert record is not None
    assert record.had == RoutingSettings()
    (warning,) = person.heard
    assert warning.startswith("warning: Service catalog/catalog has both an Auto annotation and traffic")


def test_who_does_not_agree_changes_nothing(tmp_path: Path):
    """No patch and no record."""
    cluster = NamedFake()
    session = session_of(cluster, tmp_path, Person(agrees=False))

    with pytest.raises(UsageError, match="not agreed"):
        switching.switch(session, request_of(cluster, RoutingMode.TAR))

    assert cluster.patches == []
    assert Originals(tmp_path).recall("eks", KEY) is None


def test_an_interrupt_puts_it_back(tmp_path: Path):
    """Ctrl-C while hints are awaited: the Service has what it had, and no record is left."""
    cluster = NamedFake(hints_at_s=1e9, interrupted_at_s=101.0)
    before = cluster.current

    with pytest.raises(KeyboardInterrupt):
        switching.switch(session_of(cluster, tmp_path), request_of(cluster, RoutingMode.TAR))

    assert len(cluster.patches) == 2
    assert cluster.current == before
    assert Originals(tmp_path).recall("eks", KEY) is None


def test_refused_hints_come_with_counts_that_work(tmp_path: Path):
    """One line: what was done, what was seen, what the controller says, what works, what is left."""
    cluster = NamedFake(
        after=(one_slice(endpoint("a"), endpoint("b")),), events_after=(REFUSAL,), hints_at_s=100.95
    )

    with pytest.raises(HintsRefusedError) as caught:
        switching.switch(session_of(cluster, tmp_path), request_of(cluster, RoutingMode.TAR))

    assert str(caught.value) == (
        "routing set tar on Service catalog/catalog: hints were not assigned within 1.0 s (0 of 2 endpoints "
        f"hinted); the controller says: {REFUSED}; with 2 ready endpoints there are no hints; nearest counts "
        "that work: 3; to take the setting back: samezone routing restore"
    )
    assert caught.value.outcome.refusal == REFUSED
    record = Originals(tmp_path).recall("eks", KEY)
    assert record is not None
    assert record.had == RoutingSettings()


def test_silence_brings_no_advice(tmp_path: Path):
    """Where the controller said nothing, other numbers of endpoints are no remedy."""
    cluster = NamedFake(hints_at_s=1e9)

    with pytest.raises(
        HintsRefusedError, match=r"\(0 of 2 endpoints hinted\); the controller said nothing; to"
    ):
        switching.switch(session_of(cluster, tmp_path), request_of(cluster, RoutingMode.PREFER_CLOSE))
