"""Each load that a person starts and stops in the web UI becomes a run folder, as any other.

Nobody says beforehand that a load will start, so the place is looked at while nothing is sent: the newest
look that is old enough is where the window begins. It ends when the last request is counted and delivered,
and a quiet time after that. A load under which the mode was changed is kept, and is no evidence of either.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from k8s.effects import Say
from k8s.errors import SamezoneError, UnreachableError
from k8s.live import control
from k8s.live.control import Applied
from k8s.routing.modes import mode_of, settings_of
from k8s.topology import Service, Snapshot
from loadtest import rundir
from loadtest.arm_run import ArmRequest, SoFar, look_again
from loadtest.keeping.disk import require_room
from loadtest.keeping.keeper import RunKeeper, TruthSource
from loadtest.measure import Load, of_load
from loadtest.record import Asked, Caveat, LoadSeen, Place, RunStatus
from loadtest.routed import Routed
from loadtest.swarm.interface import BUSY, Progress
from loadtest.swarm.platforms import Platform
from loadtest.window import driving
from loadtest.window.chronometer import Chronometer, Timer
from loadtest.window.topology_log import TopologyLog
from loadtest.worker.board import LEAD_S
from loadtest.worker.messages import Order
from loadtest.worker.plan import LoadPlan

LEAST_S: Final = 60.0
"""Room that a run folder needs at least, in seconds of load: nobody knows how long a person will load."""
SETTLE_S: Final = 30.0
"""The longest that the last requests of a load are waited for."""
LOOKS: Final = 5
"""Idle looks that are kept, a second apart: those of a quiet time, and some more."""
ROUND_S: Final = 5.0
"""Lengths of loads without a run time are told in such steps: then two about equal ones can be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsSetting:
    """Where the loads of a web UI run, and what they are measured for."""

    platform: Platform
    place: Place
    asked: Asked
    """Of the mode and the plan the load itself says more."""
    runs: Path
    """Folder of the run folders."""
    counting: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    say: Say


@dataclass(frozen=True, slots=True, kw_only=True)
class _Idle:
    """A look at the place while nothing was sent."""

    timer: Timer
    truth: Any


class UiRuns:
    """Looks once a second; never raises for what cannot be kept, since the web UI goes on without it."""

    def __init__(self, setting: RunsSetting) -> None:
        self._setting = setting
        self._chronometer = Chronometer(clock=setting.clock, monotonic=setting.monotonic)
        self._idle: list[_Idle] = []
        self._run: _UiRun | None = None
        self._seen: int | None = None
        """The generation that is known: kept, given up, or from before."""
        self.told = ""
        """Which folder the load that runs is kept in, or the last one was; a clause."""

    def look(self, progress: Progress) -> None:
        """Begin, go on with, or end the run of the load that is there."""
        try:
            self._look(progress)
        except (SamezoneError, OSError) as error:
            self._give_up(str(error))

    def end(self) -> None:
        """No more looks: a run that goes on ends here, as interrupted."""
        run, self._run = self._run, None
        if run is not None:
            self._say(run.end(RunStatus.INTERRUPTED))

    def _look(self, progress: Progress) -> None:
        order, run = progress.order, self._run
        generation = 0 if order is None else order.generation
        if self._seen is None:
            self._seen = generation
            self._note_idle()
        if run is not None and generation != self._seen:
            run.trouble = run.trouble or "the next load began before all requests of this one were counted"
            self._finish(run)
            run = None
        if run is None and order is not None and generation != self._seen and progress.state in BUSY:
            self._seen = generation
            if order.is_from_ui:
                self._run = run = self._begin(order)
        if run is not None:
            if run.look(progress):
                self._finish(run)
        elif progress.is_over:
            self._note_idle()

    def _note_idle(self) -> None:
        """Look at the place; what cannot be read now has a look of its own in a second."""
        if self._chronometer.look("idle") is not None:
            self._idle.clear()
        self._chronometer.steps.clear()
        read = self._setting.platform.read_truth
        with suppress(SamezoneError, OSError):
            truth = None if read is None else read()
            self._idle = [*self._idle[-LOOKS:], _Idle(timer=Timer(self._chronometer), truth=truth)]

    def _begin(self, order: Order) -> "_UiRun":
        """The load began after the last idle look; its quiet time before that."""
        quiet_s = order.plan.quiet_s - LEAD_S
        if not self._idle:
            raise UnreachableError("the place could not be looked at before the load began")
        newest_s = self._idle[-1].timer.start_s
        old = [one for one in self._idle if one.timer.start_s <= newest_s - quiet_s]
        began, self._idle = (old or self._idle[:1])[-1], []
        run = _UiRun(self._setting, self._chronometer, order, began, is_quiet=bool(old))
        self.told = f"{run.folder.name}, running"
        return run

    def _finish(self, run: "_UiRun") -> None:
        self._run = None
        self._say(run.end())
        self._note_idle()

    def _give_up(self, why: str) -> None:
        run, self._run = self._run, None
        if run is None:
            self.told = f"this load is not kept: {why}"
        else:
            run.trouble = run.trouble or why
            self.told = run.end()
        self._setting.say(self.told)

    def _say(self, text: str) -> None:
        self.told = text
        self._setting.say(f"load of the web UI: {text}")


@dataclass(slots=True)
class _UiRun:
    """One load, from its start to its end."""

    setting: RunsSetting
    chronometer: Chronometer
    order: Order
    began: _Idle
    is_quiet: bool
    trouble: str = ""
    """Why it is no evidence; empty while it may be."""
    state: SoFar = field(init=False)
    keeper: RunKeeper = field(init=False)
    over_s: float | None = None
    """By the monotonic clock, when all was first seen to be counted."""
    stopped_s: float | None = None
    """The same of Locust's stop."""

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return self.keeper.folder

    def __post_init__(self) -> None:
        """Begin to keep it: SamezoneError where the place does not answer, or the folder cannot be made."""
        setting, cluster = self.setting, self.setting.platform.cluster
        key = setting.asked.service
        service, now_s = cluster.service(key), setting.clock()
        mode = mode_of(service).value
        asked = replace(setting.asked, mode=mode, plan=replace(self.order.plan, warmup_s=0.0))
        routed = Routed(
            key=key,
            applied=Applied(
                original=settings_of(service),
                service_before=service,
                service=service,
                events_before=cluster.events(key),
                changed=False,
            ),
            hints_start=control.hints_seen(cluster.slices(key), at_s=now_s),
        )
        load = Load(service=key, client=asked.client, plan=asked.plan)
        log = TopologyLog(cluster, asked.namespaces)
        request = ArmRequest(
            run_id=self.order.run_id,
            arm=f"web-{mode}",
            asked=asked,
            place=setting.place,
            versions=setting.versions,
            counting=setting.counting,
        )
        self.keeper = _keeper(setting, request.arm)
        try:
            log.start()
        except SamezoneError:
            self.keeper.give_up(RunStatus.FAILED)
            raise
        self.state = SoFar(
            request=request,
            created_s=now_s,
            log=log,
            routed=(routed,),
            caveats=[*_of_start(is_quiet=self.is_quiet), *of_load(load)],
            chronometer=self.chronometer,
        )
        self.state.windows.truth_before = self.began.truth

    def look(self, progress: Progress) -> bool:
        """Note what the load has done so far; whether it is over, and the quiet time behind it as well."""
        now_s = self.setting.monotonic()
        driving.look_at_clock(self.chronometer, driving.MEASURING)
        self._look_at_mode(self.setting.platform.cluster.service(self.setting.asked.service))
        if self.over_s is None:
            windows, tallies = self.state.windows, progress.tallies
            if sum(one.requests for one in tallies):
                load = LoadSeen(
                    seconds=max(0.0, max(one.last_s for one in tallies) - self.order.start_at_s),
                    workers=tallies,
                    losses=progress.losses,
                )
                windows.measured_seen, windows.measured = load, self.began.timer.window()
            if progress.given_up:
                self._note(f"lost worker {', '.join(progress.given_up)} was not replaced")
        if progress.state not in BUSY and self.stopped_s is None:
            self.stopped_s = now_s
        if progress.is_over and self.over_s is None:
            self.over_s = now_s
        elif self.over_s is None and self.stopped_s is not None and now_s - self.stopped_s > SETTLE_S:
            self._note(f"workers did not finish within {SETTLE_S:g} s of the stop")
            return True
        self.keeper.publish(self.state.run(RunStatus.RUNNING))
        return self.over_s is not None and now_s - self.over_s >= self.order.plan.quiet_s

    def end(self, status: RunStatus = RunStatus.COMPLETE) -> str:
        """Look at the place again and write the run down; what is to be said of it."""
        state, windows = self.state, self.state.windows
        if windows.measured is None:
            self._note("nothing was counted")
        else:
            windows.measured = self.began.timer.window()
        driving.read_truth(self.setting.platform.read_truth, windows)
        error = look_again(self.setting.platform.cluster, self.setting.clock, state, None)
        for snapshot in state.log.so_far:
            self._look_at_snapshot(snapshot)
        if error is not None:
            self._note(str(error))
        if self.trouble and status is RunStatus.COMPLETE:
            status = RunStatus.FAILED
        asked = state.request.asked
        plan = replace(asked.plan, duration_s=_length_s(asked.plan, windows.measured_seen))
        state.request = replace(state.request, asked=replace(asked, plan=plan))
        lost = self.keeper.finish(state.run(status))
        but = "; ".join(part for part in (self.trouble, *lost) if part)
        return f"{self.folder}, {self.keeper.status.value}{f': {but}' if but else ''}"

    def _look_at_snapshot(self, snapshot: Snapshot) -> None:
        for service in snapshot.services:
            if service.key == self.setting.asked.service:
                self._look_at_mode(service)

    def _look_at_mode(self, service: Service) -> None:
        before = self.state.routed[0].applied.service
        if settings_of(service) != settings_of(before) and not self._has("routing-changed"):
            was, now = mode_of(before).value, mode_of(service).value
            said = f"the mode of Service {service.key} was changed under the load, from {was} to {now}"
            self._note(said)
            text = f"{said[0].upper()}{said[1:]}: its calls are of both, and evidence of neither."
            self.state.caveats.append(Caveat(code="routing-changed", text=text))

    def _has(self, code: str) -> bool:
        return any(one.code == code for one in self.state.caveats)

    def _note(self, trouble: str) -> None:
        self.trouble = self.trouble or trouble


def _of_start(*, is_quiet: bool) -> tuple[Caveat, ...]:
    if is_quiet:
        return ()
    text = (
        "The load began so soon after the one before, or after the web UI was there, that its window may cut "
        "its first second."
    )
    return (Caveat(code="not-quiet", text=text),)


def _keeper(setting: RunsSetting, arm: str) -> RunKeeper:
    folder = rundir.create(setting.runs, arm, now_s=setting.clock())
    read = setting.platform.read_truth
    try:
        require_room(folder, seconds=LEAST_S)
        return RunKeeper(
            folder,
            clock=setting.clock,
            say=setting.say,
            truth=None if read is None else TruthSource(read=read, between=setting.platform.truth_file),
        )
    except SamezoneError:
        folder.rmdir()
        raise


def _length_s(plan: LoadPlan, load: LoadSeen | None) -> float:
    """The length that was asked for: the form's run time where it ended the load, else about what it was."""
    seconds = 0.0 if load is None else load.seconds
    if abs(seconds - plan.duration_s) <= ROUND_S / 2:
        return plan.duration_s
    return max(0.5, seconds // ROUND_S * ROUND_S or seconds)
