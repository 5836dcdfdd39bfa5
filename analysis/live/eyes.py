"""Looks at the source of calls and at the cluster, again and again, beside whatever else goes on.

Each look asks for what is new since the last one: a slice of a few seconds. It is shown as soon as the source
may have it, and asked for once more when it must have all of it: pods hand over what they saw in batches.
"""

import math
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from analysis.jobs.measuring import OpenSource
from analysis.live import picture
from analysis.live.glimpse import Glimpse, Whereabouts, glimpse, needs_sample, summed
from analysis.source.interface import IncompleteError, Question, Received, Source
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
        """One look at both; never raises for what is away."""
        problems: list[str] = []
        self._try(problems, "reading the cluster", self._look_at_place)
        where = self._whereabouts()
        if where is not None:
            self._try(problems, "reading the calls", lambda: self._look_at_source(where))
            self._show(where, problems)  # a prediction takes its time
            self._try(problems, "predicting", lambda: self._predict(where))
        self._show(where, problems)

    @property
    def pause_s(self) -> float:
        """From one look to the next: where each look has its price, as seldom as its source asks for."""
        return SLICE_S if self._source is None else max(SLICE_S, self._source.patience.poll_s)

    def _look_for_ever(self) -> None:
        with self._open:
            while not self._ended.is_set():
                self.look()
                self._ended.wait(self.pause_s)

    def _try(self, problems: list[str], doing: str, look: Callable[[], Any]) -> None:
        try:
            look()
        except (SamezoneError, OSError) as error:
            problems.append(f"{doing[0].upper()}{doing[1:]}: {error}")

    def _look_at_place(self) -> None:
        setting, now_s = self.setting, self.setting.clock()
        snapshot = setting.cluster.snapshot(setting.namespaces)
        mode = mode_of(setting.cluster.service(setting.service)).value
        if self._mode and mode != self._mode:
            self._marks = [*self._marks[-_MOST_MARKS:], ModeMark(at_s=now_s, before=self._mode, mode=mode)]
            self._predicted_s = 0.0
        self._mode = mode
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
        source, now_s = self._source, self.setting.clock()
        lag_s = max(LAG_S, source.patience.least_s)
        shortest_s = max(SLICE_S, source.patience.poll_s)
        for start_s in [start for start in self._slices if start < now_s - KEPT_S]:
            del self._slices[start_s]
        end_s = float(math.floor(now_s - lag_s))
        start_s = max(self._next_s, end_s - max(LONGEST_S, 2 * math.ceil(shortest_s)))
        if end_s - start_s >= shortest_s:
            self._ask(source, where, Window(start_s=start_s, end_s=end_s), is_whole=False)
            self._next_s = end_s
        old = [
            one
            for one in self._slices.values()
            if not one.is_whole and now_s - one.glimpse.window.end_s > lag_s + WHOLE_S
        ]
        for one in old[-_MOST_AGAIN:]:
            self._ask(source, where, one.glimpse.window, is_whole=True)

    def _ask(self, source: Source, where: Whereabouts, window: Window, *, is_whole: bool) -> None:
        question = Question(window=window, run_id=None)
        try:
            received = Received(answers=source.ask(question), window=window)
        except IncompleteError:
            return  # asked for again once it must be whole
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

    def _show(self, where: Whereabouts | None, problems: Sequence[str]) -> None:
        glimpses = self._glimpses() if where is not None else []
        seen = self._latest
        if where is not None:
            seen = replace(
                seen,
                slices=tuple(self._slices[start].point for start in sorted(self._slices)),
                now=picture.calls_now(glimpses, self._marks, where),
            )
        if self._source is not None:
            seen = replace(seen, source=self._source.title)
        if glimpses:
            seen = replace(seen, unit=glimpses[-1].basis.unit.value)
        self._latest = replace(
            seen,
            mode=self._mode,
            marks=tuple(self._marks),
            predicted=self._predicted,
            problems=tuple(problems),
        )
