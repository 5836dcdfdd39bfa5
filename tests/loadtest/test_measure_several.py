"""One arm with the mode on several Services: set together, recorded each, put back whatever breaks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from k8s.errors import InterruptedRunError, InvalidRunError, UnreachableError, UsageError
from k8s.live.claims import HeldByOtherError
from k8s.live.originals import Originals
from k8s.live.switching import HintsRefusedError
from k8s.routing.modes import RoutingMode, RoutingSettings
from k8s.topology import Service, ServiceKey
from loadtest import rundir
from loadtest.measure import Load, MeasureRequest, measure
from loadtest.record import RunStatus
from tests.k8s.fakes import KEY, MemoryRecords, holds
from tests.loadtest.fakes import (
    LOAD,
    PAYMENTS,
    PLAIN,
    UI,
    FakePlaceCluster,
    FakePlatform,
    FakeSwarm,
    FakeTwoServices,
    Person,
    request,
    session,
)

BOTH_OFF = (RoutingMode.OFF, RoutingMode.OFF)
BOTH_TAR = (RoutingMode.TAR, RoutingMode.TAR)
PAYMENTS_SERVICE = Service(namespace="shop", name="payments")


def both(folder: Path, *, keep: bool = False, mode: RoutingMode = RoutingMode.TAR) -> MeasureRequest:
    return replace(request(folder, mode, keep=keep), load=replace(LOAD, also=(PAYMENTS,)))


def on_record(folder: Path) -> list[ServiceKey]:
    """Of which Services there is still a record."""
    kept = Originals(folder / "originals")
    return [key for key in (KEY, PAYMENTS) if kept.recall("lab", key) is not None]


def check_nothing_left(cluster: FakeTwoServices, folder: Path) -> None:
    """Every Service has what it had; neither record nor Lease is there."""
    assert (cluster.modes, on_record(folder), cluster.objects) == (BOTH_OFF, [], {})


def test_the_mode_is_in_force_on_both_while_it_is_measured(tmp_path: Path):
    """Both under load; both with what they had afterwards; the record tells of each."""
    cluster = FakeTwoServices()
    during: list[tuple[RoutingMode, RoutingMode]] = []

    run = measure(
        session(FakePlatform(cluster=cluster), tmp_path),
        both(tmp_path),
        on_tick=lambda step, *_: during.append(cluster.modes) if step == "measuring" else None,
    )

    assert set(during) == {BOTH_TAR}
    check_nothing_left(cluster, tmp_path)
    record = rundir.read_record(run.folder)
    assert record.asked.services == (KEY, PAYMENTS)
    assert [one.service_before.key for one in record.seen.services] == [KEY, PAYMENTS]
    (other,) = record.seen.others
    assert (other.hints_start.hinted, other.hints_end.hinted) == (2, 2)
    assert dict(other.service_during.annotations) == {"service.kubernetes.io/topology-mode": "Auto"}


def test_both_are_taken_in_one_order_before_the_first_is_changed(tmp_path: Path):
    """Whatever the order on the command line: two commands cannot each have one and want the other."""
    orders = []
    for first, second in ((KEY, PAYMENTS), (PAYMENTS, KEY)):
        cluster = FakeTwoServices()
        load = Load(service=first, client=UI, plan=LOAD.plan, also=(second,))
        asked = replace(request(tmp_path / first.name), load=load)
        measure(session(FakePlatform(cluster=cluster), tmp_path / first.name), asked)
        orders.append([step for step in cluster.order if step.startswith("create")])
        assert [step.split()[0] for step in cluster.order[:4]] == ["create", "create", "patch", "patch"]
    assert orders[0] == orders[1]
    assert len(orders[0]) == 2


@pytest.mark.parametrize("taken", [KEY, PAYMENTS])
def test_where_another_run_has_one_of_them_none_is_changed_or_held(tmp_path: Path, taken: ServiceKey):
    """The refusal names it; the other one is free again at once."""
    cluster = FakeTwoServices()
    other = holds(cluster, MemoryRecords(), name="bob@desk/2/b")
    free = KEY if taken == PAYMENTS else PAYMENTS

    with other.held(cluster, taken, run="run 1-tar"):
        with pytest.raises(HeldByOtherError, match=f"Service {taken} is held by bob"):
            measure(session(FakePlatform(cluster=cluster), tmp_path), both(tmp_path))
        with holds(cluster, MemoryRecords(), name="eve@desk/3/c").held(cluster, free, run="run 2-tar"):
            pass
        assert (cluster.modes, on_record(tmp_path)) == (BOTH_OFF, [])
    check_nothing_left(cluster, tmp_path)


def test_one_that_is_taken_between_the_look_and_the_hold_lets_the_first_go(tmp_path: Path):
    """The look before consent passes; the second Lease is refused, so the first is given up unchanged."""
    cluster = FakeTwoServices()
    other = holds(cluster, MemoryRecords(), name="bob@desk/2/b")
    taken = other.held(cluster, PAYMENTS, run="run 1-tar")
    plain = cluster.create_object

    def first_bob(path: str, body: Any, *, what: str) -> dict[str, Any]:
        made = plain(path, body, what=what)
        cluster.create_object = plain  # type: ignore[method-assign]
        taken.__enter__()
        return made

    cluster.create_object = first_bob  # type: ignore[method-assign]
    with pytest.raises(HeldByOtherError, match=f"Service {PAYMENTS}"):
        measure(session(FakePlatform(cluster=cluster), tmp_path), both(tmp_path))

    assert (cluster.modes, on_record(tmp_path), len(cluster.objects)) == (BOTH_OFF, [], 1)
    taken.__exit__(None, None, None)
    check_nothing_left(cluster, tmp_path)


@dataclass
class FaultyPatch(FakePlaceCluster):
    """Refuses the first patch."""

    fault: Callable[[], BaseException] = KeyboardInterrupt

    def patch_service(self, key: ServiceKey, patch: dict[str, Any]) -> Service:
        if self.fault is not None:
            fault, self.fault = self.fault, None  # type: ignore[assignment]
            raise fault()
        return super().patch_service(key, patch)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (lambda: UnreachableError("changing Service shop/payments: 500"), UnreachableError),
        (KeyboardInterrupt, KeyboardInterrupt),
    ],
)
def test_what_breaks_between_the_two_leaves_neither_changed(
    tmp_path: Path, fault: Callable[[], BaseException], raised: type[BaseException]
):
    """The first has the mode when the second one's patch fails, or Ctrl-C falls in there."""
    cluster = FakeTwoServices(second=FaultyPatch(current=PAYMENTS_SERVICE, fault=fault))

    with pytest.raises(raised):
        measure(session(FakePlatform(cluster=cluster), tmp_path), both(tmp_path))

    assert cluster.patches  # the first one was changed
    check_nothing_left(cluster, tmp_path)
    assert list((tmp_path / "runs").iterdir()) == []


class NeverHinted(FakePlaceCluster):
    """Its controller says nothing."""

    def slices(self, key: ServiceKey) -> Any:
        del key
        return (PLAIN,)


def test_hints_that_are_refused_on_the_second_put_both_back(tmp_path: Path):
    """Named in the line; no load, no folder."""
    cluster = FakeTwoServices(second=NeverHinted(current=PAYMENTS_SERVICE))
    platform = FakePlatform(cluster=cluster)

    with pytest.raises(HintsRefusedError) as refused:
        measure(session(platform, tmp_path), both(tmp_path))

    assert str(refused.value).startswith("setting tar on Service shop/payments: hints were not assigned")
    assert str(refused.value).endswith("every Service is as it was")
    assert [swarm.steps for swarm in platform.swarms] == [["close"]]
    check_nothing_left(cluster, tmp_path)


def test_interrupted_under_load_both_are_put_back(tmp_path: Path):
    """And what was measured is kept, with what was seen of both."""
    cluster = FakeTwoServices()
    impatient = FakePlatform(cluster=cluster, make_swarm=partial(FakeSwarm, interrupt_at_s=111.0))

    with pytest.raises(InterruptedRunError):
        measure(session(impatient, tmp_path), both(tmp_path, keep=True))

    check_nothing_left(cluster, tmp_path)
    (folder,) = (tmp_path / "runs").iterdir()
    record = rundir.read_record(folder)
    assert (record.status, len(record.seen.others)) == (RunStatus.INTERRUPTED, 1)


def test_one_that_cannot_be_put_back_keeps_no_other_from_it(tmp_path: Path):
    """The first one's patch is refused for good: the second is restored, the first stays on record."""
    cluster = FakeTwoServices()

    def stuck(step: str, *_: object) -> None:
        if step == "measuring":
            cluster.meanwhile = [{"metadata": {"annotations": {"x": str(n)}}} for n in range(10_000)]

    person = Person()
    with pytest.raises(UnreachableError, match="Service catalog/catalog"):
        measure(session(FakePlatform(cluster=cluster), tmp_path, person), both(tmp_path), on_tick=stuck)

    assert cluster.modes == (RoutingMode.TAR, RoutingMode.OFF)
    assert on_record(tmp_path) == [KEY]


def test_what_somebody_else_changed_on_one_is_left_and_named(tmp_path: Path):
    """The other one has what it had."""
    cluster = FakeTwoServices()

    def by_hand(step: str, *_: object) -> None:
        if step == "measuring":
            cluster.second.apply({"metadata": {"annotations": {"service.kubernetes.io/topology-mode": "no"}}})

    with pytest.raises(InvalidRunError, match="Somebody else changed Service shop/payments"):
        measure(session(FakePlatform(cluster=cluster), tmp_path), both(tmp_path), on_tick=by_hand)

    assert cluster.modes[0] is RoutingMode.OFF
    assert on_record(tmp_path) == [PAYMENTS]


def test_kept_modes_stay_on_both_and_both_are_on_record(tmp_path: Path):
    """So that each can be put back later."""
    cluster = FakeTwoServices()

    measure(session(FakePlatform(cluster=cluster), tmp_path), both(tmp_path, keep=True))

    assert (cluster.modes, on_record(tmp_path)) == (BOTH_TAR, [KEY, PAYMENTS])
    assert Originals(tmp_path / "originals").recall("lab", PAYMENTS).had == RoutingSettings()  # type: ignore[union-attr]


def test_a_service_that_is_named_twice_and_a_client_of_none_are_refused():
    """One line each, before anything else."""
    with pytest.raises(UsageError, match="--service shop/payments: it is named twice"):
        replace(LOAD, also=(PAYMENTS, PAYMENTS))
    with pytest.raises(UsageError, match="--client ui/ui: it is the client of no --service"):
        replace(LOAD, callers=(UI,))
