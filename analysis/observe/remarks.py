"""What to know before believing an observation: caveats as values (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from analysis import stages
from analysis.arm import caveats as basis
from analysis.arm import integrity
from analysis.arm.splitting import Ours
from analysis.observe.observed import ObservedPair
from analysis.placement import Timeline
from analysis.source.interface import Counts, CountUnit
from analysis.source.needs import TO_SET, shown, unplaced_names
from loadtest.record import Caveat, Place, Window

OBSERVED = "observed"
"""Code of the first one: every observation has it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Remarks:
    """What there is to remark upon."""

    place: Place
    window: Window
    watched: bool
    taken_at_s: float
    """When the cluster was looked at last, seconds since the epoch."""
    counts: Counts
    found: Ours
    timeline: Timeline
    pairs: tuple[ObservedPair, ...]
    stable: bool
    left_out: tuple[str, ...]
    gaps: tuple[str, ...]
    again: str
    """The command that watches the same from now on."""
    looked_at: bool = True
    """Whether there was a cluster to look at."""


def caveats(about: Remarks) -> tuple[Caveat, ...]:
    """The one that everything is under first."""
    return (
        Caveat(
            code=OBSERVED,
            text="Nobody fixed who called whom, how often and from which zone, so "
            "a difference from another window may be the traffic's and not the routing's.",
        ),
        *integrity.caveats(
            [replace(one, text=stages.of_observation(one.text)) for one in about.counts.flaws]
        ),
        *_of_counts(about),
        *_of_places(about),
    )


def of_window(window: Window) -> str:
    """A window in a message, as it can be given to ``--window``."""
    return f"{_moment(window.start_s)}/{_moment(window.end_s)}"


def _moment(at_s: float) -> str:
    try:
        return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return f"{at_s:g}"


def _of_counts(about: Remarks) -> Iterator[Caveat]:
    counts, found = about.counts, about.found
    yield from basis.of_basis(counts, is_run=False)
    if about.place.platform != "lab" and not counts.members_only:
        yield Caveat(
            code="traced-calls",
            text=f"Only traced calls are counted. How many are traced is not known here ({counts.title}'s "
            "own rule takes one request a second and 5 % of the others): calls a second, bytes and money are "
            "at least what is shown, and shares hold for all calls as far as tracing picks requests by "
            "chance.",
        )
    if not about.stable:
        yield Caveat(
            code="not-stable",
            text=f"The counts of {counts.title} were still changing when waiting for them ended.",
        )
    runs = sorted({root.run_id for root in counts.sample.roots if root.run_id})
    if runs:
        yield Caveat(
            code="our-load",
            text=f"Load of samezone itself is in the window and in every figure: run {', '.join(runs)}.",
        )
    if counts.lost:
        calls = sum(one.count for one in counts.lost)
        yield Caveat(
            code="documents-lost",
            text=f"{calls} calls have no callee's segment: they are unknown, under what is known of the "
            "callee.",
        )
    if found.disagreements:
        beyond = sum(one.sampled - one.counted for one in found.disagreements)
        yield Caveat(code="traces-disagree", text=f"The traces hold {beyond} calls that the graph does not.")
    if counts.sample.misnamed:
        yield Caveat(
            code="pods-misnamed",
            text=f"{counts.sample.misnamed} sampled calls name another pod than the address they came from: "
            "the collector takes pods' names from the connection; let it read the resource first.",
        )
    if not counts.sample.traces and counts.unit is CountUnit.REQUESTS:
        yield Caveat(
            code="no-traces",
            text="No single trace was read: connections cannot be told apart, so each pod pair is taken for "
            "one, the widest interval.",
        )
    yield from (Caveat(code="left-out", text=text) for text in about.left_out)


def _of_places(about: Remarks) -> Iterator[Caveat]:
    counts, found, timeline = about.counts, about.found, about.timeline
    if not about.looked_at:
        text = (
            f"No cluster was looked at ({about.place.context}): zones are those that {counts.title} states, "
            "and what a Service setting would change is not known."
        )
        yield Caveat(code="no-cluster", text=text)
    elif not about.watched and (counts.basis.names_pods or found.is_split):
        yield Caveat(
            code="topology-now",
            text=f"Where the pods were in the window is taken from how the cluster was at "
            f"{_moment(about.taken_at_s)}: pods that were gone by then are in no zone, and one that moved "
            f"since counts where it is now. To watch it meanwhile: {about.again}.",
        )
    names = {name for call in found.counts.calls for name in (call.client, call.server)}
    strays = tuple(sorted(filter(timeline.is_stray, names))) if counts.basis.names_pods else ()
    if strays:
        calls = sum(
            call.count for call in found.counts.calls if call.client in strays or call.server in strays
        )
        yield Caveat(
            code="pods-gone",
            text=f"{len(strays)} pods that no look at the cluster shows ({shown(strays)}) have part in "
            f"{calls} calls, whose zones are unknown.",
        )
    if found.is_split:
        whole = "every trace of the window" if found.is_whole else "a sample: the other calls are in no zone"
        yield Caveat(
            code="split-by-traces",
            text=f"{counts.title} names services, not pods: zones are known from {found.traces} traces, "
            f"{whole}.",
        )
    unplaced = tuple(one for one in unplaced_names(found.counts, timeline) if one not in strays)
    if unplaced and counts.members_only:
        text = f"{shown(unplaced)}: {counts.title} states no zone for some of their {counts.unit.value}."
        yield Caveat(code="names-unplaced", text=text)
    elif unplaced:
        text = f"{shown(unplaced)}: no pod has that name, and no trace says which pod it was; {TO_SET}."
        yield Caveat(code="names-unplaced", text=text)
    if about.gaps:
        yield Caveat(code="gaps", text=f"Not read of the cluster: {'; '.join(about.gaps)}.")
    if any(one.cost.bytes_source.startswith("assumed") for one in about.pairs):
        yield Caveat(
            code="bytes-assumed",
            text="Bytes of a call are assumed where neither --request-bytes and --response-bytes nor "
            "annotations of the Service (samezone.dev/request-bytes, samezone.dev/response-bytes) tell them; "
            "money is in proportion to them.",
        )
