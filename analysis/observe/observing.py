"""Only look at a place: ask a source for all calls of a window, and the cluster where their pods were."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from analysis.arm.result import AssumedBytes
from analysis.jobs.measuring import OpenSource
from analysis.observe.apart import told_apart
from analysis.observe.observed import SCHEMA, Observation, Scope
from analysis.observe.reading import Gathered, facts_of_place, keys_missing, observation
from analysis.placement import Timeline
from analysis.source.calls import Calls
from analysis.source.collect import SETTLE_S, Asking, GraphFile, Poll
from analysis.source.interface import Answers, Counts, CountUnit, Drawn, Patience, Question, Received, Source
from analysis.source.needs import shown, unplaced_names
from k8s.effects import Say
from k8s.errors import UsageError
from k8s.model.scene import Scene
from k8s.topology import Snapshot
from loadtest import rundir
from loadtest.record import Place, Window
from loadtest.swarm.platforms import Watchable
from loadtest.window.topology_log import TopologyLog

ARM: Final = "observed"
"""What the folder is called, behind its time."""
DEBOUNCE_S: Final = 2.0
"""Changes of a whole cluster that come within so long are looked at together."""
_STEP_S: Final = 5.0
"""Between looks at the clock while calls are waited for."""


class ObservedPlace(Protocol):
    """What looking needs of a place; nothing of it is changed."""

    @property
    def watchable(self) -> Watchable:
        """Its API server, all namespaces at once."""

    def facts(self) -> Place:
        """Which place it is."""

    def scene(self) -> Scene:
        """Everything routing depends on, as it is now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveSession:
    """What looking may use."""

    open_place: Callable[[], ObservedPlace]
    open_source: OpenSource
    clock: Callable[[], float]
    """Seconds since the epoch, by a clock that nobody sets."""
    sleep: Callable[[float], None]
    say: Say
    versions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveRequest:
    """What to look at."""

    wait_s: float | None = None
    """Watch for so long, and then read what was called meanwhile; None: *window* is over already."""
    window: Window | None = None
    scope: Scope
    assumed: AssumedBytes
    runs: Path
    """Folder of the run folders."""
    reach: tuple[str, ...] = ()
    """Options that reach the place and the source again, for what is advised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """An observation and its folder."""

    observation: Observation
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Topology:
    scene: Scene
    snapshots: tuple[Snapshot, ...]
    window: Window
    watched: bool
    trouble: tuple[str, ...] = ()


def observe(session: ObserveSession, request: ObserveRequest) -> Looked:
    """Look, and keep what was seen in a folder of its own.

    UnreachableError where cluster or source do not answer, InvalidRunError where there is no call.
    """
    place = session.open_place()
    facts = place.facts()
    with session.open_source(facts) as source:
        asking = _asking(session, source)
        asking.until_answered(source.preflight)
        topology = _watch(session, place, request)
        if missing := keys_missing(topology.scene, request.scope):
            raise UsageError(
                f"observing: no Service {', '.join(map(str, missing))} in {topology.scene.source}"
            )
        graph, counts = _poll(session, source, asking, topology)
        question = Question(window=topology.window, run_id=None)
        most, why = _sample_size(counts, topology, source.patience)
        if why:
            session.say(why)
        drawn: Drawn = asking.until_answered(partial(source.sample, question, most))
        reader = source.reader
    material = Gathered(
        place=facts,
        scene=topology.scene,
        snapshots=topology.snapshots,
        watched=topology.watched,
        window=topology.window,
        reader=reader,
        received=Received(answers=graph.queries, rows=drawn.rows, window=topology.window),
        stable=graph.stable,
        left_out=(*drawn.left_out, *map(_watching, topology.trouble)),
        scope=request.scope,
        assumed=request.assumed,
        reach=request.reach,
        created_s=session.clock(),
        versions=session.versions,
    )
    found = observation(material)
    return Looked(
        observation=found,
        folder=keep(request.runs, found, graph=replace(graph, sampled=len(drawn.rows)), material=material),
    )


def keep(root: Path, found: Observation, *, graph: GraphFile, material: Gathered) -> Path:
    """Write an observation, and what it is made of, into a new folder below *root*."""
    folder = rundir.create(root, ARM, now_s=found.created_s)
    rundir.write_lines(folder / rundir.TOPOLOGY, material.snapshots)
    rundir.write_lines(folder / rundir.TRACES, material.received.rows)
    rundir.write_packed(folder / rundir.GRAPH, graph)
    rundir.write_json(folder / rundir.OBSERVATION, found)
    return folder


def is_observation(folder: Path) -> bool:
    """Whether it is the folder of an observation."""
    return (folder / rundir.OBSERVATION).is_file()


def read_observation(folder: Path) -> Observation:
    """The observation of a folder; UsageError where there is none."""
    if not is_observation(folder):
        raise UsageError(
            f"reading observation {folder}: it holds no {rundir.OBSERVATION}; make one: samezone observe"
        )
    return rundir.read_json(folder / rundir.OBSERVATION, Observation, schema=SCHEMA)


def _watching(trouble: str) -> str:
    return f"Watching the cluster was interrupted ({trouble}); a pod that lived only then may be unknown."


def _asking(session: ObserveSession, source: Source) -> Asking:
    return Asking.of(source, source.patience, clock=session.clock, sleep=session.sleep, say=session.say)


def _watch(session: ObserveSession, place: ObservedPlace, request: ObserveRequest) -> _Topology:
    """The cluster now or, where calls are waited for, at the start, at every change and at the end."""
    if request.wait_s is None:
        if request.window is None:
            raise UsageError("observing: give a window, or how long to wait")
        scene = place.scene()
        return _Topology(scene=scene, snapshots=(scene.snapshot,), window=request.window, watched=False)
    log = TopologyLog(place.watchable, None, debounce_s=DEBOUNCE_S)
    log.start()
    start_s = float(int(session.clock())) + 1
    session.say(f"watching for {request.wait_s:g} s; nothing is sent and nothing is changed")
    try:
        while (left_s := start_s + request.wait_s - session.clock()) > 0:
            session.sleep(min(_STEP_S, left_s))
    finally:
        snapshots = log.stop()
    return _Topology(
        scene=place.scene(),
        snapshots=snapshots,
        window=Window(start_s=start_s, end_s=start_s + max(1, round(request.wait_s))),
        watched=True,
        trouble=log.trouble,
    )


def _poll(
    session: ObserveSession, source: Source, asking: Asking, topology: _Topology
) -> tuple[GraphFile, Counts]:
    """Ask until two answers are equal; nobody's own count says when they are whole."""
    question = Question(window=topology.window, run_id=None)
    facts, patience = facts_of_place(topology.snapshots), source.patience
    polls: list[Poll] = []
    began_s = session.clock()
    # What is older than the source's patience cannot change any more.
    is_old = began_s - topology.window.end_s >= patience.most_s
    while True:
        answers: Answers = asking.until_answered(partial(source.ask, question))
        counts = source.reader.read(Received(answers=answers), facts)
        polls.append(_summed(counts, session.clock()))
        age_s = polls[-1].at_s - topology.window.end_s
        same = len(polls) > 1 and replace(polls[-1], at_s=0) == replace(polls[-2], at_s=0)
        stable = is_old or (same and age_s >= max(patience.least_s, SETTLE_S))
        if stable or polls[-1].at_s - began_s >= patience.most_s:
            break
        session.sleep(patience.poll_s)
    noun = "calls" if counts.unit is CountUnit.REQUESTS else counts.unit.value
    session.say(f"{source.title} shows {polls[-1].calls} {noun} between services")
    queries = tuple(tuple(dict(page) for page in query) for query in answers)
    graph = GraphFile(
        source=source.name,
        window=topology.window,
        queries=queries,
        polls=tuple(polls),
        stable=stable,
        reconciled=False,
    )
    return graph, counts


def _summed(counts: Counts, at_s: float) -> Poll:
    return Poll(
        at_s=at_s,
        calls=Calls.of(counts.calls).total,
        requests=sum(one.count for one in counts.entries),
    )


def _sample_size(counts: Counts, topology: _Topology, patience: Patience) -> tuple[int, str]:
    """A sample is enough where the counts name pods; else only traces say from which pod to which."""
    names = unplaced_names(counts, Timeline(told_apart(topology.snapshots)))
    if not names or not patience.most_traces:
        return patience.traces, ""
    price = f" ({patience.price})" if patience.price else ""
    why = (
        f"{shown(names)}: no pod has that name; reading the traces of the window, up to "
        f"{patience.most_traces}{price}"
    )
    return patience.most_traces, why
