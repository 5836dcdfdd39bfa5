"""The same-zone share over many runs: one row a run, and when it changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.arm.inputs import ArmInputs
from analysis.arm.result import AssumedBytes, arm_result
from analysis.source.choice import counted_by
from analysis.statistics import changepoints
from analysis.statistics.interval import Interval
from analysis.statistics.latency_ratios import Latencies
from analysis.verdict import gates, windows
from analysis.verdict.compared import Comparison
from analysis.verdict.judged import Decision
from k8s.errors import InvalidRunError, UsageError
from loadtest.record import RunRecord, RunStatus

COUNTED_BY_DEFAULT: Final = counted_by(())
"""Who counted the calls of runs that do not say."""
SEED: Final = 1
"""Of the permutations: the same history shows the same changes each time it is looked at."""
_LEAST_FOR_P99: Final = 100
"""Of fewer calls the 99th percentile is just the longest one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One stored run."""

    folder: str
    at_s: float
    """When its measured window began."""
    context: str
    service: str
    """``namespace/name``."""
    mode: str
    share: Interval
    """Of same-zone calls; n counts connections."""
    calls: int
    unknown: int
    p99_s: float | None
    """Of single sampled calls, both kinds."""
    decision: Decision | None
    """Of its comparison with a baseline, where it has one that was judged."""
    source: str = COUNTED_BY_DEFAULT
    """Who counted the calls: shares of requests and of connections are not the same thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A change of the share between two runs."""

    last: str
    """The folder of the last run before it."""
    last_at_s: float
    first: str
    """The folder of the first run after it."""
    first_at_s: float
    before: float
    after: float
    """Weighted mean shares up to the change before or after this one."""
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """All runs of one mode at one Service of one context, of one source, in the order of time."""

    context: str
    service: str
    mode: str
    runs: tuple[Run, ...]
    shifts: tuple[Shift, ...]
    enough: bool
    """Whether there were runs enough to find any change."""
    source: str = COUNTED_BY_DEFAULT
    """Who counted the calls."""


def run_of(inputs: ArmInputs, comparison: Comparison | None) -> Run:
    """A run's row; InvalidRunError or UsageError for a run that is no evidence, saying why."""
    record = inputs.record
    if record.status is not RunStatus.COMPLETE:
        raise not_comparable(inputs.folder, record)
    result = arm_result(inputs, assumed=AssumedBytes())
    pair = result.pairs[0]
    if pair.share is None:
        raise UsageError(f"run {inputs.folder}: no call between the pods under study has both zones known")
    found = windows.measured(inputs, result, label=inputs.folder)
    for gate in gates.of_window(found.evidence):
        if gate.name in gates.INTEGRITY and not gate.passed:
            raise InvalidRunError(f"run {inputs.folder}: gate {gate.name.value}: {gate.seen}")
    return Run(
        folder=inputs.folder,
        at_s=result.window.start_s,
        context=record.place.context,
        service=str(record.asked.service),
        mode=record.asked.mode,
        share=pair.share,
        calls=pair.calls,
        unknown=pair.unknown,
        p99_s=_p99_s(found.latencies),
        decision=None if comparison is None else comparison.decision,
        source=counted_by(record.counting),
    )


def not_comparable(folder: str, record: RunRecord) -> InvalidRunError:
    """Why a run that did not come to its end is no point of a history."""
    if record.status is RunStatus.RUNNING:
        return InvalidRunError(f"run {folder}: it goes on, or was cut off, so it is not comparable")
    return InvalidRunError(f"run {folder}: it was {record.status.value}, so it is not comparable")


def _p99_s(latencies: Latencies) -> float | None:
    """By nearest rank, weighted by calls."""
    if latencies.calls < _LEAST_FOR_P99:
        return None
    order = np.argsort(latencies.value_s)
    below = np.cumsum(latencies.count[order])
    place = int(np.searchsorted(below, 0.99 * latencies.calls))
    return float(latencies.value_s[order][min(place, len(order) - 1)])


def series(runs: Sequence[Run]) -> tuple[Series, ...]:
    """Runs by context, Service, mode and source, each series in the order of time, with its changes."""
    keys = sorted({_key(run) for run in runs})
    return tuple(
        _series(
            sorted(
                (run for run in runs if _key(run) == key),
                key=lambda run: (run.at_s, run.folder),
            )
        )
        for key in keys
    )


def _key(run: Run) -> tuple[str, str, str, str]:
    return run.context, run.service, run.mode, run.source


def _series(runs: list[Run]) -> Series:
    found = changepoints.changes([run.share for run in runs], seed=SEED)
    return Series(
        context=runs[0].context,
        service=runs[0].service,
        mode=runs[0].mode,
        runs=tuple(runs),
        shifts=tuple(
            Shift(
                last=runs[one.index - 1].folder,
                last_at_s=runs[one.index - 1].at_s,
                first=runs[one.index].folder,
                first_at_s=runs[one.index].at_s,
                before=one.before,
                after=one.after,
                p_value=one.p_value,
            )
            for one in found.changes
        ),
        enough=found.enough,
        source=runs[0].source,
    )
