"""Who holds a Service, and what becomes of it when the holder ends, dies, or is overtaken."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from k8s.effects import Patience
from k8s.errors import InvalidRunError, UnreachableError
from k8s.live import control, leases
from k8s.live.claims import HeldByOtherError
from k8s.live.holding import Held, Holds, LostHoldError
from k8s.routing.modes import RoutingMode, RoutingSettings, mode_of, settings_of
from k8s.routing.restoring import Original, possible
from tests.k8s.fakes import KEY, FakeCluster, MemoryRecords, holds

BOB = "bob@desk/2/b"
PLAIN = RoutingSettings()
TAR = RoutingSettings(topology_mode="Auto")
BY_HAND = {"metadata": {"annotations": {"service.kubernetes.io/topology-mode": "Disabled"}}}


def set_tar(cluster: FakeCluster, held: Held, mode: RoutingMode = RoutingMode.TAR) -> None:
    """As a run does it."""
    held.remember(settings_of(cluster.service(KEY)))
    patience = Patience(timeout_s=5, clock=cluster.clock, monotonic=cluster.monotonic, sleep=cluster.sleep)
    control.set_mode(cluster, KEY, mode, patience, note=held.note)


def killed(cluster: FakeCluster, records: MemoryRecords, *, changed: bool = True) -> None:
    """A process of ann's that held the Service and ends as SIGKILL ends it: nothing is put back."""
    on = holds(cluster, records)
    context = on.held(cluster, KEY, run="run 1-tar")
    held = context.__enter__()
    if changed:
        set_tar(cluster, held)
    held._ended.set()
    _LEFT.append(context)  # not left, as that of a killed process


_LEFT: list[object] = []


def restored(on: Holds, cluster: FakeCluster, *, force: bool = False) -> tuple[str, ...]:
    """What was left as somebody else set it."""
    with on.taken_over(cluster, KEY, run="routing restore", force=force) as held:
        assert held is not None
        assert held.original is not None
        return tuple(map(str, held.give_back(held.original.had, force=force)))


def test_a_run_leaves_nothing_behind():
    """While it changes the Service, file and Lease say what it had; afterwards neither is there."""
    cluster, records = FakeCluster(), MemoryRecords()

    with holds(cluster, records).held(cluster, KEY, run="run 1-tar") as held:
        set_tar(cluster, held)
        lease = leases.read(cluster, KEY)
        during = records.recall("c", KEY)
        held.give_back()

    assert lease is not None
    assert lease.original == during == Original(had=PLAIN, ours=(PLAIN, TAR), run="run 1-tar", since_s=100.0)
    assert (mode_of(cluster.current), cluster.objects, records.kept) == (RoutingMode.OFF, {}, {})


def test_what_is_set_is_written_down_before_it_is_set():
    """Killed in between, the knobs are known to be ours whichever of the two they are."""
    cluster, records = FakeCluster(), MemoryRecords()
    seen = []

    with holds(cluster, records).held(cluster, KEY, run="r") as held:
        held.remember(PLAIN)

        def note(current: RoutingSettings, wanted: RoutingSettings) -> None:
            held.note(current, wanted)
            lease = leases.read(cluster, KEY)
            assert lease is not None
            seen.append((lease.original, records.recall("c", KEY), settings_of(cluster.current)))

        control.change(cluster, KEY, lambda _: TAR, note=note)
        held.give_back()

    ((in_lease, in_file, knobs),) = seen
    assert in_lease == in_file
    assert in_lease is not None
    assert (in_lease.ours, knobs) == ((PLAIN, TAR), PLAIN)


def test_a_second_run_is_refused_before_anything_is_changed():
    """It is told who, which run, since when, and how old the heartbeat is; the first goes on."""
    cluster, records = FakeCluster(), MemoryRecords()
    with holds(cluster, records).held(cluster, KEY, run="run 1-tar") as held:
        set_tar(cluster, held)
        cluster.now_s += 3
        patches = len(cluster.patches)
        second = holds(cluster, MemoryRecords(), name=BOB)
        for enter in (
            second.held(cluster, KEY, run="run 2-off").__enter__,
            lambda: second.check(cluster, KEY),
            second.taken_over(cluster, KEY, run="routing restore").__enter__,
        ):
            with pytest.raises(HeldByOtherError) as refused:
                enter()
            age_s = cluster.now_s - 100
            assert refused.value.exit_code == 5
            assert str(refused.value) == (
                "Service catalog/catalog is held by ann@laptop/1/a (run 1-tar, since 1970-01-01 00:01:40 "
                f"UTC), whose last heartbeat is {age_s:.0f} s old, so nothing was changed; wait "
                "until that run has ended, or end it"
            )
        assert len(cluster.patches) == patches
        held.check()
        held.give_back()


@pytest.mark.parametrize("ended", [True, False])
def test_what_a_killed_run_left_is_put_back_from_another_machine(ended: bool):
    """A next run is refused and sent to restore, which needs no file: the Lease has all of it.

    A holder on the same machine is known to be gone at once; one elsewhere when its heart stands still.
    """
    cluster = FakeCluster()
    killed(cluster, MemoryRecords())
    cluster.now_s += 1 if ended else 3 * 86_400
    elsewhere = holds(cluster, MemoryRecords(), name=BOB, ended=("ann@laptop/1/a",) if ended else ())

    with pytest.raises(HeldByOtherError, match=r"first: samezone routing restore --service catalog/catalog"):
        elsewhere.check(cluster, KEY)
    left = restored(elsewhere, cluster)

    assert (left, settings_of(cluster.current), cluster.objects) == ((), PLAIN, {})


def test_a_heart_that_beats_while_it_is_looked_at_is_alive_whatever_the_clocks_say():
    """Clocks of two machines differ, and one clock can be set: an old stamp alone proves nothing."""
    cluster = FakeCluster()
    killed(cluster, MemoryRecords(), changed=False)
    cluster.now_s += 600
    sleep = cluster.sleep

    def beating(seconds: float) -> None:
        sleep(seconds)
        lease = leases.read(cluster, KEY)
        assert lease is not None
        leases.write(cluster, replace(lease, renewed_s=1.0))

    cluster.sleep = beating  # type: ignore[method-assign]
    with pytest.raises(HeldByOtherError, match="so nothing was changed; wait until that run has ended"):
        holds(cluster, MemoryRecords(), name=BOB).check(cluster, KEY)


def test_restoring_leaves_what_somebody_else_set_unless_forced():
    """The record stays for as long, so that they can be overruled later."""
    cluster, records = FakeCluster(), MemoryRecords()
    killed(cluster, records)
    cluster.apply(BY_HAND)
    here = holds(cluster, records, ended=("ann@laptop/1/a",))

    left = restored(here, cluster)
    between = (settings_of(cluster.current).topology_mode, len(cluster.objects), len(records.kept))
    forced = restored(here, cluster, force=True)

    assert left == ("annotation service.kubernetes.io/topology-mode is 'Disabled' (before: absent)",)
    assert between == ("Disabled", 1, 1)
    assert (forced, settings_of(cluster.current), cluster.objects, records.kept) == ((), PLAIN, {}, {})


def test_a_mode_that_is_kept_leaves_a_record_that_nobody_holds():
    """A next run, from another machine, is let in; the first original is still what is put back last."""
    cluster = FakeCluster()
    with holds(cluster, MemoryRecords()).held(cluster, KEY, run="enable tar") as held:
        set_tar(cluster, held)
    kept = leases.read(cluster, KEY)
    elsewhere = holds(cluster, MemoryRecords(), name=BOB)
    with elsewhere.held(cluster, KEY, run="run 2-off") as held:
        set_tar(cluster, held, RoutingMode.OFF)
        held.give_back()
    after = leases.read(cluster, KEY)

    assert kept is not None
    assert after is not None
    assert (kept.holder, after.holder, after.transitions) == (None, None, 1)
    assert mode_of(cluster.current) is RoutingMode.TAR
    assert restored(elsewhere, cluster) == ()
    assert (settings_of(cluster.current), cluster.objects) == (PLAIN, {})


def test_the_arms_of_one_use_case_do_not_lock_each_other_out():
    """The Lease is held from the first to the end of the outermost, and nobody gets in between."""
    cluster = FakeCluster()
    on = holds(cluster, MemoryRecords())

    with on.together():
        for mode in (RoutingMode.TAR, RoutingMode.PREFER_CLOSE):
            with on.held(cluster, KEY, run="arm") as held:
                set_tar(cluster, held, mode)
                held.give_back()
            on.check(cluster, KEY)
            with pytest.raises(HeldByOtherError):
                holds(cluster, MemoryRecords(), name=BOB).check(cluster, KEY)

    assert (settings_of(cluster.current), cluster.objects) == (PLAIN, {})


def test_a_run_that_is_overtaken_notices_and_leaves_the_service_to_the_other():
    """Before its next change, and when it would put back: what the Service has now is theirs."""
    cluster, records = FakeCluster(), MemoryRecords()
    with holds(cluster, records).held(cluster, KEY, run="run 1-tar") as held:
        set_tar(cluster, held)
        with holds(cluster, MemoryRecords(), name=BOB).taken_over(
            cluster, KEY, run="routing restore", force=True
        ) as taken:
            assert taken is not None
            with pytest.raises(LostHoldError, match=r"bob@desk/2/b took it \(routing restore\)"):
                held.note(PLAIN, TAR)
            with pytest.raises(InvalidRunError, match="bob@desk/2/b has taken it"):
                held.give_back()
            assert mode_of(cluster.current) is RoutingMode.TAR
            taken.give_back(PLAIN)
        with pytest.raises(LostHoldError):
            held.check()
        assert held.trouble == (
            "Service catalog/catalog is not this run's any more: bob@desk/2/b took it (routing restore).",
        )
    assert (settings_of(cluster.current), cluster.objects, records.kept) == (PLAIN, {}, {})


def test_an_api_that_is_away_keeps_the_record_and_names_the_command():
    """Putting back is tried for a while; file and Lease stay, and restore does it later."""
    cluster, records, said = FakeCluster(), MemoryRecords(), []
    words = r"kept on record; .* run: samezone routing restore --service c"
    with holds(cluster, records, said=said).held(cluster, KEY, run="run 1-tar") as held:
        set_tar(cluster, held)
        cluster.is_away = True
        began_s = cluster.now_s
        with pytest.raises(UnreachableError, match=words):
            held.give_back()

    assert cluster.now_s - began_s >= 10
    assert said == []
    assert records.recall("c", KEY) is not None
    cluster.is_away = False
    assert restored(holds(cluster, MemoryRecords(), name=BOB, ended=("ann@laptop/1/a",)), cluster) == ()
    assert (settings_of(cluster.current), cluster.objects) == (PLAIN, {})


def test_an_api_that_comes_back_in_time_costs_nothing():
    """A cut of some seconds while putting back is waited out."""
    cluster, records = FakeCluster(), MemoryRecords()
    sleep = cluster.sleep

    def back_after_a_while(seconds: float) -> None:
        sleep(seconds)
        cluster.is_away = cluster.now_s < 103

    with holds(cluster, records).held(cluster, KEY, run="r") as held:
        set_tar(cluster, held)
        cluster.is_away = True
        cluster.sleep = back_after_a_while  # type: ignore[method-assign]
        held._effects = replace(held._effects, sleep=back_after_a_while)
        held.give_back()

    assert (settings_of(cluster.current), cluster.objects, records.kept) == (PLAIN, {}, {})


@pytest.mark.parametrize("forbidden", [("read",), ("create",), ("read", "create", "replace", "delete")])
def test_where_leases_are_forbidden_it_is_said_once_and_the_run_goes_on(forbidden: tuple[str, ...]):
    """Only this machine can put back then; the run's record says so, too."""
    cluster, records, said = FakeCluster(forbidden=forbidden), MemoryRecords(), []
    on = holds(cluster, records, said=said)

    for _ in range(2):
        on.check(cluster, KEY)
        with on.held(cluster, KEY, run="r") as held:
            set_tar(cluster, held)
            assert records.recall("c", KEY) is not None
            trouble = held.trouble
            held.give_back()

    assert len(said) == 1
    assert "only this machine can put Service catalog/catalog back" in said[0]
    assert trouble == (
        (
            "Leases are forbidden in namespace catalog: another machine would not have noticed this run of "
            "Service catalog/catalog."
        ),
    )
    assert (settings_of(cluster.current), records.kept) == (PLAIN, {})


def test_a_lease_that_may_not_be_deleted_stays_empty():
    """Nobody holds it, and nothing is recorded in it: the next run takes it."""
    cluster = FakeCluster(forbidden=("delete",))
    with holds(cluster, MemoryRecords()).held(cluster, KEY, run="r") as held:
        set_tar(cluster, held)
        held.give_back()
    left = leases.read(cluster, KEY)

    assert left is not None
    assert (left.holder, left.original) == (None, None)
    with holds(cluster, MemoryRecords(), name=BOB).held(cluster, KEY, run="r"):
        pass


def test_a_record_of_an_earlier_version_is_put_back():
    """A file with the knobs alone, and no Lease."""
    cluster, records = FakeCluster(), MemoryRecords()
    cluster.apply({"spec": {"trafficDistribution": "PreferSameZone"}})
    records.remember("c", KEY, Original(had=PLAIN, ours=possible(PLAIN)))

    assert restored(holds(cluster, records), cluster) == ()
    assert (settings_of(cluster.current), records.kept, cluster.objects) == (PLAIN, {}, {})


def test_where_nothing_is_recorded_there_is_nothing_to_take_over():
    """No Lease is made for it."""
    cluster = FakeCluster()

    with holds(cluster, MemoryRecords()).taken_over(cluster, KEY, run="routing restore") as held:
        assert held is None
    assert cluster.writes == 0


@contextmanager
def beating(cluster: FakeCluster, said: list[str]) -> Iterator[Held]:
    """Held with a heart that beats every 20 ms, by the real clock."""
    on = holds(cluster, MemoryRecords(), said=said)
    on._effects = replace(on._effects, monotonic=time.monotonic)
    on._effects.claims.renew_s, on._effects.claims.duration_s = 0.02, 1
    with on.held(cluster, KEY, run="r") as held:
        yield held


def await_(is_so: object, within_s: float = 20.0) -> None:
    until_s = time.monotonic() + within_s
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_the_heart_beats_until_the_service_is_let_go():
    """Each beat is a new renewTime on the Lease; none comes afterwards."""
    cluster = FakeCluster()
    with beating(cluster, []) as held:
        await_(lambda: cluster.writes > 5)
        assert held.trouble == ()
    writes = cluster.writes
    time.sleep(0.1)
    assert (cluster.writes, cluster.objects) == (writes, {})


def test_a_lease_that_could_not_be_renewed_for_too_long_is_told():
    """The API is away for longer than the Lease lasts: the run says so, before and after it is back."""
    cluster = FakeCluster()
    with beating(cluster, []) as held:
        cluster.is_away = True
        await_(lambda: held.trouble)
        (away,) = held.trouble
        cluster.is_away = False
        before = cluster.writes
        await_(lambda: cluster.writes > before + 1)
        (back,) = held.trouble
    for one in (away, back):
        assert one.startswith("The Lease catalog/samezone.catalog was not renewed for ")


def test_a_lease_that_is_deleted_under_a_run_is_noticed_by_the_heart():
    """Whoever looks at the run next hears it."""
    cluster = FakeCluster()
    with beating(cluster, []) as held:
        cluster.objects.clear()
        await_(lambda: held.trouble)
        with pytest.raises(LostHoldError, match=r"its Lease catalog/samezone\.catalog is deleted"):
            held.check()
