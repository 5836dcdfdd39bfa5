"""Take each routing mode through a zone's failure: the load, the sabotage, and what it showed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from k8s.errors import SamezoneError, UsageError
from k8s.process import interrupts
from k8s.routing.modes import RoutingMode
from k8s.topology import NodeName, Zone
from loadtest import rundir
from loadtest.drill import Drill, Tick
from loadtest.measure import Load, MeasureRequest, MeasureSession, measure
from loadtest.swarm.interface import Progress
from loadtest.window.driving import MEASURING

DRILL: Final = "drill.json"
FAILS_AFTER: Final = 0.25
"""Of the window: the rest shows whether traffic comes back."""


class Zones(Protocol):
    """Zones that can fail and heal; ``k8s.lab.life.Life`` has them."""

    def fail_zone(self, zone: Zone, outage: str) -> tuple[NodeName, ...]:
        """Let a zone fail; returns once the place has noticed."""

    def heal_zone(self, zone: Zone) -> tuple[NodeName, ...]:
        """Take it back; returns once all is ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRequest:
    """Modes to be taken through the failure of a zone."""

    zone: Zone
    outage: str
    """What fails: one of ``k8s.lab.design.marks``."""
    modes: tuple[RoutingMode, ...]
    load: Load
    runs: Path
    arm: str | None = None
    """Label of the arms; None: the mode's name."""


def run_drills(
    session: MeasureSession, request: DrillRequest, *, open_zones: Callable[[], Zones]
) -> tuple[Drill, ...]:
    """One drill a mode, each kept in its run folder; UsageError where the place has no such zone.

    *open_zones* is asked anew for each change: what runs in a zone is not the same after it.
    """
    zones = session.open_platform().place().zones
    if request.zone not in zones:
        raise UsageError(f"drill: the lab has no zone {request.zone}; it has {', '.join(zones)}")
    with session.holds.together():
        return tuple(_drill(session, request, mode, open_zones) for mode in request.modes)


def _drill(
    session: MeasureSession, request: DrillRequest, mode: RoutingMode, open_zones: Callable[[], Zones]
) -> Drill:
    saboteur = _Saboteur(
        zone=request.zone, outage=request.outage, open_zones=open_zones, monotonic=session.monotonic
    )
    arm = MeasureRequest(mode=mode, load=request.load, runs=request.runs, arm=request.arm)
    with interrupts.held():
        try:
            with interrupts.allowed():
                run = measure(session, arm, on_tick=saboteur.look)
        finally:
            saboteur.heal()
    if saboteur.trouble is not None:
        raise saboteur.trouble
    seen = run.record.seen.measured
    drill = Drill(
        mode=mode.value,
        zone=request.zone,
        outage=request.outage,
        failed_at_s=saboteur.failed_at_s or 0.0,
        noticed_after_s=saboteur.noticed_after_s,
        timeout_s=run.record.asked.plan.timeout_s,
        ticks=tuple(saboteur.ticks),
        requests=seen.requests if seen else 0,
        failures=seen.failures if seen else 0,
    )
    rundir.write_json(run.folder / DRILL, drill)
    session.say(f"{mode.value}: drill kept in {run.folder}")
    return drill


@dataclass(slots=True, kw_only=True)
class _Saboteur:
    """Fails the zone when its time has come, without holding up the load; remembers what it saw."""

    zone: Zone
    outage: str
    open_zones: Callable[[], Zones]
    monotonic: Callable[[], float]
    ticks: list[Tick] = field(default_factory=list)
    failed_at_s: float | None = None
    noticed_after_s: float | None = None
    trouble: SamezoneError | None = None
    thread: threading.Thread | None = None

    def look(self, step: str, done_s: float, total_s: float, progress: Progress | None) -> None:
        """Called twice a second."""
        if step != MEASURING or progress is None:
            return
        self.ticks.append(Tick(at_s=done_s, requests=progress.requests, failures=progress.failures))
        if self.thread is None and done_s >= FAILS_AFTER * total_s:
            self.failed_at_s = done_s
            with interrupts.held():
                self.thread = threading.Thread(target=self._fail, daemon=True)
                self.thread.start()

    def heal(self) -> None:
        """Power is back; nothing if there was no failure."""
        if self.thread is not None:
            self.thread.join()
            self.open_zones().heal_zone(self.zone)

    def _fail(self) -> None:
        began_s = self.monotonic()
        try:
            self.open_zones().fail_zone(self.zone, self.outage)
        except SamezoneError as error:
            self.trouble = error
        else:
            self.noticed_after_s = self.monotonic() - began_s
