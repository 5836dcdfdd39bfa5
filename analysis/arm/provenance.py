"""Where names and counts came from, and what does not fit: caveats, and refusals where nothing is left."""

import re
from collections import Counter
from typing import Final

from analysis import stages
from analysis.arm.inputs import ArmInputs
from analysis.model import Loss, PairResult
from analysis.source.interface import Sample
from analysis.source.needs import TO_SET, shown, unplaced_names
from analysis.statistics.interval import Interval
from k8s.errors import InvalidRunError
from loadtest.record import Caveat

DISAGREE: Final = 0.01
"""Sampled calls beyond those counted, of all sampled, above which traces and counts are of different windows.
"""
_REGION: Final = re.compile(r"([a-z]{2,3}(?:-[a-z]+)+-\d+)(?:[a-z]|-.*)?")


def refuse(inputs: ArmInputs) -> None:
    """InvalidRunError where the counts cannot be of this run: no hop between services, or others' traces."""
    counts, where = inputs.counts, f"reading run {inputs.folder}"
    if counts.members_only and not counts.calls:
        raise InvalidRunError(
            f"{where}: {counts.title} counted no {counts.unit.value} in the window; does it scrape the pods "
            "under study, and is the profile that of what they run?"
        )
    if not (counts.calls or counts.lost or inputs.ours.unplaced or inputs.ours.other):
        what = (
            "requests enter, but no service calls another"
            if counts.entries
            else "no node of it calls another"
        )
        raise InvalidRunError(
            f"{where}: {counts.title} shows no call at all: {what}; the services' spans do not reach it, or "
            "trace context is not passed on (set the same OTEL_PROPAGATORS in all of them)"
        )
    found = inputs.ours
    beyond = sum(one.sampled - one.counted for one in found.disagreements)
    sampled = len(counts.sample.calls)
    if found.is_split and beyond > DISAGREE * sampled:
        worst = max(found.disagreements, key=lambda one: one.sampled - one.counted)
        raise InvalidRunError(
            f"{where}: traces and graph disagree: of {worst.client} to {worst.server} the traces hold "
            f"{worst.sampled} calls and the graph {worst.counted}; they are of different windows or runs, "
            f"collect both again: {stages.of_run(stages.COLLECT, inputs.path or inputs.folder)}"
        )


def of_names(inputs: ArmInputs, pair: PairResult) -> tuple[Caveat, ...]:
    """How the pair's calls were placed, and who else called."""
    found, counts = inputs.ours, inputs.counts
    caveats: list[tuple[str, str]] = []
    if found.is_split:
        placed = pair.same_zone + pair.cross_zone
        text = (
            f"{counts.title} names services, not pods: zones are known from {found.traces} traces, for "
            f"{placed} of {pair.calls} calls of the pair"
        )
        text += (
            ", every trace of the run."
            if found.is_whole
            else f" ({100 * placed / max(pair.calls, 1):.0f} %); the other calls are in no zone, and the "
            "interval includes the sampling."
        )
        caveats.append(("split-by-traces", text))
    names = tuple(one for one in unplaced_names(counts, inputs.timeline) if one not in inputs.strays)
    if names and counts.members_only:
        text = f"{shown(names)}: {counts.title} states no zone for some of their {counts.unit.value}."
        caveats.append(("names-unplaced", text))
    elif names:
        text = f"{shown(names)}: no pod has that name, and no trace says which pod it was; {TO_SET}."
        caveats.append(("names-unplaced", text))
    if found.other is not None:
        calls = sum(one.calls for one in found.other.calls)
        how = " (estimated from a sample of the run's traces)" if found.other.is_estimate else ""
        text = (
            f"Other traffic in the window: {found.other.requests} requests and {calls} calls between services"
            f"{how}; it is in no figure."
        )
        caveats.append(("other-traffic", text))
    if found.disagreements and not found.is_split:
        beyond = sum(one.sampled - one.counted for one in found.disagreements)
        text = f"The traces hold {beyond} calls that the graph does not; connections are not read from those."
        caveats.append(("traces-disagree", text))
    if counts.sample.misnamed:
        text = (
            f"{counts.sample.misnamed} sampled calls name another pod than the address they came from: the "
            "collector takes pods' names from the connection; let it read the resource first."
        )
        caveats.append(("pods-misnamed", text))
    if regions := _other_regions(counts.sample, inputs.record.place.region):
        count = sum(regions.values())
        text = (
            f"{count} sampled segments state zones of {', '.join(sorted(regions))}, not of "
            f"{inputs.record.place.region}: pods of another region are in no zone here."
        )
        caveats.append(("two-regions", text))
    return tuple(Caveat(code=code, text=text) for code, text in caveats)


def of_rate(rate: Interval | None, loss: Loss, *, title: str) -> tuple[Caveat, ...]:
    """Sampled tracing, by name."""
    if rate is None:
        return ()
    text = (
        f"Tracing is sampled: {title} has {loss.graph_requests} of the generator's "
        f"{loss.generator_requests} requests, {100 * rate.estimate:.1f} % ({100 * rate.low:.1f} to "
        f"{100 * rate.high:.1f} %), whole traces and evenly; calls a second and cost are scaled up "
        "by it, shares are those of the traced calls."
    )
    return (Caveat(code="tracing-sampled", text=text),)


def _other_regions(sample: Sample, region: str) -> Counter[str]:
    """Regions of stated zones other than the place's, where both are named as AWS names them."""
    found = Counter(
        match[1] for one in sample.zones if one.zone and (match := _REGION.fullmatch(one.zone)) is not None
    )
    if _REGION.fullmatch(region):
        del found[region]
    elif len(found) == 1:
        return Counter()
    return found
