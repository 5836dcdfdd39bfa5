"""One arm over fakes: the order of things, and that everything is put back however it ends."""

from dataclasses import dataclass, replace
from functools import partial

import pytest

from k8s.errors import InterruptedRunError, InvalidRunError, UnreachableError
from k8s.live.control import DISABLED_REASONS
from k8s.live.holding import Held
from k8s.live.switching import HintsRefusedError
from k8s.routing.modes import RoutingMode, RoutingSettings, mode_of
from k8s.topology import Event, ServiceKey
from loadtest.arm_run import ArmRequest, ArmRun, NotRestoredError, Setup, run_arm
from loadtest.record import Asked, RunStatus
from tests.k8s.fakes import KEY, FakeCluster, MemoryRecords, endpoint, holds, one_slice
from tests.loadtest.fakes import LOAD, PLACE, FakeSwarm


def run(
    cluster: FakeCluster,
    swarm: FakeSwarm,
    *,
    mode: RoutingMode = RoutingMode.TAR,
    keep: bool = False,
    records: MemoryRecords | None = None,
) -> tuple[ArmRun, list[RoutingSettings]]:
    remembered: list[RoutingSettings] = []

    def remember(held: Held, key: ServiceKey, before: RoutingSettings) -> None:
        assert key == KEY
        remembered.append(before)
        held.remember(before)

    asked = Asked(mode=mode.value, service=LOAD.service, client=LOAD.client, plan=LOAD.plan)
    request = ArmRequest(run_id="r1", arm=mode.value, asked=asked, place=PLACE, keep_mode=keep)
    with holds(cluster, records or MemoryRecords()).held(cluster, KEY, run="r1") as held:
        setup = Setup(
            cluster=cluster,
            swarm=swarm,
            clock=cluster.clock,
            monotonic=cluster.monotonic,
            sleep=cluster.sleep,
            remember=partial(remember, held),
            note=lambda _, current, wanted: held.note(current, wanted),
            give_back=held.give_back,
            truth=lambda: cluster.now_s,
        )
        return run_arm(setup, request), remembered


def test_a_whole_arm():
    """Mode, warm-up, quiet, load, quiet, and the Service as it was."""
    cluster = FakeCluster()
    swarm = FakeSwarm(cluster)

    outcome, remembered = run(cluster, swarm)

    assert swarm.steps == ["open", "start warmup tar", "stop", "start measure tar", "stop", "close"]
    assert outcome.record.status is RunStatus.COMPLETE
    assert outcome.error is None
    assert outcome.record.measured is not None
    assert outcome.record.measured.length_s == pytest.approx(10 + 2 * 1.5)
    assert outcome.record.seen.measured is not None
    assert outcome.record.seen.measured.requests == 105
    assert outcome.truth_before == outcome.record.measured.start_s
    assert outcome.truth_after == outcome.record.measured.end_s
    assert mode_of(cluster.current) is RoutingMode.OFF
    assert remembered == [RoutingSettings()]


def test_keeping_the_mode():
    """A complete run may leave the mode in force when the user asked for it."""
    cluster = FakeCluster()

    run(cluster, FakeSwarm(cluster), keep=True)

    assert mode_of(cluster.current) is RoutingMode.TAR


def test_interrupted_while_measuring():
    """Ctrl-C: load stopped, processes ended, Service restored even with keep, the measured part kept."""
    cluster = FakeCluster()
    swarm = FakeSwarm(cluster, interrupt_at_s=111.0)

    outcome, _ = run(cluster, swarm, keep=True)

    assert outcome.record.status is RunStatus.INTERRUPTED
    assert isinstance(outcome.error, InterruptedRunError)
    assert outcome.record.seen.measured is not None
    assert 0 < outcome.record.seen.measured.requests < 100
    assert outcome.record.measured is not None
    assert swarm.steps[-2:] == ["stop", "close"]
    assert mode_of(cluster.current) is RoutingMode.OFF


def test_a_lost_worker_cuts_the_run():
    """A zone without its load is no measurement; the run says which worker went."""
    cluster = FakeCluster()

    outcome, _ = run(cluster, FakeSwarm(cluster, lost_at_s=112.0))

    assert outcome.record.status is RunStatus.FAILED
    assert isinstance(outcome.error, InvalidRunError)
    assert "lost worker w1" in str(outcome.error)
    assert mode_of(cluster.current) is RoutingMode.OFF


def test_a_worker_that_is_replaced_cuts_nothing():
    """The window is whole, and the record says who was lost, for how long, and who took over."""
    cluster = FakeCluster()

    outcome, _ = run(cluster, FakeSwarm(cluster, lost_at_s=112.0, back_after_s=3.0, comes_back=True))

    assert outcome.error is None
    assert outcome.record.status is RunStatus.COMPLETE
    assert outcome.record.seen.measured is not None
    (loss,) = outcome.record.seen.measured.losses
    assert (loss.worker, loss.zone, loss.replaced_by) == ("w1", "a", "w2")
    assert loss.back_s - loss.lost_s == 3.0


def test_a_lost_master_leaves_the_counts_it_had_told():
    """With their age, in the error and in the record."""
    cluster = FakeCluster()

    outcome, _ = run(cluster, FakeSwarm(cluster, dies_at_s=112.25))

    assert outcome.record.status is RunStatus.FAILED
    assert "counts are those that its workers had told it" in str(outcome.error)
    assert outcome.record.seen.measured is not None
    assert outcome.record.seen.measured.requests > 0
    assert "master-lost" in [caveat.code for caveat in outcome.record.caveats]


def test_refused_hints_stop_before_any_load():
    """The controller's message is the error; no request is sent and the annotation is gone again."""
    refusal = Event(
        type="Warning", reason=min(DISABLED_REASONS), message="Insufficient number", last_seen_s=101.0
    )
    plain = (one_slice(endpoint("a"), endpoint("b")),)
    cluster = FakeCluster(before=plain, after=plain, events_after=(refusal,))
    swarm = FakeSwarm(cluster)

    with pytest.raises(HintsRefusedError, match="the controller says: Insufficient number"):
        run(cluster, swarm)

    assert swarm.steps == ["close"]
    assert mode_of(cluster.current) is RoutingMode.OFF


def test_generators_that_do_not_start():
    """A swarm that cannot open leaves a record without a window, and the Service as it was."""
    cluster = FakeCluster()

    outcome, _ = run(cluster, FakeSwarm(cluster, fails_to_open=True))

    assert outcome.record.measured is None
    assert isinstance(outcome.error, UnreachableError)
    assert mode_of(cluster.current) is RoutingMode.OFF


def test_hints_that_change_during_the_run_are_a_caveat():
    """Hints withdrawn in the window are seen by comparing both ends."""

    @dataclass
    class Withdrawing(FakeCluster):
        def slices(self, key: ServiceKey):
            hinted = super().slices(key)
            return self.before if self.now_s > 114 else hinted

    cluster = Withdrawing()

    outcome, _ = run(cluster, FakeSwarm(cluster))

    assert [caveat.code for caveat in outcome.record.caveats] == ["hints-changed"]
    assert "2 of 2 endpoints hinted at its start, 0 of 2" in outcome.record.caveats[0].text


def test_an_arm_with_routing_off_touches_nothing_that_is_off():
    """The baseline of a plain Service sends no patch at all."""
    plain = (one_slice(endpoint("a"), endpoint("b")),)
    cluster = FakeCluster(before=plain, after=plain)

    outcome, _ = run(cluster, FakeSwarm(cluster), mode=RoutingMode.OFF)

    assert cluster.patches == []
    assert outcome.record.status is RunStatus.COMPLETE


def test_a_baseline_puts_tar_back():
    """Routing that was on before a baseline is on after it."""
    cluster = FakeCluster(after=(one_slice(endpoint("a"), endpoint("b")),))
    cluster.patch_service(KEY, {"metadata": {"annotations": {"service.kubernetes.io/topology-mode": "auto"}}})
    before = replace(cluster.current)

    run(cluster, FakeSwarm(cluster), mode=RoutingMode.OFF)

    assert cluster.current == before


def test_knobs_that_cannot_be_put_back_are_not_forgotten():
    """The API is away when the run ends: the record of what the Service had stays, for anybody to restore."""

    @dataclass
    class GoingAway(FakeCluster):
        def patch_service(self, key: ServiceKey, patch: dict):
            if self.now_s > 105:
                raise UnreachableError("patching Service catalog/catalog: no answer")
            return super().patch_service(key, patch)

    here, away = MemoryRecords(), MemoryRecords()
    here_cluster, away_cluster = FakeCluster(), GoingAway()

    run(here_cluster, FakeSwarm(here_cluster), records=here)
    outcome, _ = run(away_cluster, FakeSwarm(away_cluster), records=away)

    assert outcome.record.status is RunStatus.COMPLETE
    assert isinstance(outcome.error, NotRestoredError)
    assert str(outcome.error) == (
        "putting back what Service catalog/catalog had: patching Service catalog/catalog: no answer; what it "
        "had is kept on record; when the cluster answers again, run: samezone routing restore --service "
        "catalog/catalog"
    )
    assert (here.kept, here_cluster.objects) == ({}, {})
    assert [one.had for one in away.kept.values()] == [RoutingSettings()]
    assert list(away_cluster.objects) == [
        "/apis/coordination.k8s.io/v1/namespaces/catalog/leases/samezone.catalog"
    ]
