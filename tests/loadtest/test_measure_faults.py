"""Every effect of a run fails in turn: what was measured is kept, the Service put back, the fault named."""

import errno
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from k8s.errors import InterruptedRunError, SamezoneError, UnreachableError
from k8s.live.originals import Originals
from k8s.routing.modes import RoutingMode, mode_of
from loadtest import rundir
from loadtest.arm_run import NotRestoredError
from loadtest.measure import MeasuredRun, MeasureSession, measure
from loadtest.record import RunStatus
from tests.k8s.fakes import holds
from tests.loadtest.fakes import FakePlaceCluster, FakePlatform, FakeSwarm, Person, request, session

FAULTS: dict[str, Callable[[], BaseException]] = {
    "unreachable": lambda: UnreachableError("nobody answers there"),
    "interrupt": KeyboardInterrupt,
    "full disk": lambda: OSError(errno.ENOSPC, "nobody has room there"),
}
EFFECTS = {
    "cluster": (
        "service",
        "versioned",
        "slices",
        "events",
        "patch_service",
        "snapshot",
        "watch_paths",
    ),
    "leases": ("read_object", "create_object", "replace_object", "delete_object"),
    "swarm": ("open", "start", "progress", "stop", "tallies", "close"),
    "originals": ("remember", "forget"),
    "truth": ("truth",),
    "sleep": ("sleep",),
}
PUT_BACK = ("service", "versioned", "patch_service", "read_object")
"""What is asked for again while putting back."""


@dataclass
class Saboteur:
    """Counts the effects that the run's own thread asks for, and fails one of them."""

    fault: Callable[[], BaseException] | None = None
    name: str = ""
    number: int = 0
    for_good: bool = False
    """Everything of the same kind fails from then on, e.g. the whole API."""
    counts: Counter[str] = field(default_factory=Counter)
    broken: str = ""
    thread: int = field(default_factory=threading.get_ident)

    def watch(self, kind: str, name: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **options: Any) -> Any:
            if threading.get_ident() == self.thread:
                self.counts[name] += 1
                hit = name == self.name and self.counts[name] == self.number
                if hit and self.for_good:
                    self.broken = kind
                if self.fault is not None and (hit or self.broken == kind):
                    raise self.fault()
            return do(*args, **options)

        return watched


class Watched:
    """A stand-in whose methods the saboteur watches."""

    def __init__(self, inner: Any, kind: str, saboteur: Saboteur) -> None:
        self._inner = inner
        for name in EFFECTS[kind]:
            setattr(self, name, saboteur.watch(kind, name, getattr(inner, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@dataclass
class Stage:
    """A place whose effects are watched, and what became of a run on it."""

    folder: Path
    saboteur: Saboteur
    cluster: FakePlaceCluster = field(default_factory=FakePlaceCluster)
    person: Person = field(default_factory=Person)
    swarms: list[FakeSwarm] = field(default_factory=list)
    raised: BaseException | None = None
    run: MeasuredRun | None = None

    def _swarm(self, cluster: FakePlaceCluster) -> Any:
        self.swarms.append(FakeSwarm(cluster))
        return Watched(self.swarms[-1], "swarm", self.saboteur)

    def _session(self) -> MeasureSession:
        watch = self.saboteur.watch
        platform = FakePlatform(
            cluster=Watched(  # type: ignore[arg-type]  # same methods
                Watched(self.cluster, "cluster", self.saboteur), "leases", self.saboteur
            ),
            make_swarm=self._swarm,
            read_truth=watch("truth", "truth", lambda: self.cluster.now_s),
        )
        made = session(platform, self.folder, self.person)
        return replace(
            made,
            sleep=watch("sleep", "sleep", self.cluster.sleep),
            holds=holds(
                platform.cluster,
                Watched(Originals(self.folder / "originals"), "originals", self.saboteur),  # type: ignore[arg-type]
                said=self.person.said,
            ),
        )

    def measure(self, *, keep: bool) -> None:
        try:
            self.run = measure(self._session(), request(self.folder, keep=keep))
        except (SamezoneError, KeyboardInterrupt) as error:
            self.raised = error

    @property
    def counted(self) -> bool:
        """Whether requests of the measured window were told to the run."""
        return any("start measure tar" in swarm.steps and swarm.requests for swarm in self.swarms)

    @property
    def folders(self) -> list[Path]:
        return sorted((self.folder / "runs").iterdir()) if (self.folder / "runs").exists() else []


def moments() -> Iterator[tuple[str, int, str]]:
    """(effect, number of the call, fault): the first and last two calls of each in an undisturbed run.

    The API's client makes no errors of disks.
    """
    yield from (
        (name, number, kind)
        for kind in FAULTS
        for name, count in UNDISTURBED.items()
        if not (kind == "full disk" and name in EFFECTS["leases"])
        for number in sorted({1, 2, count - 1, count} & set(range(1, count + 1)))
    )


def undisturbed() -> dict[str, int]:
    """How often a run asks for each effect."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(folder=Path(folder), saboteur=Saboteur())
        stage.measure(keep=False)
        assert stage.raised is None
        return dict(stage.saboteur.counts)


UNDISTURBED = undisturbed()


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize(("name", "number", "kind"), tuple(moments()))
def test_a_fault_loses_nothing(tmp_path: Path, name: str, number: int, kind: str, *, for_good: bool):
    """In every phase, whatever effect fails, once or from then on."""
    saboteur = Saboteur(fault=FAULTS[kind], name=name, number=number, for_good=for_good)
    stage = Stage(folder=tmp_path, saboteur=saboteur)

    stage.measure(keep=False)

    assert saboteur.counts[name] >= number
    assert stage.raised is not None or stage.run is not None
    check_service(stage, for_good=for_good)
    check_folder(stage)
    check_named(stage, kind, for_good=for_good)


def check_service(stage: Stage, *, for_good: bool) -> None:
    """It has what it had; or that is on record, and the error says how to get it back."""
    if mode_of(stage.cluster.current) is RoutingMode.OFF:
        return
    assert for_good
    assert list((stage.folder / "originals").iterdir())
    assert "had is kept on record; when the cluster answers again, run: samezone routing restore" in str(
        stage.raised
    )


def check_folder(stage: Stage) -> None:
    """One that is whole, or none where nothing was measured."""
    if not stage.folders:
        assert not stage.counted
        return
    (folder,) = stage.folders
    record = rundir.read_record(folder)
    assert record.status is not RunStatus.RUNNING
    if record.status is RunStatus.COMPLETE:
        assert stage.raised is None or isinstance(stage.raised, NotRestoredError)
    else:
        assert stage.raised is not None
    if stage.counted:
        assert rundir.read_topology(folder)
    assert not [one for one in folder.iterdir() if one.name.startswith(".")]
    if stage.counted:
        load = record.seen.measured
        assert record.measured is not None
        assert load is not None
        assert load.requests > 0
        assert record.measured.length_s >= load.seconds
    if stage.raised is not None:
        assert f"what was measured is kept in {folder}, marked {record.status.value}" in stage.person.said


def check_named(stage: Stage, kind: str, *, for_good: bool) -> None:
    """In the error, as a caveat, or in a line; but for what was over when putting back was tried again."""
    caveats = " ".join(one.text for one in stage.run.record.caveats) if stage.run else ""
    told = f"{stage.raised} {caveats} {' '.join(stage.person.said)}"
    is_whole = stage.raised is None and not for_good
    if kind == "interrupt":
        is_told = isinstance(stage.raised, KeyboardInterrupt | InterruptedRunError)
        assert is_told or "interrupted" in told or stage.raised is None
    else:
        assert "nobody" in told or (is_whole and stage.saboteur.name in PUT_BACK)
