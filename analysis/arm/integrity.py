"""Whether a run's artifacts agree with one another: the load, the topology, the counts and the sample.

Each of them says again what another one says. A file that was cut off, edited, or taken from another run
disagrees, and then no figure made of it can be trusted, however good it looks.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from analysis.arm.pairs import Pair
from analysis.model import Placed
from analysis.placement import Timeline
from analysis.source.calls import Calls
from analysis.source.interface import Counts, CountUnit, Flaw, FlawKind
from analysis.source.needs import shown
from analysis.source.reckoning import Reckoned
from analysis.stages import AGAIN
from k8s.topology import ServiceKey, Snapshot
from loadtest.record import Caveat, LoadSeen, RunRecord, RunStatus, Window
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerTally

ANEW: Final = "the record was damaged or edited, so measure again"
SECOND_S: Final = 1.0
"""Sources are asked in whole seconds."""
SHARE: Final = 0.1
"""Of the time asked for, by which a complete run may be off, besides ``SLACK_S``."""
SLACK_S: Final = 5.0
"""A busy machine's."""
ENDING_S: Final = 30.0
"""To start and to stop the generators, besides the longest request."""
TOLERANCE: Final = 0.001
"""Of a generator's requests, what its own sums may be off before it matters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What collecting noted beside the source's answers."""

    window: Window
    """Asked for; what it has to be by the record is *wanted*."""
    wanted: Window
    polls: tuple[tuple[int, int], ...]
    """Calls and requests of each answer."""
    stable: bool
    reconciled: bool
    rows: int | None
    """Of the sample as it was drawn; None in older files."""
    has_sample: bool
    """There is a file with the sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What is held against each other."""

    record: RunRecord
    topology: Sequence[Snapshot]
    timeline: Timeline
    focus: Pair
    counts: Counts
    """As the source's reader reads them, before anything is told apart."""
    strays: tuple[str, ...]
    noted: Noted | None
    """None where nothing was stored."""
    rows: int
    """Of the sample."""
    reckoned: Reckoned
    """The load generator's own among them."""


def flaws(found: Material) -> tuple[Flaw, ...]:
    """Everything in which the artifacts of a run contradict themselves or each other."""
    record = found.record
    return (
        *found.counts.flaws,
        *(() if found.noted is None else _of_noted(found, found.noted)),
        *_of_sample(found),
        *_of_topology(found),
        *_of_endpoints(found),
        *(() if record.seen.measured is None else _of_load(record, record.seen.measured)),
    )


def caveats(found: Sequence[Flaw]) -> tuple[Caveat, ...]:
    """Each of them as a footnote."""
    return tuple(
        Caveat(code=f"integrity-{one.kind.value}", text=f"{one.text[0].upper()}{one.text[1:]}.")
        for one in found
    )


def _of_noted(found: Material, noted: Noted) -> Iterator[Flaw]:
    """What collecting wrote down against what is there now."""
    off_s = max(
        abs(noted.window.start_s - noted.wanted.start_s), abs(noted.window.end_s - noted.wanted.end_s)
    )
    if off_s > SECOND_S:
        text = f"the counts are of another window than the record's, {off_s:.0f} s off; {AGAIN}"
        yield Flaw(kind=FlawKind.WINDOW, text=text)
    calls = Calls.of(found.counts.calls).total
    requests = found.reckoned.seen
    if noted.polls and noted.polls[-1] != (calls, requests):
        then = noted.polls[-1]
        noun, own = "calls", "requests"
        if found.counts.unit is not CountUnit.REQUESTS:
            noun, own = found.counts.unit.value, "of the load generator"
        text = (
            f"there are {calls} {noun} and {requests} {own}, but collecting counted {then[0]} and "
            f"{then[1]}; {AGAIN}"
        )
        yield Flaw(kind=FlawKind.COUNTS, text=text)
    if noted.polls and noted.stable != (noted.polls[-1:] == noted.polls[-2:-1]):
        said = "final" if noted.stable else "not final"
        text = f"the counts are said to be {said}, and the last two answers say otherwise; {AGAIN}"
        yield Flaw(kind=FlawKind.COUNTS, text=text)
    is_whole = requests == found.reckoned.made
    if is_whole and not noted.reconciled and found.counts.unit is CountUnit.REQUESTS:
        text = f"the counts are said to lack requests of the generator, and lack none; {AGAIN}"
        yield Flaw(kind=FlawKind.COUNTS, text=text)
    if not noted.has_sample:
        yield Flaw(kind=FlawKind.SAMPLE, text=f"the file with the sample of traces is missing; {AGAIN}")
    elif noted.rows is not None and noted.rows != found.rows:
        text = f"{found.rows} traces are there of the {noted.rows} that were read; {AGAIN}"
        yield Flaw(kind=FlawKind.SAMPLE, text=text)


def _of_sample(found: Material) -> Iterator[Flaw]:
    """Traces that are marked, all of them with other runs' marks, are not this run's."""
    marks = {root.run_id for root in found.counts.sample.roots if root.run_id}
    if marks and found.record.run_id not in marks:
        text = (
            f"none of {found.counts.sample.traces} traces is this run's, but {shown(tuple(sorted(marks)))}'s"
        )
        yield Flaw(kind=FlawKind.SAMPLE, text=f"{text}; {AGAIN}")
    states = [
        (place.zone, one)
        for one in found.counts.sample.zones
        if one.zone is not None and isinstance(place := found.timeline.place(one.name), Placed)
    ]
    differing = [one.name for zone, one in states if zone != one.zone]
    if differing:
        text = (
            f"{len(differing)} of {len(states)} sampled records state another zone than their pod's, e.g. of "
            f"{differing[0]}; the collector may state its own, or the topology is another's"
        )
        yield Flaw(kind=FlawKind.TOPOLOGY, text=text, is_slight=True)


def _of_topology(found: Material) -> Iterator[Flaw]:
    """Snapshots reach from before the load to after it, in order, and show every pod that takes part."""
    times, window = [one.taken_at_s for one in found.topology], found.record.measured
    if any(later < earlier for earlier, later in pairwise(times)):
        text = (
            "the snapshots are not in the order of time: the clock was set, or the file edited; measure again"
        )
        yield Flaw(kind=FlawKind.TOPOLOGY, text=text)
    if not times:
        text = "no snapshot shows where the pods were; measure again"
        yield Flaw(kind=FlawKind.TOPOLOGY, text=text)
    elif window is not None:
        quiet_s = found.record.asked.plan.quiet_s + SECOND_S
        late_s, early_s = min(times) - window.start_s - quiet_s, window.end_s - quiet_s - max(times)
        if late_s > 0 or early_s > 0:
            text = (
                f"the topology is known from {min(times) - window.start_s:.0f} s to "
                f"{max(times) - window.start_s:.0f} s after the window's start, not for all of its "
                f"{window.length_s:.0f} s; measure again"
            )
            yield Flaw(kind=FlawKind.TOPOLOGY, text=text)
    if found.strays:
        text = (
            f"{len(found.strays)} pods that made or took calls are in no snapshot: {shown(found.strays)}; "
            "have them stay while it is measured, and measure again"
        )
        yield Flaw(kind=FlawKind.TOPOLOGY, text=text)


def _of_endpoints(found: Material) -> Iterator[Flaw]:
    """A slice says again on which node and in which zone a pod is, and whose pods a Service leads to."""
    asked = found.record.asked
    whose = {asked.client: found.focus[0], asked.service: found.focus[1]}
    elsewhere: dict[str, str] = {}
    others: dict[ServiceKey, set[str]] = {}
    for snapshot in found.topology:
        nodes = {node.name: node.zone for node in snapshot.nodes}
        pods = {(pod.namespace, pod.name): pod for pod in snapshot.pods}
        for one in snapshot.slices:
            key = ServiceKey(namespace=one.namespace, name=one.service)
            for endpoint in one.endpoints:
                if endpoint.pod is None or (pod := pods.get((one.namespace, endpoint.pod))) is None:
                    continue
                if endpoint.node is not None and pod.node is not None and endpoint.node != pod.node:
                    elsewhere[pod.name] = f"is on node {pod.node}, and by its endpoint on {endpoint.node}"
                elif pod.node in nodes and endpoint.zone is not None and endpoint.zone != nodes[pod.node]:
                    zone = nodes[pod.node] or "no zone"
                    elsewhere[pod.name] = f"is in {zone}, and by its endpoint in {endpoint.zone}"
                if key in whose and found.timeline.workload(pod.name) != whose[key]:
                    others.setdefault(key, set()).add(pod.name)
    if elsewhere:
        name, why = next(iter(sorted(elsewhere.items())))
        text = f"of {len(elsewhere)} pods the topology says two things: {name} {why}; measure again"
        yield Flaw(kind=FlawKind.TOPOLOGY, text=text)
    for key, names in others.items():
        text = (
            f"{len(names)} pods behind Service {key} are of another workload than {whose[key]}: "
            f"{shown(tuple(sorted(names)))}; their calls are in pairs of their own"
        )
        yield Flaw(kind=FlawKind.TOPOLOGY, text=text, is_slight=True)


def _of_load(record: RunRecord, load: LoadSeen) -> Iterator[Flaw]:
    """Seconds, windows, and the sums of what each worker told."""
    for why in _times(record.asked.plan, record.status, record.measured, load):
        yield Flaw(kind=FlawKind.LOAD, text=f"{why}; {ANEW}")
    seen = Counter((one.worker, one.process, one.seat, one.turn) for one in load.workers)
    if twice := [name for (name, *_), times in seen.items() if times > 1]:
        text = f"a worker is there more than once: {shown(tuple(twice))}; {ANEW}"
        yield Flaw(kind=FlawKind.LOAD, text=text)
    for worker in load.workers:
        for what, parts, whole, slack in _sums(worker, record.asked.plan):
            if (off := abs(parts - whole)) > slack:
                yield Flaw(
                    kind=FlawKind.LOAD,
                    text=f"worker {worker.worker}: {what} are {parts}, not {whole}; {ANEW}",
                    is_slight=off <= TOLERANCE * max(whole, 1),
                )


def _times(plan: LoadPlan, status: RunStatus, window: Window | None, load: LoadSeen) -> Iterator[str]:
    if load.seconds <= 0:
        yield f"the load lasted {load.seconds:g} s"
    elif status is RunStatus.COMPLETE and not (
        plan.duration_s * (1 - SHARE) - SECOND_S <= load.seconds <= plan.duration_s * (1 + SHARE) + SLACK_S
    ):
        yield f"the load lasted {load.seconds:.1f} s of the {plan.duration_s:g} s asked for"
    if window is not None:
        rest_s = window.length_s - load.seconds
        most_s = 2 * plan.quiet_s + plan.timeout_s + ENDING_S
        if not -SECOND_S <= rest_s <= most_s:
            yield f"{load.seconds:.1f} s of load are in a window of {window.length_s:.1f} s"
        for worker in load.workers:
            if worker.last_s - worker.first_s > window.length_s + SECOND_S:
                yield (
                    f"worker {worker.worker} sent for {worker.last_s - worker.first_s:.1f} s in a window of "
                    f"{window.length_s:.1f} s"
                )


def _sums(worker: WorkerTally, plan: LoadPlan) -> Iterator[tuple[str, int, int, int]]:
    """(what, the sum of its parts, what it has to be, by how much it may be off), where parts were kept."""
    good = worker.requests - worker.failures
    if worker.pages:
        yield "requests by page", sum(one.requests for one in worker.pages), worker.requests, 0
        yield "failures by page", sum(one.failures for one in worker.pages), worker.failures, 0
    for name, histogram in (
        ("response times", worker.latency),
        ("from the intended start", worker.latency_intended),
    ):
        if histogram.counts:
            yield name, histogram.total, good, 0
    if worker.lateness.counts:
        # A request is late when it starts, and counted when it ends.
        yield "start lags", worker.lateness.total, worker.requests + worker.in_flight, plan.users
