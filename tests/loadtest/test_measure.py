"""One arm measured into a run folder, through its door: a session and a request, no argument vector."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from k8s.effects import Talk
from k8s.errors import InterruptedRunError, InvalidRunError, UsageError
from k8s.live.originals import Originals
from k8s.live.switching import HintsRefusedError
from k8s.routing.modes import RoutingMode, RoutingSettings, mode_of
from k8s.topology import EndpointSlice, ServiceKey
from loadtest import rundir
from loadtest.measure import Consent, measure
from loadtest.record import Caveat, Place, RunStatus
from loadtest.swarm.interface import Progress
from loadtest.swarm.platforms import Checked
from tests.k8s.fakes import KEY
from tests.loadtest.fakes import (
    LOAD,
    PLAIN,
    UI,
    FakePlaceCluster,
    FakePlatform,
    FakeSwarm,
    Person,
    request,
    session,
)

ANNOUNCED = Checked(
    announcement=("Service  catalog/catalog: from off to tar",), caveats=(Caveat(code="x", text="y"),)
)


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform(cluster=FakePlaceCluster())


def originals(folder: Path) -> RoutingSettings | None:
    record = Originals(folder / "originals").recall("lab", KEY)
    return None if record is None else record.had


def test_a_run_folder_holds_what_was_measured(platform: FakePlatform, tmp_path: Path):
    """The record read back is the one returned; topology beside it, the truth where there is one."""
    with_truth = replace(platform, read_truth=lambda: platform.cluster.now_s)

    run = measure(session(with_truth, tmp_path), request(tmp_path, arm="first"))

    assert run.folder == tmp_path / "runs" / "19700101T000140Z-first"
    assert run.record == rundir.read_record(run.folder)
    assert (run.record.run_id, run.record.arm, run.record.status) == (
        "100-first",
        "first",
        RunStatus.COMPLETE,
    )
    assert run.record.versions == (("samezone", "0.1.0"),)
    assert run.record.asked == with_truth.asked[0]
    assert rundir.read_topology(run.folder)
    assert (run.folder / rundir.TRUTH).is_file()
    assert with_truth.names == [(UI, "64", tmp_path / "logs" / "100-first", 0)]


def test_the_service_gets_back_what_it_had_and_nobody_has_to_remember_it(
    platform: FakePlatform, tmp_path: Path
):
    """While it is measured the original is on file; afterwards neither mode nor file are left."""
    during: list[RoutingSettings | None] = []

    measure(
        session(platform, tmp_path),
        request(tmp_path),
        on_tick=lambda *_: during.append(originals(tmp_path)),
    )

    assert set(during[1:]) == {RoutingSettings()}
    assert (mode_of(platform.cluster.current), originals(tmp_path)) == (RoutingMode.OFF, None)


def test_a_kept_mode_leaves_its_original_on_file(platform: FakePlatform, tmp_path: Path):
    """So that it can be put back later; a second arm does not take that file away."""
    on = session(platform, tmp_path)

    measure(on, request(tmp_path, keep=True))
    measure(on, request(tmp_path, RoutingMode.OFF))

    assert mode_of(platform.cluster.current) is RoutingMode.TAR
    assert originals(tmp_path) == RoutingSettings()


def test_consent_is_asked_for_once(platform: FakePlatform, tmp_path: Path):
    """Each arm says what it will change; a person answers the first time only."""
    person = Person()
    on = session(replace(platform, checked=ANNOUNCED), tmp_path, person)

    measure(on, request(tmp_path))
    run = measure(on, request(tmp_path, RoutingMode.OFF))

    assert len(person.questions) == 1
    assert person.questions[0] == (
        "this changes a cluster:",
        *ANNOUNCED.announcement,
        "the Service gets back what it had afterwards",
    )
    assert tuple(person.said) == person.questions[0]
    assert run.record.caveats == ANNOUNCED.caveats


def test_consent_that_was_given_before_is_not_asked_for(platform: FakePlatform, tmp_path: Path):
    """As with --yes: it is only said what will change."""
    person = Person(agrees=False)
    given = Consent(talk=Talk(say=person.say, agree=person.agree), given=True)
    on = replace(session(replace(platform, checked=ANNOUNCED), tmp_path), consent=given)

    measure(on, request(tmp_path, keep=True))

    assert person.questions == []
    assert person.said[-1].startswith("the Service keeps the mode afterwards")


def test_without_consent_nothing_is_changed(platform: FakePlatform, tmp_path: Path):
    """No patch, no load, no folder, no file."""
    refusing = replace(platform, checked=ANNOUNCED)

    with pytest.raises(UsageError, match="not agreed"):
        measure(session(refusing, tmp_path, Person(agrees=False)), request(tmp_path))

    assert (platform.cluster.patches, refusing.swarms, list(tmp_path.iterdir())) == ([], [], [])


def test_a_place_that_is_refused_is_not_even_checked(platform: FakePlatform, tmp_path: Path):
    """*preflight* comes before anything else."""

    def refuse(place: Place) -> None:
        raise InvalidRunError(f"not on {place.context}")

    with pytest.raises(InvalidRunError, match="not on lab"):
        measure(session(platform, tmp_path), request(tmp_path), preflight=refuse)

    assert (platform.asked, platform.swarms, list(tmp_path.iterdir())) == ([], [], [])


def test_what_was_measured_until_an_interruption_is_kept(platform: FakePlatform, tmp_path: Path):
    """The folder is written, the person is told where, then the interruption is raised."""
    person = Person()
    impatient = replace(platform, make_swarm=partial(FakeSwarm, interrupt_at_s=111.0))

    with pytest.raises(InterruptedRunError):
        measure(session(impatient, tmp_path, person), request(tmp_path, keep=True))

    (folder,) = (tmp_path / "runs").iterdir()
    assert rundir.read_record(folder).status is RunStatus.INTERRUPTED
    assert person.said == [f"what was measured is kept in {folder}, marked interrupted"]
    assert (mode_of(platform.cluster.current), originals(tmp_path)) == (RoutingMode.OFF, None)


def test_progress_is_heard(platform: FakePlatform, tmp_path: Path):
    """Steps in their order; the load's own with seconds and what the swarm did."""
    heard: list[tuple[str, float, Progress | None]] = []

    measure(
        session(platform, tmp_path),
        request(tmp_path),
        on_tick=lambda step, done_s, _, swarm: heard.append((step, done_s, swarm)),
    )

    steps = list(dict.fromkeys(step for step, _, _ in heard))
    assert steps == [
        f"setting routing mode tar on {LOAD.service}",
        "starting the load generators",
        "warming up",
        "measuring",
    ]
    assert heard[-1][1] == LOAD.plan.duration_s
    assert heard[-1][2] is not None


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ("/proc/runs", r"making run folder /proc/runs/.*-tar: No such file"),
        ("file", r"making run folder .*/file/.*-tar: Not a directory"),
        ("x" * 300, r"making run folder .*: File name too long"),
    ],
)
def test_a_run_that_could_not_be_kept_is_refused_before_anything_is_changed(
    platform: FakePlatform, tmp_path: Path, runs: str, said: str
):
    """No folder can be made there, or none of that name: nothing was patched, no load was sent."""
    (tmp_path / "file").write_text("")
    asked = replace(request(tmp_path), runs=tmp_path / runs)

    with pytest.raises(UsageError, match=said):
        measure(session(platform, tmp_path), asked)

    assert (platform.cluster.patches, platform.swarms, originals(tmp_path)) == ([], [], None)


def test_a_disk_without_room_is_refused_and_leaves_no_folder(
    platform: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Found out before the load, not when it is to be written down."""
    full = SimpleNamespace(f_bavail=10, f_frsize=4096, f_files=0, f_favail=0)
    monkeypatch.setattr(os, "statvfs", lambda _: full)

    with pytest.raises(UsageError, match="0 MB are free on its disk, and a run of 12 s may need 17"):
        measure(session(platform, tmp_path), request(tmp_path))

    assert (platform.cluster.patches, list((tmp_path / "runs").iterdir())) == ([], [])


@pytest.mark.parametrize("arm", ["../../..", 'it\'s "mine"', "a/b", "ä\n;`x`", "x" * 300, ""])
def test_a_label_is_a_name_and_no_path_or_query(tmp_path: Path, arm: str):
    """What would not be the same in a folder's name and in a query is refused, for every caller."""
    with pytest.raises(UsageError, match="letters, digits"):
        request(tmp_path, arm=arm)


def test_hints_that_are_refused_leave_no_folder(platform: FakePlatform, tmp_path: Path):
    """Nothing was measured, so nothing is kept."""
    refusing = replace(platform, cluster=NeverHinted())

    with pytest.raises(HintsRefusedError):
        measure(session(refusing, tmp_path), request(tmp_path))

    assert list((tmp_path / "runs").iterdir()) == []


class NeverHinted(FakePlaceCluster):
    """Its controller says nothing."""

    def slices(self, key: ServiceKey) -> tuple[EndpointSlice, ...]:
        del key
        return (PLAIN,)
