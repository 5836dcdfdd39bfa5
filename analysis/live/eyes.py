"""Looks at the source of calls and at the cluster, again and again, beside whatever else goes on.

Each look asks for what is new since the last one: a slice of a few seconds. It is shown as soon as the source
may have it, and asked for once more when it must have all of it: pods hand over what they saw in batches.
"""

import math
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from analysis.jobs.measuring import OpenSource
from analysis.live import picture
from analysis.live.glimpse import Glimpse, Whereabouts, glimpse, needs_sample, summed
from analysis.source.interface import IncompleteError, Question, Received, Source, ThrottledError
from k8s.errors import SamezoneError
from k8s.live import live_scene
from k8s.live.live_scene import Collections
from k8s.routing.modes import RoutingMode, mode_of
from k8s.topology import Service, ServiceKey, Snapshot
from loadtest.record import Place, Window
from loadtest.worker.live_view import LiveView, ModeMark, PredictedShare, ShareSlice

KEPT_S: Final = 300.0
"""How far back the tab shows."""
SLICE_S: Final = 2.0
"""The shortest slice, and the pause between two looks."""
LONGEST_S: Final = 10.0
"""The longest one; what else passed since the last look, say while the source was away, is a gap."""
LAG_S: Final = 3.0
"""How old a slice is when it is first asked for: by then most pods have handed over most of it."""
WHOLE_S: Final = 8.0
"""How much older it is when it is asked for again; where the source takes longer, both are more."""
SCENE_S: Final = 10.0
"""From one prediction to the next."""
TRACES: Final = 100
"""Single calls that are read of a slice, where only they tell from which pod to which."""
_MOST_AGAIN: Final = 2
"""Slices that are asked for again in one look: what is new comes first."""
_MOST_MARKS: Final = 50
MOST_LATE_S: Final = 300.0
"""No source is waited for longer: what is not there after so long is missing."""
_SOONER: Final = 0.9
"""So much of that wait is left after an answer that was whole: it may have been a trouble that passed."""
_TOLD_AFTER: Final = 5
"""An answer may not be whole yet; so many in a row are trouble that is told."""
_MODE, _PLACE, _CALLS, _OUTLOOK = "reading the mode", "reading the cluster", "reading the calls", "predicting"


class SeenCluster(Collections, Protocol):
    """What looking needs of a cluster; ``LiveCluster`` has it."""

    def service(self, key: ServiceKey) -> Service:
        """The Service."""

    def snapshot(self, namespaces: Sequence[str] | None) -> Snapshot:
        """Nodes, and the pods, Services and slices of these namespaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EyesSetting:
    """Where to look, and at what."""

    cluster: SeenCluster
    open_source: OpenSource
    place: Place
    service: ServiceKey
    client: ServiceKey
    namespaces: tuple[str, ...]
    """Whose pods may call or be called."""
    clock: Callable[[], float]
    """Seconds since the epoch, by a clock that nobody sets."""


@dataclass(slots=True)
class _Sliced:
    """A slice as it was shown last."""

    glimpse: Glimpse
    point: ShareSlice
    is_whole: bool


@dataclass(slots=True)
class Eyes:
    """Implements ``Onlooker``; what cannot be looked at is a problem that the tab tells, and no end."""

    setting: EyesSetting
    _latest: LiveView = field(init=False)
    _ended: threading.Event = field(init=False, default_factory=threading.Event)
    _thread: threading.Thread | None = field(init=False, default=None)
    _open: ExitStack = field(init=False, default_factory=ExitStack)
    _source: Source | None = field(init=False, default=None)
    _problems: dict[str, str] = field(init=False, default_factory=dict)
    """Why what cannot be done now."""
    _looked_s: float = field(init=False, default=-math.inf)
    """When the source was looked at last."""
    _pause_s: float = field(init=False, default=SLICE_S)
    _late_s: float = field(init=False, default=0.0)
    """How much later than it says the source has its answers, as far as that was found out."""
    _incomplete: int = field(init=False, default=0)
    """Answers in a row that were not whole."""
    _snapshots: list[Snapshot] = field(init=False, default_factory=list)
    _slices: dict[float, _Sliced] = field(init=False, default_factory=dict)
    _marks: list[ModeMark] = field(init=False, default_factory=list)
    _mode: str = field(init=False, default="")
    _predicted: tuple[PredictedShare, ...] = field(init=False, default=())
    _predicted_s: float = field(init=False, default=0.0)
    _next_s: float = field(init=False, default=0.0)
    """Where the next slice begins."""

    def __post_init__(self) -> None:
        self._latest = LiveView(
            service=str(self.setting.service),
            client=str(self.setting.client),
            modes=tuple(mode.value for mode in RoutingMode),
        )

    def start(self) -> None:
        """Begin to look, in a thread of its own."""
        self._thread = threading.Thread(target=self._look_for_ever, name="eyes", daemon=True)
        self._thread.start()

    def view(self) -> LiveView:
        """What was seen last."""
        if self._thread is not None and not self._thread.is_alive() and not self._ended.is_set():
            fault = "Looking ended by a fault of samezone's own; start samezone web again."
            return replace(self._latest, problems=(fault,))
        return self._latest

    def stop(self) -> None:
        """Look no more; a look that goes on is not waited for long."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(2.0)

    def look(self) -> None:
        """One look: at the mode each time, at everything else where its time has come.

        Never raises for what is away.
        """
        now_s = self.setting.clock()
        is_there = self._try(_MODE, self._look_at_mode)
        if now_s - self._looked_s >= self.pause_s - SLICE_S / 2:
            self._looked_s = now_s
            self._look_at_all(is_there=is_there)
        self._show(self._whereabouts())

    def _look_at_all(self, *, is_there: bool) -> None:
        self._problems.pop(_PLACE, None)
        if is_there:  # else one line tells it
            self._try(_PLACE, self._look_at_place)
        where = self._whereabouts()
        if where is not None:
            self._try(_CALLS, lambda: self._look_at_source(where))
            self._show(where)  # a prediction takes its time
            self._try(_OUTLOOK, lambda: self._predict(where))

    @property
    def pause_s(self) -> float:
        """From one look at the source to the next: where each has its price, as seldom as it asks for."""
        return self._pause_s

    def _look_for_ever(self) -> None:
        with self._open:
            while not self._ended.is_set():
                self.look()
                self._ended.wait(SLICE_S)

    def _try(self, doing: str, look: Callable[[], Any]) -> bool:
        """Whether that could be done; if not, why is told until it can."""
        try:
            look()
        except (SamezoneError, OSError) as error:
            self._problems[doing] = f"{doing[0].upper()}{doing[1:]}: {error}"
            return False
        self._problems.pop(doing, None)
        return True

    def _look_at_mode(self) -> None:
        mode = mode_of(self.setting.cluster.service(self.setting.service)).value
        if self._mode and mode != self._mode:
            mark = ModeMark(at_s=self.setting.clock(), before=self._mode, mode=mode)
            self._marks = [*self._marks[-_MOST_MARKS:], mark]
            self._predicted_s = 0.0
        self._mode = mode

    def _look_at_place(self) -> None:
        setting, now_s = self.setting, self.setting.clock()
        snapshot = setting.cluster.snapshot(setting.namespaces)
        last = self._snapshots[-1] if self._snapshots else None
        if last is None or replace(snapshot, taken_at_s=last.taken_at_s) != last:
            # A pod that is gone may have called until a moment ago, and has a zone for as long.
            kept = [one for one in self._snapshots[:-1] if one.taken_at_s > now_s - 2 * WHOLE_S]
            self._snapshots = [*kept, *self._snapshots[-1:], snapshot]

    def _whereabouts(self) -> Whereabouts | None:
        if not self._snapshots:
            return None
        setting = self.setting
        return Whereabouts.of(self._snapshots, service=setting.service, client=setting.client)

    def _look_at_source(self, where: Whereabouts) -> None:
        if self._source is None:
            self._source = self._open.enter_context(self.setting.open_source(self.setting.place))
            self._pause_s = max(SLICE_S, self._source.patience.poll_s)
        try:
            self._read(self._source, where)
        except (ThrottledError, IncompleteError):
            raise
        except (SamezoneError, OSError):
            # Opened anew it finds renewed credentials, and another way where the one before was cut.
            self._source = None
            self._open.close()
            raise

    def _read(self, source: Source, where: Whereabouts) -> None:
        now_s = self.setting.clock()
        lag_s = max(LAG_S, source.patience.least_s) + self._late_s
        for start_s in [start for start in self._slices if start < now_s - KEPT_S]:
            del self._slices[start_s]
        end_s = float(math.floor(now_s - lag_s))
        start_s = max(self._next_s, end_s - max(LONGEST_S, 2 * math.ceil(self._pause_s)))
        if end_s - start_s >= self._pause_s:
            self._read_new(source, where, Window(start_s=start_s, end_s=end_s))
        old = [
            one
            for one in self._slices.values()
            if not one.is_whole and now_s - one.glimpse.window.end_s > lag_s + WHOLE_S
        ]
        for one in old[-_MOST_AGAIN:]:
            with suppress(IncompleteError):  # what it showed before is not worse
                self._ask(source, where, one.glimpse.window, is_whole=True)

    def _read_new(self, source: Source, where: Whereabouts, window: Window) -> None:
        """The newest slice; where the source has not all of it yet, it is asked later from now on."""
        try:
            self._ask(source, where, window, is_whole=False)
        except IncompleteError:
            self._incomplete += 1
            self._late_s = min(self._late_s + self._pause_s, MOST_LATE_S)
            if self._incomplete >= _TOLD_AFTER:
                raise
        else:
            self._incomplete = 0
            self._late_s *= _SOONER
            self._next_s = window.end_s

    def _ask(self, source: Source, where: Whereabouts, window: Window, *, is_whole: bool) -> None:
        question = Question(window=window, run_id=None)
        received = Received(answers=source.ask(question), window=window)
        if source.patience.most_traces and needs_sample(source.reader, received, where):
            rows = source.sample(question, min(TRACES, source.patience.traces)).rows
            received = replace(received, rows=rows)
        found = glimpse(source.reader, received, where, window)
        self._slices[window.start_s] = _Sliced(
            glimpse=found, point=picture.share_slice(found, where), is_whole=is_whole
        )

    def _glimpses(self) -> list[Glimpse]:
        return [self._slices[start].glimpse for start in sorted(self._slices)]

    def _predict(self, where: Whereabouts) -> None:
        setting, now_s = self.setting, self.setting.clock()
        if now_s - self._predicted_s < SCENE_S:
            return
        found = summed(picture.under_mode(self._glimpses(), (), picture.ENDPOINTS_S), where)
        scene = live_scene.read(setting.cluster, taken_at_s=now_s)
        self._predicted = picture.predicted(scene, found, setting.service, setting.client)
        self._predicted_s = now_s

    def _show(self, where: Whereabouts | None) -> None:
        glimpses = self._glimpses() if where is not None else []
        seen = self._latest
        if where is not None:
            seen = replace(
                seen,
                slices=tuple(self._slices[start].point for start in sorted(self._slices)),
                now=picture.calls_now(glimpses, self._marks, where),
            )
        if self._source is not None:
            lag_s = max(LAG_S, self._source.patience.least_s) + self._late_s
            seen = replace(seen, source=self._source.title, usual_s=lag_s + 2 * self._pause_s)
        if glimpses:
            seen = replace(seen, unit=glimpses[-1].basis.unit.value)
        self._latest = replace(
            seen,
            mode=self._mode,
            marks=tuple(self._marks),
            predicted=self._predicted,
            problems=tuple(self._problems.values()),
        )
